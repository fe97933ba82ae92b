"""The tables of the two READMEs, from what `plots.reference.runs` keeps."""

import re
from statistics import geometric_mean

import numpy as np

from common.curve import save_figure
from plots.compare import HEADER, markdown, reached, row, spread
from plots.reference import figures
from plots.reference.forgetting import NUMBERS
from plots.reference.gradients import MOMENTS
from plots.reference.runs import CALLED, HERE, MEASURED, numbers_of, on_texts, rows_of, runs_of, texts
from plots.reference.variants import ROOT

# What the README draws conclusions from: the differences of these runs from the one that they stand behind.
DIFFERENCES = {
    "reuters_lstm": [
        "reuters_lstm-none", "reuters_lstm-shuffled", "reuters_lstm-simple_rnn", "reuters_lstm-gru", "article_reuters",
    ],
    "reuters_lstm-40_epochs": ["reuters_lstm-none-60_epochs"],
    "imdb_cnn_lstm": [
        "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm-none-no_conv-20_epochs", "imdb_cnn_lstm-shuffled",
        "imdb_cnn_lstm-simple_rnn", "imdb_cnn_lstm-gru", "imdb_cnn_lstm-no_conv", "article_imdb",
    ],
    "imdb_cnn_lstm-no_conv": [
        "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm-none-no_conv-20_epochs", "imdb_cnn_lstm-simple_rnn-no_conv",
    ],
    "imdb_cnn_lstm-none-no_conv-20_epochs": ["imdb_cnn_lstm-none"],
    "reuters_lstm-sample": ["reuters_lstm-simple_rnn-sample", "reuters_lstm-gru-sample"],
    "imdb_cnn_lstm-sample": ["imdb_cnn_lstm-none-sample", "imdb_cnn_lstm-no_conv-sample"],
}  # fmt: skip
# The runs whose costs are compared, and those that were timed for it, one beside the other.
COSTS = {
    "reuters_lstm": "reuters_lstm-embedding",
    "reuters_lstm-one_hot": "reuters_lstm-one_hot",
    "imdb_cnn_lstm": "imdb_cnn_lstm-embedding",
    "imdb_cnn_lstm-one_hot": "imdb_cnn_lstm-one_hot",
    "reuters_lstm-sample": "reuters_lstm-embedding-sample",
    "reuters_lstm-one_hot-sample": "reuters_lstm-one_hot-sample",
    "imdb_cnn_lstm-sample": "imdb_cnn_lstm-embedding-sample",
    "imdb_cnn_lstm-one_hot-sample": "imdb_cnn_lstm-one_hot-sample",
}


def write_all() -> None:
    """Write the figures and, between their marks in the two READMEs, the tables."""
    for readme in (HERE / "README.md", ROOT / "README.md"):
        text = readme.read_text(encoding="utf-8")
        for name, table in all_tables().items():
            text = re.sub(f"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", f"\n{table}\n\n", text, flags=re.DOTALL)
        readme.write_text(text, encoding="utf-8")
    for script in ("reuters_lstm", "imdb_cnn_lstm"):
        save_figure(HERE / f"{script}-variants.png", figures.draw_variants(script))
    save_figure(HERE / "gradients.png", figures.draw_gradients())
    save_figure(HERE / "forgetting.png", figures.draw_forgetting())


def all_tables() -> dict:
    """Return all tables as Markdown, by the name that stands in their marks."""
    return results() | {
        "expected": expected(),
        "differences": differences(),
        "gradients": gradients(),
        "forgetting": forgetting(),
        "one-hot": one_hot(),
        "neighbours": neighbours(),
    }


def expected() -> str:
    """Return what the scripts reach as they are, for the project's README, as Markdown."""
    rows = []
    for script in ("reuters_lstm", "imdb_cnn_lstm"):
        for option, ending in (("", ""), (" --data sample", "-sample")):
            runs = runs_of(script + ending)
            if runs:
                last, lowest, _, epochs = reached(runs)
                seed_1 = f"{lowest[0]:.4f}, epoch {epochs[0]:.0f}"
                rows.append([f"`{script}.py{option}`", f"{last[0]:.4f}", f"{spread(last)} ({len(runs)})", seed_1])
    return markdown(["command", "test accuracy, seed 1", "all seeds", "lowest test loss, seed 1"], rows)


def results() -> dict:
    """Return for each kind of texts what all runs on them reached, as Markdown."""
    rows = {}
    for on, name, called in on_texts(CALLED):
        parameters = rows_of("costs", name)[0][0]  # not known of the article's programs
        rows.setdefault(on, []).append([called, *row(runs_of(name)), f"{int(parameters):,}" if parameters else ""])
    header = ["variant", *HEADER, "parameters"]
    return {on: markdown(header, of_texts) for on, of_texts in rows.items()}


def differences() -> str:
    """Return the differences of means that are here, each with its standard error, as Markdown."""
    rows = []
    for base, others in DIFFERENCES.items():
        for other in others:
            runs, minus = runs_of(other), runs_of(base)
            cells = []
            if len(runs) > 1 and len(minus) > 1:
                for one, two in zip(reached(runs)[:3], reached(minus)[:3], strict=True):
                    error = np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two))
                    cells.append(f"{one.mean() - two.mean():+.4f} ± {error:.4f}".replace("-", "−"))
                rows.append([texts(base), f"{CALLED[other]} − {CALLED[base]}", *cells])
    return markdown(["data", "difference", "accuracy, last epoch", "lowest test loss", "accuracy there"], rows)


def gradients() -> str:
    """Return the norm at the first word divided by that at the last one, as Markdown: geometric mean and range."""
    rows = []
    for on, name, called in on_texts(MEASURED["gradients"]):
        cells = []
        for epoch in MOMENTS:
            _, last, *_, first = numbers_of("gradients", name, epoch).T
            ratio = first / last
            cells.append(f"{geometric_mean(ratio):.2g} ({ratio.min():.2g} to {ratio.max():.2g})")
        rows.append([on, called, *cells])
    return markdown(["data", "layer", *MOMENTS.values()], rows)


def forgetting() -> str:
    """Return the mean accuracies over the numbers of words behind the texts, as Markdown."""
    rows = []
    for on, name, called in on_texts(MEASURED["forgetting"]):
        for behind in ("words", "padding"):
            _, *means = numbers_of("forgetting", name, behind).mean(axis=0)
            rows.append([on, called, behind, *(f"{mean:.3f}" for mean in means)])
    return markdown(["data", "network", "behind the text", *map(str, NUMBERS)], rows)


def one_hot() -> str:
    """Return what each script reaches, and costs with seed 1, with an embedding and with one-hot input, as Markdown."""
    rows = []
    for on, name, called in on_texts(COSTS):
        runs = runs_of(name)
        parameters, seconds, memory, _ = rows_of("costs", COSTS[name])[0]
        cost = [f"{float(seconds) / len(runs[0]['epoch']):.1f} s", f"{int(memory):,} MB", f"{int(parameters):,}"]
        rows.append([on, called, *row(runs)[:3], *cost])
    return markdown(["data", "network", *HEADER[:3], "an epoch", "peak memory", "parameters"], rows)


def neighbours() -> str:
    """Return how many of the nearest words have the word's label, and how many would by chance, as Markdown."""
    rows = []
    for on, name, called in on_texts(MEASURED["neighbours"]):
        nearest, chance = np.array(rows_of("neighbours", name), float).T
        rows.append([on, called, str(len(nearest)), spread(nearest), spread(chance)])
    return markdown(["data", "network", "runs", "of the ten nearest words", "by chance"], rows)
