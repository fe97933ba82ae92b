"""Files that are either the old one or the new one, never half of one; and what the console says in one line."""

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def clear(path: Path) -> None:
    """Take away what a process has left that was killed while it wrote this file."""
    for part in path.parent.glob(f"{glob.escape(_part(path))}*"):
        shutil.rmtree(part, ignore_errors=True)


def _part(path: Path) -> str:
    """Return how the names of directories begin in which the file is written."""
    return f".part-{path.name}-"


def write(path: Path, fill: Callable[[Path], object]) -> bool:
    """Write or replace a file and return True, or say in one line on standard error why that failed.

    `fill` writes it in a directory of its own; when all of it is on the disk it takes the place of the old file.
    """
    part = {"prefix": _part(path), "dir": path.parent, "ignore_cleanup_errors": True}
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
    shown = []
    for letter in text:
        is_harmless = letter.isprintable() or letter in "\u200c\u200d"  # these join letters, or keep them apart
        shown.append(letter if is_harmless else letter.encode("unicode_escape").decode())
    return "".join(shown)


def shortened(name: str) -> str:
    """Return a name of at most 40 characters: of a longer one the beginning and the end."""
    return name if len(name) <= 40 else f"{name[:20]}\u2026{name[-19:]}"
