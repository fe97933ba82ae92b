"""What the runs gave, as tables and figures for the README here."""

import csv
import math
import statistics
import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from common.curve import STYLE
from plots.compare import History, draw_comparison, label, lowest, read_run, spread
from plots.reference.runs import (
    ARTICLE,
    COSTS,
    GRADIENTS,
    HERE,
    ROOT,
    SOURCES,
    VARIANTS,
    WITH_GRADIENTS,
    read_rows,
    save,
)

Norms = dict[tuple[str, int], np.ndarray]  # by the runs' name and the finished epochs; of shape (runs, words)
DATA = {"Reuters": SOURCES["keras"], "sample": SOURCES["sample"]}  # as the gradients' table and figure name them
TEXTS = {"reuters_lstm": "Reuters news", "imdb_cnn_lstm": "IMDB reviews"}
LAYERS = {label(name): name for name in WITH_GRADIENTS}
# What the README draws a conclusion from: the first less the second.
DIFFERENCES = [
    ("Reuters", "reuters_lstm-none", "reuters_lstm"),
    ("Reuters", "reuters_lstm-none-60_epochs", "reuters_lstm-40_epochs"),
    ("Reuters", "reuters_lstm-shuffled", "reuters_lstm"),
    ("Reuters", "reuters_lstm-simple_rnn", "reuters_lstm"),
    ("Reuters", "reuters_lstm-gru", "reuters_lstm"),
    ("Reuters", "article_reuters", "reuters_lstm"),
    ("IMDB", "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm"),
    ("IMDB", "imdb_cnn_lstm-none-no_conv-20_epochs", "imdb_cnn_lstm"),
    ("IMDB", "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm-no_conv"),
    ("IMDB", "imdb_cnn_lstm-none-no_conv-20_epochs", "imdb_cnn_lstm-no_conv"),
    ("IMDB", "imdb_cnn_lstm-shuffled", "imdb_cnn_lstm"),
    ("IMDB", "imdb_cnn_lstm-simple_rnn-no_conv", "imdb_cnn_lstm-no_conv"),
    ("IMDB", "imdb_cnn_lstm-simple_rnn", "imdb_cnn_lstm"),
    ("IMDB", "imdb_cnn_lstm-gru", "imdb_cnn_lstm"),
    ("IMDB", "imdb_cnn_lstm-no_conv", "imdb_cnn_lstm"),
    ("IMDB", "imdb_cnn_lstm-none", "imdb_cnn_lstm-none-no_conv-20_epochs"),
    ("IMDB", "article_imdb", "imdb_cnn_lstm"),
    ("sample", "reuters_lstm-simple_rnn-sample", "reuters_lstm-sample"),
    ("sample", "reuters_lstm-gru-sample", "reuters_lstm-sample"),
    ("sample", "imdb_cnn_lstm-none-sample", "imdb_cnn_lstm-sample"),
    ("sample", "imdb_cnn_lstm-no_conv-sample", "imdb_cnn_lstm-sample"),
]


def read_runs(name: str) -> list[History]:
    """Return all runs of this name that are here."""
    return [read_run(path) for path in sorted(HERE.glob(f"*/{name}.csv"))]


def readable(name: str) -> str:
    """Return what a reader calls the runs of this name: "averaged, no order, 60 epochs"."""
    if name.startswith("article_"):
        return "the article's own program"
    return label(name.removesuffix("-sample"))


def numbers(runs: list[History]) -> dict[str, list[float]]:
    """Return of each run the accuracy after the last epoch, the lowest test loss, and the accuracy in its epoch."""
    return {
        "last": [run["val_accuracy"][-1] for run in runs],
        "lowest": [lowest(run)[0] for run in runs],
        "there": [run["val_accuracy"][lowest(run)[1] - 1] for run in runs],
    }


@rc_context(STYLE | {"text.parse_math": True})  # powers of ten are set as formulas
def write_all() -> None:
    """Write the figures and, between their marks in the two READMEs, the tables."""
    for readme, tables in ((HERE / "README.md", detailed()), (ROOT / "README.md", {"expected": expected()})):
        text = readme.read_text(encoding="utf-8")
        for name, table in tables.items():
            before, begin, rest = text.partition(f"<!-- {name} -->\n")
            _, end, after = rest.partition("<!-- end -->")
            if not end:
                sys.exit(f"{readme} has lost the marks of its table {name}")
            text = f"{before}{begin}\n{table}\n\n{end}{after}"
        save(readme, lambda path, text=text: path.write_text(text, encoding="utf-8"))

    for script, variants in VARIANTS.items():
        names = [f"{script}{variant}{ending}" for ending in SOURCES.values() for variant in variants]
        groups = {label(name): read_runs(name) for name in names}
        groups = {name: runs for name, runs in groups.items() if runs}
        if groups:
            titles = f"Test loss on {TEXTS[script]}", f"Test loss on the sample {TEXTS[script].split()[1]}"
            save(HERE / f"{script}-variants.png", draw_comparison(groups, titles).savefig)
    if norms := read_gradients():
        save(HERE / "gradients.png", draw_gradients(norms).savefig)


def expected() -> str:
    """Return what the scripts reach as they are, for the project's README, as Markdown."""
    rows = ["| command | test accuracy, seed 1 | all seeds | lowest test loss, seed 1 | training |", "| --- " * 5 + "|"]
    for script in VARIANTS:
        for source, ending in SOURCES.items():
            if runs := read_runs(f"{script}{ending}"):
                loss, epoch = lowest(runs[0])
                accuracies = [run["val_accuracy"][-1] for run in runs]
                cells = (
                    f"`python {script}.py{' --data sample' if source == 'sample' else ''}`",
                    f"{accuracies[0]:.4f}",
                    f"{spread(accuracies)} ({len(runs)})",
                    f"{loss:.4f}, epoch {epoch}",
                    training(costs(f"{script}{ending}")),
                )
                rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def detailed() -> dict[str, str]:
    """Return all tables of the README here, by the name that stands in their marks."""
    results_of = {f"{script} on {source}": results(script, source) for script in VARIANTS for source in SOURCES}
    return results_of | {"differences": differences(), "gradients": gradients_table(read_gradients())}


def costs(name: str) -> list[dict[str, str]]:
    """Return what the runs of this name cost."""
    with COSTS.open(newline="") as stream:
        return [row for row in csv.DictReader(stream) if Path(row["run"]).stem == name]


def training(rows: list[dict[str, str]]) -> str:
    """Return the seconds of the fastest training: other work shared the machine."""
    return f"{min(float(row['seconds of training']) for row in rows):.0f} s"


def results(script: str, source: str) -> str:
    """Return a row for each variant of the script on the real data or on the sample, as Markdown."""
    rows = [
        "| variant | runs | accuracy, last epoch | lowest test loss | in epoch | accuracy there | training "
        "| parameters |",
        "| --- " * 8 + "|",
    ]
    names = [f"{script}{variant}{SOURCES[source]}" for variant in VARIANTS[script]]
    for name in [*names, *([f"article_{ARTICLE[script]}"] if source == "keras" else [])]:
        if runs := read_runs(name):
            found, cost = numbers(runs), costs(name)
            epochs = sorted({lowest(run)[1] for run in runs})
            cells = (
                readable(name),
                str(len(runs)),
                spread(found["last"]),
                spread(found["lowest"]),
                f"{epochs[0]} to {epochs[-1]}" if len(epochs) > 1 else str(epochs[0]),
                spread(found["there"]),
                training(cost),
                f"{int(cost[0]['parameters']):,}",
            )
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def differences() -> str:
    """Return the differences of means that are here, each with its standard error, as Markdown."""
    rows = ["| data | difference | accuracy, last epoch | lowest test loss | accuracy there |", "| --- " * 5 + "|"]
    for data, *names in DIFFERENCES:
        one, other = (numbers(read_runs(name)) for name in names)
        if len(one["last"]) > 1 and len(other["last"]) > 1:
            cells = (difference(one[what], other[what]) for what in one)
            rows.append(f"| {data} | {' − '.join(map(readable, names))} | {' | '.join(cells)} |")
    return "\n".join(rows)


def difference(one: list[float], other: list[float]) -> str:
    """Return "difference of means ± its standard error", with four decimals."""
    error = math.sqrt(sum(statistics.variance(values) / len(values) for values in (one, other)))
    return f"{statistics.fmean(one) - statistics.fmean(other):+.4f} ± {error:.4f}".replace("-", "−")


def read_gradients() -> Norms:
    """Read what `gradients.rows` gave of each run, the first of each row's numbers that of the last word."""
    norms: dict[tuple[str, int], list[list[float]]] = {}
    for run, epoch, _, *means in read_rows(GRADIENTS)[1:] if GRADIENTS.exists() else ():
        norms.setdefault((Path(run).stem, int(epoch)), []).append([float(mean) for mean in means if mean])
    return {key: np.array(runs) for key, runs in norms.items()}


def gradients_table(norms: Norms) -> str:
    """Return the norm at the first word divided by that at the last one, as Markdown: geometric mean and range."""
    epochs = moments(norms)
    lines = [f"| data | layer | {' | '.join(epochs.values())} |", "| --- " * (2 + len(epochs)) + "|"]
    for data, ending in DATA.items():
        for layer, name in LAYERS.items():
            if (name + ending, 0) in norms:
                runs = [norms[name + ending, epoch] for epoch in epochs]
                ratios = [norm[:, -1] / norm[:, 0] for norm in runs]
                cells = [f"{geometric_mean(ratio):.2g} ({ratio.min():.2g} to {ratio.max():.2g})" for ratio in ratios]
                lines.append(f"| {data} | {layer} | {' | '.join(cells)} |")
    return "\n".join(lines)


def moments(norms: Norms) -> dict[int, str]:
    """Return how many epochs were finished when the norms were taken, and what a reader calls that."""
    return {epoch: f"after epoch {epoch}" if epoch else "before training" for epoch in sorted({e for _, e in norms})}


def geometric_mean(runs: np.ndarray) -> np.ndarray:
    return np.exp(np.log(runs).mean(axis=0))


def draw_gradients(norms: Norms) -> Figure:
    """Draw the norms over the distance from the last word: a row for each data set, a panel for each moment."""
    shown = {data: ending for data, ending in DATA.items() if ("reuters_lstm" + ending, 0) in norms}
    panels = moments(norms)
    figure = Figure(figsize=(11, 1 + 3.2 * len(shown)), dpi=120, layout="constrained")
    figure.suptitle("How strongly a news article's loss depends on each of its words, by distance from the last one")
    grid = figure.subplots(len(shown), len(panels), squeeze=False, sharex="row", sharey=True)
    for row, (data, ending) in zip(grid, shown.items(), strict=True):
        for axes, (epoch, moment) in zip(row, panels.items(), strict=True):
            for number, (layer, name) in enumerate(LAYERS.items()):
                if (name + ending, epoch) in norms:
                    runs = norms[name + ending, epoch]
                    distances = range(runs.shape[1])
                    axes.plot(distances, geometric_mean(runs), color=f"C{number}", label=layer)
                    axes.fill_between(distances, runs.min(axis=0), runs.max(axis=0), color=f"C{number}", alpha=0.2)
            axes.set_yscale("log")
            axes.set_ylim(1e-8, 30)  # what falls out of it goes on falling: the table has the numbers
            axes.set_title(f"{data.capitalize()} news, {moment}", fontsize="medium")
            axes.grid(alpha=0.5)
            axes.set_xlabel("Words before the last one")
        row[0].set_ylabel("Norm of the loss's gradient")
    figure.legend(handles=grid[0, 0].lines, loc="outside lower center", ncols=len(LAYERS))
    return figure
