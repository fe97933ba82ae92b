"""Make the README's comparison anew: `python -m plots.reference.measure`, from the project's root.

Every variant of both scripts, on the real data and on the sample, with several seeds, each run in a process of its
own; then the figures here and the tables in the README, from the runs' CSVs. A run whose CSV is already here is not
repeated, so what was stopped goes on; to measure all of it again, delete `seed*/`, `run*/` and `costs.csv` first.
An hour and a quarter on two cores.
"""

import argparse
import csv
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common.compare import History, draw_comparison, group_runs, lowest, read_run, spread

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCRIPTS = {"reuters_lstm": "article_reuters", "imdb_cnn_lstm": "article_imdb"}
COSTS = HERE / "costs.csv"  # not in the runs' own CSVs: the same seed gives the same file, but never the same time
VARIANTS = {
    "": [],
    "-gru": ["--recurrent", "gru"],
    "-simple_rnn": ["--recurrent", "simple_rnn"],
    "-none": ["--recurrent", "none"],
    "-shuffled": ["--shuffle-words"],
    "-no_conv": ["--no-conv"],
    "-simple_rnn-no_conv": ["--recurrent", "simple_rnn", "--no-conv"],
    "-none-no_conv": ["--recurrent", "none", "--no-conv"],
}
SEEDS, DEFAULT_SEEDS = (1, 2, 3), (1, 2, 3, 4, 5)


def main() -> None:
    """Run what is missing, and write figures and tables."""
    parser = argparse.ArgumentParser(prog="python -m plots.reference.measure", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--article", type=Path, metavar="DIRECTORY", help="run the article's reuters.py and imdb.py there too, 5 times"
    )
    options = parser.parse_args()
    for seed in DEFAULT_SEEDS:
        for variant, arguments in VARIANTS.items():
            for script in SCRIPTS:
                if (variant and seed not in SEEDS) or (script == "reuters_lstm" and "no_conv" in variant):
                    continue
                for data, ending in (("keras", ""), ("sample", "-sample")):
                    run(
                        HERE / f"seed{seed}" / f"{script}{variant}{ending}.csv",
                        [f"{ROOT / script}.py", "--data", data, "--seed", str(seed), *arguments],
                    )
    for number in (1, 2, 3, 4, 5) if options.article else ():
        for program in ("reuters", "imdb"):
            run(HERE / f"run{number}" / f"article_{program}.csv", [str(options.article.resolve() / f"{program}.py")])
    for script in SCRIPTS:
        write_figure_and_table(script)


def run(target: Path, command: list[str]) -> None:
    """Run a program, unless its CSV is here, in a process of its own, and keep CSV and costs when it has finished."""
    if target.exists():
        return
    print(f"{time.strftime('%H:%M:%S')} {target.relative_to(HERE)}", flush=True)
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "-m", "plots.reference.measure", "--one", out, *command],
            cwd=ROOT, env=os.environ | {"MPLBACKEND": "agg"}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed: what it said is above")
        with COSTS.open("a", newline="") as stream:
            if not stream.tell():
                stream.write("run,parameters,wall seconds,processor seconds\n")
            stream.write(f"{target.relative_to(HERE)},{Path(out, 'costs').read_text()}\n")
        if target.parent.name == "seed1" and target.stem in SCRIPTS:  # the README shows its curve
            shutil.move(Path(out, f"{target.stem}.png"), HERE)
        shutil.move(Path(out, target.name), target)


def run_one(out: str, program: str, *arguments: str) -> None:
    """Run a program in this process, and write down what its `fit`, validation included, gave and cost."""
    import keras

    from common.run import COLUMNS

    fit = keras.Sequential.fit

    def timed_fit(model: keras.Sequential, *positional: object, **options: object) -> object:
        wall, processor = time.perf_counter(), time.process_time()
        history = fit(model, *positional, **options)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        Path(out, "costs").write_text(f"{model.count_params()},{wall:.1f},{processor:.1f}")
        if not arguments:  # the article's program, which keeps no history
            with Path(out, f"article_{Path(program).stem}.csv").open("w", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(("epoch", *COLUMNS))
                epochs = range(1, len(history.epoch) + 1)
                writer.writerows(zip(epochs, *(history.history[column] for column in COLUMNS), strict=True))
        return history

    keras.Sequential.fit = timed_fit
    sys.argv = [program, *arguments, *(["--output-dir", out] if arguments else [])]
    sys.path[0] = str(Path(program).parent)
    runpy.run_path(program, run_name="__main__")


def read_runs(script: str) -> dict[str, list[History]]:
    """Return the script's variants in the order of `VARIANTS`, on the real data and on the sample, and the article's
    program, each with all its runs that are here."""
    names = [f"{script}{variant}{ending}" for ending in ("", "-sample") for variant in VARIANTS]
    paths = [path for name in [*names, SCRIPTS[script]] for path in sorted(HERE.glob(f"*/{name}.csv"))]
    return group_runs({path: read_run(path) for path in paths})


def readme_table(script: str) -> str:
    """Return the script's table, as Markdown."""
    groups = read_runs(script)
    with COSTS.open(newline="") as stream:
        costs = {Path(row["run"]): row for row in csv.DictReader(stream)}

    def cells(name: str) -> tuple[str, str, str]:
        """Test accuracy, lowest test loss, and the seconds of the fastest training: others shared the machine."""
        runs = groups[name]
        seconds = [float(row["wall seconds"]) for run, row in costs.items() if run.stem == name]
        return (
            spread([run["val_accuracy"][-1] for run in runs]),
            spread([lowest(run)[0] for run in runs]),
            f"{min(seconds):.0f} s" if seconds else "",
        )

    rows = [
        "| variant | test accuracy | lowest test loss | training | sample: test accuracy | lowest test loss | training "
        "| parameters |",
        "| --- " * 8 + "|",
    ]
    for variant, arguments in VARIANTS.items():
        name = f"{script}{variant}"
        if name in groups:
            label = f"`{' '.join(arguments)}`" if arguments else "as in the article"
            parameters = f"{int(costs[Path('seed1', f'{name}.csv')]['parameters']):,}"
            rows.append(" | ".join(("| " + label, *cells(name), *cells(f"{name}-sample"), parameters)) + " |")
    rows.append(" | ".join(("| the article's program", *cells(SCRIPTS[script]))) + " | | | | |")
    return "\n".join(rows)


def write_figure_and_table(script: str) -> None:
    """Draw the script's variants over one another, and put its table between its two marks in the README."""
    variants = {name: runs for name, runs in read_runs(script).items() if name.startswith(script)}
    draw_comparison(variants).savefig(HERE / f"{script}-variants.png")

    readme = ROOT / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition(f"<!-- {script}: measured -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not end:
        sys.exit(f"README.md has lost the marks between which the table of {script} goes")
    readme.write_text(f"{before}{begin}\n{readme_table(script)}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        main()
