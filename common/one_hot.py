"""Class numbers as rows of zeros with a single one."""

import keras
import numpy as np


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Encode labels with the same width whatever labels occur.

    It is `keras.utils.to_categorical(labels, num_classes)`, less what that lets pass: -1 would become the last
    class, 1.7 the class 1. Without `num_classes`, as in the article, the width is the largest label that occurs
    plus one, and a test set that lacks the last topic no longer fits the model.

    Args:
        labels: whole numbers from 0 to `num_classes` - 1, of shape `(n,)`.
        num_classes: width of the result.

    Returns:
        float64 array of shape `(n, num_classes)`.

    Raises:
        ValueError: if one of the labels is not a whole number or is out of range.
    """
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be whole numbers, not {labels.dtype}")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"labels must lie in 0 to {num_classes - 1}, not {labels.min()} to {labels.max()}")
    return keras.utils.to_categorical(labels, num_classes)
