"""What is measured on a trained network: what it forgets, on networks made by hand, and what its embedding knows."""

from functools import cache

import keras
import numpy as np
import pytest
from keras import layers

from common.arrays import pad
from plots.reference import forgetting, neighbours

BAD, GOOD, NEUTRAL = 4, 5, 6


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


COUNTS, READS_THE_LAST = 1, 0  # the share that the state keeps


@pytest.mark.parametrize(
    ("topics", "kept", "in_front", "before_two", "behind"),
    [
        # Two neutral words leave three good ones a majority, five do not, wherever they stand.
        (False, COUNTS, [1, 1, 0.75, 0.75], [1, 1, 0.75, 0.75], [1, 1, 0.75, 0.75]),
        # A neutral word at the end is all that counts.
        (True, READS_THE_LAST, [1] * 4, [1] * 4, [1, 0.5, 0.5, 0.5]),
    ],
    ids=["counts", "reads the last word"],
)
def test_what_counts_and_what_reads_the_last_word_are_told_apart(
    topics: bool, kept: float, in_front: list, before_two: list, behind: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By foreign words that are all NEUTRAL, where 0 is the training's commonest label."""
    monkeypatch.setattr(forgetting, "NUMBERS", (0, 2, 5, 20))
    train = pad([[1, 2, NEUTRAL]] * 5, 100), np.array([0, 1, 1, 0, 0])
    test = pad([[BAD] * 100, [GOOD] * 60, [BAD] * 50, [GOOD] * 3], 100), np.array([0, 1, 0, 1])
    model = network(kept, {BAD: -1, GOOD: 1, NEUTRAL: -1}, topics)
    found = {place: cells for place, *cells in forgetting.rows([None, model], train, test)}
    expected = {"in front": in_front, "before the last two": before_two, "behind": behind}
    assert found.keys() == expected.keys()
    for place, shares in expected.items():
        assert [float(cell) for cell in found[place]] == [0.5, *shares], place


@pytest.mark.parametrize(
    ("kept", "changed"),
    [(COUNTS, [1, 1, 1, 1, 1]), (READS_THE_LAST, [1, 0, 0, 0, 0])],
    ids=["counts", "reads the last word"],
)
def test_one_exchanged_word_tells_them_apart(kept: float, changed: list) -> None:
    """The texts have two good words more than bad ones, and a good one last; NEUTRAL in place of any turns that."""
    train = pad([[NEUTRAL]], 100), np.array([0])
    text = [BAD, GOOD] * 5 + [GOOD] * 2
    test = pad([text] * 100, 100), np.array([1] * 100)
    values = {BAD: -1, GOOD: 1, NEUTRAL: -4}
    ((num_texts, *shares),) = forgetting.exchanged_rows([None, network(kept, values)], train, test)
    assert num_texts == 100
    assert [float(share) for share in shares[:5]] == changed
    assert shares[5:] == ["", "", ""]  # twelve words have no distance of 20


def test_a_word_is_exchanged_for_another_one() -> None:
    """Half of the words that are drawn are the word itself, and are passed over."""
    train = pad([[GOOD, NEUTRAL]], 100), np.array([0])
    test = pad([[GOOD] * 12] * 100, 100), np.array([1] * 100)
    model = network(READS_THE_LAST, {GOOD: 1, NEUTRAL: -1})
    ((_, share, *_),) = forgetting.exchanged_rows([model], train, test)
    assert share == "1.0000"


@pytest.mark.parametrize(
    ("num_after", "expected"),
    [(0, [1, 6, 7, 8, 4, 5]), (2, [1, 6, 4, 5, 7, 8]), (9, [1, 4, 5, 6, 7, 8])],
    ids=["behind", "before the last two", "in front"],
)
def test_where_the_foreign_words_stand(num_after: int, expected: list) -> None:
    """With the last words of a text, and the start in front; short texts are read whole."""
    x = pad([[1, 9, 6, 7, 8], [1, 7, 8], [1]], 7)
    texts = forgetting.with_foreign(x, np.array([[4, 5]] * 3), num_after, num_words=3)
    assert texts[0].tolist() == [0, *expected]
    assert texts[1].tolist() == [0, 0, *(word for word in expected if word != 6)]
    assert texts[2].tolist() == [0, 0, 0, 0, 1, 4, 5]


def test_where_there_is_no_room_the_start_is_left_out() -> None:
    texts = forgetting.with_foreign(np.array([[9, 6, 7, 8, 9]]), np.array([[4, 5]]), 0, num_words=3)
    assert texts.tolist() == [[7, 8, 9, 4, 5]]


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
