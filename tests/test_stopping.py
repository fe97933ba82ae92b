"""Nothing is lost: runs that are stopped, killed, resumed, or cannot write."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.conftest import SCRIPTS, Finished, command
from tests.test_run import edited
from tests.tiny import run_here

try:
    import resource
except ImportError:
    pytest.skip("Windows has no signals to send and no limits to set", allow_module_level=True)

Run = Callable[..., subprocess.CompletedProcess]
BOTH = pytest.mark.parametrize("script", SCRIPTS)
SLOW_FOR_REUTERS = pytest.mark.parametrize(
    "script", [pytest.param("reuters_lstm", marks=pytest.mark.slow), "imdb_cnn_lstm"]
)
SAMPLE = ("--data", "sample", "--batch-size", "20", "--output-dir")  # ten steps an epoch
KINDS = ("csv", "keras", "png")
# A backend of Matplotlib whose window stays open.
WINDOW = """
import time
from matplotlib.backends.backend_svg import FigureCanvas
class FigureManager(FigureCanvas.manager_class):
    @classmethod
    def pyplot_show(cls, **options):
        print("The window is open.", flush=True)
        time.sleep(60)
FigureCanvas.manager_class = FigureManager
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a script on the tiny sample, or a command as the shell takes it, and leave it running."""
    started = []

    def begin(script: str, *arguments: str | Path, python: str = sys.executable, **options) -> subprocess.Popen:
        run = f"exec {script}" if options.get("shell") else [python, *command(script, *arguments, tiny=True)[1:]]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(run, cwd=tmp_path, **pipes, **options)
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


def wait_for(path: Path, process: subprocess.Popen, epochs: int = 1) -> None:
    """Wait until the CSV holds so many epochs."""
    while not path.exists() or len(rows(path)) < epochs:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def read_until(process: subprocess.Popen, start: str) -> list[str]:
    """What the process prints, up to the first line that begins so."""
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(start):
            return lines
    raise AssertionError((lines, process.communicate()))


def files_of(script: str) -> list[str]:
    return [f"{script}-sample.{kind}" for kind in KINDS]


def left(out: Path) -> list[str]:
    """The files there, without one that a kill has hit while it was written."""
    return sorted(path.name for path in out.iterdir() if not path.name.startswith("."))


def contents(out: Path, script: str) -> dict[str, bytes]:
    """What a run has left: curve and history, weights and optimizer, and what is known about the run."""
    with zipfile.ZipFile(out / f"{script}-sample.keras") as archive:
        assert archive.testzip() is None
        read = {name: archive.read(name) for name in ("model.weights.h5", "run.json")}
    return read | {kind: (out / f"{script}-sample.{kind}").read_bytes() for kind in ("csv", "png")}


@SLOW_FOR_REUTERS
def test_a_killed_and_stopped_run_is_the_one_that_nobody_stopped(
    start: Callable, finished: Finished, tmp_path: Path, script: str
) -> None:
    """By SIGKILL, then by SIGINT, and resumed by the command that it printed; a signal closes the curve's window.

    The curve is drawn at the stop and at the end.
    """
    (tmp_path / "my env").symlink_to(Path(sys.executable).parent.parent)  # as `.venv/bin/python`, with a space
    (tmp_path / "window.py").write_text(WINDOW)
    python = f"my env/bin/{Path(sys.executable).name}"
    in_window = {"env": os.environ | {"MPLBACKEND": "module://window", "PYTHONPATH": str(tmp_path)}}
    options = (script, *SAMPLE, "out", "--epochs", "3", "--show")
    out = tmp_path / "out"

    killed = start(*options, **in_window)
    read_until(killed, "Epoch 2/3")
    killed.kill()
    killed.communicate()
    kept = rows(out / f"{script}-sample.csv")
    assert 1 <= len(kept) <= 2
    assert left(out) == files_of(script)[:2]

    stopped = start(*options, "--resume", python=python, **in_window)
    assert f"Going on after epoch {len(kept)}." in read_until(stopped, "Epoch 3/3")
    stopped.send_signal(signal.SIGINT)
    stdout, stderr = stopped.communicate(timeout=60)
    assert (stopped.returncode, stderr) == (130, "")
    reached, again = stdout.splitlines()[-1].split(" To go on: ")
    assert reached == "Stopped by SIGINT after epoch 2 of 3."
    resumed = rows(out / f"{script}-sample.csv")
    assert len(resumed) == 2
    assert resumed[: len(kept)] == kept
    imread(out / f"{script}-sample.png")
    assert left(out) == files_of(script)

    resumed = start(again, shell=True, **in_window)
    assert "Going on after epoch 2." in read_until(resumed, "The window is open.")
    assert contents(out, script) == contents(finished.out, script)
    assert left(out) == files_of(script)
    resumed.send_signal(signal.SIGTERM)
    assert resumed.wait(timeout=10) == -signal.SIGTERM
    assert resumed.communicate()[1] == ""


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_stopped_run_keeps_its_epochs(
    start: Callable, moments: random.Random, tmp_path: Path, script: str, number: int, status: int
) -> None:
    """At any moment of its training."""
    process = start(script, *SAMPLE, tmp_path, "--epochs", "500")
    wait_for(tmp_path / f"{script}-sample.csv", process, 2)
    time.sleep(moments.uniform(0, 0.5))
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (status, "")
    epochs = len(rows(tmp_path / f"{script}-sample.csv"))
    said = f"Stopped by {signal.Signals(number).name} after epoch {epochs} of 500. To go on: "
    assert stdout.splitlines()[-1].startswith(said)
    imread(tmp_path / f"{script}-sample.png")
    assert left(tmp_path) == files_of(script)


@pytest.mark.slow
def test_what_the_starter_ignores_stays_ignored(start: Callable, tmp_path: Path) -> None:
    """As SIGINT is in the background of a shell script, and SIGHUP under `nohup`: the run goes on to its end."""

    def ignore() -> None:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    process = start("reuters_lstm", *SAMPLE, tmp_path, "--epochs", "12", preexec_fn=ignore)
    read_until(process, "Epoch 2/")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    assert process.poll() is None
    _, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (0, "")
    assert len(rows(tmp_path / "reuters_lstm-sample.csv")) == 12


@pytest.mark.parametrize("after", [0.2, 1.5])  # after 3 seconds a quick machine is already training
def test_stopped_before_the_training(start: Callable, tmp_path: Path, after: float) -> None:
    """Ctrl-C ends the program, without a traceback."""
    process = start("imdb_cnn_lstm", "--data", "sample", "--output-dir", tmp_path / "out")
    while not (tmp_path / "out").exists():  # the options are read
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=15)
    assert (process.returncode, stderr) == (-signal.SIGINT, "")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
@BOTH
def test_killed_at_twenty_random_moments(
    start: Callable, run_script: Run, moments: random.Random, tmp_path: Path, script: str
) -> None:
    """Kill, look, resume, until twenty kills have hit; then the run must be the one that nobody killed."""
    csv = tmp_path / f"{script}-sample.csv"
    state = tmp_path / f"{script}-sample.keras"
    epochs = 0
    for moment in range(20):
        resume = ["--resume"] if state.exists() else []
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
    done = run_script(script, *SAMPLE, tmp_path, "--epochs", str(epochs + 1), "--resume", tiny=True)
    assert done.returncode == 0, done.stderr
    assert len(rows(csv)) == epochs + 1
    whole = tmp_path / "whole"
    run_script(script, *SAMPLE, whole, "--epochs", str(epochs + 1), tiny=True, check=True)
    assert rows(csv) == rows(whole / csv.name)


@pytest.fixture
def out(finished: Finished, tmp_path: Path) -> Path:
    """A copy of what the finished runs have left, three epochs of each script."""
    return Path(shutil.copytree(finished.out, tmp_path / "out"))


def check_refused(out: Path, script: str | Path, *arguments: str, message: str, capsys: pytest.CaptureFixture) -> None:
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
        ("imdb_cnn_lstm", "DROPOUT = 0.5", "DROPOUT = 0.2", "2 Dropout rate 0.5, this one has 0.2"),
        ("imdb_cnn_lstm", "model.add(layers.Dropout(DROPOUT))\n", "",
         "layers Embedding, Dropout, Conv1D, MaxPooling1D, LSTM, Dense, Activation, this one has "
         "Embedding, Conv1D, MaxPooling1D, LSTM, Dense, Activation"),
        ("imdb_cnn_lstm", "REVIEW_LENGTH = 100", "REVIEW_LENGTH = 200", "input shape [100], this one has [200]"),
        ("imdb_cnn_lstm", 'loss="binary_crossentropy"', 'loss="mse"', "loss binary_crossentropy, this one has mse"),
        ("reuters_lstm", 'optimizer="adam"', "optimizer=keras.optimizers.Adam(0.01)",
         "optimizer learning_rate 0.001, this one has 0.01"),
        ("reuters_lstm", 'optimizer="adam"', 'optimizer="adam", loss_weights=[0.01]',
         "loss_weights None, this one has [0.01]"),
        ("reuters_lstm", '["accuracy"]', '[keras.metrics.TopKCategoricalAccuracy(5, "accuracy")]',
         "metrics 1 None, this one has TopKCategoricalAccuracy"),
        ("reuters_lstm", '["accuracy"]', '["accuracy"], weighted_metrics=["accuracy"]',
         "weighted_metrics None, this one has ['accuracy']"),
        ("reuters_lstm", "TEST_SPLIT = 0.2", "TEST_SPLIT = 0.4", "training texts 200, this one has 150"),
        ("reuters_lstm", "y_test = one_hot(y_test, num_topics)", "y_test = one_hot(y_test[::-1], num_topics)",
         "texts and labels "),
        ("reuters_lstm", "y_train = one_hot(y_train, num_topics)", "y_train = one_hot(y_train[::-1], num_topics)",
         "texts and labels "),
        ("imdb_cnn_lstm", "x_test = pad(x_test, REVIEW_LENGTH)", "x_test = pad([*x_test[:-1], [1]], REVIEW_LENGTH)",
         "texts and labels "),
    ],
)  # fmt: skip
def test_an_edited_script_does_not_take_up_another_experiment(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, old: str, new: str, message: str
) -> None:
    path = edited(script, tmp_path, old, new)
    check_refused(out, path, "--epochs", "9", message=f"that run had {message}", capsys=capsys)


def test_what_does_not_fit_is_not_resumed(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["--seed", "2"], "that run had seed 1, this one has 2\n"),
        (["--batch-size", "21"], "that run had batch size 20, this one has 21\n"),
        (["--epochs", "2"], "3 epochs are done, more than --epochs 2\n"),
    ):
        check_refused(out, "reuters_lstm", *arguments, message=message, capsys=capsys)


def test_another_source_and_a_damaged_file_are_not_resumed(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = out / "reuters_lstm-sample.keras"
    kept = state.read_bytes()
    middle = len(kept) // 2  # in the weights
    for damaged, reason in (
        (kept[:1000], "it is no Keras file"),
        (kept[:middle] + b"\xff" * 1000 + kept[middle + 1000 :], "Bad CRC-32"),
    ):
        state.write_bytes(damaged)
        check_refused(out, "reuters_lstm", message=f"{state} is not what a run leaves: {reason}", capsys=capsys)
    state.rename(out / "reuters_lstm.keras")  # as if left by the real data
    missing = f"there is no {state}, only imdb_cnn_lstm-sample.keras, reuters_lstm.keras\n"
    check_refused(out, "reuters_lstm", message=missing, capsys=capsys)


@BOTH
def test_a_finished_run_that_is_resumed_writes_all_files_again(
    finished: Finished, out: Path, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    """The same ones: what was lost is back, as the curve of a killed run is, and nothing is set aside."""
    for kind in ("csv", "png"):
        (out / f"{script}-sample.{kind}").unlink()
    old = (out / f"{script}-sample.keras").stat().st_mtime_ns
    assert run_here(script, *SAMPLE, out, "--resume", "--epochs", "3") == 0
    said = capsys.readouterr().out
    assert "No epoch is left: all 3 are done." in said
    assert "Epoch " not in said
    before = finished.console[script].stdout.replace(str(finished.out), str(out))
    assert said[said.index("Test loss") :].splitlines()[:-1] == before[before.index("Test loss") :].splitlines()[:-1]
    assert (out / f"{script}-sample.keras").stat().st_mtime_ns > old
    assert len(list(out.iterdir())) == 6
    again, before = contents(out, script), contents(finished.out, script)
    for name in ("csv", "png", "run.json"):
        assert again[name] == before[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "variant"),
    [
        ("imdb_cnn_lstm", []),
        ("reuters_lstm", ["--recurrent", "gru", "--shuffle-words"]),
        ("imdb_cnn_lstm", ["--recurrent", "simple_rnn", "--no-conv"]),
    ],
)
def test_a_finished_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, variant: list[str]
) -> None:
    """As if it had been meant to have more epochs from the start, also within one session."""
    assert run_here(script, *variant, *SAMPLE, tmp_path / "whole", "--epochs", "5") == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir() if path.suffix != ".keras"}
    out = tmp_path / "out"
    assert run_here(script, *variant, *SAMPLE, out, "--epochs", "2") == 0
    assert run_here(script, *variant, *SAMPLE, out, "--epochs", "5", "--resume") == 0
    assert "Going on after epoch 2." in capsys.readouterr().out
    assert {name: (out / name).read_bytes() for name in whole} == whole


def test_a_new_run_sets_aside_what_it_finds(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One generation, of one run: where somebody has deleted a picture, that of an older run goes too."""
    files = {kind: out / f"reuters_lstm-sample.{kind}" for kind in KINDS}
    previous = {kind: out / f"reuters_lstm-sample.previous.{kind}" for kind in KINDS}
    previous["csv"].write_text("an older generation")
    for seed in ("2", "3"):
        if seed == "3":
            files["png"].unlink()
        kept = {previous[kind]: path.read_bytes() for kind, path in files.items() if path.exists()}
        assert run_here("reuters_lstm", *SAMPLE, out, "--epochs", "1", "--seed", seed) == 0
        line = "reuters_lstm-sample.* is there already: after the first epoch it becomes reuters_lstm-sample.previous.*"
        assert f"{out}/{line}" in capsys.readouterr().out.splitlines()
        assert {path: path.read_bytes() for path in out.glob("reuters_lstm-sample.previous.*")} == kept
        assert all(path.exists() for path in files.values())
        assert len(rows(files["csv"])) == 1


@pytest.mark.slow
def test_files_that_cannot_be_written(run_script: Run, tmp_path: Path) -> None:
    """A limit of 10 kB for each file: the CSV fits, the curve and the network do not."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "imdb_cnn_lstm-sample.png").write_text("the old curve")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))}
    done = run_script("imdb_cnn_lstm", *SAMPLE, out, "--epochs", "2", tiny=True, **limit)
    assert done.returncode == 1
    for kind in ("png", "keras"):
        assert f"Could not write {out / f'imdb_cnn_lstm-sample.{kind}'}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Test accuracy  " in done.stdout
    *_, history, lowest = done.stdout.splitlines()
    assert history == f"History        {out / 'imdb_cnn_lstm-sample.csv'}"
    assert re.fullmatch(r"Lowest test loss \d\.\d{4}, in epoch [12]", lowest)
    assert len(rows(out / "imdb_cnn_lstm-sample.csv")) == 2
    assert (out / "imdb_cnn_lstm-sample.previous.png").read_text() == "the old curve"
    assert not [*out.glob(".*")]
