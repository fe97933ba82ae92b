"""What is measured on a trained network: what it forgets, on networks made by hand, and what its embedding knows."""

from functools import cache

import keras
import numpy as np
import pytest
from keras import layers

from common.arrays import pad
from plots.reference import forgetting, neighbours

PADDING, BAD, GOOD, NEUTRAL, STRONG = 0, 4, 5, 6, 7


@cache
def built(topics: bool) -> keras.Sequential:
    """A network that answers by a sigmoid, or as one of three topics."""
    model = keras.Sequential([keras.Input((100,), dtype="int32"), layers.Embedding(8, 1)])
    model.add(layers.SimpleRNN(1, activation="linear"))
    model.add(layers.Dense(3, "softmax") if topics else layers.Dense(1, "sigmoid"))
    return model


def network(kept: float, values: dict[int, float], topics: bool = False) -> keras.Sequential:
    """A network that adds up the values of the words, and answers with the label 1 if the sum is above zero.

    Its state keeps this share from word to word.
    """
    model = built(topics)
    vectors = np.zeros((8, 1))
    for number, value in values.items():
        vectors[number] = value
    last = [np.ones((1, 1)), np.zeros(1)]
    if topics:
        last = [np.array([[0, 1, 0]]), np.array([0, 0, -9])]
    model.set_weights([vectors, np.ones((1, 1)), np.full((1, 1), kept), np.zeros(1), *last])
    return model


@pytest.mark.parametrize(
    ("topics", "kept", "values", "words", "padding"),
    [
        (False, 1, {BAD: -1, GOOD: 1}, [1] * 4, [1] * 4),
        # Only the last word counts.
        (True, 0, {BAD: -1, GOOD: 1, NEUTRAL: -1}, [1] + [2 / 3] * 3, [1] + [2 / 3] * 3),
        # The bad words sum up to -10. A neutral one takes a tenth of what is there, and adds 1: ten lift it above 0.
        (False, 0.9, {BAD: -1, GOOD: 1, NEUTRAL: 1}, [1, 1, 1 / 3, 1 / 3], [1] * 4),
        (False, 0.9, {BAD: -1, GOOD: 1, PADDING: 1}, [1] * 4, [1, 1, 1 / 3, 1 / 3]),
    ],
    ids=["keeps all", "forgets topics", "forgets over words", "forgets over paddings"],
)
def test_what_is_forgotten_and_what_is_kept(
    topics: bool, kept: float, values: dict, words: list, padding: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured with foreign words that are all NEUTRAL, where the label 1 is the commonest."""
    monkeypatch.setattr(forgetting, "NUMBERS", (0, 5, 10, 50))
    train = pad([[1, 2, NEUTRAL]] * 5, 100), np.array([0, 1, 1, 1, 0])
    test = pad([[BAD] * 100, [GOOD] * 60, [BAD] * 50], 100), np.array([0, 1, 0])
    rows = forgetting.rows([None, network(kept, values, topics)], train, test)
    assert [row[:2] for row in rows] == [["words", "0.3333"], ["padding", "0.3333"]]
    for row, expected in zip(rows, (words, padding), strict=True):
        assert [float(share) for share in row[2:]] == pytest.approx(expected, abs=1e-4)


def test_the_last_words_of_a_text_are_read_with_the_start_in_front() -> None:
    """Of a long text the last 50, unknown ones too, with the marker as long as there is room; a short one whole."""
    values = {BAD: -1, GOOD: 1, STRONG: 30}
    long, short = [1, *[STRONG] * 20, *[BAD, 2] * 25], [1, STRONG, *[BAD] * 20]
    test = pad([long, short], 100), np.array([0, 1])
    assert forgetting.accuracy(network(1, values), test, np.full((2, 30), NEUTRAL)) == 1
    for number, share in ((30, 0.5), (50, 1)):  # now the start makes of the long text a good one
        behind = np.full((2, number), NEUTRAL)
        assert forgetting.accuracy(network(1, values | {1: 30}), test, behind) == share


def test_foreign_words_are_drawn_as_often_as_they_occur() -> None:
    """No markers; and the same ones for a network that has seen the texts in another order."""
    x = np.array([[0, 1, 2, 4, 4, 4], [1, 4, 4, 4, 5, 5]])
    words = forgetting.foreign_words(x, 400)
    assert words.shape == (400, 50)
    assert set(words.flat) == {4, 5}
    assert np.mean(words == 4) == pytest.approx(0.75, abs=0.02)
    np.testing.assert_array_equal(words, forgetting.foreign_words(x[::-1], 400))


def texts_about(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texts of one word each, with that word's label, from the number 4 up, the frequent ones first."""
    words = np.repeat(np.arange(4, 4 + len(labels)), np.arange(len(labels), 0, -1))
    return words[:, None], labels[words - 4]


def test_nearest_words_with_the_same_label_and_what_chance_makes_of_it() -> None:
    labels = np.arange(200) % 4
    x, y = texts_about(labels)
    by_label = np.random.default_rng(1).normal(size=(204, 8)) + 9 * np.eye(8)[np.append([4] * 4, labels)]
    by_label[4:][labels == 0] /= 100  # the angle counts, not the length
    found, chance = neighbours.agreement(by_label, x, y)
    assert found == 1
    assert 4 / 19 < chance < 5 / 20  # so many are like it in its own band, where it is not its own neighbour; elsewhere
    at_random = np.random.default_rng(1).normal(size=(204, 8))
    assert neighbours.agreement(at_random, x, y)[0] == pytest.approx(0.25, abs=0.02)


def test_words_that_are_near_because_they_are_as_frequent_agree_by_chance() -> None:
    labels = np.repeat(np.arange(10), 20)  # each of the ten bands has its own
    vectors = np.random.default_rng(1).normal(size=(204, 10)) + 9 * np.eye(10)[np.append([0] * 4, labels)]
    assert neighbours.agreement(vectors, *texts_about(labels)) == (1, 1)


def test_a_words_label_is_the_one_that_gains_where_the_word_occurs() -> None:
    """Two of three texts with the word 6 have the label 0, as 5 of all 8 have; one has the label 1, as 2 of 8."""
    x = np.array([[5, 6], [5, 6], [5, 0], [5, 0], [5, 0], [5, 6], [5, 0], [8, 8]])
    y = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    words, labels = neighbours.labels_of_words(x, y, 12)
    assert words.tolist() == [5, 6, 8]
    assert labels.tolist() == [0, 1, 2]
