"""Files that are either the old one or the new one, never half of one."""

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; the file takes the place of `path` when all of it is on the disk.

    Two processes that write the same file get different paths, and the last one wins. What a killed process left
    behind is cleared away an hour later, with the next file of that name.

    Args:
        path: the file to write or replace.

    Yields:
        Path of a new file beside it, with the same suffix.

    Raises:
        OSError: if the file could not be written; `path` is then as it was.
    """
    for left_behind in path.parent.glob(f".{glob.escape(path.stem)}.*.part{path.suffix}"):
        with suppress(OSError):  # another run may be clearing it away as well
            if time.time() - left_behind.stat().st_mtime > 3600:
                left_behind.unlink()
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        _flush_to_disk(part)
        os.replace(part, path)
        if os.name == "posix":  # the directory's entry, too; elsewhere a directory cannot be opened
            _flush_to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
