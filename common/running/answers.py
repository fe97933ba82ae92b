"""What a network's outputs say: the answer to a text, and how good all answers are, label by label."""

from collections import Counter

import numpy as np

from common.running.files import shortened

MOST_ROWS = 10  # labels with a row of their own
MOST_CONFUSIONS = 3


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return the probability of each label, `(texts, labels)`; a sigmoid's outputs, `(texts, 1)`, are the second's."""
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs


def gives_probabilities(model, num_labels: int) -> bool:
    """Return whether the network's outputs are probabilities: a softmax over the labels, or a sigmoid for two."""
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    kind = type(last).__name__ if activation is None else activation.__name__
    if kind == "sigmoid":
        return num_labels == 2 and model.output_shape[-1] == 1
    return kind in ("softmax", "Softmax") and model.output_shape[-1] == num_labels  # a function, or a layer by itself


def likeliest(of_labels: np.ndarray) -> np.ndarray:
    """Return the labels that a text's answer names, the likeliest first: one of two, three of more."""
    most = 1 if len(of_labels) == 2 else 3
    return np.argsort(-of_labels, kind="stable")[:most]


def report(outputs: np.ndarray, y_train: np.ndarray, y_test: np.ndarray, labels: list[str]) -> str:
    """Return what the answers to the test are worth: a baseline, a table by label, and the commonest confusions.

    The baseline is the training's commonest label, which one knows before the test. `outputs` are the network's for the
    test, `y_train` and `y_test` the labels as numbers or one-hot. Scores as scikit-learn has them: over the labels that
    occur in the test or among the answers, and x / 0 is 0.
    """
    answers = probabilities(outputs).argmax(axis=1)
    truths = _numbers(y_test)
    commonest = np.bincount(_numbers(y_train)).argmax()
    names = [shortened(label) for label in labels]
    right = np.bincount(truths[answers == truths], minlength=len(labels))
    answered = np.bincount(answers, minlength=len(labels))
    true = np.bincount(truths, minlength=len(labels))
    share = true[commonest] / len(truths)
    lines = [f"Always answering '{names[commonest]}' would be right on {share:.4f}.", ""]
    lines += _table(right, answered, true, names)
    never = np.count_nonzero((true > 0) & (answered == 0))
    if never:
        lines.append(f"Never answered: {never} of the test's {np.count_nonzero(true)} labels.")
    wrong = Counter((truth, answer) for truth, answer in zip(truths, answers, strict=True) if truth != answer)
    shown = [f"{names[truth]} for {names[answer]} ({n})" for (truth, answer), n in wrong.most_common(MOST_CONFUSIONS)]
    if shown:
        lines.append(f"Most often taken for another: {', '.join(shown)}.")
    return "\n".join(lines) + "\n"


def _table(right: np.ndarray, answered: np.ndarray, true: np.ndarray, names: list[str]) -> list[str]:
    """Return the table's lines, from each label's counts: ten labels, the others together, and the macro average."""
    occurring = np.flatnonzero(answered + true)
    order = occurring[np.argsort(-true[occurring], kind="stable")]
    lines = ["precision recall    F1  texts  label"]
    for label in order[:MOST_ROWS]:
        lines.append(_row(names[label], right[label], answered[label], true[label]))
    others = order[MOST_ROWS:]
    if len(others):
        name = f"{len(others)} others together"
        lines.append(_row(name, right[others].sum(), answered[others].sum(), true[others].sum()))
    lines.append(_row("macro average", right[order], answered[order], true[order]))
    return lines


def _numbers(y: np.ndarray) -> np.ndarray:
    """Return the labels as numbers, whether they are so or one-hot."""
    return y.argmax(axis=1) if y.ndim == 2 else y


def _row(name: str, right: np.ndarray, answered: np.ndarray, true: np.ndarray) -> str:
    """Return a line of the table: the scores of one label's counts, or the means over several labels' scores."""
    precision = np.mean(right / np.maximum(answered, 1))
    recall = np.mean(right / np.maximum(true, 1))
    f1 = np.mean(2 * right / np.maximum(answered + true, 1))
    return f"   {precision:.3f}  {recall:.3f} {f1:.3f} {np.sum(true):6}  {name}"
