"""The process that the scripts set up for themselves, as it is when they import Keras: here a file that looks at it."""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess]
LOOK = """
import os, signal, sys
print(signal.getsignal(signal.SIGINT).name, sys.stdout.errors, sys.stdout.line_buffering)
print(os.environ.get("TF_NUM_INTRAOP_THREADS"))
sys.exit()
"""


@pytest.fixture
def run_with(run_script: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a script with this code as Keras."""

    def run(code: str, script: str = "reuters_lstm", *arguments: str, **options) -> subprocess.CompletedProcess:
        (tmp_path / "keras.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return run_script(script, *arguments, "--output-dir", tmp_path, **options)

    return run


@pytest.mark.parametrize(
    ("script", "arguments", "threads"),
    [("reuters_lstm", [], "1"), ("imdb_cnn_lstm", [], "None"), ("imdb_cnn_lstm", ["--no-conv"], "1")],
)
def test_one_thread_without_a_convolution(script: str, arguments: list[str], threads: str, run_with: Run) -> None:
    assert run_with(LOOK, script, *arguments).stdout == f"SIG_DFL backslashreplace True\n{threads}\n"


@pytest.mark.skipif(os.name != "posix", reason="has no background jobs that ignore Ctrl-C")
def test_what_was_set_before_stays(run_with: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "2")
    done = run_with(LOOK, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert done.stdout == "SIG_IGN backslashreplace True\n2\n"


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


def test_a_backend_that_keras_does_not_know(run_script: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    done = run_script("reuters_lstm", "--output-dir", "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Keras cannot be imported: .*\btheano\b.* tensorflow, jax or torch\.\n", done.stderr)
