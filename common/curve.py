"""The loss curve, and how all figures are drawn."""

import sys
import warnings
from pathlib import Path

import numpy as np
from matplotlib import font_manager, get_cachedir, rc_context, rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.files import write

# Matplotlib takes each character from the first font that has it: its own, then Korean, Japanese and Chinese ones.
FONTS = ("DejaVu Sans", "Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo",
         "AppleGothic", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "Meiryo", "Noto Sans CJK SC", "PingFang SC",
         "Microsoft YaHei")  # fmt: skip
# Whatever a user's matplotlibrc says: no LaTeX, which may not be installed, and a $ is a $.
STYLE = {"text.usetex": False, "text.parse_math": False}
STYLE["font.family"] = [*rcParams["font.family"], *(name for name in FONTS if name in font_manager.get_font_names())]


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
    axes.set(title=title, xlabel="Epoch", ylabel="Loss (cross-entropy)")
    axes.grid(alpha=0.5)
    axes.legend(loc="upper right", framealpha=1)
    return figure


def save_figure(path: Path, figure: Figure) -> bool:
    """Write the figure, or say why not, as `write` does; and say what to do where no font has one of its characters."""
    with rc_context(STYLE), warnings.catch_warnings(record=True, action="always") as caught:
        written = write(path, figure.savefig)
    if any("missing from font" in str(warning.message) for warning in caught):
        print(
            f"No font here has all characters. For Hangul install NanumGothic, delete {get_cachedir()}/fontlist*.json",
            file=sys.stderr,
        )
    return written


@rc_context(STYLE)
def show_curve(history: dict[str, list[float]], title: str) -> None:
    """Open the curve in a window, and wait until it is closed; without a screen, say in one line that there is none."""
    try:
        from matplotlib import pyplot

        if pyplot.get_backend().lower() == "agg":
            raise ImportError("there is no screen, or no toolkit to open a window with")
        draw_curve(history, title, pyplot.figure(figsize=(8, 5), layout="constrained"))
        pyplot.show()
    except Exception as error:  # each toolkit has its own
        print(f"No window for --show: {error}", file=sys.stderr)
