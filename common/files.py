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


def write(path: Path, fill: Callable[[Path], object], make_room: Callable[[Path], object] = lambda path: None) -> bool:
    """Write or replace a file, or say on standard error that it could not be written.

    The file takes the place of `path` when all of it is on the disk; until then, and if it cannot be written, `path`
    is as it was. Two processes that write the same file, on whatever machines, do not meet, and the last one wins.
    What a killed process left behind is cleared away an hour later, with the next file of that name.

    Args:
        path: the file; its directory is made if it is missing.
        fill: writes the file to the path that it is given, in a directory of its own, under the same name.
        make_room: is called with `path` when all of the file is on the disk, and may move away what is there.

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
        with tempfile.TemporaryDirectory(prefix=own, dir=path.parent, ignore_cleanup_errors=True) as directory:
            part = Path(directory, path.name)
            fill(part)
            _flush_to_disk(part)
            make_room(path)
            os.replace(part, path)
    except OSError as error:
        print(f"Could not write {path}: {error.strerror or error}", file=sys.stderr)
        return False
    with suppress(OSError):  # the directory's entry too, where a directory can be opened and flushed
        _flush_to_disk(path.parent)
    return True


def set_aside(path: Path) -> None:
    """Rename the file, if there is one, to "NAME.previous.csv", over an older one.

    Raises:
        OSError: if that is not possible.
    """
    with suppress(FileNotFoundError):
        os.replace(path, path.with_name(f"{path.stem}.previous{path.suffix}"))


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
