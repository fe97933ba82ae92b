"""The tables of the two READMEs, from what `plots.reference.runs` keeps."""

import re
from statistics import geometric_mean

import numpy as np

from common.curve import save_figure
from plots.compare import HEADER, markdown, reached, row, spread
from plots.reference import figures
from plots.reference.forgetting import DISTANCES, NUMBERS, PLACES
from plots.reference.gradients import MOMENTS
from plots.reference.runs import (
    CALLED,
    HERE,
    IN_RESULTS,
    PLAIN_RNNS,
    measured,
    numbers_of,
    on_texts,
    rows_of,
    runs_of,
    texts,
)
from plots.reference.variants import LAST_WORDS, ROOT, SHORTENED

# What the README draws conclusions from: the differences of these runs from the one that they belong to.
DIFFERENCES = {
    "reuters_lstm": [
        "reuters_lstm-none", "reuters_lstm-none-unmasked", "reuters_lstm-shuffled", "reuters_lstm-simple_rnn",
        "reuters_lstm-simple_rnn_identity", "reuters_lstm-gru", "article_reuters",
    ],
    "reuters_lstm-40_epochs": ["reuters_lstm-none-60_epochs"],
    "imdb_cnn_lstm": [
        "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm-none-no_conv-20_epochs", "imdb_cnn_lstm-shuffled",
        "imdb_cnn_lstm-simple_rnn", "imdb_cnn_lstm-gru", "imdb_cnn_lstm-no_conv", "article_imdb",
    ],
    "imdb_cnn_lstm-no_conv": [
        "imdb_cnn_lstm-none-no_conv", "imdb_cnn_lstm-none-no_conv-20_epochs", "imdb_cnn_lstm-simple_rnn-no_conv",
        "imdb_cnn_lstm-simple_rnn_identity-no_conv",
    ],
    "imdb_cnn_lstm-none-no_conv-20_epochs": ["imdb_cnn_lstm-none"],
    "reuters_lstm-sample": [
        "reuters_lstm-simple_rnn-sample", "reuters_lstm-simple_rnn_identity-sample", "reuters_lstm-gru-sample",
    ],
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
# The figures of what foreign words cost.
FORGETTING = {
    "Reuters news": "forgetting.png",
    "IMDB reviews": "forgetting-imdb.png",
    "Sample news": "forgetting-sample-news.png",
    "Sample reviews": "forgetting-sample-reviews.png",
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
    for on, file in FORGETTING.items():
        if any(texts(name) == on for _, name, _ in measured("forgetting")):
            save_figure(HERE / file, figures.draw_forgetting(on))


def all_tables() -> dict:
    """Return all tables as Markdown, by the name that stands in their marks."""
    return results() | {
        "expected": expected(),
        "differences": differences(),
        "plain RNNs": plain_rnns(),
        "last words": last_words(),
        "gradients": gradients(),
        "forgetting": forgetting(),
        "behind": behind(),
        "exchanged": exchanged(),
        "one-hot": one_hot(),
        "neighbours": neighbours(),
    }


def expected() -> str:
    """Return what the scripts reach as they are, and what that takes, for the project's README, as Markdown."""
    rows = []
    for script in ("reuters_lstm", "imdb_cnn_lstm"):
        for option, ending in (("", ""), (" --data sample", "-sample")):
            name = script + ending
            runs = runs_of(name)
            if runs:
                _, accuracies, *_ = reached(runs)
                seconds = float(rows_of("costs", name)[0][1])
                commonest = float(rows_of("forgetting", name)[0][1])
                cells = [f"{accuracies[0]:.4f}", spread(accuracies), str(len(runs[0]["epoch"]))]
                rows.append([f"`python {script}.py{option}`", *cells, f"{seconds:.0f} s", f"{commonest:.2f}"])
    header = ["command", "test accuracy, seed 1", "all seeds", "epochs", "time", "always the commonest label"]
    return markdown(header, rows)


def results() -> dict:
    """Return for each kind of texts what the runs on them reached that no other table has, as Markdown."""
    rows = {}
    for on, name, called in on_texts(IN_RESULTS):
        parameters = rows_of("costs", name)[0][0]
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
                for one, two in zip(reached(runs)[1:4], reached(minus)[1:4], strict=True):
                    error = np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two))
                    cells.append(f"{one.mean() - two.mean():+.4f} ± {error:.4f}".replace("-", "−"))
                rows.append([texts(base), f"{CALLED[other]} − {CALLED[base]}", *cells])
    return markdown(["data", "difference", "test accuracy", "lowest test loss", "test accuracy there"], rows)


def plain_rnns() -> str:
    """Return what the simple RNN reaches with other settings, seed by seed, as Markdown."""
    rows = []
    for on, name, called in on_texts([*PLAIN_RNNS, *(f"{name}-sample" for name in PLAIN_RNNS)]):
        training, test, _, there, _ = reached(runs_of(name))
        seeds = " ".join(f"{accuracy:.3f}" for accuracy in test)
        means = [f"{accuracies.mean():.3f}" for accuracies in (training, test)]
        rows.append([on, called.removesuffix(", without convolution"), *means, seeds, f"{there.mean():.3f}"])
    header = ["data", "network", "training accuracy", "test accuracy", "of each seed", "at the lowest test loss"]
    return markdown(header, rows)


def last_words() -> str:
    """Return what networks reach that were trained and tested on the last words of the texts, as Markdown."""
    rows = []
    for name in SHORTENED:
        for words in (*LAST_WORDS, 100):
            runs = runs_of(name if words == 100 else f"{name}-{words}_words")
            if runs:
                training, test, *_ = reached(runs)
                rows.append([CALLED[name], str(words), str(len(runs)), spread(training), spread(test)])
    return markdown(["network", "words", *HEADER[:3]], rows)


def gradients() -> str:
    """Return the norm at early words divided by that at the last one, as Markdown: geometric mean and range."""
    rows = []
    for on, name, called in measured("gradients"):
        num_words = numbers_of("gradients", name, 0).shape[1] - 1
        for distance in (90, num_words - 1):
            if distance >= num_words:
                continue
            cells = []
            for epoch in MOMENTS:
                norms = numbers_of("gradients", name, epoch)[:, 1:]
                ratio = norms[:, distance] / norms[:, 0]
                cells.append(f"{geometric_mean(ratio):.2g} ({ratio.min():.2g} to {ratio.max():.2g})")
            rows.append([on, called, str(distance), *cells])
    return markdown(["data", "layer", "words back", *MOMENTS.values()], rows)


def forgetting() -> str:
    """Return the mean accuracies over the numbers of foreign words, for each place of these, as Markdown."""
    rows = []
    for on, name, called in measured("forgetting"):
        of_behind = numbers_of("forgetting", name, "behind")
        for place in PLACES:
            found = numbers_of("forgetting", name, place)
            if place != "behind" and np.array_equal(found, of_behind):
                continue  # of the average, which is the same in all places, one row will do
            _, *means = found.mean(axis=0)
            rows.append([on, called, str(len(found)), place, *(f"{mean:.3f}" for mean in means)])
    return markdown(["data", "network", "runs", "foreign words", *map(str, NUMBERS)], rows)


def behind() -> str:
    """Return how much more foreign words cost behind a text than in front, with standard errors, as Markdown."""
    rows = []
    for on, name, called in measured("forgetting"):
        costs = numbers_of("forgetting", name, "in front") - numbers_of("forgetting", name, "behind")
        cells = []
        for number in (1, 10, 50):
            of_runs = costs[:, 1 + NUMBERS.index(number)]
            error = of_runs.std(ddof=1) / np.sqrt(len(of_runs)) if len(of_runs) > 1 else np.nan
            cells.append(f"{of_runs.mean():+.3f} ± {error:.3f}".replace("-", "−"))
        rows.append([on, called, str(len(costs)), *cells])
    return markdown(["data", "network", "runs", "1 word", "10 words", "50 words"], rows)


def exchanged() -> str:
    """Return the mean shares of answers that change with one word, over its distance from the end, as Markdown."""
    rows = []
    for on, name, called in measured("exchanged"):
        found = rows_of("exchanged", name)
        means = []
        for number in range(len(DISTANCES)):
            cells = [shares[number] for _, *shares in found]
            means.append(f"{np.mean(np.array(cells, float)):.3f}" if cells[0] else "")
        rows.append([on, called, str(len(found)), found[0][0], *means])
    return markdown(["data", "network", "runs", "texts", *map(str, DISTANCES)], rows)


def one_hot() -> str:
    """Return what each script reaches, and costs with seed 1, with an embedding and with one-hot input, as Markdown."""
    rows = []
    for on, name, called in on_texts(COSTS):
        runs = runs_of(name)
        parameters, seconds, memory, _ = rows_of("costs", COSTS[name])[0]
        cost = [f"{float(seconds) / len(runs[0]['epoch']):.1f} s", f"{int(memory):,} MB", f"{int(parameters):,}"]
        rows.append([on, called, *row(runs)[:4], *cost])
    return markdown(["data", "network", *HEADER[:4], "an epoch", "peak memory", "parameters"], rows)


def neighbours() -> str:
    """Return how many of the nearest words have the word's label, and how many would by chance, as Markdown."""
    rows = []
    for on, name, called in measured("neighbours"):
        nearest, chance = np.array(rows_of("neighbours", name), float).T
        rows.append([on, called, str(len(nearest)), spread(nearest), spread(chance)])
    return markdown(["data", "network", "runs", "of the ten nearest words", "by chance"], rows)
