"""Nothing is lost: scripts that are stopped, killed, resumed, or cannot write."""

import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.conftest import SCRIPTS, Finished, command, contents
from tests.tiny import edited, run_here

try:
    import resource
except ImportError:
    pytest.skip("Windows has no signals to send and no limits to set", allow_module_level=True)

Start = Callable[..., subprocess.Popen]
Console = pytest.CaptureFixture[str]
REUTERS, IMDB = SCRIPTS
BOTH = pytest.mark.parametrize("script", SCRIPTS)
LSTM = 'layers.LSTM(LSTM_UNITS, activation="tanh")'
SAMPLE = ("--data", "sample", "--batch-size", "20", "--output-dir")  # ten steps an epoch


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a script on the tiny sample, and leave it running."""
    started = []

    def begin(script: str, *arguments: str | Path, **options: object) -> subprocess.Popen:
        options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        process = subprocess.Popen(command(script, *arguments, tiny=True), **options)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def rows(path: Path) -> list[str]:
    """The rows of a CSV, each of them whole."""
    text = path.read_text()
    assert text.endswith("\n")
    header, *lines = text.splitlines()
    assert header == "epoch,loss,accuracy,val_loss,val_accuracy"
    for epoch, line in enumerate(lines, start=1):
        numbers = [float(number) for number in line.split(",")]
        assert (numbers[0], len(numbers)) == (epoch, 5)
    return lines


def wait_for(path: Path, process: subprocess.Popen, epochs: int) -> None:
    """Wait until the CSV holds so many epochs."""
    while not path.exists() or len(rows(path)) < epochs:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_stopped_run_keeps_its_epochs(
    start: Start, moments: random.Random, tmp_path: Path, script: str, number: int, status: int
) -> None:
    """At any moment of its training."""
    csv = tmp_path / f"{script}-sample.csv"
    process = start(script, *SAMPLE, tmp_path, "--epochs", "500")
    wait_for(csv, process, 2)
    time.sleep(moments.uniform(0, 0.5))
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (status, "\nStopping ...\n")
    said = f"Stopped by {signal.Signals(number).name} after epoch {len(rows(csv))} of 500. "
    assert stdout.splitlines()[-1] == f"{said}The same command with --resume goes on."
    imread(csv.with_suffix(".png"))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".keras", ".png"]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.2, 1.5])  # after 3 seconds a quick machine is already training
def test_stopped_before_the_training(start: Start, tmp_path: Path, after: float) -> None:
    """Ctrl-C ends the program, without a traceback."""
    out = tmp_path / "out"
    process = start("imdb_cnn_lstm", "--data", "sample", "--output-dir", out)
    while not out.exists():  # the options are read
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=15)
    assert (process.returncode, stderr) == (-signal.SIGINT, "")
    assert list(out.iterdir()) == []


@pytest.mark.slow
@BOTH
def test_killed_at_twenty_random_moments(start: Start, moments: random.Random, tmp_path: Path, script: str) -> None:
    """Kill, look, resume, until twenty kills have hit; then the run must be the one that nobody killed."""
    csv = tmp_path / f"{script}-sample.csv"
    epochs = 0
    for moment in range(20):
        resume = ["--resume"] if csv.with_suffix(".keras").exists() else []
        process = start(script, *SAMPLE, tmp_path, "--epochs", "500", *resume)
        if moment % 2:  # every other one while it starts, resumes or compiles; the rest while it trains and writes
            time.sleep(moments.uniform(0.1, 8))
        else:
            wait_for(csv, process, epochs + 1)
            time.sleep(moments.uniform(0, 1))
        process.kill()
        process.communicate()
        before, epochs = epochs, len(rows(csv)) if csv.exists() else 0
        assert epochs >= before
    last = ("--epochs", str(epochs + 1))
    assert start(script, *SAMPLE, tmp_path, *last, "--resume").wait(timeout=170) == 0
    assert start(script, *SAMPLE, tmp_path / "whole", *last).wait(timeout=170) == 0
    assert len(rows(csv)) == epochs + 1
    assert contents(tmp_path, csv.stem) == contents(tmp_path / "whole", csv.stem)


@pytest.fixture
def out(finished: Finished, tmp_path: Path) -> Path:
    """A copy of what the finished runs have left, three epochs of each script."""
    return Path(shutil.copytree(finished.out, tmp_path / "out"))


def check_refused(out: Path, script: str | Path, *arguments: str, message: str, capsys: Console) -> None:
    """It ends with one line and status 2 when it is to go on, and all files are as before."""
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert run_here(script, *SAMPLE, out, "--resume", *arguments) == 2
    said = capsys.readouterr()
    name = script.name if isinstance(script, Path) else f"{script}.py"
    assert said.err.startswith(f"{name}: cannot resume: {message}")
    assert said.err.count("\n") == 1
    assert "Epoch 1" not in said.out
    assert {path: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("script", "old", "new", "message"),
    [
        (IMDB, "DROPOUT = 0.5", "DROPOUT = 0.2", "2 Dropout rate 0.5, this one has 0.2"),
        (IMDB, "model.add(layers.Dropout(DROPOUT))\n", "", "layers Embedding, Dropout, Conv1D, "),
        (IMDB, "REVIEW_LENGTH = 100", "REVIEW_LENGTH = 200", "input shape [100], this one has [200]"),
        (IMDB, "binary_crossentropy", "mse", "loss binary_crossentropy, this one has mse"),
        (IMDB, '"adam"', "keras.optimizers.Adam(0.01)", "optimizer learning_rate 0.001, this one has 0.01"),
        (IMDB, '"adam"', '"adam", loss_weights=[0.01]', "loss_weights None, this one has [0.01]"),
        (IMDB, '["accuracy"]', '[keras.metrics.AUC(name="accuracy")]', "metrics 1 None, this one has AUC"),
        (IMDB, '["accuracy"]', '["accuracy"], weighted_metrics=["mse"]', "weighted_metrics None, this one has ['mse']"),
        (IMDB, "pad(x_test, REVIEW_LENGTH)", "pad([*x_test[:-1], [1]], REVIEW_LENGTH)", "texts and labels "),
        (REUTERS, "one_hot(y_test, num_topics)", "one_hot(y_test[::-1], num_topics)", "texts and labels "),
        (REUTERS, "one_hot(y_train, num_topics)", "one_hot(y_train[::-1], num_topics)", "texts and labels "),
        (REUTERS, "TEST_SPLIT = 0.2", "TEST_SPLIT = 0.4", "training texts 200, this one has 150"),
    ],
)
def test_an_edited_script_does_not_take_up_another_experiment(
    out: Path, tmp_path: Path, capsys: Console, script: str, old: str, new: str, message: str
) -> None:
    path = edited(script, tmp_path, old, new)
    check_refused(out, path, "--epochs", "9", message=f"that run had {message}", capsys=capsys)


def test_what_does_not_fit_is_not_resumed(out: Path, capsys: Console) -> None:
    for arguments, message in (
        (["--seed", "2"], "that run had seed 1, this one has 2\n"),
        (["--batch-size", "21"], "that run had batch size 20, this one has 21\n"),
        (["--epochs", "2"], "3 epochs are done, more than --epochs 2\n"),
    ):
        check_refused(out, "reuters_lstm", *arguments, message=message, capsys=capsys)


def test_a_damaged_and_a_missing_file_are_not_resumed(out: Path, tmp_path: Path, capsys: Console) -> None:
    network = out / "reuters_lstm-sample.keras"
    whole = network.read_bytes()
    middle = len(whole) // 2  # in the weights
    for damaged, reason in (
        (whole[:1000], "it is no Keras file"),
        (whole[:middle] + b"\xff" * 1000 + whole[middle + 1000 :], "it is damaged"),
    ):
        network.write_bytes(damaged)
        check_refused(out, "reuters_lstm", message=f"{network} is not what a run leaves: {reason}\n", capsys=capsys)
    network.unlink()
    blank = out.rename(out.with_name("결과\u3000둘"))  # a wide blank moves the cursor: it is shown as its code
    missing = f"there is no {tmp_path}/결과\\u3000둘/{network.name}, only imdb_cnn_lstm-sample.keras\n"
    check_refused(blank, "reuters_lstm", message=missing, capsys=capsys)


@BOTH
def test_a_finished_run_that_is_resumed_writes_all_files_again(
    finished: Finished, out: Path, capsys: Console, script: str
) -> None:
    """The same ones: what was lost is back, as the curve of a killed run is, and nothing is set aside."""
    name = f"{script}-sample"
    for kind in ("csv", "png"):
        (out / f"{name}.{kind}").unlink()
    old = (out / f"{name}.keras").stat().st_mtime_ns
    assert run_here(script, *SAMPLE, out, "--resume", "--epochs", "3") == 0
    said = capsys.readouterr().out
    assert "No epoch is left: all 3 are done." in said
    assert "Epoch " not in said
    before = finished.console[script].stdout.replace(str(finished.out), str(out))
    assert said[said.index("Test loss") :] == before[before.index("Test loss") :]
    assert (out / f"{name}.keras").stat().st_mtime_ns > old
    assert len(list(out.iterdir())) == 6
    again, before = contents(out, name), contents(finished.out, name)
    for part in ("csv", "png", "run.json"):
        assert again[part] == before[part]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "layer"), [(IMDB, LSTM), (REUTERS, "layers.Bidirectional(layers.GRU(9, dropout=0.5))")]
)
def test_a_finished_run_goes_on(tmp_path: Path, capsys: Console, script: str, layer: str) -> None:
    """As if it had been meant to have more epochs from the start, also within one session."""
    path = edited(script, tmp_path, LSTM, layer)
    assert run_here(path, *SAMPLE, tmp_path / "whole", "--epochs", "4") == 0
    out = tmp_path / "out"
    assert run_here(path, *SAMPLE, out, "--epochs", "2") == 0
    assert run_here(path, *SAMPLE, out, "--epochs", "4", "--resume") == 0
    assert "Going on after epoch 2." in capsys.readouterr().out
    for kind in ("csv", "png"):
        file = f"{script}-sample.{kind}"
        assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


@pytest.mark.slow
def test_files_that_cannot_be_written(start: Start, tmp_path: Path) -> None:
    """A limit of 10 kB for each file: the CSV fits, the curve and the network do not."""
    out = tmp_path / "out"
    csv, network, picture = (out / f"imdb_cnn_lstm-sample.{kind}" for kind in ("csv", "keras", "png"))
    out.mkdir()
    picture.write_text("the old curve")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))}
    process = start(IMDB, *SAMPLE, out, "--epochs", "2", **limit)
    stdout, stderr = process.communicate(timeout=170)
    assert process.returncode == 1
    failed = [line.partition(": ")[0] for line in stderr.splitlines()]
    assert failed == [f"Could not write {network}"] * 2 + [f"Could not write {picture}"]
    assert re.search(rf"\nHistory        {csv}\nLowest test loss \d\.\d{{4}}, in epoch [12]\n$", stdout)
    assert len(rows(csv)) == 2
    previous = out / "imdb_cnn_lstm-sample.previous.png"
    assert previous.read_text() == "the old curve"
    assert sorted(out.iterdir()) == [csv, previous]
