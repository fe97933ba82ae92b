"""The table by label has the scores that Keras gives."""

import re
import warnings

import keras
import numpy as np
import pytest

from common.answers import report
from common.arrays import one_hot


def read_report(said: str) -> tuple[tuple[str, float], dict[str, list[float]], list[str]]:
    """Return the baseline's label and share, of each row of the table precision, recall, F1 and texts, and the rest."""
    always, empty, header, *rest, end = said.split("\n")
    assert (empty, end) == ("", "")
    assert header.split() == ["precision", "recall", "F1", "texts", "label"]
    label, share = re.fullmatch(r"Always answering '(.+)' would be right on (\d\.\d{4})\.", always).groups()
    rows = [row for row in rest if row.startswith("   ")]
    found = [re.fullmatch(r" {3}(\d\.\d{3})  (\d\.\d{3}) (\d\.\d{3}) +(\d+)  (.+)", row).groups() for row in rows]
    table = {name: [float(number) for number in numbers] for *numbers, name in found}
    return (label, float(share)), table, rest[len(rows) :]


def answers(num_labels: int, num_texts: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a network that is right about half the time, and labels of which the first are the commonest."""
    rng = np.random.default_rng(seed)
    labels = np.append(np.minimum(rng.geometric(0.3, num_texts) - 1, num_labels - 1), np.arange(num_labels))
    probabilities = rng.random((len(labels), num_labels)) + 0.9 * np.eye(num_labels)[labels]
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype("float32"), labels


def f1_scores(truths: np.ndarray, probabilities: np.ndarray, average: str | None = None) -> np.ndarray:
    """What Keras says, with the truths one-hot."""
    score = keras.metrics.F1Score(average)
    score.update_state(truths.astype("float32"), probabilities.astype("float32"))
    return np.asarray(score.result())


@pytest.mark.parametrize("one_hot_labels", [False, True])
@pytest.mark.parametrize("num_labels", [2, 10, 11, 46])
def test_the_report_has_the_scores_of_keras(num_labels: int, one_hot_labels: bool) -> None:
    """Where every label occurs, F1 and its macro average; precision, recall and texts as counted here."""
    probabilities, labels = answers(num_labels)
    truths = one_hot(labels, num_labels)
    names = [f"label {number}" for number in range(num_labels)]
    given = truths if one_hot_labels else labels
    (always, share), table, _ = read_report(report(probabilities, given, given, names))
    counts, answered = np.bincount(labels), probabilities.argmax(axis=1)
    order = np.argsort(-counts, kind="stable")
    assert (always, share) == (names[order[0]], pytest.approx(counts.max() / len(labels), abs=5e-5))
    others = [f"{num_labels - 10} others together"] if num_labels > 10 else []
    assert list(table) == [*(names[label] for label in order[:10]), *others, "macro average"]

    f1 = f1_scores(truths, probabilities)
    for label in order[:10]:
        right = np.sum((answered == label) & (labels == label))
        precision, recall = right / max(1, np.sum(answered == label)), right / counts[label]
        assert table[names[label]] == pytest.approx([precision, recall, f1[label], counts[label]], abs=6e-4)
    _, _, macro, texts = table["macro average"]
    assert macro == pytest.approx(f1_scores(truths, probabilities, "macro"), abs=6e-4)
    assert texts == len(labels)
    if others:  # as if all texts of these labels were asked for at once
        rest, said_rest = np.isin(labels, order[10:]), np.isin(answered, order[10:])
        right = np.sum(rest & (answered == labels))
        expected = [right / said_rest.sum(), right / rest.sum(), 2 * right / (rest.sum() + said_rest.sum())]
        assert table[others[0]] == pytest.approx([*expected, rest.sum()], abs=6e-4)


def test_the_report_of_a_network_with_one_output() -> None:
    """As Keras rounds it: a half is the first label."""
    outputs = np.append(np.random.default_rng(1).random(200), [0.5, 0.5]).astype("float32")[:, None]
    labels = (np.arange(202) % 3 == 0).astype(int)
    (always, share), table, _ = read_report(report(outputs, labels, labels, ["negative", "positive"]))
    assert (always, share) == ("negative", pytest.approx(134 / 202, abs=5e-5))
    assert list(table) == ["negative", "positive", "macro average"]
    both = np.hstack([outputs <= 0.5, outputs > 0.5])
    negative, positive = f1_scores(one_hot(labels, 2), both)
    found = [table[name][2] for name in table]
    assert found == pytest.approx([negative, positive, (negative + positive) / 2], abs=6e-4)


def test_the_report_leaves_out_labels_that_never_occur_and_divides_by_nothing() -> None:
    """Of five labels "b" is only true, "c" only answered, "d" neither; as scikit-learn has it, x / 0 is 0."""
    truths, answered = np.array([0, 0, 0, 1, 4]), np.array([0, 0, 2, 0, 4])
    with warnings.catch_warnings(action="error"):
        said = report(np.eye(5)[answered], truths, truths, list("abcde"))
    assert said == (
        "Always answering 'a' would be right on 0.6000.\n\n"
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


def test_the_baseline_is_the_commonest_label_of_the_training() -> None:
    """Which one knows before the test; and where every answer is right, nothing is said of wrong ones."""
    y_train, y_test = np.array([0, 0, 0, 1]), np.array([1, 1, 1, 0])
    said = report(np.eye(3)[y_test], y_train, y_test, ["a", "b", "c"])
    table = {"b": [1, 1, 1, 3], "a": [1, 1, 1, 1], "macro average": [1, 1, 1, 4]}
    assert read_report(said) == (("a", 0.25), table, [])


def test_the_commonest_confusions_come_first() -> None:
    truths = np.array([0] * 5 + [1] * 4 + [2] * 3 + [3] * 2)
    answered = np.array([1] * 4 + [0] + [2] * 3 + [1] + [0] * 2 + [2] + [0] + [3])
    _, table, (line,) = read_report(report(np.eye(4)[answered], truths, truths, ["a" * 50, "b", "c", "d"]))
    assert line == f"Most often taken for another: {'a' * 40} for b (4), b for c (3), c for {'a' * 40} (2)."
    assert list(table) == ["a" * 40, "b", "c", "d", "macro average"]
