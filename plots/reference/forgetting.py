"""Forgetting, measured as forgetting: how often is a text's label still right with unrelated words behind it?"""

import keras
import numpy as np
import tensorflow as tf

from common.answers import probabilities
from common.arrays import pad
from common.words import FIRST_WORD, START

NUM_WORDS = 50  # of a text, its last ones: with as many words behind them they fill the networks' 100 places
NUMBERS = (0, 1, 2, 5, 10, 20, 30, 50)  # of words, or of paddings, behind the text
HEADER = ("run", "behind the text", "commonest label", *NUMBERS)


def arrays(batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the word numbers, of shape `(n, length)`, and the labels, as numbers, of all batches."""
    x, y = (np.concatenate(parts) for parts in zip(*batches.as_numpy_iterator(), strict=True))
    return x, y.argmax(axis=1) if y.ndim == 2 else y


def foreign_words(x_train: np.ndarray, num_texts: int) -> np.ndarray:
    """Return 50 real words for each text, drawn from the training as often as they occur there.

    They are the same for all networks, in whatever order these have seen the training's texts.
    """
    words = np.sort(x_train[x_train >= FIRST_WORD])
    return np.random.default_rng(1).choice(words, (num_texts, max(NUMBERS)))


def accuracy(model: keras.Sequential, x: np.ndarray, labels: np.ndarray, behind: np.ndarray) -> float:
    """Return how often the label is right if the last 50 words of each text have these words, or paddings, behind."""
    texts = []
    for row, words in zip(x, behind, strict=True):
        last = row[row > START][-NUM_WORDS:]
        texts.append([START, *last, *words])
    outputs = model.predict(pad(texts, x.shape[1]), batch_size=500, verbose=0)
    return float(np.mean(probabilities(outputs).argmax(axis=1) == labels))


def rows(model: keras.Sequential, train_batches: tf.data.Dataset, test_batches: tf.data.Dataset) -> list[tuple]:
    """Measure a trained network, first with foreign words behind the test's texts, then with paddings.

    Each row has what is behind, how often always answering the training's commonest label would be right, and the
    accuracy for each of the `NUMBERS`, where more words begin with those of fewer.
    """
    x_train, y_train = arrays(train_batches)
    x, labels = arrays(test_batches)
    commonest = np.mean(labels == np.bincount(y_train).argmax())
    foreign = foreign_words(x_train, len(x))
    measured = []
    for name, behind in (("words", foreign), ("padding", np.zeros_like(foreign))):
        accuracies = [accuracy(model, x, labels, behind[:, :number]) for number in NUMBERS]
        measured.append((name, f"{commonest:.4f}", *(f"{value:.4f}" for value in accuracies)))
    return measured
