"""Nothing is lost: runs that are stopped, killed, resumed, or cannot write."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from matplotlib.image import imread

from common.files import write
from tests.conftest import ROOT, SCRIPTS, Finished, command
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
        first, *numbers = line.split(",")
        assert int(first) == epoch
        assert len([float(number) for number in numbers]) == 4
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


def contents(out: Path, script: str) -> dict[str, object]:
    """What a run has left: the bytes of curve and history, and the network's entries.

    Left out is what each run has of its own: the date, and in Keras's configuration the objects' places in memory.
    """
    read = {kind: (out / f"{script}-sample.{kind}").read_bytes() for kind in KINDS}
    with zipfile.ZipFile(io.BytesIO(read.pop("keras"))) as archive:
        assert archive.testzip() is None
        read |= {name: archive.read(name) for name in ("model.weights.h5", "run.json")}
        own = {"date_saved", "shared_object_id"}
        for name in ("metadata.json", "config.json"):
            leave_out = {"object_hook": lambda parts: {key: parts[key] for key in parts if key not in own}}
            read[name] = json.loads(archive.read(name), **leave_out)
        assert set(archive.namelist()) == set(read) - {"csv", "png"}
    return read


def arrays(weights: bytes) -> dict[str, bytes]:
    """The numbers in a file of weights, the optimizer's too."""
    found = {}
    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(
            lambda name, part: found.update({name: part[()].tobytes()} if isinstance(part, h5py.Dataset) else {})
        )
    assert any(name.startswith("optimizer") for name in found)
    return found


@SLOW_FOR_REUTERS
def test_a_killed_and_stopped_run_is_the_one_that_nobody_stopped(
    start: Callable, finished: Finished, tmp_path: Path, script: str
) -> None:
    """By SIGKILL, then by SIGINT, and resumed by the command that it printed; a signal closes the curve's window."""
    (tmp_path / "my env").symlink_to(Path(sys.executable).parent.parent)  # as `.venv/bin/python`, with a space
    (tmp_path / "window.py").write_text(WINDOW)
    python = f"my env/bin/{Path(sys.executable).name}"
    in_window = {"env": os.environ | {"MPLBACKEND": "module://window", "PYTHONPATH": str(tmp_path)}}
    options = (script, *SAMPLE, "out", "--epochs", "3", "--show")
    out = tmp_path / "out"
    files = {out / f"{script}-sample.{kind}" for kind in KINDS}

    killed = start(*options, **in_window)
    read_until(killed, "Epoch 2/3")
    killed.kill()
    killed.communicate()
    kept = rows(out / f"{script}-sample.csv")
    assert 1 <= len(kept) <= 3
    imread(out / f"{script}-sample.png")

    stopped = start(*options, "--resume", python=python, **in_window)
    assert f"Going on after epoch {len(kept)}." in read_until(stopped, "Epoch 3/3")
    stopped.send_signal(signal.SIGINT)
    stdout, stderr = stopped.communicate(timeout=20)
    assert (stopped.returncode, stderr) == (130, "")
    reached, again = stdout.splitlines()[-1].split(" To go on: ")
    assert reached == "Stopped by SIGINT after epoch 2 of 3."
    resumed = rows(out / f"{script}-sample.csv")
    assert len(resumed) == 2
    assert resumed[: len(kept)] == kept
    imread(out / f"{script}-sample.png")

    resumed = start(again, shell=True, **in_window)
    assert "Going on after epoch 2." in read_until(resumed, "The window is open.")
    assert contents(out, script) == contents(finished.out, script)
    assert set(out.iterdir()) - set(out.glob(".*")) == files  # the kill may have hit while a file was written
    resumed.send_signal(signal.SIGTERM)
    assert resumed.wait(timeout=10) == -signal.SIGTERM
    assert resumed.communicate()[1] == ""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """The rows of a run of eight epochs that nobody stops."""
    known = {}

    def run(script: str) -> list[str]:
        if script not in known:
            out = tmp_path_factory.mktemp("whole")
            subprocess.run(
                command(script, *SAMPLE, out, "--epochs", "8", tiny=True), check=True, stdout=subprocess.DEVNULL
            )
            known[script] = rows(out / f"{script}-sample.csv")
        return known[script]

    return run


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_stopped_run_keeps_its_epochs_and_goes_on(
    start: Callable, moments: random.Random, tmp_path: Path, whole: Callable, script: str, number: int, status: int
) -> None:
    """At any moment of its training."""
    files = {ending: tmp_path / "out" / f"{script}-sample.{ending}" for ending in KINDS}
    process = start(script, *SAMPLE, "out", "--epochs", "500")
    wait_for(files["csv"], process, 2)
    time.sleep(moments.uniform(0, 0.5))
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == status
    assert "Traceback" not in stderr
    kept = rows(files["csv"])
    reached, again = stdout.splitlines()[-1].split(" To go on: ")
    assert reached == f"Stopped by {signal.Signals(number).name} after epoch {len(kept)} of 500."
    imread(files["png"])

    again = again.replace("--epochs 500", f"--epochs {len(kept) + 2}")
    done = subprocess.run(again, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"Going on after epoch {len(kept)}." in done.stdout
    resumed = rows(files["csv"])
    assert len(resumed) == len(kept) + 2
    assert resumed[: len(kept)] == kept
    assert resumed[:8] == whole(script)[: len(resumed)]  # as if nobody had stopped it
    assert set((tmp_path / "out").iterdir()) == set(files.values())


@pytest.mark.slow
def test_stopped_before_the_first_epoch_is_finished(start: Callable, tmp_path: Path) -> None:
    """One epoch of 200 steps; the old files stay as they are."""
    csv = tmp_path / "reuters_lstm-sample.csv"
    csv.write_text("the old one\n")
    process = start("reuters_lstm", "--batch-size", "1", "--output-dir", tmp_path)
    assert f"{tmp_path}/{csv.stem}.* is there already: after the first epoch it becomes " in "\n".join(
        read_until(process, "Epoch 1/")
    )
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert stdout.splitlines()[-1].startswith("Stopped by SIGINT after epoch 0 of 20.")
    assert "Traceback" not in stderr
    assert csv.read_text() == "the old one\n"
    assert [path.name for path in tmp_path.iterdir()] == [csv.name]


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_stops_nothing(start: Callable, tmp_path: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = start("reuters_lstm", *SAMPLE, tmp_path, "--epochs", "12", preexec_fn=ignore)
    wait_for(tmp_path / "reuters_lstm-sample.csv", process)
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
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
        if state.exists():
            with zipfile.ZipFile(state) as archive:
                assert archive.testzip() is None
    done = run_script(script, *SAMPLE, tmp_path, "--epochs", str(epochs + 1), "--resume", tiny=True)
    assert done.returncode == 0, done.stderr
    assert len(rows(csv)) == epochs + 1
    whole = tmp_path / "whole"
    run_script(script, *SAMPLE, whole, "--epochs", str(epochs + 1), tiny=True, check=True)
    assert rows(csv) == rows(whole / csv.name)


def test_a_process_killed_while_it_writes_leaves_the_old_file(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from common.files import write\n"
        "def fill(part):\n"
        "    part.write_text('half of the n')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write(Path(sys.argv[1]), fill)\n"
    )
    old = tmp_path / "a [file].csv"
    old.write_text("the old one")
    assert subprocess.run([sys.executable, "-c", code, old], cwd=ROOT).returncode == -signal.SIGKILL
    assert old.read_text() == "the old one"
    (left_behind,) = tmp_path.glob(".*")
    assert write(old, lambda part: part.write_text("the new one"))
    assert old.read_text() == "the new one"
    assert left_behind.exists()  # it could be another run's that is at work


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
    ("script", "arguments", "message"),
    [
        ("reuters_lstm", ["--seed", "2"], "that run had seed 1, this one has 2\n"),
        ("reuters_lstm", ["--batch-size", "21"], "that run had batch size 20, this one has 21\n"),
        ("reuters_lstm", ["--epochs", "2"], "3 epochs are done, more than --epochs 2\n"),
        ("reuters_lstm", ["--recurrent", "gru"], "there is no "),
        ("imdb_cnn_lstm", ["--seed", "2"], "that run had seed 1, this one has 2\n"),
    ],
)
def test_what_does_not_fit_is_not_resumed(
    out: Path, capsys: pytest.CaptureFixture[str], script: str, arguments: list[str], message: str
) -> None:
    check_refused(out, script, *arguments, message=message, capsys=capsys)


@pytest.mark.parametrize(
    ("script", "old", "new", "message"),
    [
        ("imdb_cnn_lstm", "DROPOUT = 0.5", "DROPOUT = 0.2", "that run had 2 Dropout rate 0.5, this one has 0.2"),
        ("imdb_cnn_lstm", "    model.add(layers.Dropout(DROPOUT))\n", "",
         "that run had layers Embedding, Dropout, Conv1D, MaxPooling1D, LSTM, Dense, Activation, this one has "
         "Embedding, Conv1D, MaxPooling1D, LSTM, Dense, Activation"),
        ("imdb_cnn_lstm", "REVIEW_LENGTH = 100", "REVIEW_LENGTH = 200", "that run had texts and labels "),
        ("imdb_cnn_lstm", "POOL_LENGTH = 4", "POOL_LENGTH = 2",
         "that run had 4 MaxPooling1D pool_size [4], this one has [2]"),
        ("imdb_cnn_lstm", 'loss="binary_crossentropy"', 'loss="mse"',
         "that run had loss binary_crossentropy, this one has mse"),
        ("reuters_lstm", 'optimizer="adam"', 'optimizer="sgd"', "that run had optimizer Adam, this one has SGD"),
        ("reuters_lstm", 'optimizer="adam"', "optimizer=keras.optimizers.Adam(0.01)",
         "that run had optimizer learning_rate 0.001, this one has 0.01"),
        ("reuters_lstm", "LSTM_UNITS = 100", "LSTM_UNITS = 101", "that run had 2 LSTM units 100, this one has 101"),
        ("reuters_lstm", "TEST_SPLIT = 0.2", "TEST_SPLIT = 0.4", "that run had training texts 200, this one has 150"),
        ("reuters_lstm", "    y_test = one_hot(y_test, num_topics)", "    y_test = one_hot(y_test[::-1], num_topics)",
         "that run had texts and labels "),
    ],
)  # fmt: skip
def test_an_edited_script_does_not_take_up_another_experiment(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, old: str, new: str, message: str
) -> None:
    text = (ROOT / f"{script}.py").read_text(encoding="utf-8")
    assert text.count(old) == 1
    edited = tmp_path / f"{script}.py"
    edited.write_text(text.replace(old, new), encoding="utf-8")
    check_refused(out, edited, "--epochs", "9", message=message, capsys=capsys)


def test_another_source_and_a_damaged_file_are_not_resumed(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = out / "reuters_lstm-sample.keras"
    kept = state.read_bytes()
    middle = len(kept) // 2  # in the weights
    for damaged, reason in [
        (kept[:1000], "it is no Keras file"),
        (kept[:middle] + b"\xff" * 1000 + kept[middle + 1000 :], "Bad CRC-32"),
        (b"", "it is no Keras file"),
    ]:
        state.write_bytes(damaged)
        message = f"{state} is not what a run leaves: {reason}"
        check_refused(out, "reuters_lstm", message=message, capsys=capsys)
    state.rename(out / "reuters_lstm.keras")  # as if left by the real data
    check_refused(out, "reuters_lstm", message=f"there is no {state}, only reuters_lstm.keras\n", capsys=capsys)


@BOTH
def test_a_finished_run_that_is_resumed_writes_all_files_again(
    finished: Finished, out: Path, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    """The same ones: what was lost is back, and nothing is set aside."""
    for kind in ("csv", "png"):
        (out / f"{script}-sample.{kind}").unlink()
    old = (out / f"{script}-sample.keras").stat().st_mtime_ns
    assert run_here(script, *SAMPLE, out, "--resume", "--epochs", "3") == 0
    said = capsys.readouterr().out
    assert "No epoch is left: all 3 are done." in said
    assert "Epoch " not in said
    before = finished.console[script].stdout.replace(str(finished.out), str(out))
    assert said.splitlines()[-6:-1] == before.splitlines()[-6:-1]
    assert (out / f"{script}-sample.keras").stat().st_mtime_ns > old
    assert len(list(out.iterdir())) == 6
    again, before = contents(out, script), contents(finished.out, script)
    for left in (again, before):
        del left["config.json"]  # Keras counts the layers of a session in their names
        left["model.weights.h5"] = arrays(left["model.weights.h5"])
    assert again == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "variant"),
    [
        ("imdb_cnn_lstm", []),
        ("reuters_lstm", []),
        ("reuters_lstm", ["--recurrent", "gru", "--shuffle-words"]),
        ("imdb_cnn_lstm", ["--recurrent", "simple_rnn", "--no-conv"]),
        ("imdb_cnn_lstm", ["--recurrent", "none"]),
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
    assert len(list(out.iterdir())) == 3


def test_a_new_run_sets_aside_what_it_finds(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One generation."""
    files = {kind: out / f"reuters_lstm-sample.{kind}" for kind in KINDS}
    previous = {kind: out / f"reuters_lstm-sample.previous.{kind}" for kind in KINDS}
    previous["csv"].write_text("an older generation")
    kept = {kind: path.read_bytes() for kind, path in files.items()}
    assert run_here("reuters_lstm", *SAMPLE, out, "--epochs", "1", "--seed", "2") == 0
    line = "reuters_lstm-sample.* is there already: after the first epoch it becomes reuters_lstm-sample.previous.*"
    assert f"{out}/{line}" in capsys.readouterr().out.splitlines()
    assert {kind: path.read_bytes() for kind, path in previous.items()} == kept
    assert set(out.glob("reuters*")) == {*files.values(), *previous.values()}
    assert len(rows(files["csv"])) == 1


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))


@pytest.mark.slow
def test_files_that_cannot_be_written(run_script: Run, tmp_path: Path) -> None:
    """A limit of 10 kB for each file: the CSV fits, the curve and the network do not."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "imdb_cnn_lstm-sample.png").write_text("the old curve")
    done = run_script("imdb_cnn_lstm", *SAMPLE, out, "--epochs", "2", tiny=True, preexec_fn=limit_files)
    assert done.returncode == 1
    for kind in ("png", "keras"):
        assert f"Could not write {out / f'imdb_cnn_lstm-sample.{kind}'}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Test accuracy  " in done.stdout
    assert done.stdout.splitlines()[-1] == f"History        {out / 'imdb_cnn_lstm-sample.csv'}"
    assert len(rows(out / "imdb_cnn_lstm-sample.csv")) == 2
    assert (out / "imdb_cnn_lstm-sample.previous.png").read_text() == "the old curve"
    assert not [*out.glob(".*")]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_closes_the_window(start: Callable, out: Path, tmp_path: Path, number: int) -> None:
    (tmp_path / "window.py").write_text(WINDOW)
    environment = os.environ | {"MPLBACKEND": "module://window", "PYTHONPATH": str(tmp_path)}
    process = start("reuters_lstm", *SAMPLE, out, "--epochs", "3", "--resume", "--show", env=environment)
    read_until(process, "The window is open.")
    process.send_signal(number)
    assert process.wait(timeout=10) == -number


@pytest.mark.slow
def test_a_directory_that_disappears(start: Callable, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("reuters_lstm", *SAMPLE, out, "--epochs", "30")
    wait_for(out / "reuters_lstm-sample.csv", process)
    shutil.rmtree(out, ignore_errors=True)
    if not out.exists():
        out.write_text("a file in its place")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"Could not write {out / 'reuters_lstm-sample.csv'}: " in stderr
    assert "Test accuracy  " in stdout
    assert "Traceback" not in stderr
