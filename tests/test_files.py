"""Files that are either the old one or the new one, and the command that goes on, as each system takes it."""

import errno
import runpy
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from common import run
from common.files import write
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "full"), "full"),
        (OSError("no number"), "no number"),
        (ValueError("ZIP does not support timestamps before 1980"), "ZIP does not support timestamps before 1980"),
        (RuntimeError("latex was not able to process:\nb'lp'\n\nThe full report:\n"),
         "latex was not able to process: b'lp' The full report:"),
        (MemoryError(), "MemoryError"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)  # fmt: skip
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, reason: str
) -> None:
    """Whatever the error is: a library has its own."""
    old = tmp_path / "file.csv"
    old.write_text("the old one")

    def write_half(part: Path) -> None:
        part.write_text("half of the n")
        raise error

    assert write(old, write_half) is False
    assert capsys.readouterr().err == f"Could not write {old}: {reason}\n"
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the old one"


def test_a_reason_of_many_lines_is_one_of_300_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(part: Path) -> None:
        raise RuntimeError("a log\n" * 1000)

    assert not write(tmp_path / "file.csv", fail)
    said = capsys.readouterr().err
    assert said == f"Could not write {tmp_path / 'file.csv'}: {'a log ' * 50}\n"


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


def test_a_part_that_cannot_be_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network mounts, or where a virus scanner holds the directory."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr("os.rmdir", refuse)
    assert write(tmp_path / "file.csv", lambda part: part.write_text("the new one"))
    assert (tmp_path / "file.csv").read_text() == "the new one"


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_the_command_that_goes_on_is_quoted_as_windows_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], resume: list[str]
) -> None:
    command = ["C:\\Some where\\python.exe", "reuters_lstm.py", "--output-dir", "C:\\My plots", *resume]
    monkeypatch.setattr("sys.orig_argv", command)
    with monkeypatch.context() as patch:
        patch.setattr("os.name", "nt")
        windows = runpy.run_path(run.__file__)["Run"]
    stopped = windows.__new__(windows)  # as it is when a signal has come in the training
    stopped.options, stopped.history = Namespace(epochs=3), {"loss": [0.5]}
    stopped.signals, stopped.handlers, stopped.is_kept = [signal.SIGINT], {}, True
    with pytest.raises(SystemExit) as end:
        stopped.on_train_batch_end(0)
    assert end.value.code == 130
    expected = '"C:\\Some where\\python.exe" reuters_lstm.py --output-dir "C:\\My plots" --resume\n'
    assert capsys.readouterr().out.endswith(f"To go on: {expected}")
