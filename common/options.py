"""The command line that both scripts share."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from common.console import set_up_console


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
        script: the script's `__file__`; the curves go into `plots` beside it.
        description: what `--help` says about the script.
        epochs: default of `--epochs`.
        batch_size: default of `--batch-size`.
        has_conv: whether the script's network has a convolution, so that `--no-conv` can leave it out.

    Returns:
        `epochs`, `batch_size`, `seed`, `resume`, `data`, `output_dir` (a directory that exists and can be written),
        `save_model` (a path or None), `show`, `recurrent`, `shuffle_words`, `conv` (None without `has_conv`); and
        `verbose` for Keras: 1, a progress bar, on a terminal, 2, a line for each epoch, in a file or a pipe.
    """
    set_up_console()
    parser = Parser(
        prog=Path(script).name,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--epochs", metavar="N", type=_at_least_1, default=epochs,
        help="how often to go through the training set (default: %(default)s)")  # fmt: skip
    add("--batch-size", metavar="N", type=_at_least_1, default=batch_size,
        help="texts for each step of the training (default: %(default)s)")  # fmt: skip
    add("--seed", metavar="N", type=_seed, default=1,
        help="the same seed gives the same result (default: %(default)s)")  # fmt: skip
    add("--resume", action="store_true",
        help="go on with a run that was stopped, after its last finished epoch (default: start anew)")  # fmt: skip
    add("--data", choices=("auto", "keras", "sample"), default="auto",
        help="keras: the real data, from Keras's cache or downloaded; sample: the built-in sample corpus; "
        "auto: the real data, or the sample where they cannot be had (default: %(default)s)")  # fmt: skip
    add("--output-dir", metavar="DIR", type=_directory, default=Path(script).resolve().parent / "plots",
        help="where the curve and its numbers go, made if missing (default: plots beside the script)")  # fmt: skip
    add("--save-model", metavar="PATH", type=_model_path, default=None,
        help="save the trained model there, as .keras (default: it is not saved)")  # fmt: skip
    add("--show", action="store_true", default=False,
        help="open the curve in a window too (default: it is only saved)")  # fmt: skip

    add = parser.add_argument_group("variants of the experiment, which go into files of their own").add_argument
    add("--recurrent", choices=("lstm", "gru", "simple_rnn", "none"), default="lstm",
        help="the recurrent layer; none: an average, which cannot see order (default: %(default)s)")  # fmt: skip
    add("--shuffle-words", action="store_true",
        help="each text's words in random order, for training and test (default: in their own order)")  # fmt: skip
    if has_conv:
        add("--no-conv", dest="conv", action="store_false",
            help="the recurrent layer straight on the word vectors (default: on convolution and pooling)")  # fmt: skip
    else:
        parser.set_defaults(conv=None)

    options = parser.parse_args()
    try:
        _make_writable(options.output_dir / "curve.png")
        if options.save_model:
            _make_writable(options.save_model)
    except OSError as error:
        parser.error(f"cannot write to {error.filename}: {error.strerror}")
    options.verbose = 1 if sys.stdout.isatty() else 2
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


def _model_path(text: str) -> Path:
    if Path(text).suffix != ".keras":
        raise argparse.ArgumentTypeError(f"must end in .keras, not {text!r}")
    if os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is a directory")
    return Path(text)


def _make_writable(path: Path) -> None:
    """Make the file's directory if it is missing, and see before the training whether it can be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=f".part{path.suffix}", dir=path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path.parent)) from None
    os.close(handle)
    os.unlink(name)
