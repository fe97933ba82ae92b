"""The table by label has the scores that Keras gives."""

import re
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from common.arrays import one_hot
from common.running.answers import gives_probabilities, report


def table_of(said: str) -> dict[str, list[float]]:
    """Return of each row of the table precision, recall, F1 and texts."""
    assert "\n\nprecision recall    F1  texts  label\n" in said
    rows = re.findall(r"^ {3}(\d\.\d{3})  (\d\.\d{3}) (\d\.\d{3}) +(\d+)  (.+)$", said, re.MULTILINE)
    return {name: [float(number) for number in numbers] for *numbers, name in rows}


def f1_scores(truths: np.ndarray, probabilities: np.ndarray, average: str | None = None) -> np.ndarray:
    """What Keras says, with the truths one-hot."""
    score = keras.metrics.F1Score(average)
    score.update_state(truths.astype("float32"), probabilities.astype("float32"))
    return np.asarray(score.result())


@pytest.mark.parametrize(("num_labels", "is_one_hot"), [(2, False), (10, True), (11, False), (46, True)])
def test_the_report_has_the_scores_of_keras(num_labels: int, is_one_hot: bool) -> None:
    """Where every label occurs: F1 and its macro average; precision, recall and texts as counted here."""
    rng = np.random.default_rng(1)
    labels = np.append(np.minimum(rng.geometric(0.3, 400) - 1, num_labels - 1), np.arange(num_labels))
    truths = one_hot(labels, num_labels)
    probabilities = rng.random(truths.shape) + 0.9 * truths
    names = [f"label {number}" for number in range(num_labels)]
    given = truths if is_one_hot else labels
    table = table_of(report(probabilities, given, given, names))
    counts, answered = np.bincount(labels), probabilities.argmax(axis=1)
    order = np.argsort(-counts, kind="stable")
    others = [f"{num_labels - 10} others together"] if num_labels > 10 else []
    assert list(table) == [*(names[label] for label in order[:10]), *others, "macro average"]

    f1 = f1_scores(truths, probabilities)
    for label in order[:10]:
        right = np.sum((answered == label) & (labels == label))
        precision, recall = right / max(1, np.sum(answered == label)), right / counts[label]
        assert table[names[label]] == pytest.approx([precision, recall, f1[label], counts[label]], abs=6e-4)
    macro = float(f1_scores(truths, probabilities, "macro"))
    assert table["macro average"][2:] == pytest.approx([macro, len(labels)], abs=6e-4)
    if others:  # as if all texts of these labels were asked for at once
        rest, said_rest = np.isin(labels, order[10:]), np.isin(answered, order[10:])
        right = np.sum(rest & (answered == labels))
        expected = [right / said_rest.sum(), right / rest.sum(), 2 * right / (rest.sum() + said_rest.sum())]
        assert table[others[0]] == pytest.approx([*expected, rest.sum()], abs=6e-4)


def test_the_report_of_a_network_with_one_output() -> None:
    """As Keras rounds it: a half is the first label."""
    outputs = np.append(np.random.default_rng(1).random(200), [0.5, 0.5]).astype("float32")[:, None]
    labels = (np.arange(202) % 3 == 0).astype(int)
    table = table_of(report(outputs, labels, labels, ["negative", "positive"]))
    assert list(table) == ["negative", "positive", "macro average"]
    both = np.hstack([outputs <= 0.5, outputs > 0.5])
    f1 = f1_scores(one_hot(labels, 2), both)
    assert [row[2] for row in table.values()] == pytest.approx([*f1, f1.mean()], abs=6e-4)


def test_the_report_leaves_out_labels_that_never_occur_and_divides_by_nothing() -> None:
    """Of five labels "b" is only true, "c" only answered, "d" neither; as scikit-learn has it, x / 0 is 0."""
    truths, answered = np.array([0, 0, 0, 1, 4]), np.array([0, 0, 2, 0, 4])
    with warnings.catch_warnings(action="error"):
        said = report(np.eye(5)[answered], np.array([1, 1, 0]), truths, list("abcde"))
    assert said == (
        "Always answering 'b' would be right on 0.2000.\n\n"  # the training's commonest, which one knows before
        "precision recall    F1  texts  label\n"
        "   0.667  0.667 0.667      3  a\n"
        "   0.000  0.000 0.000      1  b\n"
        "   1.000  1.000 1.000      1  e\n"
        "   0.000  0.000 0.000      0  c\n"
        "   0.417  0.417 0.417      5  macro average\n"
        "Never answered: 1 of the test's 3 labels.\n"
        "Most often taken for another: a for c (1), b for a (1).\n"
    )
    occur = np.eye(5)[:, [0, 1, 2, 4]]
    assert f1_scores(occur[truths], occur[answered], "macro") == pytest.approx(0.41667, abs=1e-5)


@pytest.mark.parametrize(
    ("last", "num_labels", "expected"),
    [
        ([layers.Dense(3, "softmax")], 3, True),
        ([layers.Dense(3), layers.Softmax()], 3, True),
        ([layers.Dense(3), layers.Activation("softmax")], 3, True),
        ([layers.Dense(3, "softmax")], 4, False),
        ([layers.Dense(3)], 3, False),
        ([layers.Dense(1, "sigmoid")], 2, True),
        ([layers.Dense(1, "sigmoid")], 3, False),
        ([layers.Dense(2, "sigmoid")], 2, False),
        ([layers.Dense(1)], 2, False),
    ],
)
def test_which_networks_give_probabilities(last: list[keras.Layer], num_labels: int, expected: bool) -> None:
    assert gives_probabilities(keras.Sequential([keras.Input((4,)), *last]), num_labels) == expected


def test_the_commonest_confusions_come_first() -> None:
    """And of long labels, which may begin alike, the middle is left out."""
    truths = np.array([0] * 5 + [1] * 4 + [2] * 3 + [3] * 2)
    answered = np.array([1] * 4 + [0] + [2] * 3 + [1] + [0] * 2 + [2] + [0] + [3])
    said = report(np.eye(4)[answered], truths, truths, ["a" * 41 + "one", "a" * 41 + "two", "c", "d"])
    one, two = (f"{'a' * 20}\u2026{'a' * 16}{end}" for end in ("one", "two"))
    assert list(table_of(said)) == [one, two, "c", "d", "macro average"]
    assert said.endswith(f"\nMost often taken for another: {one} for {two} (4), {two} for c (3), c for {one} (2).\n")
    assert "taken for" not in report(np.eye(4)[truths], truths, truths, list("abcd"))
