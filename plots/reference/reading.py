"""The README's first picture: the same two reviews, read by the sample's network and by that of the IMDB reviews.

python -m plots.reference.reading plots/imdb_cnn_lstm-sample.keras plots/imdb_cnn_lstm.keras
"""

import sys

from matplotlib import rc_context
from matplotlib.figure import Figure

from common.ask import answer, draw_answer, open_network
from common.curve import STYLE, save_figure
from plots.reference.runs import HERE

REVIEWS = {
    "The plot was dull, but the acting was superb.": "positive",
    "The acting was superb, but the plot was dull.": "negative",
}
TITLES = ["Trained on the sample, where order decides", "Trained on IMDB, where it hardly matters"]

figure = Figure(figsize=(11, 6.5), dpi=120, layout="constrained")
with rc_context(STYLE | {"font.size": 12}):
    for path, title, side in zip(sys.argv[1:], TITLES, figure.subfigures(1, len(TITLES)), strict=True):
        network = open_network(path)
        side.suptitle(title, fontweight="bold")
        panels = side.subplots(len(REVIEWS))
        for axes, found, label in zip(panels, answer(network, list(REVIEWS)), REVIEWS.values(), strict=True):
            draw_answer(axes, network, found, {})
            (curve, *_) = axes.lines
            places, probabilities = curve.get_data()
            for colour, is_winning in (("tab:green", probabilities >= 0.5), ("tab:red", probabilities <= 0.5)):
                axes.fill_between(
                    places, 0.5, probabilities, where=is_winning, color=colour, alpha=0.3, interpolate=True
                )
            axes.set_yticks([0, 0.5, 1])
            verdict = "right" if found.label == label else "wrong"
            axes.set_title(f"Answer: {found.label}, {verdict}")
    save_figure(HERE / "reading-reviews.png", figure)
