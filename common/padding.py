"""Texts of all lengths into one array."""

from collections.abc import Sequence

import keras
import numpy as np


def pad(texts: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Keep each text's last `length` words, and fill a shorter one up with zeros in front.

    It is `keras.utils.pad_sequences(texts, maxlen=length)`, less what that lets pass: lists nested in a text, which
    would become a third dimension.

    Args:
        texts: lists of word numbers, each of any length, 0 included.
        length: words in each row of the result.

    Returns:
        int32 array of shape `(len(texts), length)`.

    Raises:
        ValueError: if a text is not a list of numbers.
    """
    padded = keras.utils.pad_sequences(texts, maxlen=length)
    if padded.ndim != 2:
        raise ValueError(f"each text must be a flat list of word numbers, not of shape {padded.shape[2:]} elements")
    return padded
