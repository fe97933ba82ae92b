"""The process that the scripts set up for themselves, as it is when they import Keras: here a file that looks at it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import pytest

from common.running import checkpoint
from common.running.process import set_up_console, set_up_process
from tests.conftest import ROOT

Run = Callable[..., subprocess.CompletedProcess]
LOOK = """
import os, signal, sys
print(signal.getsignal(signal.SIGINT).name, sys.stdout.errors, sys.stdout.line_buffering)
print(os.environ.get("TF_NUM_INTRAOP_THREADS"))
sys.exit()
"""


@pytest.fixture
def run_with(run_script: Run, tmp_path: Path) -> Run:
    """Run a script with this code as Keras."""

    def run(code: str, script: str = "reuters_lstm", **variables: str) -> subprocess.CompletedProcess:
        (tmp_path / "keras.py").write_text(code)
        environment = os.environ | {"PYTHONPATH": str(tmp_path)} | variables
        return run_script(script, "--output-dir", tmp_path, env=environment)

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "set_before", "threads"),
    [("reuters_lstm", {}, "1"), ("imdb_cnn_lstm", {}, "1"), ("reuters_lstm", {"TF_NUM_INTRAOP_THREADS": "2"}, "2")],
)
def test_one_thread_for_each_operation(script: str, set_before: dict, threads: str, run_with: Run) -> None:
    done = run_with(LOOK, script, **set_before)
    assert done.stdout == f"SIG_DFL backslashreplace True\n{threads}\n"


@pytest.mark.slow
def test_a_python_without_the_requirements(run_script: Run, tmp_path: Path) -> None:
    """One line says what is missing, and the README's command."""
    done = subprocess.run([sys.executable, "-S", "reuters_lstm.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    missing = "This Python lacks tensorflow, keras, numpy, matplotlib: .*pip install -r requirements.txt.*\n"
    assert re.fullmatch(missing, done.stderr)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="has other shells")
@pytest.mark.parametrize(
    ("streams", "status", "epochs"), [("| head -26 >/dev/null", 141, range(1, 40)), (">&- 2>&-", 0, [40])]
)
def test_a_reader_that_has_gone_and_streams_that_are_closed(
    streams: str, status: int, epochs: Sequence[int], tmp_path: Path
) -> None:
    """The finished epochs are kept, and nobody sees a traceback."""
    options = f"--data sample --epochs 40 --output-dir {tmp_path}"
    program = f"{sys.executable} tests/tiny.py reuters_lstm.py {options} {streams}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, "")
    table = (tmp_path / "reuters_lstm-sample.csv").read_text().splitlines()
    assert len(table) - 1 in epochs
    assert checkpoint.read(tmp_path / "reuters_lstm-sample.keras")["history"]["loss"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.abort()", "Fatal Python error: Aborted\n.*"),  # TensorFlow's on a processor without AVX
        # What is written past Python too, as TensorFlow's lines about CUDA.
        ("import os; os.write(2, b'no cuInit\\n'); raise ImportError('libcublas.so.12 is missing')",
         "no cuInit\nKeras cannot be imported: libcublas.so.12 is missing. KERAS_BACKEND can be [^\n]*\n"),
        # The configuration of another user, whose directory Keras takes where no home can be written.
        ("raise PermissionError(13, 'Permission denied', '/tmp/.keras/keras.json')",
         "Keras cannot read /tmp/.keras/keras.json: set KERAS_HOME to a directory of your own.\n"),
    ],
)  # fmt: skip
def test_an_import_that_fails_is_not_silent(code: str, said: str, run_with: Run) -> None:
    done = run_with(code)
    assert done.returncode != 0
    assert re.fullmatch(said, done.stderr, re.DOTALL)


def test_a_configuration_of_another_project_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)  # a session: leave the tests' streams and signals alone
    set_up_process()
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")


def test_a_thread_leaves_signals_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """As where a web server runs a script: Python lets only the main thread set them."""
    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor() as pool:
        pool.submit(set_up_console).result()
    assert signal.getsignal(signal.SIGINT) == before
