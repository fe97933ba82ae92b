"""Measure the article's claims anew: `python -m plots.reference.measure`, from the project's root.

Every variant of both scripts, on the real data and on the sample, with several seeds, each run in a process of its own;
what is measured of the networks that they leave; then the figures here and the tables of the two READMEs. A run is not
repeated whose CSV, which is written last, is already here: so what was stopped goes on. To measure all of it again,
delete `seed*/` and `run*/` first. Six hours on two cores. (The README's two loss curves are not made here.)
"""

import argparse
import json
import tempfile
from itertools import count
from pathlib import Path

import keras

from common.arrays import pad
from common.data import load_imdb, load_reuters
from common.texts.corpus import Source, Split
from plots.reference import costs, forgetting, gradients, neighbours, tables
from plots.reference.runs import ARGUMENTS, HERE, MEASURED, SEEDS, keep, planned, read_rows

ROWS = {"gradients": gradients.rows, "forgetting": forgetting.rows, "neighbours": neighbours.rows}


def main() -> None:
    """Run what is missing, and write figures and tables."""
    parser = argparse.ArgumentParser(prog="python -m plots.reference.measure", description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("keras", "sample"), help="only the runs on these data (default: on both)")
    parser.add_argument(
        "--article", type=Path, metavar="DIRECTORY", help="run the article's reuters.py and imdb.py there too, 5 times"
    )
    options = parser.parse_args()
    for seed in SEEDS:
        for name, arguments in ARGUMENTS.items():
            run = f"seed{seed}/{name}.csv"
            if options.data in (None, *arguments) and planned(name, seed) and not (HERE / run).exists():
                measure(run, arguments, seed)
        for program in ("reuters", "imdb"):
            run = f"run{seed}/article_{program}.csv"
            if options.article and not (HERE / run).exists():
                measure_article(run, options.article.resolve() / f"{program}.py")
    tables.write_all()


def measure(run: str, arguments: list[str], seed: int) -> None:
    """Run a variant, measure what it costs and the network that it leaves, and keep all of it here."""
    measured = [table for table, names in MEASURED.items() if Path(run).stem in names]
    stages = [[]]
    if "gradients" in measured:  # of networks on the way: a run that is resumed gives the same ones, to the last digit
        stages = [["--epochs", "1"], ["--epochs", "5", "--resume"], ["--resume"]]
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        command = ["-m", "plots.reference.variants", *arguments, "--seed", seed, "--output-dir", out]
        spent, models = [], []
        for stage in stages:
            spent.append(costs.run(*command, *stage))
            models.append(keras.models.load_model(next(out.glob("*.keras")), compile=False))
        history = read_rows(next(out.glob("*.csv")))
    models.insert(0, untrained(models[0], seed))
    splits = load(run, models[0])
    found = {table: ROWS[table](models, *splits) for table in measured}
    found["costs"] = [cost_row(spent, sum(weights.numpy().size for weights in models[0].trainable_weights))]
    keep(run, found, history)


def measure_article(run: str, program: Path) -> None:
    """Run one of the article's programs, which writes its history as JSON, and keep that and what it costs."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "history.json")
        spent = costs.run(program, OUT=str(path))
        history = json.loads(path.read_text())
    rows = zip(count(1), *history.values(), strict=False)
    keep(run, {"costs": [cost_row([spent])]}, [["epoch", *history], *rows])


def cost_row(spent: list[tuple], parameters: object = "") -> list[object]:
    """Return the row for `costs.csv` of a run in one process, or in several one after the other."""
    seconds, _, memory = zip(*spent, strict=True)
    return [parameters, f"{sum(seconds):.1f}", f"{max(memory):.0f}", costs.processor()]


def untrained(model: keras.Sequential, seed: int) -> keras.Sequential:
    """Return the network as the script has built it with this seed, before any training."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential.from_config(model.get_config())


def load(run: str, model: keras.Sequential) -> list[Split]:
    """Return the run's training and test as its network reads them: word numbers, `(n, length)`, and labels."""
    source = Source("sample" if "-sample" in run else "keras")
    num_words, length = model.layers[0].input_dim, model.input_shape[1]
    *splits, _ = load_reuters(source, num_words, 0.2) if "reuters" in run else load_imdb(source, num_words)
    return [(pad(x, length), y) for x, y in splits]


if __name__ == "__main__":
    main()
