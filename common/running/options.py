"""The command line that both scripts share."""

import csv
import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from common.running.process import in_cell, in_session
from common.texts.corpus import Source

PROJECT = Path(__file__).resolve().parents[2]


def read_options(script: str, description: str, epochs: int, batch_size: int) -> Namespace:
    """Read the command line, before anything is imported that takes time; exit status 2 if something is wrong with it.

    `epochs` and `batch_size` are defaults. In what is returned `data` is a `Source`; Keras's `verbose` is added, a
    progress bar on a terminal, else a line each epoch, and `script`: how the run's files are called. That is as the
    file that runs, so that an edited copy has files of its own, but in a session as it is given.
    """
    file = Path(sys.argv[0])
    if file.suffix == ".py" and not in_session():
        script = file.stem
    parser = ArgumentParser(f"{script}.py", "%(prog)s [--help] [options]", description, allow_abbrev=False)
    parser.formatter_class = RawDescriptionHelpFormatter
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    parser.set_defaults(script=script, verbose=1 if is_terminal else 2)
    _add_options(parser, epochs, batch_size)

    options = parser.parse_args([] if in_cell() else None)
    for name, low, high in (("epochs", 1, 2**31), ("batch_size", 1, 2**31), ("seed", 0, 2**32)):
        if not low <= getattr(options, name) < high:
            parser.error(f"argument --{name.replace('_', '-')}: must be from {low} to {high - 1}")
    options.data = _source(parser, options)
    try:
        os.makedirs(options.output_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=options.output_dir):
            options.output_dir = Path(options.output_dir)
    except OSError as error:
        parser.error(f"cannot write to '{options.output_dir}': {error.strerror}: choose another --output-dir")
    return options


def _add_options(parser: ArgumentParser, epochs: int, batch_size: int) -> None:
    add = parser.add_argument
    add("--epochs", metavar="N", type=int, default=epochs,
        help="how often to go through the training set (default: %(default)s)")  # fmt: skip
    add("--batch-size", metavar="N", type=int, default=batch_size,
        help="texts for each step of the training (default: %(default)s)")  # fmt: skip
    add("--seed", metavar="N", type=int, default=1,
        help="the same seed gives the same result on the same machine (default: %(default)s)")  # fmt: skip
    add("--resume", action="store_true",
        help="continue a run that was stopped or has ended (default: start from the beginning)")  # fmt: skip
    add("--data", metavar="{auto,keras,sample,FILE}", type=os.path.expanduser, default="auto",
        help="keras: the real data, from Keras's cache or downloaded; sample: the built-in sample corpus; auto: the "
        "real data, else the sample; or a file of your own (default: %(default)s)")  # fmt: skip
    add(
        "--test-data",
        metavar="FILE",
        type=os.path.expanduser,
        help="the test's texts (default: a random fifth of the --data file)",
    )
    add("--columns", metavar="TEXT,LABEL",
        help="the names of the file's two columns; whole numbers, as in 2,1, are places in a file without a line of "
        "names; quote a name with a comma as in CSV (default: text,label)")  # fmt: skip
    add("--output-dir", metavar="DIR", type=os.path.expanduser, default=str(PROJECT / "plots"),
        help="where curve, numbers and network go, made if missing (default: the project's plots)")  # fmt: skip
    add("--show", action="store_true", help="open the curve in a window too (default: it is only saved)")


def _source(parser: ArgumentParser, options: Namespace) -> Source:
    """Return where the texts come from; exit status 2 if the three options for that do not fit together."""
    if options.data in ("auto", "keras", "sample"):
        for name in ("test_data", "columns"):
            if getattr(options, name) is not None:
                option = name.replace("_", "-")
                parser.error(f"argument --{option}: goes with a file as --data, not with '{options.data}'")
        return Source(options.data)
    if not os.path.exists(options.data):
        parser.error(f"argument --data: there is no file '{options.data}'; it can also be auto, keras or sample")
    if options.test_data and not os.path.exists(options.test_data):
        parser.error(f"argument --test-data: there is no file '{options.test_data}'")
    if options.columns is None:
        return Source("own", options.data, options.test_data)
    in_one_line = " ".join(options.columns.split())
    columns = [name.strip() for name in next(csv.reader([in_one_line], skipinitialspace=True))]
    if len(columns) != 2:
        parser.error(f"argument --columns: must name two columns, TEXT,LABEL, not '{options.columns}'")
    if columns[0] == columns[1]:
        parser.error(f"argument --columns: text and label cannot both be '{columns[0]}'")
    return Source("own", options.data, options.test_data, (columns[0], columns[1]))
