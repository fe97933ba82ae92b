"""A trained network's answer to texts of your own: `python -m common.ask NETWORK.keras [TEXT ...]`."""

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import checkpoint
from common.files import one_line
from common.options import set_up_process
from common.words import UNKNOWN, numbering, printable, split, to_numbers

BATCH_SIZE = 500  # texts that are answered together
MOST_PANELS = 8  # texts in one figure


class Network(NamedTuple):
    model: object  # a `keras.Sequential`; Keras is imported when command line and file have been looked at
    numbers: dict[str, int]  # of the words
    labels: list[str]
    length: int  # how many words it reads


class Answer(NamedTuple):
    verdict: str | None  # "negative 0.6818"; None if it knows no word
    words: list[str]  # that it read
    numbers: list[int]  # of all words


def main() -> None:
    """Read the command line and the network's file, and answer each text with a line."""
    parser = argparse.ArgumentParser("python -m common.ask", allow_abbrev=False)
    parser.description = """Ask a trained network about texts of your own. The answer to each is one line: the verdict
        with its probability, a tab, and the text as the network reads it, with [words] that it does not know."""
    add = parser.add_argument
    add("file", type=Path, metavar="NETWORK.keras", help="the network that a run has left")
    add("texts", nargs="*", metavar="TEXT", help="without any: from standard input, a text in each line")
    add("--output", type=Path, metavar="FILE.png",
        help=f"draw how the answer grows from word to word, for the first {MOST_PANELS} texts")  # fmt: skip
    options = parser.parse_intermixed_args()
    if options.output and options.output.suffix != ".png":
        parser.error(f"argument --output: must end in .png, not '{options.output}'")
    warnings.simplefilter("ignore")
    try:
        network = open_network(options.file)
    except Exception as error:  # the file may be damaged in any way, or made to be
        sys.exit(f"Cannot ask {options.file}: {one_line(error)}")
    sys.exit(_ask(network, options.texts, options.output))


def open_network(path: Path) -> Network:
    """Read the network that a run has left; an Exception, of whatever kind, if the file is none."""
    facts = checkpoint.read(path)
    if not facts["words"]:
        raise ValueError("it holds no words; go on with that run where the list of words can be had: --resume adds it")
    "".join(facts["words"] + facts["labels"])  # lists of strings, or this is a TypeError
    set_up_process()
    model = checkpoint.rebuild(facts)
    model.load_weights(path)
    if len(facts["words"]) > model.layers[0].input_dim:
        raise ValueError("it has more words than its first layer")
    labels = [printable(label) for label in facts["labels"]]
    network = Network(model, numbering(facts["words"]), labels, model.input_shape[1])
    answer(network, [""])  # whatever else is wrong with it shows here
    return network


def answer(network: Network, texts: list[str]) -> list[Answer]:
    """Answer the texts in one batch."""
    answers, labels = [], network.labels
    numbered = [to_numbers(text, network.numbers) for text in texts]
    for text, numbers, probabilities in zip(texts, numbered, _predict(network, numbered), strict=True):
        read = split(text)[-network.length :]
        words = [printable(word) if word in network.numbers else f"[{printable(word)}]" for word in read]
        best = np.argsort(-probabilities, kind="stable")[: 1 if len(labels) == 2 else 3]
        verdict = ", ".join(f"{labels[label]} {probabilities[label]:.4f}" for label in best)
        known = max(numbers[-network.length :]) > UNKNOWN
        answers.append(Answer(verdict if known else None, words, numbers))
    return answers


def draw_answers(network: Network, answers: list[Answer]):
    """Draw how each verdict grows: over a word stands the answer to the text's beginning up to there."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6 * len(answers)), dpi=150, layout="constrained")
    panels = figure.subplots(len(answers), squeeze=False)[:, 0]
    for axes, (verdict, words, numbers) in zip(panels, answers, strict=True):
        ends = range(len(numbers) - len(words) + 1, len(numbers) + 1)
        probabilities = _predict(network, [numbers[:end] for end in ends])
        for label in np.argsort(-probabilities[-1], kind="stable")[: 1 if len(network.labels) == 2 else 3]:
            axes.plot(probabilities[:, label], marker=".", label=network.labels[label])
        named = [word if len(word) <= 20 else f"{word[:19]}\u2026" for word in words]
        axes.set_xticks(range(len(words)), named, rotation=90, fontsize=12 if len(words) <= 50 else 8)
        axes.set(title=f"Answer: {verdict}", ylabel="Probability", xlim=(-0.5, len(words) - 0.5), ylim=(-0.03, 1.03))
        if len(network.labels) == 2:
            axes.axhline(0.5, color="black", linestyle=":", linewidth=1)  # the other label wins below it
        axes.grid(alpha=0.5)
        axes.legend()
    return figure


def _ask(network: Network, texts: list[str], output: Path | None) -> int:
    """Print the answers as the texts come, draw the first ones, and return the exit status."""
    prompt = not texts and sys.stdin is not None and sys.stdin.isatty()
    lines = iter(texts) if texts or sys.stdin is None else _lines(prompt)
    asked, answered, drawn = 0, 0, []
    try:
        while batch := list(islice(lines, 1 if prompt else BATCH_SIZE)):
            asked += len(batch)
            for found in answer(network, batch):
                answered += found.verdict is not None
                drawn += [found] if found.verdict and answered <= MOST_PANELS else []
                print(f"{found.verdict or 'unknown'}\t{' '.join(found.words)}")
                if not found.verdict:
                    print(f"The network knows no word of '{' '.join(found.words)}'", file=sys.stderr)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not asked and not prompt:
        print("There is no text on standard input.", file=sys.stderr)
    if output and drawn:
        from common.curve import save_figure

        return 0 if save_figure(output, lambda: draw_answers(network, drawn)) else 1
    return 0 if answered or (prompt and not asked) else 1


def _lines(prompt: bool) -> Iterator[str]:
    """Yield the lines of standard input but the empty ones."""
    sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace", newline=None)
    print("> " * prompt, end="", file=sys.stderr, flush=True)
    for line in iter(sys.stdin.readline, ""):
        if "\0" in line:
            sys.exit("Standard input is not UTF-8 but UTF-16. In PowerShell: $OutputEncoding = [Text.Encoding]::UTF8")
        if line.strip():
            yield line
        print("> " * prompt, end="", file=sys.stderr, flush=True)
    print("\n" * prompt, end="", file=sys.stderr)


def _predict(network: Network, texts: list[list[int]]) -> np.ndarray:
    """Return the probability of each label for each text, of shape `(texts, labels)`."""
    from common.arrays import pad

    outputs = network.model.predict_on_batch(pad(texts, network.length))
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


if __name__ == "__main__":
    main()
