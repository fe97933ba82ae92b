"""Several runs over one another: `python -m plots.compare CSV... --output FILE.png`."""

import argparse
import csv
import math
import re
import statistics
import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from common.curve import STYLE, save_figure

COLUMNS = ("epoch", "val_loss", "val_accuracy")  # those that are compared, of a run's CSV
# The names of the files of a variant, from `common.variants.file_name`, or with the epochs in them.
VARIANT = re.compile(
    r"(reuters|imdb_cnn)_lstm(?:-(gru|simple_rnn|none))?(-no_conv)?(-one_hot)?(-shuffled)?(?:-(\d+)_epochs)?(-sample)?"
)
RECURRENT = {None: "LSTM", "gru": "GRU", "simple_rnn": "simple RNN", "none": "averaged"}  # as tables call them
SAMPLE = re.compile(r"(-sample|, on the sample)(?=[^/\\]*$)")  # in the name of a run on the sample
LINES = ("-", "--", ":")  # one after the other, each in Matplotlib's ten colours
History = dict[str, list[float]]  # for each of the columns the numbers of all epochs of a run


def main() -> None:
    """Read the command line and the runs, save the figure, and print the table."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a console may not know the ±
    parser = argparse.ArgumentParser(
        prog="python -m plots.compare",
        description="Draw the test losses of several runs over one another, and print their figures as a Markdown "
        "table. Runs whose paths differ only in a number after 'seed' or 'run' (plots/seed1/reuters_lstm.csv, "
        "plots/seed2/reuters_lstm.csv), and which have the same epochs, are one row and one curve: their mean.",
        allow_abbrev=False,
    )
    parser.add_argument("csv", nargs="+", type=Path, metavar="CSV", help="what a run left: the numbers of its epochs")
    parser.add_argument("--output", type=Path, metavar="FILE.png", required=True, help="where the figure goes")
    options = parser.parse_args()
    if options.output.suffix != ".png":
        parser.error(f"argument --output: must end in .png, not '{options.output}'")
    try:
        groups = group_runs({path: read_run(path) for path in options.csv})
    except ValueError as error:
        parser.error(str(error))
    if not save_figure(options.output, draw_comparison(groups)):
        sys.exit(1)
    print(table(groups))


def read_run(path: Path) -> History:
    """Return the compared columns of a run's CSV; a ValueError that names the file if it is none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # a spreadsheet adds a mark, and empty lines
            lines = [line for line in csv.reader(stream) if any(line)]
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
    except (csv.Error, UnicodeDecodeError):
        raise ValueError(f"{path} is not the CSV of a run: it is not a text file") from None
    if not lines:
        raise ValueError(f"{path} is empty")
    header, *rows = lines
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise ValueError(f"{path} is not the CSV of a run: it has no column {', '.join(missing)}")
    if not rows:
        raise ValueError(f"{path} has no epoch yet")
    run = {}
    try:
        for column in COLUMNS:
            place = header.index(column)
            run[column] = [float(row[place]) for row in rows]
    except (ValueError, IndexError):
        raise ValueError(f"{path} is not the CSV of a run: a number is missing or is none") from None
    if run["epoch"] != list(range(1, len(rows) + 1)):
        raise ValueError(f"{path} is not the CSV of a run: its epochs do not count 1, 2, 3 ...")
    return run


def group_runs(runs: dict[Path, History]) -> dict[str, list[History]]:
    """Return by its name each experiment's runs: those whose paths differ only in the seed, and whose epochs do not."""
    groups: dict[tuple[Path, int], list[Path]] = {}
    for path, run in runs.items():
        any_seed = Path(re.sub(r"(seed|run)([-_=]?)\d+", r"\1\2*", str(path)))
        groups.setdefault((any_seed, len(run["epoch"])), []).append(path)
    experiments = []
    for (any_seed, epochs), paths in groups.items():
        path = any_seed if len(paths) > 1 else paths[0]
        experiments.append((path, epochs))
    names = _names(experiments)
    return {name: [runs[path] for path in paths] for name, paths in zip(names, groups.values(), strict=True)}


def _names(experiments: list[tuple[Path, int]]) -> list[str]:
    """Return the shortest names, from paths and epochs, of which no two are the same."""
    stems = [path.stem for path, _ in experiments]
    scripts = {stem.partition("-")[0] for stem in stems}
    choices = []
    if len(scripts) == 1:
        choices.append([label(stem) for stem in stems])
    choices.append(stems)
    choices.append([str(path.with_suffix("")) for path, _ in experiments])
    choices.append([f"{path.with_suffix('')}, {epochs} epochs" for path, epochs in experiments])
    choices.append([f"{path}, {epochs} epochs" for path, epochs in experiments])
    return next(names for names in choices if len(set(names)) == len(names))


def label(name: str) -> str:
    """Return what a reader calls the variant whose files have this name: "CNN and GRU, words shuffled, on the sample".

    A name that is no variant's is returned as it is.
    """
    found = VARIANT.fullmatch(name)
    if not found:
        return name
    script, recurrent, no_conv, one_hot, shuffled, epochs, sample = found.groups()
    has_conv = script == "imdb_cnn" and not no_conv
    network = RECURRENT[recurrent]
    if has_conv:
        network = f"CNN, {network}" if recurrent == "none" else f"CNN and {network}"
    parts = [network]
    if recurrent == "none" and not has_conv:
        parts.append("no order")
    if no_conv:
        parts.append("without convolution")
    if one_hot:
        parts.append("one-hot input")
    if shuffled:
        parts.append("words shuffled")
    if epochs:
        parts.append(f"{epochs} epochs")
    if sample:
        parts.append("on the sample")
    return ", ".join(parts)


def table(groups: dict[str, list[History]]) -> str:
    """Return a row for each experiment, with mean and standard deviation where it has several runs, as Markdown."""
    rows = []
    for name, runs in groups.items():
        suffix = f", {len(runs)} runs" if len(runs) > 1 else ""
        rows.append(
            [
                f"{name}{suffix}".replace("|", "\\|"),
                str(len(runs[0]["epoch"])),
                spread([run["val_loss"][-1] for run in runs]),
                spread([run["val_accuracy"][-1] for run in runs]),
                spread([lowest(run)[0] for run in runs]),
                epochs_of_lowest(runs),
            ]
        )
    return markdown(["run", "epochs", "final test loss", "final test accuracy", "lowest test loss", "in epoch"], rows)


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---" for _ in header], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread(numbers: list[float]) -> str:
    """Return "mean ± standard deviation" of the runs (n - 1), with four decimals, or the number if there is one run."""
    mean = f"{statistics.fmean(numbers):.4f}"
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(numbers):.4f}"


def lowest(run: History) -> tuple[float, int]:
    """Return the lowest test loss of a run and its epoch; NaN and epoch 1 if no loss is a number."""
    losses = [loss for loss in run["val_loss"] if not math.isnan(loss)]
    if not losses:
        return math.nan, 1
    return min(losses), run["val_loss"].index(min(losses)) + 1


def epochs_of_lowest(runs: list[History]) -> str:
    """Return in which epochs the runs have their lowest test loss: "3", or "3 to 5"."""
    epochs = [lowest(run)[1] for run in runs]
    if min(epochs) == max(epochs):
        return str(epochs[0])
    return f"{min(epochs)} to {max(epochs)}"


@rc_context(STYLE)
def draw_comparison(
    groups: dict[str, list[History]], titles: tuple[str, str] = ("Test loss", "Test loss on the built-in sample")
) -> Figure:
    """Draw the test loss of every experiment, on the sample in axes of their own: a loss on other texts is no better.

    The titles are of the axes for the real data and of those for the sample.
    """
    panels: dict[str, list[tuple[str, list[History]]]] = {title: [] for title in titles}
    for name, runs in groups.items():
        title = titles[1] if SAMPLE.search(name) else titles[0]
        panels[title].append((SAMPLE.sub("", name), runs))
    shown = [title for title in titles if panels[title]]
    figure = Figure(figsize=(8, 6) if len(shown) == 1 else (11, 6), dpi=120, layout="constrained")
    numbers: dict[str, int] = {}  # a variant has the same colour in both axes, and one entry in the legend
    lines: dict[str, Line2D] = {}
    for axes, title in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for name, runs in panels[title]:
            number = numbers.setdefault(name, len(numbers))
            lines[name] = _draw_experiment(axes, name, runs, number)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(title=title, xlabel="Epoch", ylabel="Loss (cross-entropy)")
        axes.grid(alpha=0.5)
    widest = 0.6 + 0.085 * max(map(len, lines))  # inches, of a line in the legend
    columns = max(1, min(3, int(figure.get_figwidth() / widest)))
    figure.legend(handles=[*lines.values()], loc="outside lower center", ncols=columns)  # the curves are everywhere
    return figure


def _draw_experiment(axes: Axes, name: str, runs: list[History], number: int) -> Line2D:
    """Draw the mean of the runs as a line, their range as a band, in the colour of this number."""
    epochs = runs[0]["epoch"]
    losses = np.array([run["val_loss"] for run in runs])
    colour = f"C{number}"
    style = LINES[number // 10 % len(LINES)]
    (line,) = axes.plot(epochs, losses.mean(axis=0), color=colour, linestyle=style, marker=".", label=name)
    axes.fill_between(epochs, losses.min(axis=0), losses.max(axis=0), color=colour, alpha=0.2)
    return line


if __name__ == "__main__":
    main()
