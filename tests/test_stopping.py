"""Nothing is lost: runs that are stopped, killed, resumed, or cannot write."""

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import pytest
from matplotlib.image import imread

from common.files import replacing
from tests.conftest import ROOT, SCRIPTS, command

Run = Callable[..., subprocess.CompletedProcess]
BOTH = pytest.mark.parametrize("script", SCRIPTS)
SAMPLE = ("--data", "sample", "--batch-size", "20", "--output-dir")  # ten steps an epoch


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a script on the tiny sample and leave it running."""
    started = []

    def begin(script: str, *arguments: str | Path) -> subprocess.Popen:
        process = subprocess.Popen(
            command(script, *arguments, tiny=True), cwd=tmp_path, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
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


@pytest.mark.parametrize(
    ("script", "number", "status"),
    [
        ("imdb_cnn_lstm", signal.SIGINT, 130),
        pytest.param("imdb_cnn_lstm", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("reuters_lstm", signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param("reuters_lstm", signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_keeps_its_epochs_and_goes_on(
    run_script: Run, start: Callable, tmp_path: Path, whole: Callable, script: str, number: int, status: int
) -> None:
    files = {ending: tmp_path / f"{script}-sample.{ending}" for ending in ("csv", "png", "resume.keras")}
    process = start(script, *SAMPLE, tmp_path, "--epochs", "500")
    wait_for(files["csv"], process, 2)
    time.sleep(random.uniform(0, 0.5))
    process.send_signal(number)
    sent = time.monotonic()
    stdout, stderr = process.communicate(timeout=10)
    assert time.monotonic() - sent < 10
    assert process.returncode == status
    assert "Traceback" not in stderr
    kept = rows(files["csv"])
    again = f"python {ROOT / script}.py {' '.join(map(str, SAMPLE))} {tmp_path} --epochs 500 --resume"
    last = f"Stopped by {signal.Signals(number).name} after epoch {len(kept)} of 500. To go on: {again}"
    assert stdout.splitlines()[-1] == last
    imread(files["png"])

    done = run_script(script, *SAMPLE, tmp_path, "--epochs", str(len(kept) + 2), "--resume", tiny=True)
    assert done.returncode == 0, done.stderr
    assert f"Going on after epoch {len(kept)} of the interrupted run." in done.stdout
    resumed = rows(files["csv"])
    assert len(resumed) == len(kept) + 2
    assert resumed[: len(kept)] == kept
    assert resumed[:8] == whole(script)[: len(resumed)]  # as if nobody had stopped it
    assert {path.name for path in tmp_path.glob("*sample*")} == {files["csv"].name, files["png"].name}
    assert not list(tmp_path.glob(".*part*"))


def test_stopped_before_the_first_epoch_is_finished(start: Callable, tmp_path: Path) -> None:
    """One epoch of 200 steps; the old files stay as they are."""
    csv = tmp_path / "reuters_lstm-sample.csv"
    csv.write_text("the old one\n")
    process = start("reuters_lstm", "--data", "sample", "--batch-size", "1", "--output-dir", tmp_path)
    for line in process.stdout:
        if line.startswith("Epoch 1/"):
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Stopped by SIGINT after epoch 0 of 20. To start anew: python " in stdout
    assert "--resume" not in stdout
    assert "Traceback" not in stderr
    assert csv.read_text() == "the old one\n"
    assert [path.name for path in tmp_path.iterdir()] == [csv.name]


@pytest.mark.parametrize("after", [0.05, 1.5, pytest.param(3, marks=pytest.mark.slow)])
def test_stopped_before_the_training(start: Callable, tmp_path: Path, after: float) -> None:
    process = start("imdb_cnn_lstm", "--data", "sample", "--output-dir", tmp_path / "out")
    while not (tmp_path / "out").exists():  # the options are read, and the signals taken care of
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=15)
    assert process.returncode == 130
    assert "Stopped by SIGINT " in stdout + stderr
    assert "Traceback" not in stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
@BOTH
def test_killed_at_twenty_random_moments(
    start: Callable, run_script: Run, tmp_path: Path, whole: Callable, script: str
) -> None:
    """Kill, look, resume, until twenty kills have hit; then the run must be the one that nobody killed."""
    csv = tmp_path / f"{script}-sample.csv"
    state = tmp_path / f"{script}-sample.resume.keras"
    epochs = 0
    for moment in range(20):
        resume = ["--resume"] if state.exists() else []
        process = start(script, *SAMPLE, tmp_path, "--epochs", "500", *resume)
        if moment % 2:  # every other one while it starts, resumes or compiles; the rest while it trains and writes
            time.sleep(random.uniform(0.1, 8))
        else:
            wait_for(csv, process, epochs + 1)
            time.sleep(random.uniform(0, 1))
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
    assert rows(csv)[:8] == whole(script)
    assert not state.exists()


def test_a_process_killed_while_it_writes_leaves_the_old_file(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from common.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half of the n')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    old = tmp_path / "a [file].csv"
    old.write_text("the old one")
    assert subprocess.run([sys.executable, "-c", code, old], cwd=ROOT).returncode == -signal.SIGKILL
    assert old.read_text() == "the old one"
    (left_behind,) = tmp_path.glob(".*")
    os.utime(left_behind, (time.time() - 4000, time.time() - 4000))
    with replacing(old) as part:
        part.write_text("the new one")
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the new one"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    old = tmp_path / "file.csv"
    old.write_text("the old one")

    def write_half() -> None:
        with replacing(old) as part:
            part.write_text("half of the n")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the old one"


def test_two_processes_that_write_the_same_file(tmp_path: Path) -> None:
    """One begins, the other begins and ends, the first one ends: each file is wholly one's."""
    file = tmp_path / "file.csv"
    code = (
        "import sys; from pathlib import Path; from common.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('the other')\n"
    )
    with replacing(file) as part:
        part.write_text("the first")
        subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, check=True)
        assert file.read_text() == "the other"
    assert file.read_text() == "the first"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which a run of Reuters was interrupted after two epochs or more."""
    out = tmp_path_factory.mktemp("interrupted")
    process = subprocess.Popen(
        command("reuters_lstm", *SAMPLE, out, "--epochs", "500", tiny=True), stdout=subprocess.DEVNULL
    )
    wait_for(out / "reuters_lstm-sample.csv", process, 2)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("reuters_lstm", ["--seed", "2"], "cannot resume: the interrupted run had seed 1, this one has 2"),
        ("reuters_lstm", ["--batch-size", "21"], "the interrupted run had batch size 20, this one has 21"),
        ("reuters_lstm", ["--epochs", "1"], "epochs are done, more than --epochs 1"),
        ("imdb_cnn_lstm", [], "nothing to resume: there is no "),
    ],
)
def test_what_does_not_fit_is_not_resumed(
    run_script: Run, interrupted: Path, script: str, arguments: list[str], message: str
) -> None:
    before = {path: path.read_bytes() for path in interrupted.iterdir()}
    done = run_script(script, *SAMPLE, interrupted, "--resume", *arguments, tiny=True)
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith(f"{script}.py: "))
    assert message in line
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in interrupted.iterdir()} == before


@pytest.mark.slow
def test_another_source_and_a_damaged_file_are_not_resumed(run_script: Run, interrupted: Path, tmp_path: Path) -> None:
    state = "reuters_lstm-sample.resume.keras"
    shutil.copy(interrupted / state, tmp_path / "reuters_lstm.resume.keras")  # as if left by the real data
    done = run_script("reuters_lstm", *SAMPLE, tmp_path, "--resume", tiny=True)
    assert done.returncode == 2
    assert f"there is no {tmp_path / state}, only reuters_lstm.resume.keras" in done.stderr
    (tmp_path / state).write_bytes((interrupted / state).read_bytes()[:1000])
    done = run_script("reuters_lstm", *SAMPLE, tmp_path, "--resume", tiny=True)
    assert done.returncode == 2
    assert f"cannot resume from {tmp_path / state}: File is not a zip file" in done.stderr


@pytest.mark.slow
def test_another_model_is_not_resumed(interrupted: Path) -> None:
    """As after a change of LSTM_UNITS in the script."""
    code = (
        "import runpy, sys, keras\n"
        "lstm = keras.layers.LSTM\n"
        "keras.layers.LSTM = lambda units, **arguments: lstm(units + 1, **arguments)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    runner = command("reuters_lstm", *SAMPLE, interrupted, "--resume", tiny=True)
    before = {path: path.read_bytes() for path in interrupted.iterdir()}
    done = subprocess.run([sys.executable, "-c", code, *runner[1:]], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2, done.stderr
    assert "cannot resume: the model in " in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in interrupted.iterdir()} == before


@pytest.mark.slow
def test_a_run_without_resume_starts_anew_and_says_so(run_script: Run, interrupted: Path, tmp_path: Path) -> None:
    shutil.copytree(interrupted, tmp_path / "out")
    done = run_script("reuters_lstm", *SAMPLE, tmp_path / "out", "--epochs", "1", tiny=True)
    assert done.returncode == 0, done.stderr
    assert "Starting anew. (A run that did not finish is in " in done.stdout
    assert len(rows(tmp_path / "out" / "reuters_lstm-sample.csv")) == 1
    assert not list((tmp_path / "out").glob("*.resume.keras"))


@pytest.mark.slow
def test_two_runs_into_the_same_directory(start: Callable, run_script: Run, tmp_path: Path) -> None:
    out = tmp_path / "both"
    alone = {}
    for seed in ("1", "2"):
        run_script("reuters_lstm", *SAMPLE, tmp_path / seed, "--epochs", "6", "--seed", seed, tiny=True)
        alone[seed] = rows(tmp_path / seed / "reuters_lstm-sample.csv")
    both = [start("reuters_lstm", *SAMPLE, out, "--epochs", "6", "--seed", seed) for seed in ("1", "2")]
    for process in both:
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert stdout.splitlines()[-1].startswith("History ")
    assert rows(out / "reuters_lstm-sample.csv") in alone.values()
    imread(out / "reuters_lstm-sample.png")
    assert sorted(path.suffix for path in out.iterdir()) == [".csv", ".png"]


def limit_files_to(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_files_that_cannot_be_written(run_script: Run, tmp_path: Path) -> None:
    """A limit of 10 kB for each file: the CSV fits, the curve, the model and the state for resuming do not."""
    out, model = tmp_path / "out", tmp_path / "model.keras"
    out.mkdir()
    (out / "imdb_cnn_lstm-sample.png").write_text("the old curve")
    model.write_text("the old model")
    done = run_script(
        "imdb_cnn_lstm", *SAMPLE, out, "--epochs", "2", "--save-model", model, tiny=True,
        preexec_fn=limit_files_to(10_000),
    )  # fmt: skip
    check_failed_writes(done, out, model)
    assert "Traceback" not in done.stderr


def check_failed_writes(done: subprocess.CompletedProcess, out: Path, model: Path) -> None:
    assert done.returncode == 1
    assert f"Could not write {out / 'imdb_cnn_lstm-sample.png'}: " in done.stderr
    assert f"Could not write {model}: " in done.stderr
    assert "Test accuracy  " in done.stdout
    assert done.stdout.splitlines()[-1] == f"History        {out / 'imdb_cnn_lstm-sample.csv'}"
    assert len(rows(out / "imdb_cnn_lstm-sample.csv")) == 2
    assert (out / "imdb_cnn_lstm-sample.png").read_text() == "the old curve"
    assert model.read_text() == "the old model"
    assert not [*out.glob(".*"), *model.parent.glob(".model*")]


@pytest.mark.slow
def test_a_full_disk(run_script: Run, tmp_path: Path) -> None:
    """A file system of 40 kB, where this user may mount one."""
    out = tmp_path / "small"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "none", out], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        (out / "imdb_cnn_lstm-sample.png").write_text("the old curve")
        (out / "model.keras").write_text("the old model")
        (out / "other").write_bytes(bytes(20_000))
        model = out / "model.keras"
        done = run_script("imdb_cnn_lstm", *SAMPLE, out, "--epochs", "2", "--save-model", model, tiny=True)
        assert "No space left on device" in done.stderr
        check_failed_writes(done, out, model)
    finally:
        subprocess.run(["umount", out], check=True)


@pytest.mark.slow
def test_a_directory_that_disappears(start: Callable, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("reuters_lstm", *SAMPLE, out, "--epochs", "30")
    wait_for(out / "reuters_lstm-sample.csv", process)
    shutil.rmtree(out, ignore_errors=True)
    with contextlib.suppress(OSError):
        out.write_text("a file in its place")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"Could not write {out / 'reuters_lstm-sample.csv'}: " in stderr
    assert "Test accuracy  " in stdout
    assert "Traceback" not in stderr


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["| head -n 1", ">&-", "> /dev/full", "2>&1 | head -n 1"])
def test_an_output_that_nobody_reads(tmp_path: Path, ending: str) -> None:
    script = " ".join(command("reuters_lstm", *SAMPLE, str(tmp_path), "--epochs", "2", tiny=True))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{script} {ending}"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert len(rows(tmp_path / "reuters_lstm-sample.csv")) == 2


def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    """With word vectors that are no numbers."""
    code = (
        "import runpy, sys, keras\n"
        "embedding, nan = keras.layers.Embedding, keras.initializers.Constant(float('nan'))\n"
        "keras.layers.Embedding = lambda *sizes, **options: embedding(*sizes, **options, embeddings_initializer=nan)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    runner = command("reuters_lstm", *SAMPLE, tmp_path, tiny=True)
    done = subprocess.run([sys.executable, "-c", code, *runner[1:]], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "Stopped: the loss is not a finite number in epoch 1." in done.stderr
    assert "Traceback" not in done.stderr
    assert len((tmp_path / "reuters_lstm-sample.csv").read_text().splitlines()) == 2
    imread(tmp_path / "reuters_lstm-sample.png")


@pytest.mark.slow
def test_the_kept_model_is_a_model(interrupted: Path) -> None:
    """What is kept for resuming can be loaded by Keras as it is."""
    model = keras.models.load_model(interrupted / "reuters_lstm-sample.resume.keras")
    assert model.count_params() == 185_046
