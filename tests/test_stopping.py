"""Nothing is lost: runs that are stopped, killed, resumed, or cannot write."""

import contextlib
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

import keras
import pytest
from matplotlib.image import imread

from common.files import write
from tests.conftest import ROOT, SCRIPTS, command

try:
    import resource
except ImportError:
    pytest.skip("Windows has no signals to send and no limits to set", allow_module_level=True)

Run = Callable[..., subprocess.CompletedProcess]
BOTH = pytest.mark.parametrize("script", SCRIPTS)
SAMPLE = ("--data", "sample", "--batch-size", "20", "--output-dir")  # ten steps an epoch


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a script on the tiny sample and leave it running."""
    started = []

    def begin(script: str, *arguments: str | Path, python: str = sys.executable, **options) -> subprocess.Popen:
        process = subprocess.Popen(
            [python, *command(script, *arguments, tiny=True)[1:]], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **options,
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
        pytest.param("imdb_cnn_lstm", signal.SIGHUP, 129, marks=pytest.mark.slow),
        pytest.param("reuters_lstm", signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param("reuters_lstm", signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_keeps_its_epochs_and_goes_on(
    start: Callable, moments: random.Random, tmp_path: Path, whole: Callable, script: str, number: int, status: int
) -> None:
    files = {ending: tmp_path / "out" / f"{script}-sample.{ending}" for ending in ("csv", "png", "keras")}
    (tmp_path / "my env").symlink_to(Path(sys.executable).parent.parent)  # as `.venv/bin/python`, with a space
    python = f"my env/bin/{Path(sys.executable).name}"
    process = start(script, *SAMPLE, "out", "--epochs", "500", python=python)
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


def test_stopped_before_the_first_epoch_is_finished(start: Callable, tmp_path: Path) -> None:
    """One epoch of 200 steps; the old files stay as they are. And what `auto` has found is said."""
    csv = tmp_path / "reuters_lstm-sample.csv"
    csv.write_text("the old one\n")
    process = start("reuters_lstm", "--batch-size", "1", "--output-dir", tmp_path)
    for line in process.stdout:
        if line.startswith("Epoch 1/"):
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    arguments = ["--batch-size", "1", "--output-dir", tmp_path, "--data", "sample"]
    again = " ".join(command("reuters_lstm", *arguments, tiny=True))
    assert stdout.splitlines()[-1] == f"Stopped by SIGINT after epoch 0 of 20. To start anew: {again}"
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


@pytest.mark.parametrize("after", [0.05, 1.5, pytest.param(3, marks=pytest.mark.slow)])
def test_stopped_before_the_training(start: Callable, tmp_path: Path, after: float) -> None:
    process = start("imdb_cnn_lstm", "--data", "sample", "--output-dir", tmp_path / "out")
    while not (tmp_path / "out").exists():  # the options are read, and the signals taken care of
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=15)
    assert process.returncode == 130
    assert "Stopped by SIGINT" in stdout + stderr
    assert "Traceback" not in stderr
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
    assert left_behind.exists()  # it could be another run's that is at work
    os.utime(left_behind, (time.time() - 4000, time.time() - 4000))
    assert write(old, lambda part: part.write_text("the newest"))
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "the newest"


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
        ("reuters_lstm", ["--seed", "2"], "cannot resume: that run had seed 1, this one has 2"),
        ("reuters_lstm", ["--batch-size", "21"], "that run had batch size 20, this one has 21"),
        ("reuters_lstm", ["--epochs", "1"], "epochs are done, more than --epochs 1"),
        ("imdb_cnn_lstm", [], "cannot resume: there is no "),
    ],
)
def test_what_does_not_fit_is_not_resumed(
    run_script: Run, interrupted: Path, script: str, arguments: list[str], message: str
) -> None:
    with refused(interrupted, message) as done:
        done.append(run_script(script, *SAMPLE, interrupted, "--resume", *arguments, tiny=True))


@contextlib.contextmanager
def refused(out: Path, message: str) -> Iterator[list[subprocess.CompletedProcess]]:
    """The run that is done within ends with one line and status 2, and all files are as before."""
    before = {path: path.read_bytes() for path in out.iterdir()}
    yield (runs := [])
    assert runs[0].returncode == 2, runs[0].stderr
    (line,) = (line for line in runs[0].stderr.splitlines() if "_lstm.py: cannot resume: " in line)
    assert message in line
    assert "Traceback" not in runs[0].stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which both scripts have finished one epoch."""
    out = tmp_path_factory.mktemp("finished")
    for script in SCRIPTS:
        begun = command(script, *SAMPLE, out, "--epochs", "1", tiny=True)
        subprocess.run(begun, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


@pytest.mark.parametrize(
    ("script", "old", "new", "message"),
    [
        ("imdb_cnn_lstm", "DROPOUT = 0.5", "DROPOUT = 0.2", "that run had Dropout rate 0.5, this one has 0.2"),
        pytest.param(
            "imdb_cnn_lstm", "    model.add(layers.Dropout(DROPOUT))\n", "",
            "had layers InputLayer, Embedding, Dropout, Conv1D, MaxPooling1D, LSTM, Dense, Activation, this one has "
            "InputLayer, Embedding, Conv1D, ", marks=pytest.mark.slow,
        ),
        *(
            pytest.param(*edit, marks=pytest.mark.slow)
            for edit in [
                ("imdb_cnn_lstm", "REVIEW_LENGTH = 100", "REVIEW_LENGTH = 200",
                 "InputLayer batch_shape [None, 100], this one has [None, 200]"),
                ("imdb_cnn_lstm", "POOL_LENGTH = 4", "POOL_LENGTH = 2", "MaxPooling1D pool_size [4], this one has [2]"),
                ("reuters_lstm", 'optimizer="adam"', 'optimizer="sgd"', "optimizer Adam, this one has SGD"),
                ("reuters_lstm", 'optimizer="adam"', "optimizer=keras.optimizers.Adam(0.01)",
                 "optimizer learning_rate 0.001"),
                ("reuters_lstm", "LSTM_UNITS = 100", "LSTM_UNITS = 101", "LSTM units 100, this one has 101"),
                ("reuters_lstm", "TEST_SPLIT = 0.2", "TEST_SPLIT = 0.4",
                 "training texts 200, this one has 150"),
                ("imdb_cnn_lstm", 'loss="binary_crossentropy"', 'loss="mse"',
                 "loss binary_crossentropy, this one has mse"),
            ]
        ),
    ],
)  # fmt: skip
def test_an_edited_script_does_not_take_up_another_experiment(
    finished: Path, tmp_path: Path, script: str, old: str, new: str, message: str
) -> None:
    text = (ROOT / f"{script}.py").read_text(encoding="utf-8")
    assert text.count(old) == 1
    edited = tmp_path / f"{script}.py"
    edited.write_text(text.replace(old, new), encoding="utf-8")
    runner = command(script, *SAMPLE, finished, "--resume", "--epochs", "9", tiny=True)
    runner[runner.index(str(ROOT / f"{script}.py"))] = str(edited)
    with refused(finished, message) as done:
        done.append(subprocess.run(runner, capture_output=True, text=True))


@pytest.mark.parametrize(
    ("script", "variant"),
    [
        ("imdb_cnn_lstm", []),
        pytest.param("reuters_lstm", [], marks=pytest.mark.slow),
        pytest.param("reuters_lstm", ["--recurrent", "gru", "--shuffle-words"], marks=pytest.mark.slow),
        pytest.param("imdb_cnn_lstm", ["--recurrent", "simple_rnn", "--no-conv"], marks=pytest.mark.slow),
        pytest.param("imdb_cnn_lstm", ["--recurrent", "none"], marks=pytest.mark.slow),
    ],
)
def test_a_finished_run_goes_on(run_script: Run, tmp_path: Path, script: str, variant: list[str]) -> None:
    """As if it had been meant to have more epochs from the start; and with none left it writes what is missing."""
    run_script(script, *variant, *SAMPLE, tmp_path / "whole", "--epochs", "5", tiny=True, check=True)
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir() if path.suffix != ".keras"}
    out = tmp_path / "out"
    resume = (script, *variant, *SAMPLE, out, "--resume", "--epochs", "5")
    run_script(script, *variant, *SAMPLE, out, "--epochs", "2", tiny=True, check=True)
    done = run_script(*resume, tiny=True, check=True)
    assert "Going on after epoch 2." in done.stdout
    assert {name: (out / name).read_bytes() for name in whole} == whole

    (network,) = out.glob("*.keras")
    kept = network.read_bytes()
    for name in whole:
        (out / name).unlink()
    done = run_script(*resume, tiny=True)
    assert done.returncode == 0, done.stderr
    assert "No epoch is left: all 5 are done." in done.stdout
    assert "Epoch " not in done.stdout
    assert {name: (out / name).read_bytes() for name in whole} == whole
    assert network.read_bytes() == kept
    assert len(list(out.iterdir())) == 3


@pytest.mark.slow
def test_another_source_and_a_damaged_file_are_not_resumed(run_script: Run, interrupted: Path, tmp_path: Path) -> None:
    state = "reuters_lstm-sample.keras"
    shutil.copy(interrupted / state, tmp_path / "reuters_lstm.keras")  # as if left by the real data
    done = run_script("reuters_lstm", *SAMPLE, tmp_path, "--resume", tiny=True)
    assert done.returncode == 2
    assert f"there is no {tmp_path / state}, only reuters_lstm.keras" in done.stderr
    kept = (interrupted / state).read_bytes()
    for damaged, message in [
        (kept[:1000], "it is no Keras file"),
        (kept[:100] + bytes(1000) + kept[1100:], ""),
        (b"", "it is no Keras file"),
    ]:
        (tmp_path / state).write_bytes(damaged)
        done = run_script("reuters_lstm", *SAMPLE, tmp_path, "--resume", "--epochs", "500", tiny=True)
        assert done.returncode == 2
        assert f"cannot resume: {tmp_path / state} is not what a run leaves: {message}" in done.stderr
        assert "Traceback" not in done.stderr
        assert (tmp_path / state).read_bytes() == damaged


def test_a_new_run_sets_aside_what_it_finds(run_script: Run, start: Callable, finished: Path, tmp_path: Path) -> None:
    """Not before its first epoch is done, and one generation."""
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    names = [f"reuters_lstm-sample{middle}.{kind}" for kind in ("csv", "keras", "png") for middle in ("", ".previous")]
    (out / names[1]).write_text("an older generation")
    kept = {kind: (out / f"reuters_lstm-sample.{kind}").read_bytes() for kind in ("csv", "keras", "png")}

    process = start("reuters_lstm", "--data", "sample", "--batch-size", "1", "--output-dir", out)
    for line in process.stdout:
        if line.startswith("Epoch 1/"):
            break
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=10)[0]
    assert "To start anew: " in said
    assert {kind: (out / f"reuters_lstm-sample.{kind}").read_bytes() for kind in kept} == kept
    assert (out / names[1]).read_text() == "an older generation"

    done = run_script("reuters_lstm", *SAMPLE, out, "--epochs", "2", "--seed", "2", tiny=True)
    assert done.returncode == 0, done.stderr
    line = "reuters_lstm-sample.* is there already: after the first epoch it becomes reuters_lstm-sample.previous.*"
    assert f"{out}/{line}" in done.stdout.splitlines()
    assert {kind: (out / f"reuters_lstm-sample.previous.{kind}").read_bytes() for kind in kept} == kept
    assert sorted(path.name for path in out.glob("reuters*")) == sorted(names)
    assert len(rows(out / "reuters_lstm-sample.csv")) == 2

    done = run_script("reuters_lstm", *SAMPLE, out, "--epochs", "3", "--seed", "2", "--resume", tiny=True)
    assert done.returncode == 0, done.stderr
    assert (out / "reuters_lstm-sample.previous.csv").read_bytes() == kept["csv"]


@pytest.mark.slow
def test_two_runs_into_the_same_directory(start: Callable, run_script: Run, tmp_path: Path) -> None:
    """One is killed while the other writes on: both can go on, the one that was killed from where it was set aside."""
    alone = {}
    for seed in ("1", "2"):
        run_script("reuters_lstm", *SAMPLE, tmp_path / seed, "--epochs", "60", "--seed", seed, tiny=True, check=True)
        alone[seed] = rows(tmp_path / seed / "reuters_lstm-sample.csv")
    out = tmp_path / "both"
    first, second = (start("reuters_lstm", *SAMPLE, out, "--epochs", "500", "--seed", seed) for seed in ("1", "2"))
    network, aside = out / "reuters_lstm-sample.keras", out / "reuters_lstm-sample.previous.keras"
    while not (network.exists() and aside.exists()):  # both have finished an epoch
        assert first.poll() is None, first.communicate()
        time.sleep(0.02)
    time.sleep(1)
    first.kill()
    epochs = first.communicate()[0].count("val_loss: ")
    time.sleep(2)
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=10)
    for seed in ("2", "1"):
        done = run_script("reuters_lstm", *SAMPLE, out, "--epochs", "60", "--seed", seed, "--resume", tiny=True)
        assert done.returncode == 0, done.stderr
        assert rows(out / "reuters_lstm-sample.csv") == alone[seed]
        if seed == "2":
            os.replace(aside, network)
    assert int(done.stdout.partition("Going on after epoch ")[2].partition(".")[0]) >= epochs > 2


def limit_files_to(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_files_that_cannot_be_written(run_script: Run, tmp_path: Path) -> None:
    """A limit of 10 kB for each file: the CSV fits, the curve and the network do not."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "imdb_cnn_lstm-sample.png").write_text("the old curve")
    done = run_script(
        "imdb_cnn_lstm", *SAMPLE, out, "--epochs", "2", tiny=True, preexec_fn=limit_files_to(10_000)
    )  # fmt: skip
    check_failed_writes(done, out)


def check_failed_writes(done: subprocess.CompletedProcess, out: Path) -> None:
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
def test_a_full_disk(run_script: Run, tmp_path: Path) -> None:
    """A file system of 40 kB, where this user may mount one."""
    out = tmp_path / "small"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "none", out], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        (out / "imdb_cnn_lstm-sample.png").write_text("the old curve")
        (out / "other").write_bytes(bytes(20_000))
        done = run_script("imdb_cnn_lstm", *SAMPLE, out, "--epochs", "2", tiny=True)
        assert "No space left on device" in done.stderr
        check_failed_writes(done, out)
    finally:
        subprocess.run(["umount", out], check=True)


@pytest.mark.slow
def test_a_read_only_copy_of_the_project(tmp_path: Path) -> None:
    """It runs where it may write elsewhere; where this user may mount."""
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "__pycache__", "plots"))
    (project / "plots").mkdir()
    read_only = ["mount -o bind . .", "mount -o remount,ro,bind ."]
    if any(subprocess.run(mount.split(), cwd=project, capture_output=True).returncode for mount in read_only):
        pytest.skip("this user may not mount a file system")
    try:
        begun = [sys.executable, project / "tests/tiny.py", project / "reuters_lstm.py", "--data", "sample"]
        done = subprocess.run(begun, capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr == (
            f"reuters_lstm.py: cannot write to {project}/plots: Read-only file system: "
            "choose another --output-dir (see --help)\n"
        )
        done = subprocess.run(
            [*begun, "--epochs", "1", "--output-dir", tmp_path / "out"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / "out").iterdir())) == 3
    finally:
        subprocess.run(["umount", project], check=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_closes_the_window(start: Callable, tmp_path: Path, number: int) -> None:
    """A backend of Matplotlib whose window stays open."""
    (tmp_path / "window.py").write_text(
        "import time\n"
        "from matplotlib.backends.backend_svg import FigureCanvas\n"
        "class FigureManager(FigureCanvas.manager_class):\n"
        "    @classmethod\n"
        "    def pyplot_show(cls, **options):\n"
        "        print('The window is open.', flush=True)\n"
        "        time.sleep(60)\n"
        "FigureCanvas.manager_class = FigureManager\n"
    )
    environment = os.environ | {"MPLBACKEND": "module://window", "PYTHONPATH": str(tmp_path)}
    process = start("reuters_lstm", *SAMPLE, tmp_path, "--epochs", "1", "--show", env=environment)
    assert "The window is open.\n" in iter(process.stdout.readline, "")
    process.send_signal(number)
    assert process.wait(timeout=10) == -number


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


@pytest.mark.parametrize(
    ("ending", "status", "said"),
    [
        ("| sed '/Epoch 3/q'", 1, ""),
        pytest.param("2>&1 | sed '/Epoch 3/q'", 1, "", marks=pytest.mark.slow),
        pytest.param("> /dev/full", 1, "Stopped: [Errno 28] No space left on device", marks=pytest.mark.slow),
        pytest.param(">&-", 0, "", marks=pytest.mark.slow),
    ],
)
def test_an_output_that_nobody_reads(tmp_path: Path, ending: str, status: int, said: str) -> None:
    """Where the reader goes away or the disk is full the run ends, without a traceback; its epochs are kept."""
    script = " ".join(command("reuters_lstm", *SAMPLE, str(tmp_path), "--epochs", "6", tiny=True))
    done = subprocess.run(["bash", "-c", f"{script} {ending}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    for word in ("Traceback", "BrokenPipe", "Exception ignored"):
        assert word not in done.stderr + done.stdout
    if "full" not in ending:  # there it ends with its first line
        assert 2 <= len(rows(tmp_path / "reuters_lstm-sample.csv")) <= 6
        assert (tmp_path / "reuters_lstm-sample.keras").exists()


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
    model = keras.models.load_model(interrupted / "reuters_lstm-sample.keras")
    assert model.count_params() == 185_046
