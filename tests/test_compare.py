"""Comparing runs: which belong together, the table, the figure, and files that are no runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager, get_data_path
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from plots.compare import draw_losses, draw_panels, group_runs, main
from tests.conftest import ROOT

HEADER = b"epoch,loss,accuracy,val_loss,val_accuracy\n"


def groups_of(losses: dict[str, list[float]]) -> dict[str, list[dict[str, list[float]]]]:
    """The runs with these test losses, by the CSV's path without its ending, in their groups."""
    runs = {}
    for name, numbers in losses.items():
        epochs = list(range(1, len(numbers) + 1))
        runs[Path(f"{name}.csv")] = {"epoch": epochs, "accuracy": numbers, "val_loss": numbers, "val_accuracy": numbers}
    return group_runs(runs)


def write_run(path: Path, losses: list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{epoch},0.5,0.6,{loss},0.{epoch}\n" for epoch, loss in enumerate(losses, 1)]
    path.write_bytes(HEADER + "".join(rows).encode())


def compare(monkeypatch: pytest.MonkeyPatch, directory: Path, *arguments: str) -> int:
    """Run the command in this process, and return its exit status."""
    monkeypatch.chdir(directory)
    monkeypatch.setattr("sys.argv", ["compare", *arguments])
    try:
        main()
    except SystemExit as end:
        return end.code
    return 0


def test_the_table_and_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of CSVs that a spreadsheet has saved, too."""
    write_run(tmp_path / "seed1" / "costs_$5_$.csv", [0.9, 0.5, 0.7])
    write_run(tmp_path / "seed2" / "costs_$5_$.csv", [0.9, 0.6, 0.4])
    lines = [
        '\ufeff"val_loss","epoch","val_accuracy","accuracy"',
        '"0.9","1","0.5","0.7"',
        '"0.7","2","0.5","0.8"',
        ",,,",
    ]
    spreadsheet = "\r\n".join([*lines, "", ""])
    (tmp_path / "gru.csv").write_text(spreadsheet, newline="")
    files = ["seed1/costs_$5_$.csv", "seed2/costs_$5_$.csv", "gru.csv"]
    assert compare(monkeypatch, tmp_path, *files, "--output", "new/runs.png") == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| costs_$5_$ | 2 | 0.6000 ± 0.0000 | 0.3000 ± 0.0000 | 0.4500 ± 0.0707 | 2 to 3 | 0.2500 ± 0.0707 |",
        "| gru | 1 | 0.8000 | 0.5000 | 0.7000 | 2 | 0.5000 |",
    ]  # the standard deviation of 0.5 and 0.4 is 0.1 / sqrt(2)
    assert imread(tmp_path / "new" / "runs.png").shape[:2] == (720, 960)


@pytest.mark.slow
def test_the_command_where_all_is_set_up_for_something_else(tmp_path: Path) -> None:
    """Another directory, an ASCII console, a matplotlibrc that asks for LaTeX."""
    for seed in (1, 2):
        write_run(tmp_path / f"seed{seed}" / "costs_$5_$.csv", [0.9])
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    env = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "MATPLOTLIBRC": str(tmp_path), "PATH": ""}
    command = [sys.executable, "-m", "plots.compare", *tmp_path.glob("*/*.csv"), "--output", tmp_path / "runs.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "| costs_$5_$ | 2 | 0.6000 \\xb1 0.0000 | 0.1000 \\xb1 0.0000 | " in done.stdout


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["seed1/a", "seed2/a", "seed10/a", "run-1/b", "run-2/b"], ["a", "b"]),
        (["a-seed1", "a-seed2", "b-seed1", "b-seed1.previous"], ["a-seed*", "b-seed1", "b-seed1.previous"]),
        (["x/seed1/a", "x/seed2/a", "y/seed1/a"], ["x/seed*/a.csv", "y/seed1/a.csv"]),
        (["reuters_lstm", "my_gru", "reuters_lstm-sample"], ["reuters_lstm", "my_gru", "reuters_lstm-sample"]),
    ],
)
def test_what_belongs_together_and_what_it_is_called(names: list[str], labels: list[str]) -> None:
    assert list(groups_of({name: [0.5] for name in names})) == labels


def test_runs_of_different_length_have_no_mean() -> None:
    groups = groups_of({"seed1/a": [1], "seed2/a": [1, 1], "seed3/a": [1], "seed4/a": [1, 1], "seed1/b": [1]})
    assert {name: len(runs) for name, runs in groups.items()} == {"a, 1 epochs": 2, "a, 2 epochs": 2, "b": 1}


def test_the_curves_are_means_and_the_bands_ranges() -> None:
    losses = {"seed1/lstm": [0.9, 0.5, 0.7], "seed2/lstm": [0.9, 0.6, 0.4], "gru": [0.8, 0.2]}
    (axes,) = draw_losses({"Test loss": groups_of(losses)}).axes
    curves = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert curves == {"lstm": [[1, 0.9], [2, 0.55], [3, 0.55]], "gru": [[1, 0.8], [2, 0.2]]}
    corners = {(x, round(y, 6)) for x, y in axes.collections[0].get_paths()[0].vertices}
    assert {(2, 0.5), (2, 0.6), (3, 0.4), (3, 0.7)} <= corners


def test_a_name_has_one_colour_in_all_axes() -> None:
    runs = np.ones((2, 3))
    figure = draw_panels({"News": {"b": runs, "a": runs}, "Sample": {"a": runs, "c": runs}}, 2, xlabel="x")
    assert [axes.get_title() for axes in figure.axes] == ["News", "Sample"]
    assert [text.get_text() for text in figure.legends[0].texts] == ["b", "a", "c"]
    b, a, a_sample, c = (line.get_color() for axes in figure.axes for line in axes.lines)
    assert b != a == a_sample != c != b


def test_a_dozen_runs_are_told_apart_and_the_legend_fits() -> None:
    names = [f"plots/batch{number}/imdb_cnn_lstm-simple_rnn-no_conv" for number in range(12)]
    figure = draw_losses({"Test loss": groups_of({name: [0.5] for name in names})})
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert len({(to_rgb(line.get_color()), line.get_linestyle()) for line in figure.axes[0].lines}) == 12
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0 < legend.y1 < figure.axes[0].get_window_extent().y0


def test_a_font_that_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = [font for font in font_manager.fontManager.ttflist if font.fname.startswith(get_data_path())]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    write_run(tmp_path / "주가.csv", [0.5])
    assert compare(monkeypatch, tmp_path, "주가.csv", "--output", "runs.png") == 0
    out, err = capsys.readouterr()
    assert "\n| 주가 | 1 | " in out
    assert re.fullmatch("No font here .*\n", err)


NONE = "is not the CSV of a run, with epoch, accuracy, val_loss, val_accuracy in each row: "


@pytest.mark.parametrize(
    ("arguments", "content", "status", "message"),
    [
        ("none.csv --output runs.png", b"", 2, f"none.csv {NONE}No such file or directory"),
        ("bad.csv --output runs.png", b"", 2, f"bad.csv {NONE}its epochs are not 1, 2, 3 ..."),
        ("bad.csv --output runs.png", HEADER, 2, f"{NONE}its epochs are not 1, 2, 3 ..."),
        ("bad.csv --output runs.png", b"\x89PNG\r\n\x1a\n\0\0", 2, NONE),
        ("bad.csv --output runs.png", b"epoch,val_loss\n1,0.5\n", 2, f"{NONE}'accuracy'"),
        ("bad.csv --output runs.png", HEADER + b"1,0.5,0.5,half,0.5\n", 2, f"{NONE}could not convert string"),
        ("bad.csv --output runs.png", HEADER + b"1,0.5,0.5,0.5\n", 2, NONE),
        ("bad.csv --output runs.png", HEADER + b"0,1,1,1,1\n", 2, f"{NONE}its epochs are not 1, 2, 3 ..."),
        ("bad.csv --output bad.csv/runs.png", HEADER + b"1,1,1,1,1\n", 1, "Could not write bad.csv/runs.png: "),
        ("bad.csv --output runs.xyz", HEADER + b"1,1,1,1,1\n", 1, "Could not write runs.xyz: Format 'xyz' is not"),
    ],
)
def test_wrong_use_and_a_file_that_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: str, content: bytes, status: int, message: str,
) -> None:  # fmt: skip
    (tmp_path / "bad.csv").write_bytes(content)
    assert compare(monkeypatch, tmp_path, *arguments.split()) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]
    assert not (tmp_path / "runs.png").exists()
