"""Forgetting, measured as forgetting: how often is a text's label still right with unrelated words behind it?"""

import keras
import numpy as np

from common.arrays import pad
from common.running.answers import probabilities
from common.texts.words import FIRST_WORD, START

NUM_WORDS = 50  # of a text, its last ones: with as many words behind them they fill the networks' 100 places
NUMBERS = (0, 1, 2, 5, 10, 20, 30, 50)  # of words, or of paddings, behind the text


def foreign_words(x_train: np.ndarray, num_texts: int) -> np.ndarray:
    """Return 50 real words for each text, drawn from the training as often as they occur there.

    They are the same for all networks, in whatever order these have seen the training's texts.
    """
    words = np.sort(x_train[x_train >= FIRST_WORD])
    return np.random.default_rng(1).choice(words, (num_texts, max(NUMBERS)))


def accuracy(model: keras.Sequential, test: tuple, behind: np.ndarray, num_words: int = NUM_WORDS) -> float:
    """Return how often the label is right if the last words of each text have these words, or paddings, behind."""
    x, labels = test
    texts = []
    for row, words in zip(x, behind, strict=True):
        last = row[row > START][-num_words:]
        texts.append([START, *last, *words])
    outputs = model.predict(pad(texts, x.shape[1]), batch_size=500, verbose=0)
    return np.mean(probabilities(outputs).argmax(axis=1) == labels)


def rows(models: list[keras.Sequential], train: tuple, test: tuple) -> list:
    """Measure the last of the models, first with foreign words behind the test's texts, then with paddings.

    Training and test are word numbers, `(n, length)`, and labels. Each row has what is behind, how often always
    answering the training's commonest label would be right, and the accuracy for each of the `NUMBERS`, where more
    words begin with those of fewer.
    """
    commonest = np.mean(test[1] == np.bincount(train[1]).argmax())
    foreign = foreign_words(train[0], len(test[0]))
    found = []
    for name, behind in (("words", foreign), ("padding", np.zeros_like(foreign))):
        accuracies = [accuracy(models[-1], test, behind[:, :number]) for number in NUMBERS]
        found.append([name, *(f"{share:.4f}" for share in (commonest, *accuracies))])
    return found
