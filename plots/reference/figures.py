"""The figures of the README here."""

import numpy as np
from matplotlib.figure import Figure

from plots.compare import draw_losses, draw_panels
from plots.reference.forgetting import NUMBERS
from plots.reference.gradients import MOMENTS
from plots.reference.runs import CALLED, MEASURED, numbers_of, on_texts, runs_of

# Another curve would cover the first; on IMDB 20 epochs would push all others, of 5, into a corner.
NOT_DRAWN = ("reuters_lstm-none", "imdb_cnn_lstm-none-no_conv-20_epochs")


def draw_variants(script: str) -> Figure:
    """Draw the test losses of the script's variants, on the sample in axes of their own."""
    panels = {}
    for texts, name, called in on_texts(CALLED):
        if name.startswith(script) and name.removesuffix("-sample") not in NOT_DRAWN:
            panels.setdefault(f"Test loss, {texts}", {})[called] = runs_of(name)
    return draw_losses(panels)


def draw_gradients() -> Figure:
    """Draw the norms over the distance from the last word: a row for each kind of news, a panel for each moment."""
    panels = {}
    for texts, name, called in on_texts(MEASURED["gradients"]):
        for epoch, moment in MOMENTS.items():
            norms = numbers_of("gradients", name, epoch)[:, 1:]
            panels.setdefault(f"{texts}, {moment}", {})[called] = np.log10(norms)
    figure = draw_panels(
        panels, len(MOMENTS), xlabel="Words, from the last one back", ylabel="Gradient's norm, power of ten",
        ylim=(-8, 1.5),  # what falls out of it goes on falling: the table has the numbers
    )  # fmt: skip
    figure.suptitle("How strongly a news article's loss depends on each of its words, by distance from the last one")
    return figure


def draw_forgetting() -> Figure:
    """Draw the accuracy over the number of words behind the texts, a panel for each kind of texts."""
    shown, panels = {}, {}
    for texts, name, called in on_texts(MEASURED["forgetting"]):
        layer = called.removesuffix(", without convolution")
        panels.setdefault(texts, {})[layer] = numbers_of("forgetting", name, "words")[:, 1:]
        shown.setdefault(texts, []).append(name)
    figure = draw_panels(
        panels, 2, xlabel="Words behind the last 50 of the text", ylabel="Accuracy", ylim=(-0.03, 1.03),
        xticks=range(1, len(NUMBERS) + 1), xticklabels=NUMBERS,  # not to scale: a few words make most of the difference
    )  # fmt: skip
    figure.suptitle(
        "How often a text's label is still right with unrelated words behind it\n"
        "(dashed: with paddings behind it instead; dotted: always the commonest label)"
    )
    for axes, names in zip(figure.axes, shown.values(), strict=False):
        for name, line in zip(names, axes.lines, strict=True):
            commonest, *padding = numbers_of("forgetting", name, "padding").mean(axis=0)
            axes.plot(line.get_xdata(), padding, linestyle="--", color=line.get_color())
        axes.axhline(commonest, linestyle=":", color="black")
    return figure
