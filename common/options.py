"""The command line that both scripts share."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from common import variants
from common.console import set_up_console, use_one_thread


class Parser(argparse.ArgumentParser):
    """A command line whose errors are one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def read_options(
    script: str, description: str, epochs: int, batch_size: int, has_conv: bool = False
) -> argparse.Namespace:
    """Read the command line, and end the program with one line and exit status 2 if something is wrong with it.

    Nothing is imported here that takes time: `--help` and every error answer at once.

    Args:
        script: its name, "reuters_lstm"; the files' names begin with it.
        description: what `--help` says about the script.
        epochs: default of `--epochs`.
        batch_size: default of `--batch-size`.
        has_conv: whether the script's network has a convolution, so that `--no-conv` can leave it out.

    Returns:
        `epochs`, `batch_size`, `seed`, `resume`, `data`, `output_dir` (a directory that exists and can be written),
        `show`; those of `common.variants`; `script`; its `path` and the `arguments`, as given; and `verbose` for
        Keras: 1, a progress bar, on a terminal, 2, a line for each epoch, in a file, a pipe or a notebook.
    """
    set_up_console()
    parser = Parser(
        prog=f"{script}.py",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(script=script, verbose=1 if sys.stdout.isatty() else 2)
    add = parser.add_argument
    add("--epochs", metavar="N", type=_at_least_1, default=epochs,
        help="how often to go through the training set (default: %(default)s)")  # fmt: skip
    add("--batch-size", metavar="N", type=_at_least_1, default=batch_size,
        help="texts for each step of the training (default: %(default)s)")  # fmt: skip
    add("--seed", metavar="N", type=_seed, default=1,
        help="the same seed gives the same result on the same machine (default: %(default)s)")  # fmt: skip
    add("--resume", action="store_true",
        help="go on with the network that a run has left, stopped or finished (default: start anew)")  # fmt: skip
    add("--data", choices=("auto", "keras", "sample"), default="auto",
        help="keras: the real data, from Keras's cache or downloaded; sample: the built-in sample corpus; "
        "auto: the real data, or the sample where they cannot be had (default: %(default)s)")  # fmt: skip
    add("--output-dir", metavar="DIR", type=_directory, default=Path(__file__).resolve().parent.parent / "plots",
        help="where curve, numbers and network go, made if missing (default: plots beside the script)")  # fmt: skip
    add("--show", action="store_true",
        help="open the curve in a window too (default: it is only saved)")  # fmt: skip

    variants.add_options(parser, has_conv)

    pasted = not hasattr(sys.modules["__main__"], "__file__")  # into a notebook's cell: `sys.argv` is the notebook's
    path, *arguments = [parser.prog] if pasted else sys.argv
    options = parser.parse_args(arguments, argparse.Namespace(path=path, arguments=arguments))
    if not options.conv:  # a convolution's products are large enough to be shared
        use_one_thread()
    try:
        options.output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=options.output_dir):
            pass
    except OSError as error:
        parser.error(f"cannot write to {options.output_dir}: {error.strerror}: choose another --output-dir")
    return options


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.40} is not a whole number") from None


def _at_least_1(text: str) -> int:
    number = _whole_number(text)
    if not 1 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"must be 1 or more, and less than 2147483648, not {text:.40}")
    return number


def _seed(text: str) -> int:
    number = _whole_number(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"must be in 0 to 4294967295, not {text:.40}")
    return number


def _directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    if os.path.exists(text) and not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is a file, not a directory")
    return Path(text)
