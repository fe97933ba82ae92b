"""Texts and labels into arrays, and arrays into batches."""

from collections.abc import Sequence

import keras
import numpy as np

# Nothing is learned from a test batch: 25,000 reviews took 2.3 s in batches of 100, 2.0 s in 250 and 500, 50 MB more.
EVALUATION_BATCH_SIZE = 250


def pad(texts: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Return an int32 array `(len(texts), length)`: each text's last words, a shorter one with zeros in front."""
    return keras.utils.pad_sequences(texts, maxlen=length)


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return a float64 array `(len(labels), num_classes)`, as wide as that whatever labels, from 0 up, occur."""
    return keras.utils.to_categorical(labels, num_classes)


def batches(
    x: np.ndarray, y: np.ndarray, batch_size: int = EVALUATION_BATCH_SIZE, seed: int | None = None, skip: int = 0
):
    """Return the rows of `x` and `y` in batches, in a new order in each epoch if there is a seed.

    With plain arrays, `fit` stalls for two seconds or more at the end of many epochs, waiting for the thread of
    tf.data's autotuner (epochs of the Reuters model took 5.9 to 10.8 s at equal processor time, with autotuning off
    5.3 to 6.8 s). And after `keras.utils.set_random_seed` it shows the model the same batches in every epoch.
    (`python -m pytest --upstream tests/test_arrays.py` shows that, and that this has neither; Keras 3.15.)

    The seed determines all the orders; None keeps that of the arrays, as for a test set. `skip` is the number of epochs
    whose orders are left out, because an interrupted run has already had them. The number of batches is known.
    """
    import tensorflow as tf  # not above: asking a network on another backend does without

    with tf.device("CPU"):  # where the batches are made
        arrays = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    rows = tf.data.Dataset.range(len(x))
    if seed is not None:  # row numbers: shuffling whole rows costs more with many texts, in time and memory
        rows = rows.shuffle(len(x), seed=seed, reshuffle_each_iteration=True)
    dataset = rows.batch(batch_size).map(lambda batch: tuple(tf.gather(array, batch) for array in arrays))
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.prefetch(1).with_options(options)
    for _ in range(2 * skip):  # every iterator has a new order, and `fit` makes two for each epoch
        iter(dataset)
    return dataset
