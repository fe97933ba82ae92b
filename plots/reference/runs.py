"""The runs that the claims are measured with, each in a process of its own: `plots.reference.measure` calls it."""

import csv
import math
import os
import platform
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from common.files import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NONE = ["--recurrent", "none"]
SIMPLE_RNN = ["--recurrent", "simple_rnn"]
GRU = ["--recurrent", "gru"]
ONE_HOT = ["--one-hot"]
VARIANTS = {
    "reuters_lstm": {
        "": [],
        "-40_epochs": ["--epochs", "40"],
        "-gru": GRU,
        "-simple_rnn": SIMPLE_RNN,
        "-shuffled": ["--shuffle-words"],
        "-none": NONE,
        "-none-60_epochs": [*NONE, "--epochs", "60"],
        "-one_hot": ONE_HOT,
    },
    "imdb_cnn_lstm": {
        "": [],
        "-gru": GRU,
        "-simple_rnn": SIMPLE_RNN,
        "-shuffled": ["--shuffle-words"],
        "-none": NONE,
        "-no_conv": ["--no-conv"],
        "-simple_rnn-no_conv": [*SIMPLE_RNN, "--no-conv"],
        "-none-no_conv": [*NONE, "--no-conv"],
        "-none-no_conv-20_epochs": [*NONE, "--no-conv", "--epochs", "20"],
        "-one_hot": ONE_HOT,
    },
}
ARTICLE = {"reuters_lstm": "reuters", "imdb_cnn_lstm": "imdb"}  # the article's programs
SOURCES = {"keras": "", "sample": "-sample"}  # what `--data` is given, and how a run's name then ends
SEEDS = (1, 2, 3, 4, 5)
# One-hot input takes a multiple of the time: five seeds on the Reuters news only.
ONLY_SEED_1 = ("reuters_lstm-one_hot-sample", "imdb_cnn_lstm-one_hot", "imdb_cnn_lstm-one_hot-sample")
EMBEDDING = "-embedding"  # the scripts as they are, once more beside the one-hot runs: for what each costs there
RUNS = (1, 2, 3, 4, 5)  # of each of the article's programs, which set no seed
# None of it stands in the runs' own CSVs. The same seed gives the same CSV again, but never the same time.
COSTS = HERE / "costs.csv"
GRADIENTS = HERE / "gradients.csv"
FORGETTING = HERE / "forgetting.csv"
NEIGHBOURS = HERE / "neighbours.csv"
QUIET = {"MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "1"}
WITH_GRADIENTS = ("reuters_lstm-simple_rnn", "reuters_lstm", "reuters_lstm-gru")
WITH_FORGETTING = (*WITH_GRADIENTS, "imdb_cnn_lstm-simple_rnn-no_conv", "imdb_cnn_lstm-no_conv", "imdb_cnn_lstm")
WITH_NEIGHBOURS = ("reuters_lstm", "imdb_cnn_lstm")  # not on the sample, where no word by itself speaks for a label


def planned(sources: list[str]) -> Iterator[tuple[Path, list[str]]]:
    """Yield each run of the scripts: where its CSV goes, and its command line."""
    for seed in SEEDS:
        for script, variants in VARIANTS.items():
            if seed == 1:
                variants = variants | {EMBEDDING: []}
            for variant, arguments in variants.items():
                for source in sources:
                    target = HERE / f"seed{seed}" / f"{script}{variant}{SOURCES[source]}.csv"
                    if seed == 1 or target.stem not in ONLY_SEED_1:
                        yield target, [ROOT / f"{script}.py", "--data", source, "--seed", seed, *arguments]


def planned_of_the_article(directory: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each run of the article's programs."""
    for number in RUNS:
        for program in ARTICLE.values():
            yield HERE / f"run{number}" / f"article_{program}.csv", [directory / f"{program}.py"]


def tables_of(stem: str) -> list[Path]:
    """Return the tables in which a run has rows whose CSV has this name."""
    variant = stem.removesuffix("-sample")
    tables = [COSTS]
    if variant in WITH_GRADIENTS:
        tables.append(GRADIENTS)
    if variant in WITH_FORGETTING:
        tables.append(FORGETTING)
    if stem in WITH_NEIGHBOURS:
        tables.append(NEIGHBOURS)
    return tables


def run_all(runs: Iterable[tuple[Path, list[str]]]) -> None:
    """Run, each in a process of its own, the programs of which anything is missing; keep what each gave and cost."""
    for target, command in runs:
        if not _is_here(target):
            _run(target, command)


def _is_here(target: Path) -> bool:
    """Return whether the run's CSV is here, and its rows in all tables."""
    name = target.relative_to(HERE).as_posix()
    for table in tables_of(target.stem):
        if not table.exists() or name not in [row[0] for row in read_rows(table)]:
            return False
    return target.exists()


def _run(target: Path, command: list[str]) -> None:
    name = target.relative_to(HERE).as_posix()
    print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        done = subprocess.run(
            [sys.executable, "-m", "plots.reference.runs", directory, name, *map(str, command)],
            cwd=ROOT, env=os.environ | QUIET, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{name} failed: what it said is above")
        if name in (f"seed1/{script}.csv" for script in VARIANTS):  # the README shows its curve
            save(HERE / f"{target.stem}.png", partial(shutil.copy, next(out.glob("*.png"))))
        tables = tables_of(target.stem)
        (numbers,) = set(out.glob("*.csv")) - {out / table.name for table in tables}
        target.unlink(missing_ok=True)  # an older one must not stand beside the new rows
        for table in tables:
            keep(table, out / table.name)
        target.parent.mkdir(exist_ok=True)
        save(target, partial(shutil.copy, numbers))  # last: all else is here


def keep(table: Path, new: Path) -> None:
    """Put the new rows, of one run, into the table, in place of what a stopped attempt may have left of it."""
    header, *rows = read_rows(new)
    run = rows[0][0]
    if table.exists():
        rows += [row for row in read_rows(table)[1:] if row[0] != run]
    rows.sort(key=lambda row: row[0])
    save(table, lambda path: write_rows(path, [header, *rows]))


def save(path: Path, fill: Callable[[Path], object]) -> None:
    """Write or replace the file with what `fill` writes to the path it is given, or end the program."""
    if not write(path, fill):
        sys.exit(1)


def read_rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def write_rows(path: Path, rows: list) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def run_one(out: str, name: str, program: str, *arguments: str) -> None:
    """Run a program in this process, and write down what its `fit`, validation included, gave and cost."""
    import keras

    from common.run import COLUMNS
    from plots.reference import forgetting, gradients, neighbours

    is_the_articles = not arguments
    tables = tables_of(Path(name).stem)
    fit = keras.Sequential.fit

    def timed_fit(model: keras.Sequential, *positional: object, **options: object) -> object:
        snapshots = gradients.Snapshots()
        if GRADIENTS in tables:
            options["callbacks"].append(snapshots)
        start = time.perf_counter()
        history = fit(model, *positional, **options)
        costs = _costs(model, time.perf_counter() - start)
        write_rows(Path(out, COSTS.name), [("run", *costs), (name, *costs.values())])
        if GRADIENTS in tables:
            rows = gradients.rows(model, snapshots.weights, options["validation_data"])
            write_rows(Path(out, GRADIENTS.name), [gradients.HEADER, *((name, *row) for row in rows)])
        if FORGETTING in tables:
            rows = forgetting.rows(model, positional[0], options["validation_data"])
            write_rows(Path(out, FORGETTING.name), [forgetting.HEADER, *((name, *row) for row in rows)])
        if NEIGHBOURS in tables:
            row = neighbours.row(model, positional[0])
            write_rows(Path(out, NEIGHBOURS.name), [neighbours.HEADER, (name, *row)])
        if is_the_articles:  # it keeps no history
            epochs = range(1, len(history.epoch) + 1)
            numbers = zip(epochs, *(history.history[column] for column in COLUMNS), strict=True)
            write_rows(Path(out, "history.csv"), [("epoch", *COLUMNS), *numbers])
        return history

    keras.Sequential.fit = timed_fit
    sys.argv = [program, *arguments]
    if not is_the_articles:
        sys.argv += ["--output-dir", out]
    sys.path[0] = str(Path(program).parent)
    runpy.run_path(program, run_name="__main__")


def _costs(model: object, seconds: float) -> dict[str, object]:
    """Return what the training so far has cost this process, and on which kind of processor."""
    import resource  # not above: Windows has none

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "parameters": sum(math.prod(weights.shape) for weights in model.trainable_weights),
        "seconds of training": f"{seconds:.1f}",
        "peak memory MB": f"{memory / 1e6:.0f}",
        "processor": _processor(),
    }


def _processor() -> str:
    """Return the processor's kind as `lscpu` has it: "AuthenticAMD family 25 model 17"; without /proc what is known."""
    facts = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            facts[key.strip()] = value.strip()
    if "cpu family" not in facts:
        return platform.processor()
    return f"{facts['vendor_id']} family {facts['cpu family']} model {facts['model']}"


if __name__ == "__main__":
    run_one(*sys.argv[1:])
