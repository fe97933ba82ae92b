"""Do words that are near in a trained embedding speak for the same label, more often than chance would have it?

The measure was settled before its first result was seen. A word's label is the one that gains most where the word
occurs: its share among the training's texts with the word, less its share among all, is the largest. Measured is how
many of the ten words nearest to a word, by cosine, have the word's label, on the average over all words. By chance as
many would have it as of all words that are about as frequent as the near one: of its band among ten equal ones.
Embeddings put words of like frequency together, and these would often have the same label anyhow.
"""

import keras
import numpy as np

from common.ask import NEAREST
from common.texts.words import FIRST_WORD

NUM_BANDS = 10


def labels_of_words(x: np.ndarray, y: np.ndarray, num_words: int) -> tuple:
    """Return the real words that occur in the texts, the most frequent first as their numbers are, and their labels."""
    texts_with = np.zeros((num_words, y.max() + 1))
    for text, label in zip(x, y, strict=True):
        texts_with[np.unique(text), label] += 1
    words = np.flatnonzero(texts_with.sum(axis=1))
    words = words[words >= FIRST_WORD]
    shares = texts_with[words] / texts_with[words].sum(axis=1, keepdims=True)
    return words, (shares - np.bincount(y) / len(y)).argmax(axis=1)


def agreement(vectors: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple:
    """Return how many of the nearest words have the word's label, and how many would have it by chance, as shares.

    `vectors` are the embedding's, `x` the training's word numbers, `(n, length)`, and `y` their labels as numbers.
    """
    words, labels = labels_of_words(x, y, len(vectors))
    vectors = vectors[words] / np.linalg.norm(vectors[words], axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)  # no word is its own neighbour
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]

    is_other = ~np.eye(len(words), dtype=bool)
    agrees = (labels[:, None] == labels) & is_other
    bands = np.arange(len(words)) * NUM_BANDS // len(words)
    in_band = (bands[:, None] == np.arange(NUM_BANDS)).astype(np.float32)
    by_chance = (agrees @ in_band) / (is_other @ in_band)
    rows = np.arange(len(words))[:, None]
    return agrees[rows, nearest].mean(), by_chance[rows, bands[nearest]].mean()


def rows(models: list[keras.Sequential], train: tuple, test: tuple) -> list:
    """Measure the last of the models, as `agreement` does."""
    vectors = models[-1].layers[0].get_weights()[0]
    return [[f"{share:.4f}" for share in agreement(vectors, *train)]]
