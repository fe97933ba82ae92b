"""A trained network's answer to texts of your own: `python -m common.ask NETWORK.keras [TEXT ...]`."""

import argparse
import os.path
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.running import checkpoint
from common.running.answers import gives_probabilities, likeliest, probabilities
from common.running.files import one_line, printable, shortened
from common.running.process import set_up_console, set_up_process
from common.texts.words import UNKNOWN, numbering, split, to_numbers

BATCH_SIZE = 500  # texts that are answered together
MOST_PANELS = 8  # texts in one figure
NEAREST = 10  # words that `--like` names


class Network(NamedTuple):
    model: object  # a `keras.Model`; Keras is imported when command line and file have been looked at
    numbers: dict[str, int]  # of the words
    labels: list[str]
    length: int  # how many words it reads


class Answer(NamedTuple):
    label: str | None  # the likeliest; None if the network knows no word
    probability: float  # of the likeliest label
    probabilities: dict[str, float]  # of all labels, in their order
    likeliest: list[tuple[str, float]]  # what a short answer names: one label of two, three of more
    words: list[str]  # that it read, unknown ones in [brackets]
    numbers: list[int]  # of all words


def main() -> None:
    """Read the command line and the network's file, and answer each text with a line."""
    parser = argparse.ArgumentParser("python -m common.ask", allow_abbrev=False)
    parser.description = """Ask a trained network about texts of your own. The answer to each is one line, its fields
        parted by tabs: the label, its probability, the text as the network reads it, with [words] that it does not
        know, and, where there are more than two labels, the next two with theirs."""
    add = parser.add_argument
    add("file", type=_path, metavar="NETWORK.keras", help="the network that a run has saved")
    add("texts", nargs="*", metavar="TEXT", help="without any: from standard input, a text in each line")
    add("--output", type=_path, metavar="FILE.png",
        help=f"draw how the answer grows from word to word, for the first {MOST_PANELS} texts")  # fmt: skip
    add("--like", nargs="+", metavar="WORD",
        help=f"for each of these words, print the {NEAREST} nearest in the embedding with their cosines")  # fmt: skip
    options = parser.parse_intermixed_args()
    if options.like and (options.texts or options.output):
        parser.error("argument --like: goes without texts and without --output")
    if options.output and options.output.suffix != ".png":
        parser.error(f"argument --output: must end in .png, not '{options.output}'")
    set_up_console()
    warnings.simplefilter("ignore")
    try:
        checkpoint.read(options.file)  # what is wrong with it is said before Keras is imported
        set_up_process()
        network = open_network(options.file)
    except FileNotFoundError as error:
        sys.exit(f"Cannot ask: {printable(str(error))}")
    except Exception as error:  # the file may be damaged in any way
        sys.exit(f"Cannot ask {options.file}: {one_line(error)}")
    if options.like:
        sys.exit(_like(network, options.like))
    sys.exit(_ask(network, options.texts, options.output))


def _path(name: str) -> Path:
    return Path(os.path.expanduser(name))  # a shell leaves the ~ of --output=~/it.png


def open_network(path: str | Path) -> Network:
    """Open the network that a run has left, to be asked by `answer`; an Exception, of whatever kind, if it is none.

    A `.keras` file is a program in part, and Keras's safe mode has had holes (CVE-2025-1550, 2025-9906, 2026-1462):
    open only what comes from somebody whom you trust.
    """
    facts = checkpoint.read(Path(path))
    if not facts["words"]:
        raise ValueError("it holds no words; go on with that run where the list of words can be had: --resume adds it")
    import keras

    model = keras.models.load_model(path, compile=False)
    labels = [printable(label) for label in facts["labels"]]
    if not gives_probabilities(model, len(labels)):
        raise ValueError(f"its last layer gives no probabilities of {len(labels)} labels")
    return Network(model, numbering(facts["words"]), labels, facts["description"]["input shape"][0])


def answer(network: Network, texts: list[str] | str) -> list[Answer]:
    """Answer the texts in one batch."""
    if isinstance(texts, str):
        texts = [texts]
    if not texts:
        return []
    answers = []
    numbered = [to_numbers(text, network.numbers) for text in texts]
    for text, numbers, found in zip(texts, numbered, _predict(network, numbered), strict=True):
        words = []
        for word in split(text)[-network.length :]:
            words.append(printable(word) if word in network.numbers else f"[{printable(word)}]")
        best = [(network.labels[label], float(found[label])) for label in likeliest(found)]
        label, probability = best[0]
        if max(numbers[-network.length :]) <= UNKNOWN:
            label = None
        of_all = dict(zip(network.labels, found.tolist(), strict=True))
        answers.append(Answer(label, probability, of_all, best, words, numbers))
    return answers


def nearest(network: Network, word: str) -> list[tuple[str, float]]:
    """Return the words that are nearest to a known one in the embedding, the nearest first, each with its cosine."""
    words = list(network.numbers)
    vectors = _embedding(network).get_weights()[0][list(network.numbers.values())]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors[words.index(word)]
    order = [row for row in np.argsort(-cosines, kind="stable") if words[row] != word]
    return [(words[row], float(cosines[row])) for row in order[:NEAREST]]


def draw_answers(network: Network, answers: list[Answer]) -> object:
    """Return a figure of how each answer grows, in axes of its own."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from common.curve import STYLE, wrapped

    looks = {}
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 3.6 * len(answers)), dpi=150, layout="constrained")
        panels = figure.subplots(len(answers), squeeze=False)[:, 0]
        for axes, found in zip(panels, answers, strict=True):
            draw_answer(axes, network, found, looks)
            verdict = ", ".join(f"{label} {probability:.4f}" for label, probability in found.likeliest)
            axes.set_title(wrapped(f"Answer: {verdict}", 110))
    return figure


def draw_answer(axes: object, network: Network, found: Answer, looks: dict[int, int]) -> None:
    """Draw how an answer grows: over a word stand the probabilities after the text's beginning up to there.

    Of two labels the second one's is drawn; of more, those that led at some word or are in the answer, and all others
    in grey. `looks` has the labels that are drawn so far in the figure, and is added to: a label looks the same in all
    axes.
    """
    from common.curve import look

    words, names = found.words, [shortened(label) for label in network.labels]
    ends = range(len(found.numbers) - len(words) + 1, len(found.numbers) + 1)
    grown = _predict(network, [found.numbers[:end] for end in ends])
    if len(names) == 2:
        axes.plot(grown[:, 1], color="C0", marker=".")
        axes.axhline(0.5, color="black", linestyle=":", linewidth=1)  # the other label wins below it
        axes.set_ylabel(f"Probability of {names[1]}")
    else:
        drawn = list(dict.fromkeys([*likeliest(grown[-1]), *grown.argmax(axis=1)]))
        for label in set(range(len(names))).difference(drawn):
            axes.plot(grown[:, label], color="lightgrey", linewidth=1)
        for label in drawn:
            number = looks.setdefault(int(label), len(looks))
            name = f" {names[label]}" if names[label].startswith("_") else names[label]  # Matplotlib leaves such out
            axes.plot(grown[:, label], marker=".", label=name, **look(number))
        axes.set_ylabel("Probability (grey: others)")
        axes.legend()
    named = [word if len(word) <= 20 else f"{word[:19]}\u2026" for word in words]
    are_letters = all(len(word) <= 2 for word in words)  # as in Hangul, where each character is a word
    rotation, size = 0 if are_letters else 90, 12 if len(words) <= 50 else 8
    axes.set_xticks(range(len(words)), named, rotation=rotation, fontsize=size)
    axes.set(xlim=(-0.5, len(words) - 0.5), ylim=(-0.03, 1.03))
    axes.grid(alpha=0.5)


def _embedding(network: Network) -> object | None:
    """Return the layer that has a vector for each word, if there is one."""
    return next((layer for layer in network.model.layers if type(layer).__name__ == "Embedding"), None)


def _like(network: Network, texts: list[str]) -> int:
    """Print for each word of the texts a line of what is nearest to it, and return the exit status."""
    embedding = _embedding(network)
    if embedding is None or not embedding.trainable:
        print("The network has no trained embedding: one-hot words are all equally far apart.", file=sys.stderr)
        return 1
    num_known = 0
    for text in texts:
        for word in split(text) or [text]:
            if word not in network.numbers:
                print(f"The network does not know the word '{printable(word)}'", file=sys.stderr)
                continue
            num_known += 1
            found = [f"{printable(other)} {cosine:.4f}" for other, cosine in nearest(network, word)]
            print(f"{printable(word)}\t{', '.join(found)}")
    return 0 if num_known else 1


def _ask(network: Network, texts: list[str], output: Path | None) -> int:
    """Print the answers, draw the first ones, and return the exit status."""
    num_asked, num_answered, drawn = 0, 0, []
    for batch in _batches(texts):
        num_asked += len(batch)
        for found in answer(network, batch):
            print(_line(found))
            if found.label is None:
                if found.words:
                    print(f"The network knows no word of '{' '.join(found.words)}'", file=sys.stderr)
                continue
            num_answered += 1
            if len(drawn) < MOST_PANELS:
                drawn.append(found)
    if num_asked == 0 and _is_prompt():
        return 0
    if num_asked == 0:
        print("There is no text on standard input.", file=sys.stderr)
    if output and drawn:
        from common.curve import save_figure

        return 0 if save_figure(output, draw_answers(network, drawn)) else 1
    return 0 if num_answered else 1


def _line(found: Answer) -> str:
    """Return the answer's fields, parted by tabs."""
    text = " ".join(found.words)
    if found.label is None:
        return f"unknown\t\t{text}"
    others = [f"{label}\t{probability:.4f}" for label, probability in found.likeliest[1:]]
    return "\t".join([f"{found.label}\t{found.probability:.4f}\t{text}", *others])


def _batches(texts: list[str]) -> Iterator[list[str]]:
    """Yield the texts of the command line or, without any, the lines of standard input; at a prompt one by one."""
    if not texts and _is_prompt():
        sys.stdin.reconfigure(errors="replace")
        print("Write a text and press Enter; Ctrl-D ends it, on Windows Ctrl-Z and Enter.", file=sys.stderr)
        print("> ", end="", file=sys.stderr, flush=True)
        for line in sys.stdin:
            yield [line.rstrip("\n")]
            print("> ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return
    if not texts and sys.stdin is not None:
        texts = _lines(sys.stdin.buffer.read())
    elif len(texts) == 1 and Path(texts[0]).is_file():
        print(f"There is a file of this name; to ask about its lines: < {texts[0]}", file=sys.stderr)
    for start in range(0, len(texts), BATCH_SIZE):
        yield texts[start : start + BATCH_SIZE]


def _is_prompt() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _lines(content: bytes) -> list[str]:
    """Return the lines of standard input; exit status 1 if it is no UTF-8."""
    if b"\0" in content:
        sys.exit("Standard input is not UTF-8 but UTF-16. In PowerShell: $OutputEncoding = [Text.Encoding]::UTF8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        print(f"Standard input is not UTF-8, first in line {line}: what is not parts words.", file=sys.stderr)
        text = content.decode("utf-8-sig", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removesuffix("\n").split("\n") if text else []


def _predict(network: Network, texts: list[list[int]]) -> np.ndarray:
    """Return the probability of each label for each text, of shape `(texts, labels)`."""
    from common.arrays import pad

    return probabilities(network.model.predict_on_batch(pad(texts, network.length)))


if __name__ == "__main__":
    main()
