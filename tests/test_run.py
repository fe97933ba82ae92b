"""What surrounds the training, on a small network and in edited scripts."""

import csv
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.image import imread

from common import ask, checkpoint
from common.corpus import Corpus
from common.curve import draw_curve
from common.options import read_options
from common.process import SIGNALS
from common.run import COLUMNS, Run
from tests.conftest import ROOT
from tests.tiny import run_here

LOGS = dict.fromkeys(COLUMNS, 0.5)
CORPUS = Corpus("news", "keras", ["[padding]", "[start]", "[?]", "[unused]", "good", "bad"], ["negative", "positive"])
TRAINING = np.ones((4, 6), "int32"), np.ones(4, "int64")
TEST = np.ones((2, 6), "int32"), np.ones(2, "int64")
Begin = Callable[..., Run]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Begin a run that reads six words, with other layers in the middle or other options if asked."""

    def begin(*middle: keras.Layer, **changed: object) -> Run:
        monkeypatch.setattr("sys.argv", ["a.py", "--output-dir", str(tmp_path)])
        options = read_options("a", "A run.", epochs=9, batch_size=2)
        vars(options).update(changed)
        model = keras.Sequential([keras.Input((6,), dtype="int32"), layers.Embedding(9, 3)])
        for layer in middle or [layers.LSTM(2)]:
            model.add(layer)
        model.add(layers.Dense(1, "sigmoid"))
        model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
        begun = Run(options, CORPUS, model, *TRAINING, *TEST)
        begun.set_model(model)
        return begun

    return begin


def finish(run: Run) -> int:
    """Finish it as the scripts do, and return the exit status."""
    try:
        run.finish(draw_curve(run.history, run.title))
    except SystemExit as end:
        return end.code
    return 0


def losses(directory: Path) -> list[str]:
    """The column `loss` of the run's CSV."""
    with (directory / "a.csv").open(newline="") as stream:
        return [row["loss"] for row in csv.DictReader(stream)]


def handlers() -> list:
    """What the signals do."""
    return [signal.getsignal(number) for number in SIGNALS]


def edited(script: str, directory: Path, old: str, new: str) -> Path:
    """A copy of the script in which a user has replaced something."""
    text = (ROOT / f"{script}.py").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = directory / f"{script}.py"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_two_runs_at_once_in_one_directory(begin: Begin, tmp_path: Path) -> None:
    """Each file is one's all the time, and in the end all three are the last one's."""
    one, other = begin(), begin()
    for epoch in (0, 1):
        one.on_epoch_end(epoch, LOGS)
        other.on_epoch_end(epoch, LOGS | {"loss": 0.7})
    assert losses(tmp_path) == ["0.7", "0.7"]
    other.on_epoch_end(2, LOGS | {"loss": 0.7})
    assert finish(one) == 0
    assert losses(tmp_path) == ["0.5", "0.5"]
    assert checkpoint.read(tmp_path / "a.keras")["history"] == one.history
    first_epoch = ["a.previous.csv", "a.previous.keras"]  # of the first one, which the other found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.keras", "a.png", *first_epoch]


def test_a_file_that_cannot_be_set_aside_is_left_and_the_others_are_written(
    begin: Begin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.csv", "a.keras", "a.png"):
        (tmp_path / name).write_text("the old one")
    (tmp_path / "a.previous.csv").mkdir()
    one = begin()
    capsys.readouterr()
    one.on_epoch_end(0, LOGS)
    said = f"{tmp_path}/a.csv stays as it is, since it cannot be set aside: Is a directory\n"
    assert capsys.readouterr() == ("", said)
    assert finish(one) == 1
    files = f"Curve          {tmp_path}/a.png\nNetwork        {tmp_path}/a.keras\n"
    lowest = "Lowest test loss 0.5000, in epoch 1; the network kept is that of epoch 1\n"
    said = capsys.readouterr()
    assert said.out.startswith(files + lowest)
    assert said.err == ""
    for name in ("a.csv", "a.previous.keras", "a.previous.png"):
        assert (tmp_path / name).read_text() == "the old one"
    assert checkpoint.read(tmp_path / "a.keras")["history"]["loss"] == [0.5]
    imread(tmp_path / "a.png")


def test_a_clock_before_1980(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a board without a clock chip: only the network, a zip file, cannot hold such a date."""
    monkeypatch.setattr(time, "time", lambda: 60.0)
    one = begin()
    one.on_epoch_end(0, LOGS)
    said = f"Could not write {tmp_path}/a.keras: ZIP does not support timestamps before 1980\n"
    assert capsys.readouterr() == ("", said)
    assert finish(one) == 1
    files = f"Curve          {tmp_path}/a.png\nHistory        {tmp_path}/a.csv\n"
    assert capsys.readouterr() == (f"{files}Lowest test loss 0.5000, in epoch 1\n", said)
    assert losses(tmp_path) == ["0.5"]
    imread(tmp_path / "a.png")


def test_a_stop_names_no_command_where_no_network_could_be_kept(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--resume` it would find nothing, or another run's network."""
    monkeypatch.setattr(time, "time", lambda: 60.0)  # before 1980
    one = begin()
    one.on_epoch_end(0, LOGS)
    capsys.readouterr()
    with pytest.raises(SystemExit, match="143"), one:  # noqa: PT012
        signal.raise_signal(signal.SIGTERM)
        one.on_train_batch_end(0)
    assert capsys.readouterr().out == "\nStopped by SIGTERM after epoch 1 of 9.\n"


def spoil(model: keras.Model) -> None:
    model.set_weights([weight * np.nan for weight in model.get_weights()])


def fail(model: keras.Model) -> None:
    raise RuntimeError("this is the second epoch")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (spoil, SystemExit, r"Stopped: the loss is not a finite number in epoch 2\."),
        (fail, RuntimeError, "this is the second epoch"),
    ],
)
def test_an_epoch_that_fails(begin: Begin, tmp_path: Path, harm: Callable, error: type, message: str) -> None:
    """The epochs before it and their curve are there, and the signals do what they did before."""

    def harm_the_second(epoch: int, logs: dict) -> None:
        if epoch == 1:
            harm(one.model)

    before = handlers()
    one = begin()
    callbacks = [one, keras.callbacks.LambdaCallback(on_epoch_begin=harm_the_second)]
    with pytest.raises(error, match=f"^{message}$"), one:
        one.model.fit(*TRAINING, epochs=9, validation_data=TEST, callbacks=callbacks, verbose=0)
    assert handlers() == before
    assert [len(losses(tmp_path)), len(checkpoint.read(tmp_path / "a.keras")["history"]["loss"])] == [1, 1]
    imread(tmp_path / "a.png")


def test_a_script_with_another_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what is missing, an older run's files stay, and the signals do what they did before."""
    before = handlers()
    older = tmp_path / "reuters_lstm-sample.csv"
    older.write_text("the old one")
    script = edited("reuters_lstm", tmp_path, 'metrics=["accuracy"]', 'metrics=["mae"]')
    assert run_here(script, "--data", "sample", "--output-dir", tmp_path) == 1
    said = 'Stopped: fit gives no "accuracy", which needs metrics=["accuracy"] and validation_data.\n'
    assert capsys.readouterr().err == said
    assert older.read_text() == "the old one"
    assert sorted(tmp_path.iterdir()) == [older, script]
    assert handlers() == before


def test_a_script_with_another_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of any length, as keras-io's examples have it, or none, as in the article: trained alike, and it can be asked."""
    table = "reuters_lstm-sample.csv"
    options = ("--data", "sample", "--epochs", "1", "--output-dir")
    assert run_here("reuters_lstm", *options, tmp_path / "plain") == 0
    plain = np.loadtxt(tmp_path / "plain" / table, delimiter=",", skiprows=1)
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)  # leave the tests' streams and signals alone
    for name, new in (("any", "model.add(keras.Input((None,)))"), ("none", "")):
        script = edited("reuters_lstm", tmp_path, 'model.add(keras.Input((ARTICLE_LENGTH,), dtype="int32"))', new)
        assert run_here(script, *options, tmp_path / name) == 0
        np.testing.assert_allclose(np.loadtxt(tmp_path / name / table, delimiter=",", skiprows=1), plain, rtol=1e-5)
        assert "\nAsk it about texts of your own:\n" in capsys.readouterr().out
        assert ask.open_network(tmp_path / name / "reuters_lstm-sample.keras").length == 100


@pytest.mark.parametrize(
    "middle",
    [
        [layers.Conv1D(2, 3, padding="same", activation="relu"), layers.LSTM(2, dtype="float16")],
        [layers.Conv1D(2, 3, padding="causal", dtype="float64"), layers.SimpleRNN(2, dtype="float64")],
        [layers.Dropout(0.5, seed=3), layers.MaxPooling1D(2), layers.GRU(2, kernel_regularizer="l2")],
    ],
    ids=lambda middle: "-".join(layer.name for layer in middle),
)
def test_padding_and_precision_are_no_matter_of_asking(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, middle: list[keras.Layer]
) -> None:
    one = begin(*middle)
    one.model.set_weights([4 * weight + 0.1 for weight in one.model.get_weights()])  # so that it does not answer 0.5
    one.on_epoch_end(0, LOGS)
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)  # leave the tests' streams and signals alone
    (answer,) = ask.answer(ask.open_network(tmp_path / "a.keras"), ["good"])
    positive = float(one.model.predict_on_batch(np.array([[0, 0, 0, 0, 1, 4]], "int32"))[0, 0])
    label, probability = answer.verdict.split()
    assert label == ("positive" if positive > 0.5 else "negative")
    assert float(probability) == pytest.approx(max(positive, 1 - positive), abs=2e-3)


@pytest.mark.parametrize(
    ("middle", "named"),
    [
        ([layers.Bidirectional(layers.LSTM(2))], "Bidirectional"),
        ([layers.LayerNormalization(), layers.LSTM(2)], "LayerNormalization"),
        ([layers.LSTM(2, activation="gelu")], "gelu"),
    ],
    ids=["a wrapper", "a layer", "an activation"],
)
def test_a_network_that_cannot_be_asked_is_told_by_the_run(
    begin: Begin, capsys: pytest.CaptureFixture[str], middle: list[keras.Layer], named: str
) -> None:
    """In one line, instead of the command."""
    one = begin(*middle)
    one.on_epoch_end(0, LOGS)
    assert finish(one) == 0
    *_, empty, line = capsys.readouterr().out.splitlines()
    assert empty == ""
    assert re.fullmatch(f"It cannot be asked about texts of your own: .*{named}.* no part of .* networks", line)


def test_a_notebook_is_told_a_command_for_a_cell(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    one = begin()
    one.on_epoch_end(0, LOGS)
    assert finish(one) == 0
    assert re.fullmatch("!.* -m common.ask .*a.keras 'Write your text here.'", capsys.readouterr().out.splitlines()[-1])


def test_a_signal_after_the_last_batch_stops_the_run_and_not_the_next_one(
    begin: Begin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next one: in a notebook the cell that trains may run again."""
    one = begin()
    with pytest.raises(SystemExit) as end, one:  # noqa: PT012
        one.on_epoch_end(0, LOGS)
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143
    assert "Stopped by SIGTERM after epoch 1 of 9." in capsys.readouterr().out
    imread(tmp_path / "a.png")
    with one:
        one.on_train_batch_end(0)
    assert one.initial_epoch == 1


def test_a_run_in_a_thread(begin: Begin, tmp_path: Path) -> None:
    """Python lets only the main thread catch signals."""
    one = begin()

    def train() -> None:
        with one:
            one.on_epoch_end(0, LOGS)

    with ThreadPoolExecutor() as pool:
        pool.submit(train).result()
    assert losses(tmp_path) == ["0.5"]


def test_a_wide_blank_in_a_message_is_a_code_and_hangul_is_not(
    begin: Begin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        begin(resume=True, output_dir=tmp_path / "결과\u3000둘")
    assert capsys.readouterr().err == f"a.py: cannot resume: there is no {tmp_path}/결과\\u3000둘/a.keras\n"
