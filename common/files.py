"""Files that are either the old one or the new one, never half of one."""

import glob
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write(path: Path, fill: Callable[[Path], object]) -> bool:
    """Write or replace a file, or say on standard error that it could not be written.

    The file takes the place of `path` when all of it is on the disk; until then, and if it cannot be written, `path`
    is as it was. Two processes that write the same file, on whatever machines, do not meet, and the last one wins.
    What a killed process left behind is cleared away an hour later, with the next file of that name.

    Args:
        path: the file; its directory is made if it is missing.
        fill: writes the file to the path that it is given, in a directory of its own, under the same name.

    Returns:
        Whether it is written.
    """
    own = f".{path.name}.part-"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left_behind in path.parent.glob(f"{glob.escape(own)}*"):
            with suppress(OSError):  # another run may be clearing it away as well
                if time.time() - left_behind.stat().st_mtime > 3600:
                    shutil.rmtree(left_behind)
        with tempfile.TemporaryDirectory(prefix=own, dir=path.parent) as directory:
            part = Path(directory, path.name)
            fill(part)
            _flush_to_disk(part)
            os.replace(part, path)
    except OSError as error:
        print(f"Could not write {path}: {error.strerror or error}", file=sys.stderr)
        return False
    with suppress(OSError):  # the directory's entry too, where a directory can be opened and flushed
        _flush_to_disk(path.parent)
    return True


def set_aside(path: Path) -> bool:
    """Rename the file, if there is one, to "NAME.previous.csv", over an older one, or say that it cannot be done.

    Returns:
        Whether nothing is at `path` any more.
    """
    try:
        with suppress(FileNotFoundError):
            os.replace(path, path.with_name(f"{path.stem}.previous{path.suffix}"))
    except OSError as error:
        print(f"Could not set aside {path}: {error.strerror or error}", file=sys.stderr)
        return False
    return True


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
