"""What surrounds the training, on a small network and without the scripts."""

import csv
import os
import re
import shlex
import signal
import time
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure
from matplotlib.image import imread

from common import ask, checkpoint, run
from common.curve import draw_curve
from common.data import Corpus
from tests.conftest import ROOT

LOGS = dict.fromkeys(run.COLUMNS, 0.5)
CORPUS = Corpus("news", "keras", ["[padding]", "[start]", "[?]", "[unused]", "good", "bad"], ["negative", "positive"])
ARRAYS = np.ones((4, 6), "int32"), np.ones(4, "int64"), np.ones((2, 6), "int32"), np.ones(2, "int64")
FILES = ["a.csv", "a.keras", "a.png"]
Begin = Callable[..., run.Run]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Begin a run that reads six words, with another recurrent layer or other options if asked."""

    def begin(middle: tuple[keras.Layer, ...] = (), optimizer: str = "adam", **changed: object) -> run.Run:
        options = {"script": "a", "seed": 1, "batch_size": 2, "epochs": 9, "resume": False, "output_dir": tmp_path}
        options |= {"recurrent": "lstm", "conv": None, "shuffle_words": False, "show": False}
        middle = middle or (layers.LSTM(2),)
        model = keras.Sequential(
            [keras.Input((6,), dtype="int32"), layers.Embedding(9, 3), *middle, layers.Dense(1, "sigmoid")]
        )
        model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
        begun = run.Run(Namespace(**options | changed), CORPUS, model, *ARRAYS)
        begun.set_model(model)
        return begun

    return begin


def finish(done: run.Run) -> int:
    """Finish it as the scripts do, and return the exit status."""
    try:
        run.finish(done, draw_curve(done.history, done.title))
    except SystemExit as end:
        return end.code
    return 0


def losses(directory: Path) -> list[str]:
    """The column `loss` of the run's CSV."""
    with (directory / "a.csv").open(newline="") as stream:
        return [row["loss"] for row in csv.DictReader(stream)]


def test_a_finished_run_has_written_all_three_files(begin: Begin, tmp_path: Path) -> None:
    """Two at once in one directory: each file is one's all the time, and in the end all three the last one's."""
    one, other = begin(), begin()
    for epoch in (0, 1):
        one.on_epoch_end(epoch, LOGS)
        other.on_epoch_end(epoch, LOGS | {"loss": 0.7})
    assert losses(tmp_path) == ["0.7", "0.7"]
    other.on_epoch_end(2, LOGS | {"loss": 0.7})
    assert finish(one) == 0
    assert losses(tmp_path) == ["0.5", "0.5"]
    assert checkpoint.read(tmp_path / "a.keras")["history"] == one.history
    previous = [f"a.previous.{kind}" for kind in ("csv", "keras", "png")]  # the first one's first epoch
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES + previous)


def test_a_file_that_cannot_be_set_aside_is_left_and_the_others_are_written(
    begin: Begin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        (tmp_path / name).write_text("the old one")
    (tmp_path / "a.previous.csv").mkdir()
    one = begin()
    one.on_epoch_end(0, LOGS)
    said = capsys.readouterr().err
    assert said == f"{tmp_path}/a.csv stays as it is, since it cannot be set aside: Is a directory\n"
    one.on_epoch_end(1, LOGS)
    assert finish(one) == 1
    assert capsys.readouterr() == (f"Curve          {tmp_path}/a.png\nNetwork        {tmp_path}/a.keras\n", "")
    for name in ("a.csv", "a.previous.keras", "a.previous.png"):
        assert (tmp_path / name).read_text() == "the old one"
    assert len(checkpoint.read(tmp_path / "a.keras")["history"]["loss"]) == 2
    imread(tmp_path / "a.png")


@pytest.mark.parametrize("kept", [True, False])
def test_a_stop_says_how_to_go_on_only_where_a_network_is_kept(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept: bool
) -> None:
    """Where the disk is full from the start, `--resume` would find nothing, or another run's network."""

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    one = begin()
    if kept:
        one.on_epoch_end(0, LOGS)
    monkeypatch.setattr(run.checkpoint, "save", fail)
    one.on_epoch_end(1, LOGS)
    one.signals.append(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        one.on_train_batch_end(0)
    assert end.value.code == 143
    said = capsys.readouterr().out
    assert f"Stopped by SIGTERM after epoch {1 + kept} of 9." in said
    assert ("--resume" in said) == kept


def test_a_network_without_an_input_as_in_the_article(tmp_path: Path) -> None:
    """It is built as the first batch would, with the same first weights, and described."""
    weights = []
    for first in ([keras.Input((6,), dtype="int32")], []):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([*first, layers.Embedding(9, 3), layers.LSTM(2), layers.Dense(1, "sigmoid")])
        model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
        options = {"script": "a", "seed": 1, "batch_size": 2, "epochs": 9, "resume": False, "output_dir": tmp_path}
        options |= {"recurrent": "lstm", "conv": None, "shuffle_words": False, "show": False}
        described = run.Run(Namespace(**options), CORPUS, model, *ARRAYS).facts["description"]
        assert described["input shape"] == [6]
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_in_a_thread(begin: Begin) -> None:
    """Python lets only the main thread catch signals."""
    one = begin()
    with ThreadPoolExecutor() as pool:
        pool.submit(one.on_train_begin).result()
    assert one.handlers == {}


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        ((run.checkpoint, "save"), MemoryError(), "a.keras: MemoryError"),
        ((csv, "writer"), UnicodeError("not\nin the table"), "a.csv: not in the table"),
        ((Figure, "savefig"), RuntimeError("Failed to process string with tex\nbecause latex could not be found"),
         "a.png: Failed to process string with tex because latex could not be found"),
        ((run.checkpoint, "save"), OSError(28, "No space left on device"), "a.keras: No space left on device"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_written(
    begin: Begin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: tuple,
    error: Exception,
    said: str,
) -> None:
    """Whatever the reason, it is one line, the other two are written, and the old file stays as it was."""

    def fail(*arguments: object, **options: object) -> None:
        raise error

    one = begin()
    one.on_epoch_end(0, LOGS)
    failed = tmp_path / said.partition(":")[0]
    old = failed.read_bytes()
    monkeypatch.setattr(*place, fail)
    one.on_epoch_end(1, LOGS)
    assert capsys.readouterr() == ("", f"Could not write {tmp_path}/{said}\n")
    assert finish(one) == 1
    out, err = capsys.readouterr()
    assert err == f"Could not write {tmp_path}/{said}\n"
    named = [line.split()[-1] for line in out.splitlines()]
    assert sorted(named) == [str(tmp_path / name) for name in FILES if tmp_path / name != failed]
    assert failed.read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    if failed.suffix != ".csv":
        assert len(losses(tmp_path)) == 2


def test_a_clock_before_1980(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a board without a clock chip: a zip file, which the network is, cannot hold such a date."""
    monkeypatch.setattr(time, "time", lambda: 60.0)
    one = begin()
    one.on_epoch_end(0, LOGS)
    said = f"Could not write {tmp_path}/a.keras: ZIP does not support timestamps before 1980\n"
    assert capsys.readouterr() == ("", said)
    assert finish(one) == 1
    curve, history = (f"{name:<14} {tmp_path}/{file}\n" for name, file in (("Curve", "a.png"), ("History", "a.csv")))
    assert capsys.readouterr() == (curve + history, said)
    assert losses(tmp_path) == ["0.5"]
    imread(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("middle", "optimizer"),
    [
        ((layers.LSTM(2),), "rmsprop"),
        ((layers.Conv1D(2, 3, padding="same", activation="relu"), layers.LSTM(2)), "adam"),
        ((layers.Conv1D(2, 3, padding="causal", dtype="float64"), layers.SimpleRNN(2, dtype="float64")), "sgd"),
        ((layers.LSTM(2, dtype="float16"),), "adam"),
        ((layers.Dropout(0.5, seed=3), layers.MaxPooling1D(2), layers.GRU(2, kernel_regularizer="l2")), "adam"),
    ],
    ids=lambda part: part if isinstance(part, str) else "-".join(layer.name for layer in part),
)
def test_optimizer_padding_and_precision_are_no_matter_of_asking(
    begin: Begin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    middle: tuple,
    optimizer: str,
) -> None:
    monkeypatch.setattr("common.options.in_session", lambda: True)  # leave the tests' streams and signals alone
    one = begin(middle, optimizer)
    one.on_epoch_end(0, LOGS)
    assert finish(one) == 0
    said = capsys.readouterr()
    title, command = said.out.splitlines()[-2:]
    assert title == "Ask it about texts of your own:"
    *_, module, path = shlex.split(command)
    assert (module, os.path.abspath(path)) == ("common.ask", str(tmp_path / "a.keras"))
    assert said.err == ""
    (answer,) = ask.answer(ask.open_network(tmp_path / "a.keras"), ["good"])
    texts = np.array([[0, 0, 0, 0, 1, 4]], "int32")
    assert answer.verdict.split()[0] in ("negative", "positive")
    probability = float(one.model.predict_on_batch(texts)[0, 0])
    assert float(answer.verdict.split()[1]) == pytest.approx(max(probability, 1 - probability), abs=2e-3)


@pytest.mark.parametrize(
    ("middle", "named"),
    [
        ((layers.Bidirectional(layers.LSTM(2)),), "Bidirectional"),
        ((layers.LayerNormalization(), layers.LSTM(2)), "LayerNormalization"),
        ((layers.LSTM(2, activation="gelu"),), "gelu"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_network_that_cannot_be_asked_is_told_by_the_run(
    begin: Begin, capsys: pytest.CaptureFixture[str], middle: tuple, named: str
) -> None:
    """In one line, instead of the command."""
    one = begin(middle)
    one.on_epoch_end(0, LOGS)
    assert finish(one) == 0
    said = capsys.readouterr()
    *files, empty, line = said.out.splitlines()
    assert [file.split()[0] for file in files] == ["Curve", "History", "Network"]
    assert empty == ""
    assert re.fullmatch(f"It cannot be asked about texts of your own: .*{named}.* no part of .* networks", line)
    assert said.err == ""


def test_a_loss_that_is_not_finite(begin: Begin, tmp_path: Path) -> None:
    """The good epochs and their curve are there, and a signal does in a session what it did before."""
    before = signal.getsignal(signal.SIGINT)
    one = begin()
    one.on_train_begin()
    try:
        one.on_epoch_end(0, LOGS)
        with pytest.raises(SystemExit, match=r"^Stopped: the loss is not a finite number in epoch 2\.$"):
            one.on_epoch_end(1, LOGS | {"val_loss": float("nan")})
        assert signal.getsignal(signal.SIGINT) == before
    finally:
        one.on_train_end()
    assert losses(tmp_path) == ["0.5"]
    assert len(checkpoint.read(tmp_path / "a.keras")["history"]["loss"]) == 1
    imread(tmp_path / "a.png")


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot send signals")
@pytest.mark.parametrize("number", run.SIGNALS)
def test_a_signal_is_acted_upon_after_the_batch(
    begin: Begin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """One that was ignored before, as under `nohup`, still is; afterwards all do what they did."""
    monkeypatch.setattr("sys.orig_argv", ["my env/bin/python", "a.py", "--epochs", "9"])
    own = signal.signal(signal.SIGHUP, signal.SIG_IGN if number != signal.SIGHUP else signal.SIG_DFL)
    try:
        before = [signal.getsignal(number) for number in run.SIGNALS]
        one = begin()
        for epochs, how in ((0, ""), (1, " To go on: 'my env/bin/python' a.py --epochs 9 --resume")):
            one.on_train_begin()
            one.on_train_batch_end(0)
            signal.raise_signal(number)
            if number != signal.SIGHUP:
                signal.raise_signal(signal.SIGHUP)
            with pytest.raises(SystemExit) as end:
                one.on_test_batch_end(0)
            assert end.value.code == 128 + number
            name = signal.Signals(number).name
            assert capsys.readouterr() == (f"\nStopped by {name} after epoch {epochs} of 9.{how}\n", "")
            assert [signal.getsignal(number) for number in run.SIGNALS] == before
            one.signals.clear()
            one.on_epoch_end(0, LOGS)
    finally:
        signal.signal(signal.SIGHUP, own)


def test_what_a_session_is_told(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook has no command line that was typed, and no prompt."""
    monkeypatch.setattr(run, "in_session", lambda: True)
    monkeypatch.chdir(ROOT)
    one = begin()
    one.on_epoch_end(0, LOGS)
    assert finish(one) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("!")
    one.signals.append(signal.SIGINT)
    with pytest.raises(SystemExit):
        one.on_train_batch_end(0)
    said = "\nStopped by SIGINT after epoch 1 of 9. To go on: run it again with --resume\n"
    assert capsys.readouterr().out == said


def test_the_window_opens_when_everything_is_written(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(run, "show_curve", lambda *arguments: opened.append([*arguments, losses(tmp_path)]))
    for show in (False, True):
        one = begin(show=show)
        one.on_epoch_end(0, LOGS)
        assert finish(one) == 0
        assert opened == [[one.history, "LSTM on news", ["0.5"]]] * show
