"""Do words that are near in a trained embedding speak for the same label, more often than chance would have it?

The measure was settled before its first result was seen. A word's label is the one that gains most where the word
occurs: its share among the training's texts with the word, less its share among all, is the largest. Measured is how
many of the ten words nearest to a word, by cosine, have the word's label, on the average over all words. By chance as
many would have it as of all words that are about as frequent as the near one: of its band among ten equal ones.
Embeddings put words of like frequency together, and these would often have the same label anyhow.
"""

import keras
import numpy as np
import tensorflow as tf

from common.ask import NEAREST
from common.words import FIRST_WORD
from plots.reference.forgetting import arrays

NUM_BANDS = 10
HEADER = ("run", "of the nearest", "by chance")


def labels_of_words(x: np.ndarray, y: np.ndarray, num_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the real words that occur in the texts, the most frequent first as their numbers are, and their labels."""
    texts_with = np.zeros((num_words, y.max() + 1))
    for text, label in zip(x, y, strict=True):
        texts_with[np.unique(text), label] += 1
    words = np.flatnonzero(texts_with.sum(axis=1))
    words = words[words >= FIRST_WORD]
    shares = texts_with[words] / texts_with[words].sum(axis=1, keepdims=True)
    return words, (shares - np.bincount(y) / len(y)).argmax(axis=1)


def agreement(vectors: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return how many of the nearest words have the word's label, and how many would have it by chance, as shares.

    `vectors` are the embedding's, `x` the training's word numbers, `(n, length)`, and `y` their labels as numbers.
    """
    words, labels = labels_of_words(x, y, len(vectors))
    vectors = vectors[words] / np.linalg.norm(vectors[words], axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)  # no word is its own neighbour
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]

    agrees = labels[:, None] == labels
    is_other = ~np.eye(len(words), dtype=bool)
    bands = np.arange(len(words)) * NUM_BANDS // len(words)
    in_band = [(agrees & is_other)[:, bands == band].sum(axis=1) for band in range(NUM_BANDS)]
    others = [is_other[:, bands == band].sum(axis=1) for band in range(NUM_BANDS)]
    by_chance = np.transpose(in_band) / np.transpose(others)
    found = np.take_along_axis(agrees, nearest, axis=1)
    expected = np.take_along_axis(by_chance, bands[nearest], axis=1)
    return float(found.mean()), float(expected.mean())


def row(model: keras.Sequential, train_batches: tf.data.Dataset) -> tuple[str, str]:
    """Measure a trained network's embedding, as `agreement` does."""
    found, expected = agreement(model.layers[0].get_weights()[0], *arrays(train_batches))
    return f"{found:.4f}", f"{expected:.4f}"
