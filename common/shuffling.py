"""Words out of their order: what is order worth?"""

import numpy as np


def shuffle_words(texts: np.ndarray, seed: int) -> np.ndarray:
    """Put each text's words in a random order; padding (0) and start marker (1), in front, stay where they are.

    Args:
        texts: word numbers of shape `(n, length)`, from `pad`.
        seed: determines all the orders.

    Returns:
        New array of the same shape and type, each row with the same numbers.
    """
    places = np.random.default_rng(seed).random(texts.shape)
    places[texts <= 1] = -1
    return np.take_along_axis(texts, places.argsort(axis=1, kind="stable"), axis=1)
