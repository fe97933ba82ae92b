"""What is measured on a trained network: what it forgets, on networks made by hand, and what its embedding knows."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from plots.reference import forgetting, neighbours, runs, tables
from plots.reference.forgetting import NUMBERS
from tests.conftest import ROOT

PADDING, BAD, GOOD, NEUTRAL, STRONG = 0, 4, 5, 6, 7
Batches = tf.data.Dataset


def network(kept: float, values: dict[int, float], topics: bool = False) -> keras.Sequential:
    """A network that adds up the values of the words: its state keeps this share from word to word.

    It answers with the label 1 if the sum is above zero, by a sigmoid or as one of three topics.
    """
    model = keras.Sequential([keras.Input((100,), dtype="int32"), layers.Embedding(8, 1)])
    model.add(layers.SimpleRNN(1, activation="linear"))
    model.add(layers.Dense(3, "softmax") if topics else layers.Dense(1, "sigmoid"))
    vectors = np.zeros((8, 1))
    for number, value in values.items():
        vectors[number] = value
    last = [np.ones((1, 1)), np.zeros(1)]
    if topics:
        last = [np.array([[0, 1, 0]]), np.array([0, 0, -9])]
    model.set_weights([vectors, np.ones((1, 1)), np.full((1, 1), kept), np.zeros(1), *last])
    return model


def batches(texts: list[list[int]], labels: list[int], topics: bool = False) -> Batches:
    y = np.eye(3)[labels] if topics else np.array(labels)
    return Batches.from_tensor_slices((keras.utils.pad_sequences(texts, 100), y)).batch(2)


def accuracies(model: keras.Sequential, texts: list[list[int]], labels: list[int], **options: bool) -> dict[str, list]:
    """Measure with foreign words that are all NEUTRAL, where the label 1 is the commonest."""
    train = batches([[1, 2, NEUTRAL]] * 5, [0, 1, 1, 1, 0], **options)
    found = {}
    for behind, commonest, *numbers in forgetting.rows(model, train, batches(texts, labels, **options)):
        assert float(commonest) == pytest.approx(np.mean(np.array(labels) == 1), abs=1e-4)
        found[behind] = [float(number) for number in numbers]
    return found


@pytest.mark.parametrize(
    ("topics", "kept", "values", "words", "padding"),
    [
        (False, 1, {BAD: -1, GOOD: 1}, [1] * 8, [1] * 8),
        (True, 1, {BAD: -1, GOOD: 1}, [1] * 8, [1] * 8),
        # Only the last word counts.
        (False, 0, {BAD: -1, GOOD: 1, NEUTRAL: -1}, [1] + [2 / 3] * 7, [1] + [2 / 3] * 7),
        (True, 0, {BAD: -1, GOOD: 1, NEUTRAL: -1}, [1] + [2 / 3] * 7, [1] + [2 / 3] * 7),
        # The bad words sum up to -10. A neutral one takes a tenth of what is there, and adds 1: ten lift it above 0.
        (False, 0.9, {BAD: -1, GOOD: 1, NEUTRAL: 1}, [1] * 4 + [1 / 3] * 4, [1] * 8),
        (False, 0.9, {BAD: -1, GOOD: 1, PADDING: 1}, [1] * 8, [1] * 4 + [1 / 3] * 4),
    ],
    ids=["keeps all", "keeps topics", "forgets all", "forgets topics", "forgets over words", "forgets over paddings"],
)
def test_what_is_forgotten_and_what_is_kept(
    topics: bool, kept: float, values: dict[int, float], words: list[float], padding: list[float]
) -> None:
    texts = [[BAD] * 100, [GOOD] * 60, [BAD] * 50]
    found = accuracies(network(kept, values, topics), texts, [0, 1, 0], topics=topics)
    assert found == {"words": pytest.approx(words, abs=1e-4), "padding": pytest.approx(padding, abs=1e-4)}


def test_the_last_words_of_a_text_are_read_with_the_start_in_front() -> None:
    """Of a long text the last 50, unknown ones too, with the marker as long as there is room; a short one whole."""
    values = {BAD: -1, GOOD: 1, STRONG: 30}
    long, short = [1, *[STRONG] * 20, *[BAD, 2] * 25], [1, STRONG, *[BAD] * 20]
    assert accuracies(network(1, values), [long, short], [0, 1])["words"] == [1] * 8
    with_start = accuracies(network(1, values | {1: 30}), [long], [0])["words"]
    assert with_start == [0] * 7 + [1]


def test_foreign_words_are_drawn_as_often_as_they_occur() -> None:
    """No markers; and the same ones for a network that has seen the texts in another order."""
    x = np.array([[0, 1, 2, 4, 4, 4], [1, 4, 4, 4, 5, 5]])
    words = forgetting.foreign_words(x, 400)
    assert words.shape == (400, max(NUMBERS))
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


def test_the_table_and_the_figure_of_forgetting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "FORGETTING", tmp_path / "forgetting.csv")
    rows = [("run", "behind the text", "commonest label", 0, 5)]
    for seed, first in ((1, 0.7), (2, 0.9)):
        for name in ("reuters_lstm", "reuters_lstm-gru", "imdb_cnn_lstm-no_conv", "reuters_lstm-sample"):
            rows.append((f"seed{seed}/{name}.csv", "words", 0.4, first, 0.5))
            rows.append((f"seed{seed}/{name}.csv", "padding", 0.4, first, 0.3))
    runs.write_rows(tables.FORGETTING, rows)
    found = tables.read_forgetting()
    assert tables.forgetting_table(found).splitlines()[2:5] == [
        "| Reuters news | LSTM | words | 0.800 | 0.500 |",
        "| Reuters news | LSTM | padding | 0.800 | 0.300 |",
        "| Reuters news | GRU | words | 0.800 | 0.500 |",
    ]
    figure = tables.draw_forgetting(found)
    drawn = {axes.get_title(): axes for axes in figure.axes if axes.lines}
    assert list(drawn) == ["Reuters news", "IMDB reviews", "Sample news"]
    for lines in ([0.8, 0.5], [0.8, 0.3], [0.4, 0.4]):
        assert any(np.allclose(line.get_ydata(), lines) for line in drawn["IMDB reviews"].lines)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["LSTM", "GRU", "with paddings behind instead", "always the commonest label"]


@pytest.mark.slow
def test_a_run_whose_network_is_not_measured_yet_is_repeated_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its CSV and what it cost are replaced; then nothing is left to be run."""
    monkeypatch.setattr(runs, "HERE", tmp_path)
    for table in ("COSTS", "FORGETTING", "NEIGHBOURS"):
        monkeypatch.setattr(runs, table, tmp_path / f"{table.lower()}.csv")
    target = tmp_path / "seed1" / "imdb_cnn_lstm.csv"
    target.parent.mkdir()
    target.write_text("the old one")
    runs.write_rows(runs.COSTS, [("run", "parameters"), ("seed1/imdb_cnn_lstm.csv", "the old ones")])
    script = [ROOT / "tests" / "tiny.py", ROOT / "imdb_cnn_lstm.py", "--data", "sample", "--epochs", "1"]
    runs.run_all([(target, script)])
    assert [row[0] for row in runs.read_rows(target)] == ["epoch", "1"]
    header, costs = runs.read_rows(runs.COSTS)
    assert header == ["run", "parameters", "seconds of training", "peak memory MB", "processor"]
    assert costs[:2] == ["seed1/imdb_cnn_lstm.csv", "598165"]
    assert float(costs[2]) > 0
    assert 100 < int(costs[3]) < 10_000
    measured = runs.read_rows(runs.FORGETTING)[1:]
    assert [row[1] for row in measured] == ["words", "padding"]
    assert all(0 <= float(share) <= 1 for row in measured for share in row[2:])
    assert len(runs.read_rows(runs.NEIGHBOURS)) == 2

    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.csv")}
    runs.run_all([(target, script)])
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
