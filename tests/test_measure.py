"""The measuring of the claims: gradients, tables and figures, `plots.reference.measure` from nothing, the benchmark."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from plots.reference import costs, figures, forgetting, gradients, measure, runs, tables
from plots.reference.variants import write_script
from tests import tiny
from tests.conftest import ROOT

ARTICLE = """
import json, os
history = {"accuracy": [0.1, 0.2], "loss": [2, 1], "val_accuracy": [0.3, 0.4], "val_loss": [3, 2.5]}
json.dump(history, open(os.environ["OUT"], "w"))
"""


@pytest.mark.parametrize("layer", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_the_gradient_is_the_numerical_derivative(layer: type[keras.Layer]) -> None:
    """Of each of the four numbers of each word's vector."""
    keras.utils.set_random_seed(1)
    x, y = np.array([[0, 1, 2, 3, 4, 5], [5, 7, 9, 2, 8, 6]]), np.eye(3)[[0, 2]]
    embedding = layers.Embedding(10, 4)
    model = keras.Sequential([keras.Input((6,), dtype="int32"), embedding, layer(5), layers.Dense(3, "softmax")])
    embedding.set_weights([embedding.get_weights()[0] * 20])  # 0.05 would leave the layers linear
    vectors = np.repeat(embedding(x), 24, axis=0)
    steps = np.tile(1e-2 * np.eye(24).reshape(24, 6, 4), (2, 1, 1))  # of one number in each copy of a text

    def losses(vectors: np.ndarray) -> np.ndarray:
        outputs = keras.Sequential(model.layers[1:])(vectors)
        return np.asarray(keras.losses.categorical_crossentropy(np.repeat(y, 24, axis=0), outputs))

    derivatives = (losses(vectors + steps) - losses(vectors - steps)) / 2e-2
    expected = np.linalg.norm(derivatives.reshape(2, 6, 4), axis=-1)
    assert expected.min() > 1e-3
    np.testing.assert_allclose(gradients.gradient_norms(model, x, y), expected, rtol=0.01, atol=1e-4)


def test_which_texts_are_averaged_over() -> None:
    short, cut, whole = [0, 1, 2, 3], [1, 5, 6, 7], [4, 5, 6, 7]  # `whole` alone fills all places with words
    rows, num_words = gradients.long_texts(np.array([short, *[whole] * 100, cut]))
    assert (rows.tolist(), num_words) == ([*range(1, 101)], 4)
    rows, num_words = gradients.long_texts(np.array([short, *[whole] * 98, cut, short]))  # of two, the first
    assert (rows.tolist(), num_words) == ([*range(100)], 2)


def test_the_gradients_of_each_moment() -> None:
    """From the last word back, as far as all texts have one."""
    x = np.random.default_rng(1).integers(2, 20, (99, 6))
    x[:, 0] = 1
    labels = x[:, -1] % 3
    models = []
    for seed in range(4):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((6,), dtype="int32"), layers.Embedding(20, 4), layers.SimpleRNN(5)])
        model.add(layers.Dense(3, "softmax"))
        models.append(model)
    rows = gradients.rows(models, ("no training",), (x, labels))
    assert [row[:2] for row in rows] == [[0, 99], [1, 99], [5, 99], [20, 99]]
    for model, (_, _, *norms, padding) in zip(models, rows, strict=True):
        expected = gradients.gradient_norms(model, x, np.eye(3)[labels]).mean(axis=0)[:0:-1]
        np.testing.assert_allclose([float(norm) for norm in norms], expected, rtol=1e-3)
        assert padding == ""


@pytest.mark.parametrize("name", runs.WITH_GRU)
def test_a_network_before_training_is_that_of_the_script(name: str, tmp_path: Path) -> None:
    first = tiny.build(write_script(name, tmp_path), "--seed", "3")
    keras.utils.set_random_seed(9)
    trained = keras.Sequential.from_config(first.get_config())
    for one, other in zip(first.get_weights(), measure.untrained(trained, seed=3).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_readmes_show_what_the_runs_gave() -> None:
    shown = [(path / "README.md").read_text(encoding="utf-8") for path in (ROOT, runs.HERE)]
    for name, table in tables.all_tables().items():
        assert any(f"<!-- {name} -->\n\n{table}\n\n<!-- end -->" in text for text in shown), name
        assert table.count("\n") > 2, name
    differences = sum(len(others) for others in tables.DIFFERENCES.values())
    assert tables.differences().count("\n") == differences + 1  # none of the names is misspelt


def test_all_runs_of_a_row_are_of_one_processor() -> None:
    processors = {}
    for run, *_, processor in runs.read_rows("costs.csv")[1:]:
        processors.setdefault(Path(run).stem, set()).add(processor)
    assert [name for name, found in processors.items() if len(found) > 1] == []


def test_a_run_is_done_when_all_that_is_measured_of_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "HERE", tmp_path)
    for table in ("costs", *measure.ROWS):
        runs.write_rows(f"{table}.csv", [["run", "a header"]])
    history = [["epoch", "accuracy", "val_loss", "val_accuracy"], [1, 0.5, 3, 0.1]]
    runs.keep("seed1/imdb_cnn_lstm.csv", {"forgetting": [["behind", 0.5]], "exchanged": [[100]]}, history)
    assert not runs.is_done("seed1/imdb_cnn_lstm.csv")  # the near words are missing
    runs.keep("seed1/imdb_cnn_lstm.csv", {"neighbours": [[0.4, 0.1]]}, history)
    assert runs.is_done("seed1/imdb_cnn_lstm.csv")
    assert not runs.is_done("seed2/imdb_cnn_lstm.csv")


@pytest.fixture
def by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs made by hand, instead of the committed ones; the first one is kept twice."""
    monkeypatch.setattr(runs, "HERE", tmp_path)
    for table in ("costs", *measure.ROWS):
        runs.write_rows(f"{table}.csv", [["run", "a header"]])
    for run, seconds, accuracy in (
        ("seed2/reuters_lstm", 1, 0.7),
        ("seed2/reuters_lstm", 2, 0.7),
        ("seed1/reuters_lstm-one_hot", 20, 0.6),
        ("seed1/reuters_lstm", 2, 0.9),
        ("seed1/reuters_lstm-embedding", 8, 0.9),
        ("seed1/reuters_lstm-10_words", 2, 0.5),
    ):
        found = {
            "costs": [[1000 * seconds, seconds, 100 * seconds, "a processor"]],
            "gradients": [[epoch, 100, 0.2, 0.3, accuracy / 10, ""] for epoch in gradients.MOMENTS],
            "forgetting": [
                [place, 0.4, accuracy, *[number / 10] * 7] for number, place in enumerate(forgetting.PLACES)
            ],
            "exchanged": [[100, accuracy, *[0.5] * 5, "", ""]],
            "neighbours": [[0.4, 0.1]],
        }
        history = [["epoch", "accuracy", "val_loss", "val_accuracy"], [1, 0.5, 3, 0.1], [2, 0.75, 2, accuracy]]
        runs.keep(f"{run}.csv", found, history)


@pytest.mark.usefixtures("by_hand")
def test_the_tables() -> None:
    """An epoch's seconds and the memory are those of seed 1, an embedding's those of the run beside the one-hot one."""
    names = ["seed1/reuters_lstm", "seed1/reuters_lstm-10_words", "seed1/reuters_lstm-embedding"]
    names += ["seed1/reuters_lstm-one_hot", "seed2/reuters_lstm"]
    assert [row[0] for row in runs.read_rows("costs.csv")] == ["run", *sorted(f"{name}.csv" for name in names)]
    assert tables.one_hot().splitlines()[2:] == [
        "| Reuters news | LSTM | 2 | 0.7500 ± 0.0000 | 0.8000 ± 0.1414 | 2.0000 ± 0.0000 | 4.0 s | 800 MB | 8,000 |",
        "| Reuters news | LSTM, one-hot input | 1 | 0.7500 | 0.6000 | 2.0000 | 10.0 s | 2,000 MB | 20,000 |",
    ]
    assert tables.results()["Reuters news"].splitlines()[2:] == [
        "| LSTM | 2 | 0.7500 ± 0.0000 | 0.8000 ± 0.1414 | 2.0000 ± 0.0000 | 2 | 0.8000 ± 0.1414 | 2,000 |",
        "| LSTM, one-hot input | 1 | 0.7500 | 0.6000 | 2.0000 | 2 | 0.6000 | 20,000 |",
    ]
    assert "\n| `python reuters_lstm.py` | 0.9000 | 0.8000 ± 0.1414 | 2 | 2 s | 0.40 |" in tables.expected()
    assert tables.neighbours().splitlines()[2:] == ["| Reuters news | LSTM | 2 | 0.4000 ± 0.0000 | 0.1000 ± 0.0000 |"]
    assert tables.gradients().splitlines()[2].startswith("| Reuters news | LSTM | 2 | 0.4 (0.35 to 0.45) | ")
    assert tables.forgetting().splitlines()[2:] == [
        f"| Reuters news | LSTM | 2 | behind | 0.800{' | 0.000' * 7} |",
        f"| Reuters news | LSTM | 2 | before the last two | 0.800{' | 0.100' * 7} |",
        f"| Reuters news | LSTM | 2 | in front | 0.800{' | 0.200' * 7} |",
    ]
    assert tables.behind().splitlines()[2:] == [
        "| Reuters news | LSTM | 2 | +0.200 ± 0.000 | +0.200 ± 0.000 | +0.200 ± 0.000 |"
    ]
    assert tables.exchanged().splitlines()[2:] == [
        f"| Reuters news | LSTM | 2 | 100 | 0.800{' | 0.500' * 5} |  |  |",
    ]
    assert tables.plain_rnns().splitlines()[2:] == ["| Reuters news | LSTM | 0.750 | 0.800 | 0.900 0.700 | 0.800 |"]
    assert tables.last_words().splitlines()[2:] == [
        "| LSTM | 10 | 1 | 0.7500 | 0.5000 |",
        "| LSTM | 100 | 2 | 0.7500 ± 0.0000 | 0.8000 ± 0.1414 |",
    ]


@pytest.mark.usefixtures("by_hand")
def test_the_figures() -> None:
    (axes,) = figures.draw_variants("reuters_lstm").axes
    assert [line.get_label() for line in axes.lines] == ["LSTM", "LSTM, one-hot input"]
    first, *_, last = figures.draw_gradients().axes
    assert (first.get_title(), last.get_title()) == ("Reuters news, before training", "Reuters news, after epoch 20")
    for line, at_first in zip(last.lines, (0.09, 0.07), strict=True):
        np.testing.assert_allclose(10 ** line.get_ydata(), [0.2, 0.3, at_first])
    (axes,) = figures.draw_forgetting("Reuters news").axes
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    expected = {"random words in front": [0.8, *[0.2] * 7], "random words appended": [0.8, *[0] * 7]}
    expected["always the commonest label"] = [0.4, 0.4]
    assert drawn.keys() == expected.keys()
    for name, shares in expected.items():
        np.testing.assert_allclose(drawn[name], shares)


@pytest.mark.slow
def test_what_a_program_costs_is_not_what_this_process_costs() -> None:
    here = np.ones(10**8)  # 800 MB
    wall, processor, memory = costs.run("-c", "import time; time.sleep(2)")
    assert 2 < wall < 20
    assert processor < 1
    assert memory < 200 < here.nbytes / 1e6
    with pytest.raises(SystemExit):
        costs.run("-c", "import sys; sys.exit(3)")


@pytest.mark.slow
def test_measure_stopped_and_gone_on_with(tmp_path: Path) -> None:
    """On a copy of the project with a hundredth of the sample, one seed, a few variants, and no runs."""
    ignore = shutil.ignore_patterns(".*", "__pycache__", "tests", "seed*", "run[0-9]", "*.png")
    root = Path(shutil.copytree(ROOT, tmp_path / "project", ignore=ignore))
    here = root / "plots" / "reference"
    with (root / "common" / "texts" / "sample.py").open("a") as stream:
        stream.writelines(f"{name} = {pairs}\n" for name, pairs in tiny.PAIRS.items())
    names = ["reuters_lstm-sample", "reuters_lstm-none-60_epochs-sample", "reuters_lstm-one_hot-sample"]
    names += ["imdb_cnn_lstm-sample", "reuters_lstm-embedding-sample", "imdb_cnn_lstm-embedding-sample"]
    with (here / "runs.py").open("a") as stream:
        stream.write(f"SEEDS = [1]\nARGUMENTS = {{name: ARGUMENTS[name] for name in {names}}}\n")
    for table in ("costs", *measure.ROWS):
        header = (here / f"{table}.csv").read_text().splitlines()[0]
        (here / f"{table}.csv").write_text(f"{header}\nseed1/imdb_cnn_lstm-sample.csv,1,2,3\n")  # of a stopped attempt
    for program in ("reuters.py", "imdb.py"):
        (tmp_path / program).write_text(ARTICLE)

    command = [sys.executable, "-m", "plots.reference.measure", "--data", "sample", "--article", str(tmp_path)]
    options = {"cwd": root, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, start_new_session=True, **options)
    deadline = time.monotonic() + 200
    while not list(here.glob("seed1/*.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (kept,) = here.glob("*/*.csv")
    before = kept.stat().st_mtime_ns

    done = subprocess.run(command, timeout=600, **options)
    assert done.returncode == 0, done.stdout
    assert kept.stat().st_mtime_ns == before
    all_runs = sorted([*(f"seed1/{name}.csv" for name in names), "run1/article_reuters.csv", "run1/article_imdb.csv"])
    assert sorted(path.relative_to(here).as_posix() for path in here.glob("*/*.csv")) == all_runs
    rows = [line.split(",") for line in (here / "costs.csv").read_text().splitlines()]
    assert [run for run, *_ in rows] == ["run", *all_runs]
    (one_hot,) = (cells for run, *cells in rows if "one_hot" in run)
    assert one_hot[0] == "445046"
    assert float(one_hot[1]) > 1
    assert 100 < int(one_hot[2]) < 10_000
    text = (here / "README.md").read_text(encoding="utf-8")
    for name in ("averaged, no order, 60 epochs", "the article's own program", "Sample reviews | CNN and LSTM"):
        assert f"\n| {name} | 1 |" in text
    assert {path.name for path in here.glob("*.png")} == {
        "reuters_lstm-variants.png", "imdb_cnn_lstm-variants.png", "gradients.png",
        "forgetting-sample-news.png", "forgetting-sample-reviews.png",
    }  # fmt: skip
    assert "plots.reference.variants" not in subprocess.run(command, timeout=100, **options).stdout  # nothing is left


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "row"), [("imdb_cnn_lstm --data sample --rounds 1", "imdb_cnn_lstm.py"), ("--texts 99", "99")]
)
def test_the_benchmark_prints_its_table(arguments: str, row: str) -> None:
    command = [sys.executable, "-m", "tests.benchmark", *arguments.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^\| {row} \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \|$", done.stdout, re.MULTILINE)
