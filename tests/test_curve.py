"""What the curve shows."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, get_data_path, pyplot, rc_context
from matplotlib.image import imread

from common.curve import draw_curve, save_figure, show_curve
from tests.conftest import ROOT

Console = pytest.CaptureFixture[str]
HISTORY = {"loss": [0.9, 0.5, 0.3, 0.1], "val_loss": [0.8, 0.6, 0.7, 0.9]}


def test_what_it_shows() -> None:
    axes = draw_curve(HISTORY, "A title").axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    for label, colour, numbers in (("Test loss", "red", "val_loss"), ("Training loss", "blue", "loss")):
        assert (lines[label].get_color(), lines[label].get_marker()) == (colour, ".")
        assert list(lines[label].get_xdata()) == [1, 2, 3, 4]
        assert list(lines[label].get_ydata()) == HISTORY[numbers]
    lowest = lines["Lowest test loss: 0.6000, epoch 2"]
    assert (list(lowest.get_xdata()), list(lowest.get_ydata())) == ([2], [0.6])
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == ("A title", "Epoch", "Loss (cross-entropy)")
    assert all(line.get_visible() for line in axes.get_xgridlines() + axes.get_ygridlines())
    assert {text.get_text() for text in axes.get_legend().texts} > {"Test loss", "Training loss"}


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


def test_the_saved_picture_is_red_and_blue_whatever_matplotlibrc_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no LaTeX, and a $ in a title is one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with rc_context({"text.usetex": True, "axes.formatter.use_mathtext": True}):
        draw_curve(HISTORY, "A title of $5_$").savefig(tmp_path / "curve.png")
    picture = imread(tmp_path / "curve.png")[:, :, :3]
    assert picture.shape[0] >= 500
    for colour in ((1, 0, 0), (0, 0, 1)):
        assert (abs(picture - colour).max(axis=2) < 0.1).sum() > 200


def test_show_opens_the_curve_in_a_window(monkeypatch: pytest.MonkeyPatch, capsys: Console) -> None:
    shown = []
    pyplot.switch_backend("agg")
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.required_interactive_framework", "any")
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf().axes[0].get_title()))
    show_curve(HISTORY, "A title")
    pyplot.close()
    assert shown == ["A title"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["", "TkAgg", "pdf", "module://matplotlib_inline.backend_inline"])
def test_show_without_a_screen_says_so_in_one_line(backend: str) -> None:
    code = f"from common.curve import show_curve; show_curve({HISTORY}, 'A title')"
    environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name} | {"MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert re.fullmatch("No window for --show: .+\n", done.stderr)


# Fonts for what Matplotlib's own lack.


def make_font(path: Path, family: str, characters: list[str]) -> Path:
    """A font with a triangle for each of the characters."""
    names = [".notdef", *(f"u{ord(character):x}" for character in characters)]
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((500, 900))
    pen.lineTo((900, 0))
    pen.closePath()
    triangle = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(character): name for character, name in zip(characters, names[1:], strict=True)})
    font.setupGlyf(dict.fromkeys(names, triangle))
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fonts that the system has now: none, until a test adds one. Matplotlib's list is older than that."""
    own = [font for font in font_manager.fontManager.ttflist if font.fname.startswith(get_data_path())]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    paths = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: paths)
    return paths


def test_what_no_font_has_is_said(installed: list[str], tmp_path: Path, capsys: Console) -> None:
    """In one line; and when fonts are installed that have it together, whatever they are called, they are taken."""
    title = "어제 오늘 주가 好吃 かな ดีมาก हिन्दी \U0001fae0.csv"
    assert save_figure(tmp_path / "it.png", draw_curve(HISTORY, title))
    missing = sorted(set(title) - set(" .csv"))
    said, number, first = capsys.readouterr().err, len(missing), " ".join(missing[:10])
    assert said.startswith(f"No font here has {number} of the picture's characters, among them {first}. Install ")
    assert said.endswith(" a training with --resume.\n")
    assert said.count("\n") == 1
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    installed.append(str(tmp_path / "broken.ttf"))
    for number, half in enumerate((missing[:9], missing[7:])):
        installed.append(str(make_font(tmp_path / f"{number}.ttf", f"Any Name {number}", half)))
    figure = draw_curve(HISTORY, title)
    assert save_figure(tmp_path / "it.png", figure)
    assert capsys.readouterr().err == ""
    with warnings.catch_warnings(action="error"):
        figure.draw_without_rendering()  # Matplotlib warns where a character is missing


def test_where_nothing_is_lacking_no_font_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: pytest.fail("looked for"))
    monkeypatch.setattr(font_manager.fontManager, "addfont", lambda path: pytest.fail("looked for"))
    assert save_figure(tmp_path / "it.png", draw_curve(HISTORY, "LSTM on critiques françaises \u2212 «été».csv"))


@pytest.mark.parametrize("name", ["a rather long name of a file " * 8, "긴" * 76, "x" * 230])
def test_a_long_title_is_wrapped(name: str, installed: list[str], tmp_path: Path) -> None:
    installed.append(str(make_font(tmp_path / "it.ttf", "Any Name", ["긴"])))
    figure = draw_curve(HISTORY, f"Conv1D, MaxPooling1D, LSTM on {name}.csv")
    assert save_figure(tmp_path / "it.png", figure)
    extent = figure.axes[0].title.get_window_extent()
    assert 0 < extent.x0 < extent.x1 < figure.bbox.width
    assert extent.y1 < figure.bbox.height
