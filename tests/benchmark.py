"""What a run costs: `python -m tests.benchmark`, and against the article's programs with `--baseline DIRECTORY`.

Each script runs as it is, at its defaults, in a process of its own. A single time on a shared machine means little, so
there are several rounds, the baseline in turn with the script (A B A B), the medians are printed, and only the ratios
of one benchmark count.
"""

import argparse
import os
import random
import statistics
import tempfile
from pathlib import Path

from plots.compare import markdown
from plots.reference import costs

BASELINES = {"reuters_lstm": "reuters.py", "imdb_cnn_lstm": "imdb.py"}
HEADER = ["wall s", "processor s", "peak memory MB"]

LOAD_TEXTS = """
import sys
from common.arrays import pad
from common.data import load_imdb
from common.texts.corpus import Source
(x, _), (x_test, _), _ = load_imdb(Source("own", sys.argv[1]), 5000)
pad(x, 100), pad(x_test, 100)
"""


def main() -> None:
    """Run the benchmark and print its tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__.splitlines()[0])
    option = parser.add_argument
    option("scripts", nargs="*", default=list(BASELINES), help="reuters_lstm, imdb_cnn_lstm (default: both)")
    option("--data", choices=("keras", "sample"), default="keras", help="default: %(default)s, the real data")
    option("--rounds", type=int, default=2, help="runs of each program (default: %(default)s)")
    option("--baseline", type=Path, metavar="DIRECTORY", help="where the article's reuters.py and imdb.py are")
    option("--texts", type=int, metavar="N", help="only read, number and pad a file of so many made-up texts")
    options = parser.parse_args()
    if set(options.scripts) - set(BASELINES) or options.rounds < 1:
        parser.error("the scripts are reuters_lstm and imdb_cnn_lstm, the rounds 1 or more")
    if options.baseline and (options.data == "sample" or not (options.baseline / "imdb.py").exists()):
        parser.error("--baseline needs the real data, and the directory of the article's reuters.py and imdb.py")
    print(f"{costs.processor()}, {os.cpu_count()} cores")
    if options.texts:
        print_texts(options.texts)
        return
    for script in options.scripts:
        compare(script, options)


def compare(script: str, options: argparse.Namespace) -> None:
    """Run the script in turn with the article's program, if that is there, and print the table."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as out:
        for _ in range(options.rounds):
            ours.append(costs.run(f"{script}.py", "--data", options.data, "--output-dir", out))
            if options.baseline:
                theirs.append(costs.run(options.baseline.resolve() / BASELINES[script]))
    mine = [statistics.median(numbers) for numbers in zip(*ours, strict=True)]
    rows = [[f"{script}.py", *(f"{number:.1f}" for number in mine)]]
    if theirs:
        others = [statistics.median(numbers) for numbers in zip(*theirs, strict=True)]
        rows.append(["the article's program", *(f"{number:.1f}" for number in others)])
        rows.append(["ratio", *(f"{one / other:.2f}" for one, other in zip(mine, others, strict=True))])
    print(f"\n{script}, --data {options.data}, medians of {options.rounds} rounds\n")
    print(markdown(["whole run", *HEADER], rows))


def print_texts(number: int) -> None:
    """Print what it costs to read a made-up file of 10 to 100 words a text, the import of Keras included."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz가나다라마바사"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(60_000)]
    drawn = rng.choices(words, [1 / (rank + 10) for rank in range(len(words))], k=1_000_000)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".csv") as stream:
        stream.write("text,label\n")
        for _ in range(number):
            start = rng.randrange(len(drawn) - 100)
            text = " ".join(drawn[start : start + rng.randint(10, 100)])
            stream.write(f"{text},{rng.choice('ab')}\n")
        stream.flush()
        cost = costs.run("-c", LOAD_TEXTS, stream.name)
    print(markdown(["texts", *HEADER], [[f"{number:,}", *(f"{one:.1f}" for one in cost)]]))


if __name__ == "__main__":
    main()
