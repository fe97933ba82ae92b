"""Files that are either the old one or the new one, and the command that goes on, as each system takes them."""

import errno
import os
import stat
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.files import write
from common.run import _command
from tests.conftest import ROOT


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "file.csv"
    old.write_text("the old one")

    def write_half(part: Path) -> None:
        part.write_text("half of the n")
        raise OSError(errno.ENOSPC, "full")

    assert not write(old, write_half)
    assert capsys.readouterr().err == f"Could not write {old}: full\n"
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the old one"


def test_two_processes_that_write_the_same_file(tmp_path: Path) -> None:
    """One begins, the other begins and ends, the first one ends: each file is wholly one's."""
    file = tmp_path / "file.csv"
    code = (
        "import sys; from pathlib import Path; from common.files import write\n"
        "write(Path(sys.argv[1]), lambda part: part.write_text('the other'))\n"
    )

    def fill(part: Path) -> None:
        part.write_text("the first")
        subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, check=True)
        assert file.read_text() == "the other"

    assert write(file, fill)
    assert file.read_text() == "the first"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_two_machines_with_the_same_process_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two containers on one volume have."""
    file = tmp_path / "file.csv"
    monkeypatch.setattr("os.getpid", lambda: 7)

    def fill(part: Path) -> None:
        part.write_text("the first")
        assert write(file, lambda other: other.write_text("the other"))

    assert write(file, fill)
    assert file.read_text() == "the first"


def test_a_directory_that_cannot_be_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on some network mounts: the file is there all the same."""
    fsync = os.fsync

    def fsync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", fsync_files_only)
    assert write(tmp_path / "file.csv", lambda part: part.write_text("the new one"))
    assert (tmp_path / "file.csv").read_text() == "the new one"
    assert capsys.readouterr().err == ""


def test_a_part_that_cannot_be_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network mounts, or where a virus scanner holds the directory."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr("os.rmdir", refuse)
    assert write(tmp_path / "file.csv", lambda part: part.write_text("the new one"))
    assert (tmp_path / "file.csv").read_text() == "the new one"


def test_the_command_that_goes_on_is_quoted_as_windows_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.run.os", SimpleNamespace(name="nt"))
    monkeypatch.setattr("sys.orig_argv", ["python", "reuters_lstm.py", "--output-dir", "C:\\My plots", "--resume"])
    monkeypatch.setattr("sys.executable", "C:\\Some where\\python.exe")
    options = Namespace(arguments=["--output-dir", "C:\\My plots", "--resume"], data="keras")
    expected = '"C:\\Some where\\python.exe" reuters_lstm.py --output-dir "C:\\My plots" --resume'
    assert _command(options, "keras", resume=True) == expected
