"""The loss curve, and how all figures are drawn."""

import sys
import textwrap
import unicodedata
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from common.running.files import write
from common.running.process import in_session

# Whatever a user's matplotlibrc says: no LaTeX, which may not be installed, and a $ is a $.
STYLE = {"text.usetex": False, "text.parse_math": False}
LINES = ("-", "--", ":")
MOST_SHOWN = 10  # of the characters that no font has


def look(number: int) -> dict[str, str]:
    """Return how the line of this number looks: Matplotlib's ten colours, in one line style after the other."""
    return {"color": f"C{number % 10}", "linestyle": LINES[number // 10 % len(LINES)]}


@rc_context(STYLE)
def draw_curve(history: dict[str, list[float]], title: str, figure: Figure | None = None) -> Figure:
    """Draw the history's "loss" and "val_loss", finite numbers, over the epochs, and mark the lowest; 8 by 5 inches."""
    loss, val_loss = history["loss"], history["val_loss"]
    epochs = range(1, len(loss) + 1)
    figure = figure or Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(epochs, val_loss, color="red", marker=".", markersize=9, label="Test loss")
    axes.plot(epochs, loss, color="blue", marker=".", markersize=9, label="Training loss")
    best = int(np.argmin(val_loss))
    axes.axvline(epochs[best], color="red", linestyle=":", linewidth=1)
    axes.plot(epochs[best], val_loss[best], "o", color="red", markersize=13, fillstyle="none",
              label=f"Lowest test loss: {val_loss[best]:.4f}, epoch {epochs[best]}")  # fmt: skip
    low, high = min(loss + val_loss), max(loss + val_loss)
    margin = (high - low) or 0.1
    axes.set(xlim=(0.5, len(loss) + 0.5), ylim=(low - 0.06 * margin, high + 0.3 * margin))  # room for the legend
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(title=wrapped(title, 74), xlabel="Epoch", ylabel="Loss (cross-entropy)")
    axes.grid(alpha=0.5)
    axes.legend(loc="upper right", framealpha=1)
    return figure


def wrapped(title: str, width: int) -> str:
    """Return the title in lines of so many letters, or of half as many if there are any as wide as Hangul's."""
    is_wide = any(unicodedata.east_asian_width(character) in "WF" for character in title)
    return textwrap.fill(title, width // 2 if is_wide else width)


def save_figure(path: Path, figure: Figure) -> bool:
    """Write the figure, or say why not, as `write` does; and say what to do where no font has one of its characters."""
    with rc_context(STYLE), warnings.catch_warnings(action="ignore"):
        missing = complete_fonts(figure)
        written = write(path, figure.savefig)
    if missing:
        shown = " ".join(sorted(missing)[:MOST_SHOWN])
        print(f"No font here has {len(missing)} of the picture's characters, among them {shown}. Install one that has "
              "them (Noto has fonts for all scripts), and repeat the run, a training with --resume.",
              file=sys.stderr)  # fmt: skip
    return written


def complete_fonts(figure: Figure) -> set[str]:
    """Add to the fonts of the figure's texts installed ones that have what these lack; return what none has."""
    texts = figure.findobj(Text)
    missing = {character for text in texts for character in text.get_text() if not character.isspace()}
    for family in {family for text in texts for family in text.get_fontfamily()}:
        missing -= _characters(font_manager.findfont(FontProperties(family=[family])))
    families, missing = _fonts_with(missing)
    if missing:
        _list_new_fonts()
        more, missing = _fonts_with(missing)
        families += more
    for text in texts:
        text.set_fontfamily([*text.get_fontfamily(), *families])
    return missing


def _fonts_with(characters: set[str]) -> tuple[list[str], set[str]]:
    """Return installed fonts that have these characters, as few as possible, and the characters that none has."""
    if not characters:
        return [], characters
    found = {font.name: characters & _characters(font.fname) for font in font_manager.fontManager.ttflist}
    names = []
    while True:
        name = max(sorted(found), key=lambda name: len(found[name] & characters))
        if not found[name] & characters:
            return names, characters
        names.append(name)
        characters = characters - found[name]


def _characters(path: str) -> set[str]:
    """Return what the font has: nothing if it cannot be read, or has all characters, which means placeholders."""
    with suppress(OSError, RuntimeError):
        codes = FT2Font(path).get_charmap()
        if len(codes) < 2**16:  # more than the drawings that a font can hold
            return set(map(chr, codes))
    return set()


def _list_new_fonts() -> None:
    """Add to Matplotlib's list of fonts, which it makes once for all runs, those that have been installed since."""
    listed = {font.fname for font in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - listed:
        with suppress(Exception):  # each kind of unfit font has its own
            font_manager.fontManager.addfont(path)


@rc_context(STYLE)
def show_curve(history: dict[str, list[float]], title: str) -> None:
    """Open the curve in a window, and wait until it is closed; without a screen, say in one line that there is none."""
    try:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(8, 5), layout="constrained")
        if figure.canvas.required_interactive_framework is None and not in_session():  # a notebook shows it by itself
            raise ImportError("there is no screen, or no toolkit to open a window with")
        complete_fonts(draw_curve(history, title, figure))
        pyplot.show()
    except Exception as error:  # each toolkit has its own
        print(f"No window for --show: {error}", file=sys.stderr)
