"""Measure the article's claims anew: `python -m plots.reference.measure`, from the project's root.

All runs that `plots.reference.runs` plans, on the real data and on the sample, with several seeds, each in a process of
its own; what is measured of the networks that they leave; then the figures here and the tables of the two READMEs. A
run is not repeated if its CSV, which is written last, is here with all that is measured: so what was stopped goes on.
To measure all of it again, delete `seed*/` and `run*/` first. About ten hours on two cores. Not made here: the two loss
curves, the pictures of the reading (`plots.reference.reading`, `common.ask`), the table of `short_reviews`.
"""

import argparse
import json
import tempfile
from itertools import count
from pathlib import Path

import keras
import numpy as np

from common.arrays import pad
from common.data import load_imdb, load_reuters
from common.texts.corpus import Source, Split
from plots.reference import costs, forgetting, gradients, neighbours, tables
from plots.reference.runs import ARGUMENTS, MEASURED, SEEDS, is_done, keep, planned, read_rows
from plots.reference.variants import GAIN

ON_THE_WAY = list(gradients.MOMENTS)[1:-1]  # the epochs between the first weights and the last
ROWS = {
    "gradients": gradients.rows,
    "forgetting": forgetting.rows,
    "exchanged": forgetting.exchanged_rows,
    "neighbours": neighbours.rows,
}


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
            if options.data is not None and options.data not in arguments:
                continue
            if planned(name, seed) and not is_done(run):
                measure(run, arguments, seed)
        for program in ("reuters", "imdb"):
            run = f"run{seed}/article_{program}.csv"
            if options.article and not is_done(run):
                measure_article(run, options.article.resolve() / f"{program}.py")
    tables.write_all()


def measure(run: str, arguments: list[str], seed: int) -> None:
    """Run a variant, measure what it costs and the network that it leaves, and keep all of it here."""
    measured = [table for table, names in MEASURED.items() if Path(run).stem in names]
    with tempfile.TemporaryDirectory() as directory:
        command = ["-m", "plots.reference.variants", *arguments, "--seed", seed, "--output-dir"]
        spent = costs.run(*command, directory)
        model = open_one(directory)
        history = read_rows(next(Path(directory).glob("*.csv")))
        models = []
        if "gradients" in measured:
            models.append(untrained(model, seed))
            for epochs in ON_THE_WAY:  # the same seed gives the networks on the way again, to the last digit
                out = f"{directory}/{epochs}"
                costs.run(*command, out, "--epochs", epochs)
                models.append(open_one(out))
        models.append(model)
    splits = load(run, model)
    found = {table: ROWS[table](models, *splits) for table in measured}
    found["costs"] = [cost_row(spent, sum(weights.numpy().size for weights in model.trainable_weights))]
    keep(run, found, history)


def open_one(directory: str) -> keras.Sequential:
    """Return the network in the directory."""
    return keras.models.load_model(next(Path(directory).glob("*.keras")), compile=False)


def measure_article(run: str, program: Path) -> None:
    """Run one of the article's programs, which writes its history as JSON, and keep that and what it costs."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "history.json")
        spent = costs.run(program, OUT=str(path))
        history = json.loads(path.read_text())
    rows = zip(count(1), *history.values(), strict=False)
    keep(run, {"costs": [cost_row(spent)]}, [["epoch", *history], *rows])


def cost_row(spent: list[float], parameters: object = "") -> list[object]:
    """Return the row for `costs.csv` of what a run has spent."""
    seconds, _, memory = spent
    return [parameters, f"{seconds:.1f}", f"{memory:.0f}", costs.processor()]


def untrained(model: keras.Sequential, seed: int) -> keras.Sequential:
    """Return the network as the script has built it with this seed, before any training."""
    keras.utils.set_random_seed(seed)
    first = keras.Sequential.from_config(model.get_config())
    for layer in first.layers:
        # Keras (3.15) does not save the gain of this initializer: `Identity(0.97).get_config()` is empty.
        if isinstance(getattr(layer, "recurrent_initializer", None), keras.initializers.Identity):
            layer.cell.recurrent_kernel.assign(GAIN * np.eye(layer.units))
    return first


def load(run: str, model: keras.Sequential) -> list[Split]:
    """Return the run's training and test as its network reads them: word numbers, `(n, length)`, and labels."""
    source = Source("sample" if "-sample" in run else "keras")
    num_words, length = model.layers[0].input_dim, model.input_shape[1]
    *splits, _ = load_reuters(source, num_words, 0.2) if "reuters" in run else load_imdb(source, num_words)
    return [(pad(x, length), y) for x, y in splits]


if __name__ == "__main__":
    main()
