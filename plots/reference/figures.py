"""The figures of the README here."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from common.curve import STYLE
from plots.compare import draw_losses, draw_panels
from plots.reference.forgetting import NUMBERS
from plots.reference.gradients import MOMENTS
from plots.reference.runs import IN_RESULTS, measured, numbers_of, on_texts, runs_of


def draw_variants(script: str) -> Figure:
    """Draw the test losses of the script's variants: those without a convolution, and the sample, in axes of their own.

    Longer runs have the same epochs once more, and would push all others into a corner.
    """
    panels = {}
    for texts, name, called in on_texts(IN_RESULTS):
        if name.startswith(script) and "_epochs" not in name:
            title = f"Test loss, {texts}"
            if "no_conv" in name:
                title = f"Test loss without convolution, {texts}"
            panels.setdefault(title, {})[called.removesuffix(", without convolution")] = runs_of(name)
    with_conv_first = sorted(panels, key=lambda title: "without" in title)
    return draw_losses({title: panels[title] for title in with_conv_first}, columns=2)


def draw_gradients() -> Figure:
    """Draw the norms over the distance from the last word: a row for each kind of news, a panel for each moment."""
    panels = {}
    for texts, name, called in measured("gradients"):
        for epoch, moment in MOMENTS.items():
            norms = numbers_of("gradients", name, epoch)[:, 1:]
            panels.setdefault(f"{texts}, {moment}", {})[called] = np.log10(norms)
    figure = draw_panels(
        panels, len(MOMENTS), each_run=True, xlabel="Words, from the last one (1) back",
        ylabel="Gradient's norm, power of ten",
        ylim=(-8, 1.5),  # what falls out of it goes on falling: the table has the numbers
    )  # fmt: skip
    figure.suptitle("How strongly a news article's loss depends on each of its words, by distance from the last one")
    return figure


@rc_context(STYLE | {"font.size": 12})
def draw_forgetting(texts: str) -> Figure:
    """Draw the mean accuracies with foreign words, random ones, in front and behind, a panel for each network."""
    # The GRU is in the table: four panels are seen at a glance.
    networks = [(name, called) for on, name, called in measured("forgetting") if on == texts and called != "GRU"]
    figure = Figure(figsize=(3 * len(networks), 4), dpi=120, layout="constrained")
    x = range(len(NUMBERS))  # not to scale: a few words make most of the difference
    panels = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    for axes, (name, called) in zip(panels, networks, strict=True):
        commonest, *in_front = numbers_of("forgetting", name, "in front").mean(axis=0)
        _, *behind = numbers_of("forgetting", name, "behind").mean(axis=0)
        axes.plot(x, in_front, color="tab:blue", linewidth=4, marker=".", label="random words in front")
        axes.plot(x, behind, color="tab:red", linewidth=2, marker=".", label="random words appended")
        axes.axhline(commonest, linestyle=":", color="black", label="always the commonest label")
        title = called.removesuffix(", without convolution").replace(", ", ",\n")
        axes.set(title=title, ylim=(0, 1), xlabel="Random words")
        axes.set_xticks(x, NUMBERS)
        axes.grid(alpha=0.5)
    panels[0].set_ylabel(f"Share of right answers,\n{texts}")
    figure.legend(handles=panels[0].lines, loc="outside lower center", ncols=3)
    return figure
