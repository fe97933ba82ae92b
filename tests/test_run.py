"""Whose file it is: runs that write into one directory, without any training."""

import json
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from common import run
from common.checkpoint import owner
from common.data import Corpus

LOGS = dict.fromkeys(run.COLUMNS, 0.5)


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., run.Run]:
    """Begin a run whose network's file holds its facts and no network."""

    def save(path: Path, model: None, facts: dict) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("run.json", json.dumps(facts))
            archive.writestr("config.json", "{}")

    monkeypatch.setattr(run.checkpoint, "save", save)
    monkeypatch.setattr(run.checkpoint, "difference", lambda *arguments: None)
    monkeypatch.setattr(run.checkpoint, "restore", lambda *arguments: None)
    monkeypatch.setattr(run, "catch_signals", lambda handler: None)

    def begin(resume: bool = False) -> run.Run:
        options = {"script": "a", "seed": 1, "batch_size": 20, "epochs": 9, "resume": resume, "output_dir": tmp_path}
        options |= {"recurrent": "lstm", "conv": None, "shuffle_words": False, "arguments": [], "data": "keras"}
        return run.Run(Namespace(**options, path="a.py"), Corpus("news", "keras", [], ()), None, (2, 1))

    return begin


def epochs_in(path: Path, *runs: run.Run) -> list[int]:
    """How many epochs of each run the file holds."""
    found, epochs = owner(path)
    return [epochs if found == one.facts["id"] else 0 for one in runs]


def test_another_run_finishes_an_epoch_while_this_one_saves(
    begin: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = begin(), begin()
    one.on_epoch_end(0, LOGS)
    other.on_epoch_end(0, LOGS)
    save = run.checkpoint.save

    def save_slowly(path: Path, model: None, facts: dict) -> None:
        monkeypatch.setattr(run.checkpoint, "save", save)
        other.on_epoch_end(1, LOGS)
        save(path, model, facts)

    monkeypatch.setattr(run.checkpoint, "save", save_slowly)
    one.on_epoch_end(1, LOGS)
    assert epochs_in(tmp_path / "a.keras", one, other) == [2, 0]
    assert epochs_in(tmp_path / "a.previous.keras", one, other) == [0, 2]


def test_two_runs_go_on_from_the_same_file(begin: Callable, tmp_path: Path) -> None:
    begin().on_epoch_end(0, LOGS)
    one, other = begin(resume=True), begin(resume=True)
    for epoch in (1, 2, 3):
        one.on_epoch_end(epoch, LOGS)
    assert not (tmp_path / "a.previous.keras").exists()  # what both go on from is nobody else's
    other.on_epoch_end(1, LOGS)
    assert epochs_in(tmp_path / "a.keras", one, other) == [0, 2]
    assert epochs_in(tmp_path / "a.previous.keras", one, other) == [4, 0]


def test_stopped_when_another_run_has_set_its_files_aside(
    begin: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = begin(), begin()
    one.on_epoch_end(0, LOGS)
    other.on_epoch_end(0, LOGS)
    one.signals.append(2)
    with pytest.raises(SystemExit):
        one.on_train_batch_end(0)
    assert "a.* is now another run's. What this one has kept is in a.previous.*" in capsys.readouterr().err
    assert epochs_in(tmp_path / "a.keras", one, other) == [0, 1]
    assert epochs_in(tmp_path / "a.previous.keras", one, other) == [1, 0]


def test_a_file_that_cannot_be_set_aside_is_left_and_the_others_are_written(
    begin: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("csv", "keras", "png"):
        (tmp_path / f"a.{kind}").write_text("the old one")
    (tmp_path / "a.previous.csv").mkdir()
    one = begin()
    one.on_epoch_end(0, LOGS)
    assert epochs_in(tmp_path / "a.keras", one) == [1]
    for name in ("a.csv", "a.previous.keras", "a.previous.png"):
        assert (tmp_path / name).read_text() == "the old one"
    said = capsys.readouterr().err
    assert said == f"Could not write {tmp_path}/a.csv: the one that is there cannot be set aside\n"


def test_only_the_first_epoch_could_be_kept(
    begin: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(path: Path, model: None, facts: dict) -> None:
        raise OSError("full")

    one = begin()
    one.on_epoch_end(0, LOGS)
    monkeypatch.setattr(run.checkpoint, "save", fails)
    one.on_epoch_end(1, LOGS)
    with pytest.raises(SystemExit):
        run.finish(one, run.draw_curve(one.history, one.title))
    assert "Epoch 1 is kept: once there is room, --resume goes on from it." in capsys.readouterr().err
    one.signals.append(2)
    with pytest.raises(SystemExit):
        one.on_train_batch_end(0)
    said = capsys.readouterr()
    assert "Of these epochs only the first 1 could be kept." in said.err
    assert said.out.endswith("--resume\n")


def test_no_window_opens_after_a_signal(begin: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(run, "show_curve", lambda *arguments: opened.append(arguments))
    one = begin()
    one.options.show = True
    one.on_epoch_end(0, LOGS)
    one.signals.append(15)
    run.finish(one, run.draw_curve(one.history, one.title))
    assert not opened
    one.signals.clear()
    run.finish(one, run.draw_curve(one.history, one.title))
    assert opened
