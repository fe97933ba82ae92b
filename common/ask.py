"""A trained network's answer to texts of your own: `python -m common.ask NETWORK.keras [TEXT ...]`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from common import checkpoint
from common.console import in_good_order, set_up_console, without_messages
from common.files import write
from common.options import Parser
from common.words import UNKNOWN, numbering, printable, split, to_numbers

if TYPE_CHECKING:  # Keras and Matplotlib take seconds: a wrong command line and a wrong file are answered at once
    import keras
    from matplotlib.figure import Figure

BATCH_SIZE = 500  # texts that are answered together
MOST_PANELS = 8  # texts in one figure
MISFIT = "its words, its labels and its layers do not fit together"


class Network(NamedTuple):
    """What the file holds: the model, each word's number, the labels' names, and how many words it reads."""

    model: keras.Model
    numbers: dict[str, int]
    labels: list[str]
    length: int


class Answer(NamedTuple):
    """What the network says ("negative 0.6818", None if it knows no word), the words it read, and all numbers."""

    verdict: str | None
    words: list[str]
    numbers: list[int]


def main() -> None:
    """Read the command line and the network's file, and answer each text with a line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # of TensorFlow not even the errors: it finds no GPU
    set_up_console()
    parser = Parser(
        prog="python -m common.ask",
        description="Ask a trained network about texts of your own. The answer to each is one line: the verdict with "
        "its probability, a tab, and the text as the network reads it, with [words] that it does not know.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", type=Path, metavar="NETWORK.keras", help="the network that a run has left")
    add("texts", nargs="*", default=[], metavar="TEXT", help="without any: from standard input, a text in each line")
    add("--output", type=Path, metavar="FILE.png",
        help=f"draw how the answer grows from word to word, for the first {MOST_PANELS} texts")  # fmt: skip
    options = parser.parse_intermixed_args()
    if options.output and options.output.suffix != ".png":
        parser.error(f"argument --output: must end in .png, not '{options.output}'")
    with in_good_order(), warnings.catch_warnings(action="ignore"):
        try:
            network = open_network(options.file)
        except Exception as error:  # the file may be damaged in any way, or made to be
            reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
            sys.exit(f"Cannot ask {options.file}: {printable(reason):.300}")
        sys.exit(_ask(network, options.texts, options.output))


def open_network(path: Path) -> Network:
    """Read the network, after seeing that the file holds nothing but what these scripts' networks are made of.

    Raises:
        Exception: of whatever kind, if it holds anything else or too little.
    """
    facts = checkpoint.read(path)
    checkpoint.check_objects(facts["config"])
    words, labels, last = facts.get("words"), facts.get("labels"), facts["config"]["config"]["layers"][-1]
    if not words:
        raise ValueError("it holds no words; go on with that run where the list of words can be had: --resume adds it")
    if not all(isinstance(part, list) and all(isinstance(word, str) for word in part) for part in (words, labels)):
        raise ValueError(MISFIT)
    with without_messages():
        import keras
    # The very configuration that was checked, and not compiled: asking needs no optimizer.
    model = keras.saving.deserialize_keras_object({**facts["config"], "compile_config": None}, safe_mode=True)
    model.load_weights(path)
    outputs = 1 if len(labels) == 2 else len(labels)
    probabilities = last["config"]["activation"] == ("sigmoid" if outputs == 1 else "softmax")
    if not probabilities or model.output_shape != (None, outputs) or len(words) > model.layers[0].input_dim:
        raise ValueError(MISFIT)
    network = Network(model, numbering(words), [printable(label) for label in labels], model.input_shape[1])
    answer(network, [""])  # whatever else is wrong with it shows here
    return network


def answer(network: Network, texts: list[str]) -> list[Answer]:
    """Answer the texts in one batch."""
    answers, labels = [], network.labels
    numbered = [to_numbers(text, network.numbers) for text in texts]
    for text, numbers, probabilities in zip(texts, numbered, _predict(network, numbered), strict=True):
        words = [
            printable(word) if word in network.numbers else f"[{printable(word)}]"
            for word in split(text)[-network.length :]
        ]
        best = np.argsort(-probabilities, kind="stable")[: 1 if len(labels) == 2 else 3]
        verdict = ", ".join(f"{labels[label]} {probabilities[label]:.4f}" for label in best)
        known = max(numbers[-network.length :]) > UNKNOWN
        answers.append(Answer(verdict if known else None, words, numbers))
    return answers


def draw_answers(network: Network, answers: list[Answer]) -> Figure:
    """Draw how each verdict grows: over a word stands the answer to the text's beginning up to there.

    Args:
        network: from `open_network`.
        answers: from `answer`, with verdicts.

    Returns:
        The figure, 12 inches wide, a panel for each text.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6 * len(answers)), dpi=150, layout="constrained")
    with rc_context({"text.parse_math": False}):  # a $ is a $
        panels = figure.subplots(len(answers), squeeze=False)[:, 0]
        for axes, (verdict, words, numbers) in zip(panels, answers, strict=True):
            named = [word if len(word) <= 20 else f"{word[:19]}\u2026" for word in words]
            ends = range(len(numbers) - len(words) + 1, len(numbers) + 1)
            probabilities = _predict(network, [numbers[:end] for end in ends])
            if len(network.labels) == 2:
                axes.plot(probabilities[:, 1], marker=".")
                axes.axhline(0.5, color="black", linestyle=":", linewidth=1)
                axes.set_ylabel(f"Probability of {network.labels[1]}")
            else:
                for label in np.argsort(-probabilities[-1], kind="stable")[:3]:
                    axes.plot(probabilities[:, label], marker=".", label=network.labels[label])
                axes.set_ylabel("Probability")
                axes.legend()
            size = 12 if len(words) <= 50 else 8
            axes.set_xticks(range(len(words)), named, rotation=90, fontsize=size)
            axes.set(title=verdict, xlim=(-0.5, len(words) - 0.5), ylim=(-0.03, 1.03))
            axes.grid(alpha=0.5)
    return figure


def _ask(network: Network, texts: list[str], output: Path | None) -> int:
    """Print the answers as the texts come, draw the first ones, and return the exit status."""
    prompt = not texts and sys.stdin is not None and sys.stdin.isatty()
    lines = map(_replace_bytes, texts) if texts else _lines(prompt)
    asked, answered, drawn = 0, 0, []
    try:
        while batch := list(islice(lines, 1 if prompt else BATCH_SIZE)):
            asked += len(batch)
            for found in answer(network, batch):
                answered += found.verdict is not None
                print(f"{found.verdict or 'unknown'}\t{' '.join(found.words)}")
                if found.verdict:
                    drawn += [found] if len(drawn) < MOST_PANELS else []
                else:
                    print(f"The network knows no word of '{' '.join(found.words)}'", file=sys.stderr)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not asked and not prompt:
        print("There is no text on standard input.", file=sys.stderr)
    if output and drawn and not write(output, lambda part: draw_answers(network, drawn).savefig(part)):
        return 1
    return 0 if answered or (prompt and not asked) else 1


def _lines(prompt: bool) -> Iterator[str]:
    """Yield the lines of standard input but the empty ones."""
    if sys.stdin:
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace", newline=None)
    while True:
        print("> " * prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline() if sys.stdin else ""
        if not line:
            break
        if line.strip():
            yield line
    print("\n" * prompt, end="", file=sys.stderr)


def _replace_bytes(text: str) -> str:
    """Replace what Python keeps of bytes on the command line that were not UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _predict(network: Network, texts: list[list[int]]) -> np.ndarray:
    """Return the probability of each label for each text, of shape `(texts, labels)`."""
    from common.padding import pad

    outputs = network.model.predict_on_batch(pad(texts, network.length))
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


if __name__ == "__main__":
    main()
