"""The process that the scripts set up for themselves, as it is when they import Keras: here a file that looks at it."""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import pytest

from common.running.process import set_up_console, set_up_process

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
    [("reuters_lstm", {}, "1"), ("imdb_cnn_lstm", {}, "None"), ("reuters_lstm", {"TF_NUM_INTRAOP_THREADS": "2"}, "2")],
)
def test_one_thread_without_a_convolution(script: str, set_before: dict, threads: str, run_with: Run) -> None:
    done = run_with(LOOK, script, **set_before)
    assert done.stdout == f"SIG_DFL backslashreplace True\n{threads}\n"


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
