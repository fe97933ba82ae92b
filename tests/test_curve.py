"""What the curve shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.image import imread

from common.curve import draw_curve
from tests.conftest import ROOT

HISTORY = {"loss": [0.9, 0.5, 0.3, 0.1], "val_loss": [0.8, 0.6, 0.7, 0.9]}


def test_lines_colours_and_dots() -> None:
    axes = draw_curve(HISTORY, "A title").axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    for label, colour, numbers in (("Test loss", "red", "val_loss"), ("Training loss", "blue", "loss")):
        assert lines[label].get_color() == colour
        assert lines[label].get_marker() == "."
        assert list(lines[label].get_xdata()) == [1, 2, 3, 4]
        assert list(lines[label].get_ydata()) == HISTORY[numbers]


def test_title_labels_grid_and_legend() -> None:
    axes = draw_curve(HISTORY, "A title").axes[0]
    assert (axes.get_title(), axes.get_xlabel()) == ("A title", "Epoch")
    assert axes.get_ylabel().startswith("Loss")
    assert all(line.get_visible() for line in axes.get_xgridlines() + axes.get_ygridlines())
    assert {text.get_text() for text in axes.get_legend().texts} > {"Test loss", "Training loss"}


def test_the_lowest_test_loss_is_marked() -> None:
    axes = draw_curve(HISTORY, "A title").axes[0]
    (mark,) = (line for line in axes.lines if line.get_label() == "Lowest test loss: 0.6000, epoch 2")
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([2], [0.6])


@pytest.mark.parametrize("epochs", [1, 2, 5, 20, 200])
def test_ticks_are_whole_epochs(epochs: int) -> None:
    axes = draw_curve({"loss": [0.5] * epochs, "val_loss": [0.6] * epochs}, "A title").axes[0]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize("epochs", [1, 5])
def test_the_legend_covers_no_line(epochs: int) -> None:
    """Also where the loss rises towards the upper right, as it does on IMDB."""
    figure = draw_curve({"loss": [0.9] * epochs, "val_loss": [0.1 + 0.2 * n for n in range(epochs)]}, "A title")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    bottom = axes.get_legend().get_window_extent().y0
    highest = max(axes.transData.transform((0, y))[1] for y in [0.9, 0.1 + 0.2 * (epochs - 1)])
    assert highest < bottom


@pytest.mark.parametrize("matplotlibrc", [{}, {"text.usetex": True, "axes.formatter.use_mathtext": True}])
def test_the_saved_picture_is_red_and_blue_whatever_matplotlibrc_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, matplotlibrc: dict[str, bool]
) -> None:
    """There is no LaTeX, and a $ in a title is one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with rc_context(matplotlibrc):
        draw_curve(HISTORY, "A title of $5_$").savefig(tmp_path / "curve.png")
    picture = imread(tmp_path / "curve.png")[:, :, :3]
    assert picture.shape[0] >= 500
    for colour in ((1, 0, 0), (0, 0, 1)):
        assert (abs(picture - colour).max(axis=2) < 0.1).sum() > 200


def test_it_draws_into_a_given_figure() -> None:
    figure = Figure()
    assert draw_curve(HISTORY, "A title", figure) is figure


@pytest.mark.parametrize("backend", ["", "TkAgg"])
def test_show_without_a_screen_says_so_in_one_line(backend: str) -> None:
    code = f"from common.curve import show_curve; show_curve({HISTORY}, 'A title')"
    environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name} | {"MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.startswith("No window for --show: ")
    assert done.stderr.count("\n") == 1
