"""The runs that the claims are measured with: which there are, and the files here that keep what they gave.

A run's CSV is `seed1/NAME.csv` and so on, or `run1/NAME.csv` of the article's programs, which set no seed. What else is
measured stands in tables whose first column is this path: `costs.csv`, what the run cost, and of the network that it
leaves `gradients.csv`, `forgetting.csv`, `exchanged.csv` and `neighbours.csv`.
"""

from pathlib import Path

import numpy as np

from common.running.files import write
from plots.compare import History, read_run
from plots.reference.variants import ROOT, VARIANTS

HERE = ROOT / "plots" / "reference"
SEEDS = range(1, 6)
LONGER = {"reuters_lstm": 40, "reuters_lstm-none": 60, "imdb_cnn_lstm-none-no_conv": 20}  # epochs of one more run

# By the names of the runs, in the tables' order: what a reader calls them, and what `variants` is given.
CALLED = {}
ARGUMENTS = {}
for source, ending in (("keras", ""), ("sample", "-sample")):
    for variant, (called, _) in VARIANTS.items():
        CALLED[variant + ending] = called
        ARGUMENTS[variant + ending] = [variant, "--data", source]
        if variant in LONGER:
            epochs = LONGER[variant]
            CALLED[f"{variant}-{epochs}_epochs{ending}"] = f"{called}, {epochs} epochs"
            ARGUMENTS[f"{variant}-{epochs}_epochs{ending}"] = [variant, "--data", source, "--epochs", str(epochs)]
    for script in ("reuters_lstm", "imdb_cnn_lstm"):  # once more, beside one-hot input: for what each costs there
        ARGUMENTS[f"{script}-embedding{ending}"] = [script, "--data", source]
CALLED |= {"article_reuters": "the article's own program", "article_imdb": "the article's own program"}

LAYERS = ["reuters_lstm-simple_rnn", "reuters_lstm-simple_rnn_identity", "reuters_lstm"]
WITH_GRU = [*LAYERS, "reuters_lstm-gru"]
NEWS = [*LAYERS, "reuters_lstm-none"]
REVIEWS = [
    "imdb_cnn_lstm-simple_rnn-no_conv", "imdb_cnn_lstm-simple_rnn_identity-no_conv", "imdb_cnn_lstm-no_conv",
    "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm",
]  # fmt: skip
MEASURED = {  # of the networks of which runs
    "gradients": [*WITH_GRU, *(f"{name}-sample" for name in WITH_GRU)],
    "forgetting": [*WITH_GRU, "reuters_lstm-none", *REVIEWS, *(f"{name}-sample" for name in NEWS + REVIEWS)],
    "neighbours": ["reuters_lstm", "imdb_cnn_lstm"],  # on the sample no word by itself speaks for a label
}
MEASURED["exchanged"] = MEASURED["forgetting"]

# What makes a plain RNN keep what it has read, from the simple RNN to the LSTM.
PLAIN_RNNS = [
    "reuters_lstm-simple_rnn", "reuters_lstm-simple_rnn-slow", "reuters_lstm-simple_rnn-clipped",
    "reuters_lstm-simple_rnn_relu", "reuters_lstm-simple_rnn_start", "reuters_lstm-simple_rnn_start-slow",
    "reuters_lstm-simple_rnn_identity", "reuters_lstm-simple_rnn_identity_90", "reuters_lstm-simple_rnn_identity_100",
    "reuters_lstm-simple_rnn_identity-slow", "reuters_lstm-simple_rnn_identity-clipped", "reuters_lstm",
    "imdb_cnn_lstm-simple_rnn-no_conv", "imdb_cnn_lstm-simple_rnn_relu-no_conv",
    "imdb_cnn_lstm-simple_rnn_start-no_conv", "imdb_cnn_lstm-simple_rnn_identity-no_conv", "imdb_cnn_lstm-no_conv",
]  # fmt: skip
# Those that have tables of their own are left out of the tables of all runs.
ELSEWHERE = {*PLAIN_RNNS, *(name for name in VARIANTS if name.endswith("_words"))} - {*NEWS, *REVIEWS}
IN_RESULTS = [name for name in CALLED if name.removesuffix("-sample") not in ELSEWHERE]


def planned(name: str, seed: int) -> bool:
    """Return whether there is to be a run with this seed."""
    if name.endswith(("_words-sample", "mask-sample", "unmasked-sample")):
        return False  # what these ask is asked about real texts
    # One-hot input takes a multiple of the time: five seeds on the Reuters news only.
    return seed == 1 or name == "reuters_lstm-one_hot" or not ("one_hot" in name or "embedding" in name)


def is_done(run: str) -> bool:
    """Return whether all that is to be kept of a run is here: what is measured of its network, and its CSV."""
    name = Path(run).stem
    tables = [table for table, names in MEASURED.items() if name in names]
    return (HERE / run).exists() and all(run in [row[0] for row in read_rows(f"{table}.csv")] for table in tables)


def keep(run: str, found: dict, history: list) -> None:
    """Keep what was found of a run, rows for each table, in place of what is there, and then its CSV."""
    for table, rows in found.items():
        header, *others = [row for row in read_rows(f"{table}.csv") if row[0] != run]
        others += [[run, *row] for row in rows]
        write_rows(f"{table}.csv", [header, *sorted(others, key=lambda row: row[0])])
    write_rows(run, history)


def read_rows(file: str) -> list[list]:
    """Return the cells of a CSV here, row by row, all as texts."""
    return [line.split(",") for line in (HERE / file).read_text().splitlines()]


def write_rows(file: str, rows: list) -> None:
    """Write or replace a CSV here."""
    lines = [",".join(map(str, row)) for row in rows]
    write(HERE / file, lambda path: path.write_text("\n".join(lines) + "\n"))


def rows_of(table: str, name: str) -> list[list]:
    """Return the table's rows of all runs of this name, without the first column; those of seed 1 first."""
    return [cells for run, *cells in read_rows(f"{table}.csv") if Path(run).stem == name]


def numbers_of(table: str, name: str, key: object) -> np.ndarray:
    """Return the numbers in all runs' rows that have this key in the second column, `(runs, further columns)`."""
    found = [[cell for cell in cells if cell] for first, *cells in rows_of(table, name) if first == str(key)]
    return np.array(found, float)


def runs_of(name: str) -> list[History]:
    """Return the CSVs of all runs of this name."""
    return [read_run(path) for path in sorted(HERE.glob(f"*/{name}.csv"))]


def measured(table: str) -> list[tuple]:
    """Return what `on_texts` does, of the names that have rows in the table."""
    return on_texts([name for name in MEASURED[table] if rows_of(table, name)])


def on_texts(names: list) -> list[tuple]:
    """Return, of the names that have runs here, what these are on, the name, and what a reader calls them."""
    return [(texts(name), name, CALLED[name]) for name in names if runs_of(name)]


def texts(name: str) -> str:
    """Return what the runs of this name are on."""
    if "-sample" in name:
        return "Sample news" if "reuters" in name else "Sample reviews"
    return "Reuters news" if "reuters" in name else "IMDB reviews"
