"""The command line: every default, and every wrong value."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from common.options import read_options
from tests.conftest import ROOT, SCRIPTS

BOTH = pytest.mark.parametrize("script", SCRIPTS)


@BOTH
def test_help_states_every_default(run_script: Callable[..., subprocess.CompletedProcess], script: str) -> None:
    done = run_script(script, "--help", env=os.environ | {"COLUMNS": "200"})
    assert done.returncode == 0
    options = done.stdout.partition("options:")[2].strip().split("\n  --")[1:]
    names = {option.split()[0].rstrip(",") for option in options}
    expected = {"epochs", "batch-size", "seed", "resume", "data", "output-dir", "show"}
    expected |= {"recurrent", "shuffle-words"} | ({"no-conv"} if script == "imdb_cnn_lstm" else set())
    assert names == expected
    assert all("(default: " in option for option in options)
    epochs = {"reuters_lstm": 20, "imdb_cnn_lstm": 5}[script]
    for default in (epochs, 100, 1, "auto", "plots beside the script"):
        assert f"(default: {default})" in done.stdout


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be 1 or more"),
        (["--epochs", "-3"], "argument --epochs: must be 1 or more"),
        (["--epochs", "many"], "argument --epochs: 'many' is not a whole number"),
        (["--epochs", "1.5"], "argument --epochs: '1.5' is not a whole number"),
        (["--epochs"], "argument --epochs: expected one argument"),
        (["--batch-size", "0"], "argument --batch-size: must be 1 or more"),
        (["--batch-size", "-100"], "argument --batch-size: must be 1 or more"),
        (["--batch-size", "9" * 30], "argument --batch-size: must be 1 or more, and less than"),
        (["--seed", "-1"], "argument --seed: must be in 0 to 4294967295, not -1"),
        (["--seed", "4294967296"], "argument --seed: must be in 0 to 4294967295"),
        (["--data", "real"], "argument --data: invalid choice: 'real'"),
        (["--recurrent", "rnn"], "argument --recurrent: invalid choice: 'rnn'"),
        (["--output-dir", ""], "argument --output-dir: must not be empty"),
        (["--output-dir", "a-file"], "argument --output-dir: a-file is a file, not a directory"),
        (["--output-dir", "a-file/below"], "cannot write to a-file/below: Not a directory"),
        (["--output-dir", "x" * 300], "File name too long"),
        pytest.param(
            ["--output-dir", "/proc/nowhere"],
            "cannot write to /proc/nowhere: ",
            marks=pytest.mark.skipif(os.name != "posix", reason="has no /proc, so that it could be made"),
        ),
        (["--epoch", "1"], "unrecognized arguments: --epoch 1"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["file"], "unrecognized arguments: file"),
    ],
)
def test_wrong_values_get_one_line_and_status_2(
    run_script: Callable[..., subprocess.CompletedProcess],
    tmp_path: Path,
    script: str,
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "a-file").touch()
    done = run_script(script, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith(f"{script}.py: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-file"]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the streams and the signals of the tests alone."""
    monkeypatch.setattr("common.options.set_up_console", lambda: None)
    for name in ("TF_NUM_INTRAOP_THREADS", "KERAS_BACKEND"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("quiet")
def test_the_directory_is_made_and_left_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["script.py", "--output-dir", str(tmp_path / "a" / "b")])
    options = read_options("script", "A description.", 20, 100)
    assert (options.epochs, options.batch_size, options.seed, options.data) == (20, 100, 1, "auto")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.usefixtures("quiet")
def test_the_default_directory_lies_beside_the_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["script.py"])
    monkeypatch.chdir(tmp_path)
    assert read_options("script", "A description.", 20, 100).output_dir == ROOT / "plots"


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("has_conv", "arguments", "environment", "keras_json", "threads"),
    [
        (False, [], {}, None, "1"),
        (True, [], {}, None, None),
        (True, ["--no-conv"], {}, None, "1"),
        (False, [], {"TF_NUM_INTRAOP_THREADS": "2"}, None, "2"),
        (False, [], {"KERAS_BACKEND": "jax"}, None, None),
        (False, [], {}, '{"backend": "jax"}', None),
        (False, [], {"KERAS_BACKEND": "tensorflow"}, '{"backend": "jax"}', "1"),
        (False, [], {"KERAS_BACKEND": ""}, '{"floatx": "float32"}', "1"),
        (False, [], {}, "{", "1"),
        (False, [], {"KERAS_HOME": "~nobody-here/.keras"}, None, "1"),  # as without a home
    ],
)
def test_one_thread_where_there_is_no_convolution(
    tmp_path: Path,
    own_keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_conv: bool,
    arguments: list[str],
    environment: dict[str, str],
    keras_json: str | None,
    threads: str | None,
) -> None:
    """But for what the user has set, and for another backend."""
    monkeypatch.setattr("sys.argv", ["script.py", *arguments, "--output-dir", str(tmp_path)])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if keras_json:
        (own_keras_home / "keras.json").write_text(keras_json)
    read_options("script", "A description.", 20, 100, has_conv=has_conv)
    assert os.environ.get("TF_NUM_INTRAOP_THREADS") == threads
