"""Arrays into batches for `fit` and `evaluate`."""

import numpy as np
import tensorflow as tf

# Nothing is learned from a test batch, so it may be larger: 25,000 reviews took 2.3 s in batches of 100, 2.0 s in 250
# and in 500, which cost a Reuters run some 50 MB more.
EVALUATION_BATCH_SIZE = 250


def batches(
    x: np.ndarray, y: np.ndarray, batch_size: int = EVALUATION_BATCH_SIZE, seed: int | None = None, skip: int = 0
) -> tf.data.Dataset:
    """Return the rows of `x` and `y` in batches, in a new order in each epoch if there is a seed.

    With plain arrays, `fit` stalls for two seconds or more at the end of many epochs, waiting for the thread of
    tf.data's autotuner (epochs of the Reuters model took 5.9 to 10.8 s at equal processor time, with autotuning off
    5.3 to 6.8 s). And after `keras.utils.set_random_seed` it shows the model the same batches in the same order in
    every epoch. (`python -m pytest --upstream tests/test_batches.py` shows the second, and that this function has
    neither; TensorFlow 2.21, Keras 3.15.)

    Args:
        x: array of shape `(n, ...)`.
        y: array of shape `(n, ...)`.
        batch_size: rows in each batch; the last may have fewer.
        seed: determines all the orders. None keeps the rows in the order of the arrays, as for a test set.
        skip: epochs whose orders are left out, because an interrupted run has already had them.

    Returns:
        Dataset of `(x, y)` batches whose number is known.
    """
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
