"""A trained network's answer to texts of your own: `python -m common.ask NETWORK.keras [TEXT ...]`."""

import argparse
import codecs
import io
import itertools
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import checkpoint
from common.answers import likeliest, probabilities
from common.files import one_line
from common.process import set_up_process
from common.words import UNKNOWN, numbering, printable, split, to_numbers

BATCH_SIZE = 500  # texts that are answered together
MOST_PANELS = 8  # texts in one figure
NEAREST = 10  # words that `--like` names


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
    add("--like", nargs="+", metavar="WORD",
        help=f"for each of these words, print the {NEAREST} nearest in the embedding with their cosines")  # fmt: skip
    options = parser.parse_intermixed_args()
    if options.like and (options.texts or options.output):
        parser.error("argument --like: goes without texts and without --output")
    if options.output and options.output.suffix != ".png":
        parser.error(f"argument --output: must end in .png, not '{options.output}'")
    warnings.simplefilter("ignore")
    try:
        network = open_network(options.file)
    except FileNotFoundError as error:
        sys.exit(f"Cannot ask: {printable(str(error))}")
    except Exception as error:  # the file may be damaged in any way, or made to be
        sys.exit(f"Cannot ask {options.file}: {one_line(error)}")
    if options.like:
        sys.exit(_like(network, options.like))
    sys.exit(_ask(network, options.texts, options.output))


def open_network(path: Path) -> Network:
    """Read the network that a run has left; an Exception, of whatever kind, if the file is none."""
    facts = checkpoint.read(path)
    if not facts["words"]:
        raise ValueError("it holds no words; go on with that run where the list of words can be had: --resume adds it")
    if not all(isinstance(name, str) for name in facts["words"] + facts["labels"]):
        raise ValueError("its words and labels are no texts")
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
    answers = []
    numbered = [to_numbers(text, network.numbers) for text in texts]
    for text, numbers, found in zip(texts, numbered, _predict(network, numbered), strict=True):
        words = []
        for word in split(text)[-network.length :]:
            words.append(printable(word) if word in network.numbers else f"[{printable(word)}]")
        verdict = None
        if max(numbers[-network.length :]) > UNKNOWN:
            verdict = ", ".join(f"{network.labels[label]} {found[label]:.4f}" for label in likeliest(found))
        answers.append(Answer(verdict, words, numbers))
    return answers


def nearest(network: Network, word: str) -> list[tuple[str, float]]:
    """Return the words that are nearest to a known one in the embedding, the nearest first, each with its cosine."""
    words = list(network.numbers)
    vectors = network.model.layers[0].get_weights()[0][list(network.numbers.values())]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors[words.index(word)]
    order = [row for row in np.argsort(-cosines, kind="stable") if words[row] != word]
    return [(words[row], float(cosines[row])) for row in order[:NEAREST]]


def draw_answers(network: Network, answers: list[Answer]):
    """Draw how each verdict grows: over a word stands the answer to the text's beginning up to there."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from common.curve import STYLE, wrapped

    grown = []
    for _, words, numbers in answers:
        ends = range(len(numbers) - len(words) + 1, len(numbers) + 1)
        grown.append(_predict(network, [numbers[:end] for end in ends]))
    shown = dict.fromkeys(label for found in grown for label in likeliest(found[-1]))  # each once: at most 3 a panel
    looks = dict(zip(shown, itertools.product(("-", "--", ":"), [f"C{number}" for number in range(10)]), strict=False))
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 3.6 * len(answers)), dpi=150, layout="constrained")
        panels = figure.subplots(len(answers), squeeze=False)[:, 0]
        for axes, (verdict, words, _), found in zip(panels, answers, grown, strict=True):
            for label in likeliest(found[-1]):
                line, colour = looks[label]
                axes.plot(found[:, label], line, color=colour, marker=".", label=f"{network.labels[label]:.40}")
            named = [word if len(word) <= 20 else f"{word[:19]}\u2026" for word in words]
            are_letters = all(len(word) <= 2 for word in words)  # as in Hangul, where each character is a word
            rotation, size = 0 if are_letters else 90, 12 if len(words) <= 50 else 8
            axes.set_xticks(range(len(words)), named, rotation=rotation, fontsize=size)
            axes.set(title=wrapped(f"Answer: {verdict}", 110), ylabel="Probability")
            axes.set(xlim=(-0.5, len(words) - 0.5), ylim=(-0.03, 1.03))
            if len(network.labels) == 2:
                axes.axhline(0.5, color="black", linestyle=":", linewidth=1)  # the other label wins below it
            axes.grid(alpha=0.5)
            axes.legend()
    return figure


def _like(network: Network, texts: list[str]) -> int:
    """Print for each word of the texts a line of what is nearest to it, and return the exit status."""
    if not network.model.layers[0].trainable:
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
    """Print the answers as the texts come, draw the first ones, and return the exit status."""
    is_prompt = not texts and sys.stdin is not None and sys.stdin.isatty()
    if not texts and sys.stdin is not None:
        batches = _lines(is_prompt)
    else:
        batches = iter([texts])
    if is_prompt:
        print("Write a text and press Enter; Ctrl-D ends it, on Windows Ctrl-Z and Enter.", file=sys.stderr)
    num_asked, num_answered, drawn = 0, 0, []
    try:
        for batch in _at_most(BATCH_SIZE, batches):
            num_asked += len(batch)
            for found in answer(network, batch):
                text = " ".join(found.words)
                if found.verdict is not None:
                    num_answered += 1
                    if len(drawn) < MOST_PANELS:
                        drawn.append(found)
                print(f"{found.verdict or 'unknown'}\t{text}")
                if found.verdict is None:
                    print(f"The network knows no word of '{text}'", file=sys.stderr)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if num_asked == 0 and is_prompt:
        return 0
    if num_asked == 0:
        print("There is no text on standard input.", file=sys.stderr)
    if output and drawn:
        from common.curve import save_figure

        return 0 if save_figure(output, draw_answers(network, drawn)) else 1
    return 0 if num_answered else 1


def _at_most(size: int, batches: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the batches, the large ones in parts."""
    for batch in batches:
        for start in range(0, len(batch), size):
            yield batch[start : start + size]


def _lines(is_prompt: bool) -> Iterator[list[str]]:
    """Yield the lines of standard input, without the empty ones: as many as are there, so that no answer waits."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=True)
    begun = ""  # the line whose end has not come yet
    is_open = True
    while is_open:
        if is_prompt:
            print("> ", end="", file=sys.stderr, flush=True)
        read = sys.stdin.buffer.read1(2**16)
        is_open = len(read) > 0
        *lines, begun = (begun + decoder.decode(read, final=not is_open)).split("\n")
        if not is_open:
            lines.append(begun)
        if any("\0" in line for line in lines):
            sys.exit("Standard input is not UTF-8 but UTF-16. In PowerShell: $OutputEncoding = [Text.Encoding]::UTF8")
        yield [line for line in lines if line.strip()]
    if is_prompt:
        print(file=sys.stderr)


def _predict(network: Network, texts: list[list[int]]) -> np.ndarray:
    """Return the probability of each label for each text, of shape `(texts, labels)`."""
    from common.arrays import pad

    return probabilities(network.model.predict_on_batch(pad(texts, network.length)))


if __name__ == "__main__":
    main()
