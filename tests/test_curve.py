"""What the curve shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, get_data_path, rc_context
from matplotlib.figure import Figure
from matplotlib.image import imread

from common.curve import draw_curve, save_figure
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


# Fonts for what Matplotlib's own lack.


def make_font(path: Path, family: str, characters: str) -> Path:
    """A font with a triangle for each of the characters."""
    characters = "".join(dict.fromkeys(characters))
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


@pytest.mark.parametrize(
    ("title", "scripts", "fonts"),
    [
        ("어제 주가가.csv", "Hangul", "NanumGothic (sudo apt install fonts-nanum)"),
        ("ดีมาก.csv", "Thai", "Noto Sans Thai"),
        ("हिन्दी.csv", "Devanagari", "Noto Sans Devanagari"),
        ("好吃 かな カナ.csv", "kana, Chinese characters", "Noto Sans CJK (sudo apt install fonts-noto-cjk)"),
        ("\U0001fae0.csv", "symbols", "Symbola (sudo apt install fonts-symbola)"),
    ],
)
def test_what_no_font_has_is_said_with_its_script_and_a_font_that_has_it(
    installed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], title: str, scripts: str, fonts: str
) -> None:
    """In one line; and when such a font is installed, whatever it is called, the next run takes it."""
    assert save_figure(tmp_path / "without.png", draw_curve(HISTORY, title))
    assert capsys.readouterr().err == (
        f"No font here has the picture's {scripts}. Install {fonts}, and repeat the run, a training with --resume.\n"
    )
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    installed += [str(tmp_path / "broken.ttf"), str(make_font(tmp_path / "it.ttf", f"Any {scripts}", title))]
    assert save_figure(tmp_path / "with.png", draw_curve(HISTORY, title))
    assert capsys.readouterr().err == ""
    pictures = [imread(tmp_path / name) for name in ("without.png", "with.png")]
    assert (pictures[0] != pictures[1]).any()


def test_two_fonts_where_none_has_all(installed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed += [str(make_font(tmp_path / f"{n}.ttf", f"Half {n}", half)) for n, half in enumerate(("어제", "오늘好"))]
    assert save_figure(tmp_path / "it.png", draw_curve(HISTORY, "어제 오늘 好"))
    assert capsys.readouterr().err == ""


def test_where_nothing_is_lacking_no_font_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: pytest.fail("looked for"))
    monkeypatch.setattr(font_manager.fontManager, "addfont", lambda path: pytest.fail("looked for"))
    assert save_figure(tmp_path / "it.png", draw_curve(HISTORY, "LSTM on critiques françaises \u2212 «été».csv"))


@pytest.mark.parametrize("name", ["a rather long name of a file " * 8, "긴" * 76, "x" * 230])
def test_a_long_title_is_wrapped(name: str, tmp_path: Path) -> None:
    figure = draw_curve(HISTORY, f"CNN and Simple RNN on {name}.csv, words shuffled")
    assert save_figure(tmp_path / "it.png", figure)
    extent = figure.axes[0].title.get_window_extent()
    assert 0 < extent.x0 < extent.x1 < figure.bbox.width
    assert extent.y1 < figure.bbox.height
