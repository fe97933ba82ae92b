"""The console of a run: what is printed arrives or is given up, and neither ends the run."""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn, TextIO


class _Lasting:
    """A text stream that goes on, unheard, when its reader has gone or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._fall_silent()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._fall_silent()

    def _fall_silent(self) -> None:
        # The way of Python's documentation (signal, "Note on SIGPIPE"): what is still buffered goes nowhere too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def set_up_console() -> None:
    """Prepare standard output and error, and let an early Ctrl-C end the program with one line.

    Lines come out at once, also into a pipe; a character that the terminal does not know, as under an ASCII locale,
    is shown as its code; a stream whose reader has gone (`python reuters_lstm.py | head`) goes on unheard, and the
    run with it, because its results are in files. Of TensorFlow's start-up messages those are left out that heed its
    log level; some are written before it is read. Warnings and errors stay (level 1, unless the user has set one).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before the start: `python reuters_lstm.py >&-`
            stream = Path(os.devnull).open("w")  # noqa: SIM115
        stream.reconfigure(errors="backslashreplace", line_buffering=True)
        setattr(sys, name, _Lasting(stream))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def _leave(number: int, frame: object) -> NoReturn:
    print(f"\nStopped by {signal.Signals(number).name} before anything was written.", file=sys.stderr)
    sys.exit(128 + number)
