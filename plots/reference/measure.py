"""Measure the article's claims anew: `python -m plots.reference.measure`, from the project's root.

Every variant of both scripts, on the real data and on the sample, with several seeds, each run in a process of its
own; then the figures here and the tables of the two READMEs, from the runs' CSVs. A run is not repeated whose CSV is
already here, and its rows in `costs.csv` and the other tables: so what was stopped goes on. To measure all of it again,
delete `seed*/`, `run*/` and `*.csv` first. Six hours on two cores.
"""

import argparse
from pathlib import Path

from plots.reference import runs, tables


def main() -> None:
    """Run what is missing, and write figures and tables."""
    parser = argparse.ArgumentParser(prog="python -m plots.reference.measure", description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=runs.SOURCES, help="only the runs on these data (default: on both)")
    parser.add_argument(
        "--article", type=Path, metavar="DIRECTORY", help="run the article's reuters.py and imdb.py there too, 5 times"
    )
    options = parser.parse_args()
    if options.article:
        for name in runs.ARTICLE.values():
            if not (options.article / f"{name}.py").is_file():
                parser.error(f"argument --article: {options.article} has no {name}.py")
    sources = [options.data] if options.data else list(runs.SOURCES)
    runs.run_all(runs.planned(sources))
    if options.article:
        runs.run_all(runs.planned_of_the_article(options.article.resolve()))
    tables.write_all()


if __name__ == "__main__":
    main()
