"""Files that are either the old one or the new one, never half of one; and what the console says in one line."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def write(path: Path, fill: Callable[[Path], object]) -> bool:
    """Write or replace a file and return True, or say in one line on standard error why that failed.

    `fill` writes it in a directory of its own; when all of it is on the disk it takes the place of the old file.
    """
    part = {"prefix": ".part-", "dir": path.parent, "ignore_cleanup_errors": True}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(**part) as directory:
            fill(Path(directory, path.name))
            with Path(directory, path.name).open("rb+") as stream:
                os.fsync(stream)
            os.replace(Path(directory, path.name), path)
    except Exception as error:  # a library's too: no LaTeX, a year that a zip file cannot hold
        print(f"Could not write {path}: {one_line(error)}", file=sys.stderr)
        return False
    return True


def one_line(error: Exception) -> str:
    """Return what the error says, in one line of at most 300 characters that do not move the cursor."""
    return printable(getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__)[:300]


def printable(text: str) -> str:
    """Return the text with each character that would move the cursor, or do worse, as its code."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
