"""Several runs over one another: `python -m plots.compare CSV... --output FILE.png`."""

import argparse
import csv
import math
import re
import statistics
import sys
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from common.curve import STYLE, save_figure
from common.variants import RECURRENT

COLUMNS = ("epoch", "val_loss", "val_accuracy")  # those that are compared, of a run's CSV
SAMPLE = re.compile(r"(-sample|, on the sample)(?=[^/\\]*$)")  # in the name of a run on the sample
History = dict[str, list[float]]  # for each of them the numbers of all epochs of a run


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
    """Read the CSV of a run.

    Args:
        path: a CSV with the columns `epoch` (1, 2, 3 ...), `val_loss` and `val_accuracy`, and any others.

    Returns:
        For each of these columns the numbers of all epochs.

    Raises:
        ValueError: if it cannot be read, has no epoch or is not the CSV of a run; the message names the file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # a spreadsheet adds a mark, and empty lines
            rows = [row for row in csv.reader(stream) if any(row)]
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
    except (csv.Error, UnicodeDecodeError):
        raise ValueError(f"{path} is not the CSV of a run: it is not a text file") from None
    if not rows:
        raise ValueError(f"{path} is empty")
    missing = [column for column in COLUMNS if column not in rows[0]]
    if missing:
        raise ValueError(f"{path} is not the CSV of a run: it has no column {', '.join(missing)}")
    if not rows[1:]:
        raise ValueError(f"{path} has no epoch yet")
    try:
        run = {column: [float(row[rows[0].index(column)]) for row in rows[1:]] for column in COLUMNS}
    except (ValueError, IndexError):
        raise ValueError(f"{path} is not the CSV of a run: a number is missing or is none") from None
    if run["epoch"] != list(range(1, len(rows))):
        raise ValueError(f"{path} is not the CSV of a run: its epochs do not count 1, 2, 3 ...")
    return run


def group_runs(runs: dict[Path, History]) -> dict[str, list[History]]:
    """Put together the runs that differ only in their seed.

    Args:
        runs: from `read_run`, by path.

    Returns:
        For each experiment its runs. Its name is what a reader calls the variant, if all are of one script; otherwise
        or where two would have the same, that of the file, or the path.
    """
    groups: dict[tuple[Path, int], list[Path]] = {}
    for path, run in runs.items():
        any_seed = Path(re.sub(r"(seed|run)([-_=]?)\d+", r"\1\2*", str(path)))
        groups.setdefault((any_seed, len(run["epoch"])), []).append(path)
    paths = [(any_seed if len(paths) > 1 else paths[0], epochs) for (any_seed, epochs), paths in groups.items()]
    stems = [path.stem for path, _ in paths]
    one_script = len({stem.partition("-")[0] for stem in stems}) == 1
    for names in (
        [label(stem) if one_script else stem for stem in stems],
        stems,
        [str(path.with_suffix("")) for path, _ in paths],
        [f"{path.with_suffix('')}, {epochs} epochs" for path, epochs in paths],
        [f"{path}, {epochs} epochs" for path, epochs in paths],
    ):
        if len(set(names)) == len(names):
            break
    return {name: [runs[path] for path in group] for name, group in zip(names, groups.values(), strict=True)}


def label(name: str) -> str:
    """Return what a reader calls the variant whose files have this name: "CNN and GRU, words shuffled, on the sample".

    Args:
        name: from `common.variants.file_name`, or with the epochs in it, as in `plots/reference`; any other is returned
            as it is.
    """
    parts = "|".join(RECURRENT)
    found = re.fullmatch(
        rf"(reuters|imdb_cnn)_lstm(?:-({parts}))?(-no_conv)?(-shuffled)?(?:-(\d+)_epochs)?(-sample)?", name
    )
    if not found:
        return name
    script, recurrent, no_conv, shuffled, epochs, sample = found.groups()
    conv = script == "imdb_cnn" and not no_conv
    network = {"none": "averaged", "simple_rnn": "simple RNN"}.get(recurrent, (recurrent or "lstm").upper())
    if conv:
        network = f"CNN, {network}" if recurrent == "none" else f"CNN and {network}"
    suffixes = {
        "no order": recurrent == "none" and not conv,
        "without convolution": no_conv,
        "words shuffled": shuffled,
        f"{epochs} epochs": epochs,
        "on the sample": sample,
    }
    return ", ".join([network, *(suffix for suffix, said in suffixes.items() if said)])


def spread(numbers: list[float]) -> str:
    """Return "mean ± standard deviation" of the runs (n - 1), with four decimals, or the number if there is one run."""
    mean = f"{statistics.fmean(numbers):.4f}"
    return f"{mean} ± {statistics.stdev(numbers):.4f}" if len(numbers) > 1 else mean


def lowest(run: History) -> tuple[float, int]:
    """Return the lowest test loss of a run and its epoch; NaN and epoch 1 if no loss is a number."""
    return min(
        ((loss, epoch) for epoch, loss in enumerate(run["val_loss"], 1) if not math.isnan(loss)), default=(math.nan, 1)
    )


def table(groups: dict[str, list[History]]) -> str:
    """Return the Markdown table: a row for each experiment, mean and standard deviation where it has several runs."""
    rows = [
        "| run | epochs | final test loss | final test accuracy | lowest test loss | in epoch |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, runs in groups.items():
        row_name = name if len(runs) == 1 else f"{name}, {len(runs)} runs"
        epochs = sorted({lowest(run)[1] for run in runs})
        cells = (
            row_name.replace("|", "\\|"),
            str(len(runs[0]["epoch"])),
            *(spread([run[column][-1] for run in runs]) for column in ("val_loss", "val_accuracy")),
            spread([lowest(run)[0] for run in runs]),
            f"{epochs[0]} to {epochs[-1]}" if len(epochs) > 1 else str(epochs[0]),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


@rc_context(STYLE)
def draw_comparison(
    groups: dict[str, list[History]], titles: tuple[str, str] = ("Test loss", "Test loss on the built-in sample")
) -> Figure:
    """Draw the test loss of every experiment: the mean of its runs as a line, their range as a band.

    Runs on the sample get axes of their own: a loss on other texts is not a better or worse one.

    Args:
        groups: from `group_runs`.
        titles: of the axes for the real data and of those for the sample.

    Returns:
        The figure, 8 by 6 inches, or 11 by 6 with two axes.
    """
    panels: dict[str, list[tuple[str, list[History]]]] = {}
    for name, runs in groups.items():
        title = titles[1] if SAMPLE.search(name) else titles[0]
        panels.setdefault(title, []).append((SAMPLE.sub("", name), runs))
    figure = Figure(figsize=(8, 6) if len(panels) == 1 else (11, 6), dpi=120, layout="constrained")
    lines: dict[str, Line2D] = {}  # a variant has the same colour in both axes, and one entry in the legend
    for axes, title in zip(figure.subplots(1, len(panels), squeeze=False)[0], sorted(panels), strict=True):
        for name, runs in panels[title]:
            number = list(lines).index(name) if name in lines else len(lines)
            colour = f"C{number}"
            losses = list(zip(*(run["val_loss"] for run in runs), strict=True))  # an epoch's, of all runs
            mean, low, high = ([function(loss) for loss in losses] for function in (statistics.fmean, min, max))
            style = {"color": colour, "linestyle": ("-", "--", ":")[number // 10 % 3], "marker": "."}
            lines[name] = axes.plot(runs[0]["epoch"], mean, **style, label=name)[0]
            axes.fill_between(runs[0]["epoch"], low, high, color=colour, alpha=0.2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(title=title, xlabel="Epoch", ylabel="Loss (cross-entropy)")
        axes.grid(alpha=0.5)
    widest = 0.6 + 0.085 * max(map(len, lines))  # inches, of a line in the legend
    columns = max(1, min(3, int(figure.get_figwidth() / widest)))
    figure.legend(handles=[*lines.values()], loc="outside lower center", ncols=columns)  # the curves are everywhere
    return figure


if __name__ == "__main__":
    main()
