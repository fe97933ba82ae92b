"""The process that a program runs in: its streams, its signals, its threads, and Keras and on what it runs."""

import faulthandler
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What ends a program from outside: Ctrl-C, `kill`, and a closed terminal, which Windows does not have.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def in_session() -> bool:
    """Return whether this is a notebook or another Python session, which lives on after the script."""
    return hasattr(sys, "ps1") or "idlelib.run" in sys.modules


def in_cell() -> bool:
    """Return whether this is a session in which no file runs, so that `sys.argv` is the session's.

    `%run it.py` sets both to the file: `__file__`, and with it `sys.argv`. A pasted cell has no `__file__`; an editor's
    interactive window sets it, but leaves the arguments of its kernel.
    """
    file = getattr(sys.modules["__main__"], "__file__", None)
    return in_session() and (file is None or os.path.abspath(file) != os.path.abspath(sys.argv[0]))


@contextmanager
def signals_to(handler: Callable) -> Iterator[None]:
    """Have the signals call the handler, and afterwards do what they did. Those that are ignored stay so.

    As SIGHUP is under `nohup`, and SIGINT in the background of a shell script. Python lets only the main thread do it.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def set_up_console() -> None:
    """Have lines come out at once, characters that the terminal does not know as codes, and no traceback at Ctrl-C.

    A session's console stays as it is.
    """
    if in_session():
        return
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and not sys.flags.interactive and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before the start
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace", line_buffering=True)
    sys.excepthook = _end_quietly_at_a_closed_pipe


def _end_quietly_at_a_closed_pipe(kind: type, error: BaseException, trace: object) -> None:
    """End as a program that SIGPIPE ends, without a word, where `| head` has read enough; else as Python does."""
    if kind is not BrokenPipeError:
        sys.__excepthook__(kind, error, trace)
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes once more as it ends
    sys.exit(128 + signal.SIGPIPE)


def set_up_process() -> str:
    """Import Keras as the article's networks need it, and return on what it runs: "CPU, 2 cores", or the GPU's name.

    That is with `float32` and the channels last, whatever `keras.json` says. What TensorFlow writes on a machine
    without CUDA, five lines, is shown only if the import fails.

    TensorFlow does each operation in one thread, unless the user has set `TF_NUM_INTRAOP_THREADS`: several would add up
    in another order on another number of cores, and are no quicker for an LSTM's small products.
    """
    set_up_console()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # warnings and errors
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    keras, device = _import_keras()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    if "cpu" not in device.lower():
        return device.removeprefix("device:")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU, {cores} cores"


def _import_keras() -> tuple:
    """Return Keras and the name of its device, TensorFlow's "device:GPU:0" or PyTorch's "cpu"; say why if it fails."""
    with tempfile.TemporaryFile() as said, os.fdopen(os.dup(2), "wb") as errors:
        os.dup2(said.fileno(), 2)
        faulthandler.enable(errors)  # where the import aborts, as on a processor without AVX
        try:
            import keras

            return keras, str(keras.ops.zeros(1).device).rpartition("/")[2]
        except Exception as error:
            if isinstance(error, PermissionError) and str(error.filename).endswith("keras.json"):
                # Where no home can be written Keras takes /tmp/.keras, which may be somebody else's.
                sys.exit(f"Keras cannot read {error.filename}: set KERAS_HOME to a directory of your own.")
            said.seek(0)
            errors.write(said.read())
            sys.exit(f"Keras cannot be imported: {error}. KERAS_BACKEND can be tensorflow, jax or torch.")
        finally:
            faulthandler.disable()
            os.dup2(errors.fileno(), 2)
