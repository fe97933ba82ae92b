"""What the runs gave, as tables and figures for the README here."""

import csv
import math
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.curve import STYLE
from plots.compare import History, draw_comparison, epochs_of_lowest, label, lowest, markdown, read_run, spread
from plots.reference.runs import (
    ARTICLE,
    COSTS,
    EMBEDDING,
    FORGETTING,
    GRADIENTS,
    HERE,
    NEIGHBOURS,
    ROOT,
    SOURCES,
    VARIANTS,
    WITH_FORGETTING,
    WITH_GRADIENTS,
    WITH_NEIGHBOURS,
    read_rows,
    save,
)

Norms = dict[tuple[str, int], np.ndarray]  # by the runs' name and the finished epochs; of shape (runs, words)
DATA = {"Reuters": SOURCES["keras"], "sample": SOURCES["sample"]}  # as the gradients' table and figure name them
TEXTS = {"reuters_lstm": "Reuters news", "imdb_cnn_lstm": "IMDB reviews"}
# Another curve would cover the first; on IMDB 20 epochs would push all others, of 5, into a corner.
NOT_DRAWN = ("reuters_lstm-none", "imdb_cnn_lstm-none-no_conv-20_epochs")
LAYERS = {label(name): name for name in WITH_GRADIENTS}
COLOURS = {"simple RNN": "C0", "LSTM": "C1", "GRU": "C2", "CNN and LSTM": "C3"}  # where forgetting is drawn
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
    _fill_in(HERE / "README.md", detailed())
    _fill_in(ROOT / "README.md", {"expected": expected()})
    for script, variants in VARIANTS.items():
        groups = {}
        for ending in SOURCES.values():
            for variant in variants:
                name = f"{script}{variant}{ending}"
                runs = read_runs(name)
                if runs and f"{script}{variant}" not in NOT_DRAWN:
                    groups[label(name)] = runs
        if groups:
            titles = (f"Test loss on {TEXTS[script]}", f"Test loss on the sample {TEXTS[script].split()[1]}")
            save(HERE / f"{script}-variants.png", draw_comparison(groups, titles).savefig)
    norms = read_gradients()
    if norms:
        save(HERE / "gradients.png", draw_gradients(norms).savefig)
    forgetting = read_forgetting()
    if forgetting.accuracies:
        save(HERE / "forgetting.png", draw_forgetting(forgetting).savefig)


def _fill_in(readme: Path, tables: dict[str, str]) -> None:
    text = readme.read_text(encoding="utf-8")
    for name, table in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            sys.exit(f"{readme} has lost the marks of its table {name}")
        text = f"{before}{begin}\n{table}\n\n{end}{after}"
    save(readme, lambda path: path.write_text(text, encoding="utf-8"))


def expected() -> str:
    """Return what the scripts reach as they are, for the project's README, as Markdown."""
    rows = []
    for script in VARIANTS:
        for source, ending in SOURCES.items():
            runs = read_runs(f"{script}{ending}")
            if not runs:
                continue
            option = " --data sample" if source == "sample" else ""
            loss, epoch = lowest(runs[0])
            accuracies = numbers(runs)["last"]
            rows.append(
                [
                    f"`{script}.py{option}`",
                    f"{accuracies[0]:.4f}",
                    f"{spread(accuracies)} ({len(runs)})",
                    f"{loss:.4f}, epoch {epoch}",
                ]
            )
    return markdown(["command", "test accuracy, seed 1", "all seeds", "lowest test loss, seed 1"], rows)


def detailed() -> dict[str, str]:
    """Return all tables of the README here, by the name that stands in their marks."""
    found = {f"{script} on {source}": results(script, source) for script in VARIANTS for source in SOURCES}
    return found | {
        "differences": differences(),
        "gradients": gradients_table(read_gradients()),
        "forgetting": forgetting_table(read_forgetting()),
        "one-hot": one_hot_table(),
        "neighbours": neighbours_table(),
    }


def costs(name: str) -> list[dict[str, str]]:
    """Return what the runs of this name cost."""
    with COSTS.open(newline="") as stream:
        return [row for row in csv.DictReader(stream) if Path(row["run"]).stem == name]


def results(script: str, source: str) -> str:
    """Return a row for each variant of the script on the real data or on the sample, as Markdown."""
    names = [f"{script}{variant}{SOURCES[source]}" for variant in VARIANTS[script]]
    if source == "keras":
        names.append(f"article_{ARTICLE[script]}")
    rows = []
    for name in names:
        runs = read_runs(name)
        if not runs:
            continue
        found, cost = numbers(runs), costs(name)
        rows.append(
            [
                readable(name),
                str(len(runs)),
                spread(found["last"]),
                spread(found["lowest"]),
                epochs_of_lowest(runs),
                spread(found["there"]),
                f"{int(cost[0]['parameters']):,}",
            ]
        )
    header = ["variant", "runs", "accuracy, last epoch", "lowest test loss", "in epoch", "accuracy there"]
    return markdown([*header, "parameters"], rows)


def differences() -> str:
    """Return the differences of means that are here, each with its standard error, as Markdown."""
    rows = []
    for data, first, second in DIFFERENCES:
        one, other = numbers(read_runs(first)), numbers(read_runs(second))
        if len(one["last"]) > 1 and len(other["last"]) > 1:
            found = [difference(one[what], other[what]) for what in ("last", "lowest", "there")]
            rows.append([data, f"{readable(first)} − {readable(second)}", *found])
    return markdown(["data", "difference", "accuracy, last epoch", "lowest test loss", "accuracy there"], rows)


def difference(one: list[float], other: list[float]) -> str:
    """Return "difference of means ± its standard error", with four decimals."""
    error = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    return f"{statistics.fmean(one) - statistics.fmean(other):+.4f} ± {error:.4f}".replace("-", "−")


def read_gradients() -> Norms:
    """Read what `gradients.rows` gave of each run, the first of each row's numbers that of the last word."""
    if not GRADIENTS.exists():
        return {}
    norms: dict[tuple[str, int], list[list[float]]] = {}
    for run, epoch, _, *means in read_rows(GRADIENTS)[1:]:
        norms.setdefault((Path(run).stem, int(epoch)), []).append([float(mean) for mean in means if mean])
    return {key: np.array(runs) for key, runs in norms.items()}


def gradients_table(norms: Norms) -> str:
    """Return the norm at the first word divided by that at the last one, as Markdown: geometric mean and range."""
    epochs = moments(norms)
    rows = []
    for data, ending in DATA.items():
        for layer, name in LAYERS.items():
            if (name + ending, 0) not in norms:
                continue
            cells = []
            for epoch in epochs:
                runs = norms[name + ending, epoch]
                ratio = runs[:, -1] / runs[:, 0]
                cells.append(f"{geometric_mean(ratio):.2g} ({ratio.min():.2g} to {ratio.max():.2g})")
            rows.append([data, layer, *cells])
    return markdown(["data", "layer", *epochs.values()], rows)


def moments(norms: Norms) -> dict[int, str]:
    """Return how many epochs were finished when the norms were taken, and what a reader calls that."""
    epochs = sorted({epoch for _, epoch in norms})
    return {epoch: f"after epoch {epoch}" if epoch else "before training" for epoch in epochs}


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
                    _draw_layer(axes, norms[name + ending, epoch], f"C{number}", layer)
            axes.set_yscale("log")
            axes.set_ylim(1e-8, 30)  # what falls out of it goes on falling: the table has the numbers
            axes.set_title(f"{data.capitalize()} news, {moment}", fontsize="medium")
            axes.grid(alpha=0.5)
            axes.set_xlabel("Words before the last one")
        row[0].set_ylabel("Norm of the loss's gradient")
    figure.legend(handles=grid[0, 0].lines, loc="outside lower center", ncols=len(LAYERS))
    return figure


def _draw_layer(axes: Axes, runs: np.ndarray, colour: str, layer: str) -> None:
    distances = range(runs.shape[1])
    axes.plot(distances, geometric_mean(runs), color=colour, label=layer)
    axes.fill_between(distances, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2)


class Forgetting(NamedTuple):
    numbers: list[str]  # of words, or of paddings, behind the texts
    accuracies: dict[tuple[str, str], np.ndarray]  # by the runs' name and what is behind; of shape (runs, numbers)
    commonest: dict[str, float]  # by the runs' name: how often the commonest label would be right


def read_forgetting() -> Forgetting:
    """Read what `forgetting.rows` gave of each run."""
    if not FORGETTING.exists():
        return Forgetting([], {}, {})
    (_, _, _, *numbers), *rows = read_rows(FORGETTING)
    accuracies: dict[tuple[str, str], list[list[float]]] = {}
    commonest = {}
    for run, behind, share, *found in rows:
        accuracies.setdefault((Path(run).stem, behind), []).append([float(accuracy) for accuracy in found])
        commonest[Path(run).stem] = float(share)
    return Forgetting(numbers, {key: np.array(runs) for key, runs in accuracies.items()}, commonest)


def forgetting_table(found: Forgetting) -> str:
    """Return the mean accuracies over the numbers of words behind the texts, as Markdown."""
    rows = []
    for (script, source), names in forgetting_panels(found).items():
        for name in names:
            for behind in ("words", "padding"):
                means = found.accuracies[name, behind].mean(axis=0)
                data = panel_title(script, source)
                rows.append([data, readable(name), behind, *(f"{mean:.3f}" for mean in means)])
    return markdown(["data", "network", "behind the text", *found.numbers], rows)


def forgetting_panels(found: Forgetting) -> dict[tuple[str, str], list[str]]:
    """Return the names of the runs that are here, by script and source."""
    panels: dict[tuple[str, str], list[str]] = {}
    for source, ending in SOURCES.items():
        for script in VARIANTS:
            for variant in WITH_FORGETTING:
                if variant.startswith(script) and variant + ending in found.commonest:
                    panels.setdefault((script, source), []).append(variant + ending)
    return panels


def panel_title(script: str, source: str) -> str:
    return TEXTS[script] if source == "keras" else f"Sample {TEXTS[script].split()[1]}"


def draw_forgetting(found: Forgetting) -> Figure:
    """Draw the accuracy over the number of words behind the texts: a panel for each script's texts of each source."""
    panels = forgetting_panels(found)
    num_rows = math.ceil(len(panels) / 2)
    figure = Figure(figsize=(8.3, 1.5 + 2.7 * num_rows), dpi=120, layout="constrained")
    figure.suptitle("How often a text's label is still right with unrelated words behind it")
    grid = figure.subplots(num_rows, 2, squeeze=False, sharey="row")
    drawn: dict[str, Line2D] = {}
    for axes, ((script, source), names) in zip(grid.flat, panels.items(), strict=False):
        for name in names:
            layer = readable(name).removesuffix(", without convolution")
            drawn[layer] = _draw_accuracies(axes, found, name, layer)
        axes.axhline(found.commonest[names[0]], color="black", linestyle=":")
        axes.set_xticks(range(len(found.numbers)), found.numbers)
        axes.set_title(panel_title(script, source), fontsize="medium")
        axes.set(xlabel="Words behind the last 50 of the text", ylabel="Accuracy")
        axes.grid(alpha=0.5)
    layers = [drawn[layer] for layer in COLOURS if layer in drawn]
    padding = Line2D([], [], color="black", linestyle="--", linewidth=1, label="with paddings behind instead")
    commonest = Line2D([], [], color="black", linestyle=":", label="always the commonest label")
    figure.legend(handles=[*layers, padding, commonest], loc="outside lower center", ncols=3)
    return figure


def _draw_accuracies(axes: Axes, found: Forgetting, name: str, layer: str) -> Line2D:
    words, padding = found.accuracies[name, "words"], found.accuracies[name, "padding"]
    places = range(len(found.numbers))  # not to scale: a few words make most of the difference
    colour = COLOURS[layer]
    axes.plot(places, padding.mean(axis=0), color=colour, linestyle="--", linewidth=1)
    axes.fill_between(places, words.min(axis=0), words.max(axis=0), color=colour, alpha=0.2)
    (line,) = axes.plot(places, words.mean(axis=0), color=colour, marker=".", label=layer)
    return line


def one_hot_table() -> str:
    """Return what each script reaches and costs with an embedding and with one-hot input, as Markdown."""
    rows = []
    for source, ending in SOURCES.items():
        for script in VARIANTS:
            data = panel_title(script, source)
            one_hot = f"{script}-one_hot{ending}"
            rows.append([data, "embedding", *_reached_and_cost(f"{script}{ending}", f"{script}{EMBEDDING}{ending}")])
            rows.append([data, "one-hot", *_reached_and_cost(one_hot, one_hot)])
    header = ["data", "words", "runs", "accuracy, last epoch", "lowest test loss", "an epoch", "peak memory"]
    return markdown([*header, "parameters"], [row for row in rows if len(row) > 2])


def _reached_and_cost(name: str, timed: str) -> list[str]:
    """Return what the runs of the first name reached and seed 1 of the second cost; nothing if either is missing."""
    runs = read_runs(name)
    cost = [row for row in costs(timed) if row["run"].startswith("seed1/")]
    if not runs or not cost:
        return []
    found = numbers(runs)
    seconds = float(cost[0]["seconds of training"]) / len(runs[0]["epoch"])
    return [
        str(len(runs)),
        spread(found["last"]),
        spread(found["lowest"]),
        f"{seconds:.1f} s",
        f"{int(cost[0]['peak memory MB']):,} MB",
        f"{int(cost[0]['parameters']):,}",
    ]


def neighbours_table() -> str:
    """Return how many of the nearest words have the word's label, and how many would by chance, as Markdown."""
    rows = []
    if NEIGHBOURS.exists():
        for name in WITH_NEIGHBOURS:
            found = [row[1:] for row in read_rows(NEIGHBOURS)[1:] if Path(row[0]).stem == name]
            if found:
                nearest, chance = ([float(share) for share in shares] for shares in zip(*found, strict=True))
                rows.append([TEXTS[name], readable(name), str(len(found)), spread(nearest), spread(chance)])
    return markdown(["data", "network", "runs", "of the ten nearest words", "by chance"], rows)
