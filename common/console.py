"""The console and the signals of a run."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

# A Ctrl-C, a `kill`, and a terminal that was closed or lost; Windows does not know the last one.
SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def in_session() -> bool:
    """Return whether this is a notebook or another Python session, which lives on after the script."""
    return hasattr(sys, "ps1") or "idlelib.run" in sys.modules


def set_up_console() -> None:
    """Prepare standard output and error, and let an early Ctrl-C end the program with one line.

    Lines come out at once, also into a pipe; a character that the terminal does not know, as under an ASCII locale,
    is shown as its code. Of TensorFlow's start-up messages those are left out that heed its log level; some are
    written before it is read. Warnings and errors stay (level 1, unless the user has set one). A session's streams
    and signals are left alone.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    if in_session():
        return
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before the start: `python reuters_lstm.py >&-`
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace", line_buffering=True)
    catch_signals(_leave)


def use_one_thread() -> None:
    """Have TensorFlow do each operation with one thread, unless the user has set it otherwise; before it is imported.

    For products as small as an LSTM's, (100, 100) by (100, 400), two threads spend their time taking work from one
    another. Whole runs of Reuters on an Intel Xeon with AVX-512, two cores, four rounds in turn: 105 to 121 s with one
    thread, 113 to 133 s with two, and 182 to 194 s of the processor's time against 193 to 201 s. On an AMD EPYC with
    AVX2 only, epochs of 6.4 to 8.3 s against 8.0 to 12.2 s. With a convolution it is the other way round by the clock:
    IMDB on the Xeon 59 to 74 s with one, 55 to 77 s with two, three of four rounds by 4 to 10 s, though at 93 s of the
    processor's time on average against 87 s. (`TF_NUM_INTRAOP_THREADS=2` shows the other.)
    """
    backend = os.environ.get("KERAS_BACKEND")
    if not backend:
        with suppress(OSError, ValueError):
            home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
            backend = json.loads(Path(home, "keras.json").read_text()).get("backend")
    if backend in (None, "", "tensorflow"):
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def catch_signals(handler: Callable[[int, FrameType | None], object]) -> None:
    """Have what would end the program call `handler` instead.

    Not under `nohup`, which has the end of the terminal ignored, and not in a thread, where Python does not let it be.
    A SIGINT is heard even where a shell script has it ignored, for a command behind `&`: `kill -INT` then stops it.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGINT:
                signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    print(f"\nStopped by {signal.Signals(number).name}.", file=sys.stderr)
    sys.exit(128 + number)


@contextmanager
def in_good_order() -> Iterator[None]:
    """Leave the signals as they were, since a notebook goes on, and end with one line where a stream cannot be written.

    A pipe whose reader has gone (`python reuters_lstm.py | head`) ends the program without a word; the finished
    epochs are kept.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if not in_session():  # the way of Python's documentation (signal, "Note on SIGPIPE")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1 if isinstance(error, BrokenPipeError) else f"Stopped: {error}")
    except KeyboardInterrupt:  # of a notebook, before the training
        sys.exit("Stopped.")
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) != handler:
                signal.signal(number, handler)


@contextmanager
def without_messages() -> Iterator[None]:
    """Hide what is written to standard error past Python: TensorFlow's first lines, before it reads its log level."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    python = sys.stderr
    with Path(os.devnull).open("w") as nowhere, open(kept, "w", buffering=1) as sys.stderr:  # a Ctrl-C is answered
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            sys.stderr = python
