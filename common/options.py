"""The command line that both scripts share, and the process that they run in."""

import faulthandler
import os
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from common import variants

PROJECT = Path(__file__).resolve().parent.parent


def in_session() -> bool:
    """Return whether this is a notebook or another Python session, which lives on after the script."""
    return hasattr(sys, "ps1") or "idlelib.run" in sys.modules


def read_options(script: str, description: str, epochs: int, batch_size: int, has_conv: bool = False) -> Namespace:
    """Read the command line, before anything is imported that takes time; exit status 2 if something is wrong with it.

    `epochs` and `batch_size` are defaults; `has_conv` makes `--no-conv` an option. `script` and Keras's `verbose` are
    added: a progress bar on a terminal, else a line each epoch.
    """
    parser = ArgumentParser(f"{script}.py", "%(prog)s [--help] [options]", description, allow_abbrev=False)
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.set_defaults(script=script, verbose=1 if sys.stdout and sys.stdout.isatty() else 2)
    add = parser.add_argument
    add("--epochs", metavar="N", type=int, default=epochs,
        help="how often to go through the training set (default: %(default)s)")  # fmt: skip
    add("--batch-size", metavar="N", type=int, default=batch_size,
        help="texts for each step of the training (default: %(default)s)")  # fmt: skip
    add("--seed", metavar="N", type=int, default=1,
        help="the same seed gives the same result on the same machine (default: %(default)s)")  # fmt: skip
    add("--resume", action="store_true",
        help="go on with the network that a run has left, stopped or finished (default: start anew)")  # fmt: skip
    add("--data", metavar="{auto,keras,sample,FILE}", default="auto",
        help="keras: the real data, from Keras's cache or downloaded; sample: the built-in sample corpus; auto: the "
        "real data, or the sample where they cannot be had; or a file of your own (default: %(default)s)")  # fmt: skip
    add("--test-data", metavar="FILE", help="the test's texts (default: a random fifth of the --data file)")
    add("--columns", metavar="TEXT,LABEL", default="text,label", help="the file's two columns (default: %(default)s)")
    add("--output-dir", metavar="DIR", default=PROJECT / "plots",
        help="where curve, numbers and network go, made if missing (default: plots beside the script)")  # fmt: skip
    add("--show", action="store_true", help="open the curve in a window too (default: it is only saved)")
    variants.add_options(parser, has_conv)

    in_a_cell = in_session() and not hasattr(sys.modules["__main__"], "__file__")  # `sys.argv` is the notebook's
    options = parser.parse_args([] if in_a_cell else None)
    for name, low, high in (("epochs", 1, 2**31), ("batch_size", 1, 2**31), ("seed", 0, 2**32)):
        if not low <= getattr(options, name) < high:
            parser.error(f"argument --{name.replace('_', '-')}: must be from {low} to {high - 1}")
    own, columns = options.data not in ("auto", "keras", "sample"), options.columns.split(",")
    if (own and not os.path.exists(options.data)) or (options.test_data and not own) or len({*columns}) != 2:
        parser.error(f"--data is auto, keras, sample or a file, not '{options.data}'; with it --columns TEXT,LABEL")
    options.data = (options.data, options.test_data, options.columns) if own else options.data
    try:
        os.makedirs(options.output_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=options.output_dir):
            options.output_dir = Path(options.output_dir)
    except OSError as error:
        parser.error(f"cannot write to '{options.output_dir}': {error.strerror}: choose another --output-dir")
    return options


def set_up_process(one_thread: bool = False) -> str:
    """Import Keras as the article's networks need it, and return on what it runs: "CPU, 2 cores", or the GPU's name.

    Lines come out at once, with the code of a character that the terminal does not know, and Ctrl-C leaves no
    traceback. What TensorFlow writes on a machine without CUDA, five lines, is shown only if the import fails.

    With `one_thread` TensorFlow does each operation in one, unless the user has set it otherwise. For an LSTM's small
    products that is quicker: Reuters took 105 to 121 s with one, 113 to 133 s with two (`TF_NUM_INTRAOP_THREADS=2`; an
    Intel Xeon, two cores, four rounds in turn), but IMDB, with its convolution, 59 to 74 s and 55 to 77 s.
    """
    if not in_session():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed before the start
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # warnings and errors
    if one_thread:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    with tempfile.TemporaryFile() as said, os.fdopen(os.dup(2), "wb") as errors:
        os.dup2(said.fileno(), 2)
        faulthandler.enable(errors)  # where the import aborts, as on a processor without AVX
        try:
            import keras

            device = str(keras.ops.zeros(1).device).rpartition("/")[2]  # TensorFlow's "device:GPU:0", PyTorch's "cpu"
        except Exception as error:
            said.seek(0)
            errors.write(said.read())
            sys.exit(f"Keras cannot be imported: {error}. KERAS_BACKEND can be tensorflow, jax or torch.")
        finally:
            faulthandler.disable()
            os.dup2(errors.fileno(), 2)
    if (keras.config.floatx(), keras.config.image_data_format()) != ("float32", "channels_last"):
        print("keras.json asks for another format or precision than the article: not used here.", file=sys.stderr)
        keras.config.set_floatx("float32")
        keras.config.set_image_data_format("channels_last")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU, {cores} cores" if "cpu" in device.lower() else device.removeprefix("device:")
