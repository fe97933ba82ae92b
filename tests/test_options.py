"""The command line, every default and every wrong value, and the process that the scripts set up for themselves."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

import imdb_cnn_lstm
from common.options import read_options, set_up_process
from tests.conftest import ROOT, SCRIPTS, command
from tests.tiny import run_here

BOTH = pytest.mark.parametrize("script", SCRIPTS)


@BOTH
def test_help_states_every_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run_here(script, "--help") == 0
    said = capsys.readouterr().out
    options = said.partition("options:")[2].strip().split("\n  --")[1:]
    names = {option.split()[0].rstrip(",") for option in options}
    expected = {"epochs", "batch-size", "seed", "resume", "data", "test-data", "columns", "output-dir", "show"}
    expected |= {"recurrent", "shuffle-words"} | ({"no-conv"} if script == "imdb_cnn_lstm" else set())
    assert names == expected
    assert all("(default: " in option for option in options)
    epochs = {"reuters_lstm": 20, "imdb_cnn_lstm": 5}[script]
    for default in (epochs, 100, 1, "auto", "plots beside the script"):
        assert f"(default: {default})" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be from 1 to 2147483647"),
        (["--epochs", "-3"], "argument --epochs: must be from 1 to "),
        (["--epochs", "many"], "argument --epochs: invalid "),
        (["--epochs", "1.5"], "argument --epochs: invalid "),
        (["--epochs"], "argument --epochs: expected one argument"),
        (["--batch-size", "0"], "argument --batch-size: must be from 1 to 2147483647"),
        (["--batch-size", "9" * 30], "argument --batch-size: must be from 1 to "),
        (["--seed", "-1"], "argument --seed: must be from 0 to 4294967295"),
        (["--seed", "4294967296"], "argument --seed: must be from 0 to 4294967295"),
        (["--data", "real"], "--data is auto, keras, sample or a file"),
        (["--recurrent", "rnn"], "argument --recurrent: invalid choice: 'rnn'"),
        (["--no-conv"], "unrecognized arguments: --no-conv"),
        (["--output-dir", ""], "cannot write to '': No such file or directory: choose another --output-dir"),
        (["--output-dir", "a-file"], "cannot write to 'a-file': File exists: choose another --output-dir"),
        (["--output-dir", "a-file/below"], "cannot write to 'a-file/below': Not a directory: "),
        (["--output-dir", "x" * 300], "File name too long"),
        pytest.param(
            ["--output-dir", "/proc/nowhere"],
            "cannot write to '/proc/nowhere': ",
            marks=pytest.mark.skipif(os.name != "posix", reason="has no /proc, so that it could be made"),
        ),
        (["--epoch", "1"], "unrecognized arguments: --epoch 1"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["file"], "unrecognized arguments: file"),
    ],
)
def test_wrong_values_get_one_line_and_status_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """After a line that says how it is used."""
    (tmp_path / "a-file").touch()
    monkeypatch.chdir(tmp_path)
    assert run_here("reuters_lstm", *arguments) == 2
    said = capsys.readouterr()
    usage, line = said.err.splitlines()
    assert usage == "usage: reuters_lstm.py [--help] [options]"
    assert line.startswith("reuters_lstm.py: error: ")
    assert message in line
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_the_directory_is_made_and_left_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["script.py", "--output-dir", str(tmp_path / "a" / "b")])
    options = read_options("script", "A description.", 20, 100)
    assert (options.epochs, options.batch_size, options.seed, options.data) == (20, 100, 1, "auto")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_the_default_directory_lies_beside_the_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["script.py"])
    monkeypatch.chdir(tmp_path)
    assert read_options("script", "A description.", 20, 100).output_dir == ROOT / "plots"


@BOTH
@pytest.mark.parametrize(("option", "status"), [("--bogus", 2), ("--help", 0)])
def test_options_are_heard_where_main_has_no_file(script: str, option: str, status: int) -> None:
    """As under `python -c`; and they are answered before Keras is imported, which takes seconds."""
    code = f"import sys\ntry: exec(open('{script}.py').read())\nfinally: print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, option], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == status
    assert done.stdout.endswith("False\n")
    assert ("unrecognized arguments: --bogus" in done.stderr) == (status == 2)


def test_a_cell_of_a_notebook_takes_no_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There, `sys.argv` has the kernel's; but a script that `%run` starts in it has a file, and its own."""
    monkeypatch.setattr("common.options.in_session", lambda: True)
    monkeypatch.setattr("sys.argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    monkeypatch.setitem(sys.modules, "__main__", type(sys)("__main__"))
    assert read_options("script", "A description.", 20, 100).epochs == 20
    sys.modules["__main__"].__file__ = "script.py"
    with pytest.raises(SystemExit):
        read_options("script", "A description.", 20, 100)
    assert "unrecognized arguments: -f kernel.json" in capsys.readouterr().err


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What a process has of its own is put back afterwards."""
    own = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stated = keras.config.floatx(), keras.config.image_data_format()
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    yield monkeypatch
    for number, handler in own.items():
        signal.signal(number, handler)
    keras.config.set_floatx(stated[0])
    keras.config.set_image_data_format(stated[1])


@pytest.mark.parametrize(
    ("one_thread", "environment", "threads"), [(True, None, "1"), (False, None, None), (True, "2", "2")]
)
def test_one_thread_where_there_is_no_convolution(
    process: pytest.MonkeyPatch, one_thread: bool, environment: str | None, threads: str | None
) -> None:
    """But for what the user has set."""
    process.setattr("common.options.in_session", lambda: True)
    if environment:
        process.setenv("TF_NUM_INTRAOP_THREADS", environment)
    set_up_process(one_thread)
    assert os.environ.get("TF_NUM_INTRAOP_THREADS") == threads


@pytest.mark.parametrize("arguments", [[], ["--no-conv"]])
def test_imdb_has_one_thread_without_its_convolution(process: pytest.MonkeyPatch, arguments: list[str]) -> None:
    asked = []
    process.setattr("common.options.set_up_process", lambda one_thread: asked.append(one_thread) or sys.exit(3))
    assert run_here("imdb_cnn_lstm", *arguments) == 3
    assert asked == [bool(arguments)]


def test_the_streams_and_signals_of_a_process(process: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A session's are left alone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout.reconfigure(errors="strict", line_buffering=False)
    process.setattr("common.options.in_session", lambda: True)
    set_up_process()
    assert (sys.stdout.errors, sys.stdout.line_buffering) == ("strict", False)
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    process.undo()
    set_up_process()
    assert (sys.stdout.errors, sys.stdout.line_buffering) == ("backslashreplace", True)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert capsys.readouterr() == ("", "")


def test_an_import_that_aborts_is_not_silent(tmp_path: Path) -> None:
    """As TensorFlow's does on a processor without AVX."""
    (tmp_path / "keras.py").write_text("import os\nos.abort()\n")
    code = "from common.options import set_up_process; set_up_process()"
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Fatal Python error: Aborted" in done.stderr


@pytest.mark.parametrize(
    ("floatx", "data_format"),
    [
        ("float32", "channels_last"),
        ("float32", "channels_first"),
        ("float64", "channels_last"),
        ("float16", "channels_first"),
    ],
)
def test_the_network_is_that_of_the_article_whatever_keras_json_says(
    process: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], floatx: str, data_format: str
) -> None:
    """One line says so where it says something else."""
    process.setattr("common.options.in_session", lambda: True)
    keras.config.set_floatx(floatx)
    keras.config.set_image_data_format(data_format)
    set_up_process()
    said = capfd.readouterr()
    if (floatx, data_format) == ("float32", "channels_last"):
        assert said == ("", "")
    else:
        assert re.fullmatch(r"keras\.json .*\n", said.out + said.err)
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")
    assert imdb_cnn_lstm.build_model().count_params() == 598_165


@pytest.mark.parametrize("name", ["theano", "TensorFlow"])
def test_a_backend_that_keras_does_not_know(tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        command("reuters_lstm", "--data", "sample", "--output-dir", tmp_path),
        env=os.environ | {"KERAS_BACKEND": name}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(rf"Keras cannot be imported: .*\b{name}\b.* tensorflow, jax or torch\.\n", done.stderr)
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_what_an_import_writes_is_shown_if_it_fails(tmp_path: Path) -> None:
    """Past Python too, as TensorFlow's lines about CUDA; that a run shows none of it is in `test_scripts.py`."""
    (tmp_path / "keras.py").write_text(
        "import os, sys\n"
        "os.write(2, b'failed call to cuInit\\n')\n"
        "print('a warning', file=sys.stderr)\n"
        "raise ImportError('libcublas.so.12 is missing')\n"
    )
    code = "from common.options import set_up_process; set_up_process()"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    held_back = "failed call to cuInit\na warning\n"
    assert done.stderr.startswith(f"{held_back}Keras cannot be imported: libcublas.so.12 is missing. ")
    assert done.stderr.count("\n") == 3
