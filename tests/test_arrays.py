"""What `pad`, `one_hot` and `report` return, the two faults that `batches` is there for, and that it has neither."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.arrays import batches, one_hot, pad, report

Rows = tuple[np.ndarray, np.ndarray]


def test_shorter_texts_are_filled_up_in_front() -> None:
    assert pad([[7, 8]], 4).tolist() == [[0, 0, 7, 8]]


def test_longer_texts_keep_their_last_words() -> None:
    text = list(range(1, 151))
    assert pad([text], 100).tolist() == [text[50:]]
    assert pad([text[:100]], 100).tolist() == [text[:100]]
    assert pad([text[:101]], 100).tolist() == [text[1:101]]


def test_arrays_of_lists_as_keras_returns_them() -> None:
    texts = np.empty(2, dtype=object)
    texts[:] = [[1, 2, 3], [4]]
    padded = pad(texts, 2)
    assert padded.tolist() == [[2, 3], [0, 4]]
    assert padded.dtype == np.int32


def test_each_row_has_a_single_one_in_its_place() -> None:
    encoded = one_hot(np.array([2, 0]), 3)
    assert encoded.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert encoded.dtype == np.float64


def test_the_width_does_not_depend_on_the_labels() -> None:
    assert one_hot(np.array([0, 3]), 46).shape == (2, 46)
    assert one_hot(np.array([45]), 46).shape == (1, 46)


def first_batches(x: object, y: object = None, epochs: int = 4, **arguments) -> list[list[int]]:
    """Train for some epochs, and return the rows of each epoch's first batch as the model saw them."""
    seen = []

    class Model(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return x[:, :1]

        def train_step(self, data: tuple) -> dict:
            seen.append(data[0][:, 0].numpy().astype(int).tolist())
            return {"loss": 0.0}

    model = Model()
    model.compile(run_eagerly=True)
    model.fit(x, y, epochs=epochs, verbose=0, **arguments)
    return seen[:: len(seen) // epochs]


@pytest.fixture
def rows() -> Rows:
    return np.arange(250, dtype="float32")[:, None], np.zeros(250)


@pytest.mark.upstream
def test_fit_alone_repeats_its_batches_after_seeding(rows: Rows) -> None:
    """The fault upstream. When this fails, Keras has mended it, and a half of `batches` can go."""
    keras.utils.set_random_seed(1)
    first, *others = first_batches(*rows, batch_size=100)
    assert others == [first] * 3


def test_each_epoch_sees_another_order(rows: Rows) -> None:
    keras.utils.set_random_seed(1)
    orders = first_batches(batches(*rows, 100, seed=1), shuffle=False)
    assert len({tuple(order) for order in orders}) == 4


def test_the_seed_determines_the_orders(rows: Rows) -> None:
    def orders(seed: int) -> list[list[int]]:
        keras.utils.set_random_seed(seed)
        return first_batches(batches(*rows, 100, seed=seed), shuffle=False)

    assert orders(1) == orders(1)
    assert orders(1) != orders(2)


def test_skipped_epochs_are_those_of_the_whole_run(rows: Rows) -> None:
    keras.utils.set_random_seed(1)
    whole = first_batches(batches(*rows, 100, seed=1), shuffle=False)
    keras.utils.set_random_seed(1)
    rest = first_batches(batches(*rows, 100, seed=1, skip=3), epochs=1, shuffle=False)
    assert rest == whole[3:]


def test_every_row_once_in_each_epoch(rows: Rows) -> None:
    dataset = batches(*rows, 100, seed=1)
    for _ in range(2):
        seen = np.concatenate([x[:, 0] for x, _ in dataset])
        assert sorted(seen.tolist()) == list(range(250))


def test_without_a_seed_the_rows_keep_their_order(rows: Rows) -> None:
    assert [x[0, 0] for x, _ in batches(*rows, 100).as_numpy_iterator()] == [0, 100, 200]


def test_the_number_of_batches_is_known_and_the_autotuner_is_off(rows: Rows) -> None:
    dataset = batches(*rows, 100, seed=1)
    assert int(dataset.cardinality()) == 3
    assert dataset.options().autotune.enabled is False


def read_report(said: str) -> tuple[tuple[str, float], dict[str, list[float]]]:
    """Return the commonest label with its share, and the table: of each row precision, recall, F1 and texts."""
    always, empty, header, *rows, end = said.split("\n")
    assert (empty, end) == ("", "")
    assert header.split() == ["precision", "recall", "F1", "texts", "label"]
    label, share = re.fullmatch(r"Always '(.+)' +(\d\.\d{4})", always).groups()
    found = [re.fullmatch(r" {3}(\d\.\d{3})  (\d\.\d{3}) (\d\.\d{3}) +(\d+)  (.+)", row).groups() for row in rows]
    return (label, float(share)), {name: [float(number) for number in numbers] for *numbers, name in found}


def answers(num_labels: int, num_texts: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a network that is right about half the time, and labels of which the first are the commonest."""
    rng = np.random.default_rng(seed)
    labels = np.append(np.minimum(rng.geometric(0.3, num_texts) - 1, num_labels - 1), np.arange(num_labels))
    probabilities = rng.random((len(labels), num_labels)) + 0.9 * np.eye(num_labels)[labels]
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype("float32"), labels


def f1_scores(truths: np.ndarray, probabilities: np.ndarray, average: str | None, **options: float) -> np.ndarray:
    """What Keras says, with the truths one-hot."""
    score = keras.metrics.F1Score(average, **options)
    score.update_state(truths.astype("float32"), probabilities.astype("float32"))
    return np.asarray(score.result())


@pytest.mark.parametrize("one_hot_labels", [False, True])
@pytest.mark.parametrize("num_labels", [2, 3, 10, 11, 46])
def test_the_report_has_the_scores_of_keras(num_labels: int, one_hot_labels: bool) -> None:
    """Where every label occurs, F1 and its macro average; precision, recall and texts as counted here."""
    probabilities, labels = answers(num_labels)
    names = [f"label {number}" for number in range(num_labels)]
    said = report(probabilities, one_hot(labels, num_labels) if one_hot_labels else labels, names)
    (always, share), table = read_report(said)
    counts, answered = np.bincount(labels), probabilities.argmax(axis=1)
    order = np.argsort(-counts, kind="stable")
    assert (always, share) == (names[order[0]], pytest.approx(counts.max() / len(labels), abs=5e-5))
    others = [f"{num_labels - 10} others together"] if num_labels > 10 else []
    assert list(table) == [*(names[label] for label in order[:10]), *others, "macro average"]

    f1 = f1_scores(one_hot(labels, num_labels), probabilities, None)
    for label in order[:10]:
        right = np.sum((answered == label) & (labels == label))
        precision, recall = right / max(1, np.sum(answered == label)), right / counts[label]
        assert table[names[label]] == pytest.approx([precision, recall, f1[label], counts[label]], abs=6e-4)
    _, _, macro, texts = table["macro average"]
    assert macro == pytest.approx(f1_scores(one_hot(labels, num_labels), probabilities, "macro"), abs=6e-4)
    assert texts == len(labels)
    if others:  # as if all texts of these labels were asked for at once
        rest, said_rest = np.isin(labels, order[10:]), np.isin(answered, order[10:])
        right = np.sum(rest & (answered == labels))
        expected = [right / said_rest.sum(), right / rest.sum(), 2 * right / (rest.sum() + said_rest.sum())]
        assert table[others[0]] == pytest.approx([*expected, rest.sum()], abs=6e-4)


def test_the_report_of_a_network_with_one_output() -> None:
    """As Keras rounds it: a half is the first label."""
    probabilities = np.append(np.random.default_rng(1).random(200), [0.5, 0.5]).astype("float32")[:, None]
    labels = (np.arange(202) % 3 == 0).astype(int)
    (always, share), table = read_report(report(probabilities, labels, ["negative", "positive"]))
    assert (always, share) == ("negative", pytest.approx(134 / 202, abs=5e-5))
    assert list(table) == ["negative", "positive", "macro average"]
    positive = f1_scores(labels[:, None], probabilities, None, threshold=0.5)
    assert table["positive"][2] == pytest.approx(positive[0], abs=6e-4)
    both = np.hstack([probabilities <= 0.5, probabilities > 0.5])
    negative, positive = f1_scores(one_hot(labels, 2), both, None)
    assert table["positive"][2] == pytest.approx(positive, abs=6e-4)
    assert table["negative"][2] == pytest.approx(negative, abs=6e-4)
    assert table["macro average"][2] == pytest.approx(f1_scores(one_hot(labels, 2), both, "macro"), abs=6e-4)


def test_the_report_leaves_out_labels_that_never_occur_and_divides_by_nothing() -> None:
    """Of five labels "b" is only true, "c" only answered, "d" neither; as scikit-learn has it, x / 0 is 0."""
    truths, answered = np.array([0, 0, 0, 1, 4]), np.array([0, 0, 2, 0, 4])
    with warnings.catch_warnings(action="error"):
        said = report(np.eye(5)[answered], truths, list("abcde"))
    assert said == (
        "Always 'a'     0.6000\n\n"
        "precision recall    F1  texts  label\n"
        "   0.667  0.667 0.667      3  a\n"
        "   0.000  0.000 0.000      1  b\n"
        "   1.000  1.000 1.000      1  e\n"
        "   0.000  0.000 0.000      0  c\n"
        "   0.417  0.417 0.417      5  macro average\n"
    )
    occur = np.eye(5)[:, [0, 1, 2, 4]]
    assert f1_scores(occur[truths], occur[answered], "macro") == pytest.approx(0.41667, abs=1e-5)


def test_the_report_of_texts_with_a_single_label() -> None:
    said = report(np.eye(3)[[1, 1]], np.array([1, 1]), ["a", "b", "c"])
    assert read_report(said) == (("b", 1), {"b": [1, 1, 1, 2], "macro average": [1, 1, 1, 2]})
