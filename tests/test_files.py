"""Files that are either the old one or the new one."""

import errno
from pathlib import Path

import pytest

from common.files import write


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "full"), "full"),
        (RuntimeError("latex\n" * 1000), "latex " * 50),
        (MemoryError(), "MemoryError"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, reason: str
) -> None:
    """Whatever the error is, it is said in one line of at most 300 characters: a library has its own."""
    old = tmp_path / "file.csv"
    old.write_text("the old one")

    def write_half(part: Path) -> None:
        part.write_text("half of the n")
        raise error

    assert write(old, write_half) is False
    assert capsys.readouterr().err == f"Could not write {old}: {reason}\n"
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the old one"


def test_an_interrupt_is_no_error(tmp_path: Path) -> None:
    """It is not kept from the caller, and leaves the old file as well."""
    file = tmp_path / "file.csv"
    file.write_text("the old one")

    def interrupt(part: Path) -> None:
        part.write_text("half of the n")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(file, interrupt)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_text() == "the old one"


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


def test_a_part_that_cannot_be_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network mounts, or where a virus scanner holds the directory."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr("os.rmdir", refuse)
    assert write(tmp_path / "file.csv", lambda part: part.write_text("the new one"))
    assert (tmp_path / "file.csv").read_text() == "the new one"
