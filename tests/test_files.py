"""Files that are either the old one or the new one."""

import errno
import shutil
from pathlib import Path

import pytest

from common.running.files import clear, write


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "full"), "full"),
        (RuntimeError("latex\n" * 1000), "latex " * 50),
        (RuntimeError("a\x1b[2Jb"), "a\\x1b[2Jb"),
        (MemoryError(), "MemoryError"),
        (KeyboardInterrupt(), None),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, BaseException) else "",
)
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: BaseException, reason: str | None
) -> None:
    """An error is said in one line of at most 300 characters; an interrupt is none, and not kept from the caller."""
    old = tmp_path / "file.csv"
    old.write_text("the old one")

    def write_half(part: Path) -> None:
        part.write_text("half of the n")
        raise error

    if reason is None:
        with pytest.raises(KeyboardInterrupt):
            write(old, write_half)
    else:
        assert write(old, write_half) is False
        assert capsys.readouterr().err == f"Could not write {old}: {reason}\n"
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the old one"


def test_two_that_write_the_same_file(tmp_path: Path) -> None:
    """One begins, the other begins and ends, the first one ends. Two containers can have the same process number."""
    file = tmp_path / "file.csv"

    def fill(part: Path) -> None:
        part.write_text("the first")
        assert write(file, lambda other: other.write_text("the other"))
        assert file.read_text() == "the other"

    assert write(file, fill)
    assert file.read_text() == "the first"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_what_a_killed_process_has_left_is_taken_away(tmp_path: Path) -> None:
    """Of this file, and of no other."""
    file, other = tmp_path / "[a].csv", tmp_path / "[a].csv.csv"

    def be_killed(part: Path) -> None:
        shutil.copytree(part.parent, tmp_path / f"{part.parent.name}x")

    for path in (file, other):
        write(path, be_killed)
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 2
    clear(file)
    assert [path.name for path in tmp_path.iterdir()] == [name for name in left if ".csv.csv-" in name]


def test_a_part_that_cannot_be_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network mounts, or where a virus scanner holds the directory."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr("os.rmdir", refuse)
    assert write(tmp_path / "file.csv", lambda part: part.write_text("the new one"))
    assert (tmp_path / "file.csv").read_text() == "the new one"
