"""What `pad` and `one_hot` return, the two faults that `batches` is there for, and that it has neither."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.arrays import batches, one_hot, pad

Rows = tuple[np.ndarray, np.ndarray]


def test_texts_keep_their_last_words_and_are_filled_up_in_front() -> None:
    padded = pad([[7, 8], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6]], 4)
    assert padded.tolist() == [[0, 0, 7, 8], [1, 2, 3, 4], [3, 4, 5, 6]]
    assert padded.dtype == np.int32


def test_each_row_has_a_single_one_in_its_place() -> None:
    encoded = one_hot(np.array([2, 0]), 3)
    assert encoded.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert encoded.dtype == np.float64
    assert one_hot(np.array([0, 3]), 46).shape == (2, 46)  # whatever labels occur


def first_batches(x: object, y: object = None, epochs: int = 4, **arguments) -> list[list[int]]:
    """Train for some epochs, and return the rows of each epoch's first batch as the model saw them."""
    seen = []

    class Model(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return x[:, :1]

        def train_step(self, data: tuple) -> dict:
            seen.append(data[0][:, 0].numpy().astype(int).tolist())
            return {"loss": 0.0}

    model = Model()
    model.compile(run_eagerly=True)
    model.fit(x, y, epochs=epochs, verbose=0, **arguments)
    return seen[:: len(seen) // epochs]


@pytest.fixture
def rows() -> Rows:
    keras.utils.set_random_seed(1)
    return np.arange(250, dtype="float32")[:, None], np.zeros(250)


@pytest.mark.upstream
def test_fit_alone_repeats_its_batches_after_seeding(rows: Rows) -> None:
    """The fault upstream. When this fails, Keras has mended it, and a half of `batches` can go."""
    first, *others = first_batches(*rows, batch_size=100)
    assert others == [first] * 3


def test_each_epoch_has_another_order_which_the_seed_determines(rows: Rows) -> None:
    one, again, other = (first_batches(batches(*rows, 100, seed=seed), shuffle=False) for seed in (1, 1, 2))
    assert len({tuple(order) for order in one}) == 4
    assert one == again
    assert one != other


def test_skipped_epochs_are_those_of_the_whole_run(rows: Rows) -> None:
    whole = first_batches(batches(*rows, 100, seed=1), shuffle=False)
    rest = first_batches(batches(*rows, 100, seed=1, skip=3), epochs=1, shuffle=False)
    assert rest == whole[3:]


def test_every_row_once_in_each_epoch(rows: Rows) -> None:
    """In a number of batches that is known before, for the progress bar; and without the autotuner."""
    dataset = batches(*rows, 100, seed=1)
    assert int(dataset.cardinality()) == 3
    assert dataset.options().autotune.enabled is False
    for _ in range(2):
        seen = np.concatenate([x[:, 0] for x, _ in dataset])
        assert sorted(seen.tolist()) == list(range(250))


def test_without_a_seed_the_rows_keep_their_order(rows: Rows) -> None:
    assert [x[0, 0] for x, _ in batches(*rows, 100).as_numpy_iterator()] == [0, 100, 200]
