"""The command line: every default, every wrong value, and that it is read before anything else happens."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from common.running.options import read_options
from common.texts.corpus import Source
from tests.conftest import ROOT, SCRIPTS
from tests.tiny import run_here

Console = pytest.CaptureFixture[str]
OWN = ("--data", "a-file", "--columns")


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_states_every_default(script: str, monkeypatch: pytest.MonkeyPatch, capsys: Console) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run_here(script, "--help") == 0
    said = capsys.readouterr().out
    options = said.partition("options:")[2].strip().split("\n  --")[1:]
    names = {option.split()[0].rstrip(",") for option in options}
    assert names == {"epochs", "batch-size", "seed", "resume", "data", "test-data", "columns", "output-dir", "show"}
    assert all("(default: " in option for option in options)
    epochs = {"reuters_lstm": 20, "imdb_cnn_lstm": 5}[script]
    for default in (epochs, 100, 1, "auto", "the project's plots"):
        assert f"(default: {default})" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be from 1 to 2147483647"),
        (["--batch-size", "9" * 30], "argument --batch-size: must be from 1 to 2147483647"),
        (["--seed", "4294967296"], "argument --seed: must be from 0 to 4294967295"),
        (["--data", "real"], "argument --data: there is no file 'real'; it can also be auto, keras or sample"),
        (["--data", __file__, "--test-data", "none.csv"], "argument --test-data: there is no file 'none.csv'"),
        (["--test-data", "a-file"], "argument --test-data: goes with a file as --data, not with 'auto'"),
        (["--columns", "a,b"], "argument --columns: goes with a file as --data, not with 'auto'"),
        ([*OWN, "a,b,c"], "argument --columns: must name two columns, TEXT,LABEL, not 'a,b,c'"),
        ([*OWN, "a, a"], "argument --columns: text and label cannot both be 'a'"),
        (["--output-dir", ""], "cannot write to '': No such file or directory: choose another --output-dir"),
        (
            ["--output-dir", "a-file/결과"],
            "cannot write to 'a-file/결과': Not a directory: choose another --output-dir",
        ),
        (["--epoch", "1"], "unrecognized arguments: --epoch 1"),
    ],
)
def test_wrong_values_get_one_line_and_status_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Console
) -> None:
    """After a line that says how it is used."""
    (tmp_path / "a-file").touch()
    monkeypatch.chdir(tmp_path)
    assert run_here("reuters_lstm", *arguments) == 2
    usage = "usage: reuters_lstm.py [--help] [options]\n"
    assert capsys.readouterr() == ("", f"{usage}reuters_lstm.py: error: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def read(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path, file: str = "script.py") -> Namespace:
    monkeypatch.setattr("sys.argv", [file, *map(str, arguments)])
    return read_options("script", "A description.", 20, 100)


def test_what_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory, beside the scripts by default, is made and left empty; columns are named as in a CSV."""
    monkeypatch.chdir(tmp_path)
    assert read(monkeypatch).output_dir == ROOT / "plots"
    options = read(monkeypatch, "--output-dir", "a/b", "--seed", 4294967295)
    assert (options.epochs, options.batch_size, options.seed, options.data) == (20, 100, 4294967295, Source("auto"))
    assert list((tmp_path / "a" / "b").iterdir()) == []
    options = read(monkeypatch, "--data", __file__, "--test-data", ROOT, "--columns", 'c, "a,\n b"')
    assert options.data == Source("own", __file__, str(ROOT), ("c", "a, b"))
    assert read(monkeypatch, "--data", __file__).data == Source("own", __file__, None, ("text", "label"))


def test_a_home_that_the_shell_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `--data=~/it.csv`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "it.csv").touch()
    options = read(monkeypatch, "--data=~/it.csv", "--test-data=~/it.csv", "--output-dir=~/out")
    assert options.data[1:3] == (str(tmp_path / "it.csv"), str(tmp_path / "it.csv"))
    assert options.output_dir == tmp_path / "out"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "option", "status"), [("reuters_lstm", "--bogus", 2), ("imdb_cnn_lstm", "--help", 0)]
)
def test_options_are_heard_where_main_has_no_file(script: str, option: str, status: int) -> None:
    """As under `python -c`; and they are answered before Keras is imported, which takes seconds."""
    code = f"import sys\ntry: exec(open('{script}.py').read())\nfinally: print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, option], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status
    assert done.stdout.endswith("False\n")
    assert ("unrecognized arguments: --bogus" in done.stderr) == (status == 2)


def test_the_name_is_that_of_the_file_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file runs; in a session as it is given, whatever the session's file is."""
    assert read(monkeypatch, file="some/where/my_gru.py").script == "my_gru"
    assert read(monkeypatch, file="-c").script == "script"
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    assert read(monkeypatch, file="some/where/launcher.py").script == "script"


@pytest.mark.parametrize(
    ("file", "are_heard"), [(None, False), ("cell.py", False), (os.path.abspath("script.py"), True)]
)
def test_options_in_a_session(file: str | None, are_heard: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sys.argv` is the kernel's in a cell and in an editor's interactive window, which sets a file; not in %run."""
    main = type(sys)("__main__")
    if file:
        main.__file__ = file
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert read(monkeypatch, "--epochs", 3).epochs == (3 if are_heard else 20)
