"""Several runs over one another: `python -m plots.compare CSV... --output FILE.png`."""

import argparse
import csv
import math
import re
import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.curve import STYLE, look, save_figure
from common.running.files import one_line

COLUMNS = ("epoch", "accuracy", "val_loss", "val_accuracy")  # those that are compared, of a run's CSV
HEADER = ["runs", "training accuracy", "test accuracy", "lowest test loss", "in epoch", "test accuracy there"]
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
    try:
        groups = group_runs({path: read_run(path) for path in options.csv})
    except ValueError as error:
        parser.error(str(error))
    if not save_figure(options.output, draw_losses({"Test loss": groups})):
        sys.exit(1)
    print(markdown(["run", *HEADER], [[name, *row(runs)] for name, runs in groups.items()]))


def read_run(path: Path) -> History:
    """Return the compared columns of a run's CSV; a ValueError that names the file if it is none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # a spreadsheet adds a mark, and empty lines
            lines = [line for line in csv.DictReader(stream) if any(line.values())]
        run = {column: [float(line[column]) for line in lines] for column in COLUMNS}
        if not lines or run["epoch"] != list(range(1, len(lines) + 1)):
            raise ValueError("its epochs are not 1, 2, 3 ...")
    except (OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        row = f"{', '.join(COLUMNS)} in each row"
        raise ValueError(f"{path} is not the CSV of a run, with {row}: {one_line(error)}") from None
    return run


def group_runs(runs: dict[Path, History]) -> dict[str, list[History]]:
    """Return by its name each experiment's runs: those whose paths differ only in the seed, and whose epochs do not.

    The names are the files', or the paths where those are not all different.
    """
    experiments = {}
    for path in runs:
        any_seed = Path(re.sub(r"(seed|run)([-_=]?)\d+", r"\1\2*", str(path)))
        experiments.setdefault(any_seed, []).append(path)
    places = {any_seed if len(paths) > 1 else paths[0]: paths for any_seed, paths in experiments.items()}
    stems = {place.stem for place in places}
    groups = {}
    for place, paths in places.items():
        lengths = {len(runs[path]["epoch"]) for path in paths}
        for path in paths:
            name = place.stem if len(stems) == len(places) else str(place)
            if len(lengths) > 1:
                name += f", {len(runs[path]['epoch'])} epochs"
            groups.setdefault(name, []).append(runs[path])
    return groups


def row(runs: list[History]) -> list[str]:
    """Return an experiment's cells under the `HEADER`, with mean and standard deviation if it has several runs."""
    training, last, lowest, there, epochs = reached(runs)
    in_epoch = f"{min(epochs):.0f} to {max(epochs):.0f}"
    if min(epochs) == max(epochs):
        in_epoch = f"{epochs[0]:.0f}"
    return [str(len(runs)), spread(training), spread(last), spread(lowest), in_epoch, spread(there)]


def reached(runs: list[History]) -> np.ndarray:
    """Return, `(5, runs)`: last training and test accuracy, lowest test loss, test accuracy there, its epoch.

    The training accuracy is Keras's: the mean over an epoch in which the network still learns.
    """
    losses = np.array([run["val_loss"] for run in runs])
    accuracies = np.array([run["val_accuracy"] for run in runs])
    training = [run["accuracy"][-1] for run in runs]
    best = losses.argmin(axis=1)
    there = accuracies[np.arange(len(runs)), best]
    return np.array([training, accuracies[:, -1], losses.min(axis=1), there, best + 1])


def markdown(header: list[str], rows: list) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread(numbers: np.ndarray) -> str:
    """Return "mean ± standard deviation" of the runs (n - 1), with four decimals, or the number if there is one run."""
    if len(numbers) == 1:
        return f"{numbers[0]:.4f}"
    return f"{numbers.mean():.4f} ± {numbers.std(ddof=1):.4f}"


def draw_losses(panels: dict, columns: int = 1) -> Figure:
    """Draw the test losses of experiments: for each title of axes, their runs by their names."""
    losses = {}
    for title, groups in panels.items():
        losses[title] = {name: np.array([run["val_loss"] for run in runs]) for name, runs in groups.items()}
    return draw_panels(losses, columns, xlabel="Epoch", ylabel="Loss (cross-entropy)")


@rc_context(STYLE)
def draw_panels(panels: dict, columns: int, each_run: bool = False, **settings: object) -> Figure:
    """Draw the means of runs as lines, in axes for each title, and bands from the lowest to the highest run.

    For each title there is, by a name for the legend, an array `(runs, x)`, with x from 1 up. A name has the same
    colour in all axes. With `each_run` each run is a thin line instead. The settings are those of all axes.
    """
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(6.7 + 1.3 * columns, 4.5 + 1.5 * rows), dpi=120, layout="constrained")
    lines = {}  # one for each entry of the legend
    for number, (title, groups) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, number)
        for name, runs in groups.items():
            place = list(lines).index(name) if name in lines else len(lines)
            x = range(1, runs.shape[1] + 1)
            line = {"label": name, **look(place)}
            if each_run:
                lines[name], *_ = axes.plot(x, runs.T, linewidth=0.8, **line)
            else:
                (lines[name],) = axes.plot(x, runs.mean(axis=0), marker=".", markersize=4, **line)
                axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=line["color"], alpha=0.2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(title=title, **settings)
        axes.grid(alpha=0.5)
    widest = 0.6 + 0.085 * max(map(len, lines))  # inches, of an entry
    fitting = max(1, min(3, int(figure.get_figwidth() / widest)))
    figure.legend(handles=[*lines.values()], loc="outside lower center", ncols=fitting)  # the curves are everywhere
    return figure


if __name__ == "__main__":
    main()
