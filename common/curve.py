"""The loss curve."""

import math
import sys

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def draw_curve(history: dict[str, list[float]], title: str, figure: Figure | None = None) -> Figure:
    """Draw test and training loss over the epochs, and mark the lowest test loss: overfitting begins there.

    Args:
        history: "loss" and "val_loss", a number for each epoch, as in the `history` of what `fit` returns.
        title: what was trained on what.
        figure: where to draw; a new one if None.

    Returns:
        The figure, 8 by 5 inches if new.

    Raises:
        ValueError: if there is no epoch, or the lists differ in length.
    """
    loss, val_loss = history["loss"], history["val_loss"]
    if not loss or len(loss) != len(val_loss):
        raise ValueError(f"the curve needs epochs: there are {len(loss)} training and {len(val_loss)} test losses")
    epochs = range(1, len(loss) + 1)
    figure = figure or Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(epochs, val_loss, color="red", marker=".", markersize=9, label="Test loss")
    axes.plot(epochs, loss, color="blue", marker=".", markersize=9, label="Training loss")
    finite = [number for number in (*loss, *val_loss) if math.isfinite(number)]
    if any(map(math.isfinite, val_loss)):
        best = min((number, epoch) for epoch, number in zip(epochs, val_loss, strict=True) if math.isfinite(number))
        axes.axvline(best[1], color="red", linestyle=":", linewidth=1)
        axes.plot(
            best[1], best[0], color="red", marker="o", markersize=13, fillstyle="none", linestyle="none",
            label=f"Lowest test loss: {best[0]:.4f}, epoch {best[1]}",
        )  # fmt: skip
    if finite:  # room above the curves for the legend
        low, high = min(finite), max(finite)
        margin = (high - low) or 0.1
        axes.set_ylim(low - 0.06 * margin, high + 0.3 * margin)
    axes.set_xlim(0.5, len(loss) + 0.5)
    label_axes(axes, title)
    axes.legend(loc="upper right", framealpha=1)
    return figure


def label_axes(axes: Axes, title: str) -> None:
    """Say that it is losses over epochs, whole ones."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_title(title)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Loss (cross-entropy)")
    axes.grid(alpha=0.5)


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
