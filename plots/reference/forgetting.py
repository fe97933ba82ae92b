"""What a network reads of a text: foreign words are put to it, or one is exchanged. Is the answer still the same?

Foreign words speak for other labels, and texts with them are unlike those of the training: that costs any network
something. What they cost more behind a text than in front of it is a sign of forgetting. (What they cost more in front
is not: a network may have learned how texts begin.) Before the last two words they leave the usual end of a text, in
Reuters "reuter 3", as it is. The average of the word vectors cannot forget, and loses the same in all places.
"""

import keras
import numpy as np

from common.arrays import pad
from common.running.answers import probabilities
from common.running.kernel import quicken
from common.texts.words import FIRST_WORD, START
from plots.reference.gradients import long_texts

NUM_WORDS = 50  # of a text, its last ones: with as many foreign ones they fill the networks' 100 places
NUMBERS = (0, 1, 2, 5, 10, 20, 30, 50)  # of foreign words
DISTANCES = (0, 1, 2, 5, 10, 20, 50, 90)  # of an exchanged word from the end of the text
MOST_TEXTS = 2500  # of IMDB's 25,000: all of them would take an hour more

# Where foreign words can stand, and how many of the text's last words come after them.
PLACES = {"behind": 0, "before the last two": 2, "in front": NUM_WORDS}


def foreign_words(x_train: np.ndarray, num_texts: int) -> np.ndarray:
    """Return 50 real words for each text, drawn from the training as often as they occur there.

    They are the same for all networks, in whatever order these have seen the training's texts.
    """
    words = np.sort(x_train[x_train >= FIRST_WORD])
    return np.random.default_rng(1).choice(words, (num_texts, max(NUMBERS)))


def answers(model: keras.Sequential, x: np.ndarray) -> np.ndarray:
    """Return the label that the network gives to each of the texts, `(n, length)`, as a number."""
    quicken(model)
    return probabilities(model.predict(x, batch_size=500, verbose=0)).argmax(axis=1)


def with_foreign(x: np.ndarray, foreign: np.ndarray, num_after: int, num_words: int = NUM_WORDS) -> np.ndarray:
    """Return the last words of each text with its foreign ones before the last `num_after` of them, `(n, length)`."""
    texts = []
    for row, words in zip(x, foreign, strict=True):
        last = row[row > START][-num_words:]
        place = max(0, len(last) - num_after)
        texts.append([START, *last[:place], *words, *last[place:]])
    return pad(texts, x.shape[1])


def rows(models: list[keras.Sequential], train: tuple, test: tuple) -> list:
    """Measure the last of the models, with foreign words in each of the `PLACES`.

    Training and test are word numbers, `(n, length)`, and labels. Each row has the place, how often always answering
    the training's commonest label would be right on the test, and for each of the `NUMBERS` the accuracy on its first
    `MOST_TEXTS`. More words begin with those of fewer.
    """
    x, labels = test[0][:MOST_TEXTS], test[1][:MOST_TEXTS]
    commonest = np.mean(test[1] == np.bincount(train[1]).argmax())
    foreign = foreign_words(train[0], len(x))
    found = []
    for place, num_after in PLACES.items():
        shares = [commonest]
        for number in NUMBERS:
            given = answers(models[-1], with_foreign(x, foreign[:, :number], num_after))
            shares.append(np.mean(given == labels))
        found.append([place, *(f"{share:.4f}" for share in shares)])
    return found


def exchanged_rows(models: list[keras.Sequential], train: tuple, test: tuple) -> list:
    """Exchange one word of each text for a foreign one, and return the shares of answers of the last model that change.

    One row: the number of texts, and a share for each of the `DISTANCES` that all of them have. The texts are those
    that `long_texts` chooses of the first `MOST_TEXTS`, whole ones; the word may be an unknown one, the foreign one is
    not.
    """
    x = test[0][:MOST_TEXTS]
    chosen, num_words = long_texts(x)
    x = x[chosen]
    foreign = foreign_words(train[0], len(x))
    before = answers(models[-1], x)
    shares = []
    for distance in DISTANCES:
        if distance >= num_words:
            shares.append("")
            continue
        others = x.copy()
        for text, words in zip(others, foreign, strict=True):
            text[-1 - distance] = words[words != text[-1 - distance]][0]
        shares.append(f"{np.mean(answers(models[-1], others) != before):.4f}")
    return [[len(x), *shares]]
