"""The measuring of the claims: gradients, differences, and `plots.reference.measure` from nothing."""

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
import tensorflow as tf
from keras import layers
from matplotlib import rc_context

from plots.reference import gradients, measure, runs, tables
from tests.conftest import ROOT

TINY = """
REVIEW_PAIRS = (100, 25)
NEWS_PAIRS = 125
"""


@pytest.mark.parametrize("layer", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_the_gradient_is_the_numerical_derivative(layer: type[keras.Layer]) -> None:
    """Of each number of each word's vector: from two copies of the text, with a new word a step to each side of it."""
    keras.utils.set_random_seed(1)
    x, y, step = np.array([[0, 1, 2, 3, 4, 5], [5, 7, 9, 2, 8, 6]]), np.eye(3)[[0, 2]], 1e-2
    copies, numbers = 6 * 4, 2 * 6 * 4
    embedding = layers.Embedding(20 + 2 * numbers, 4)
    model = keras.Sequential([keras.Input((6,), dtype="int32"), embedding, layer(5), layers.Dense(3, "softmax")])
    vectors = embedding.get_weights()[0] * 20  # 0.05 would leave the layers linear
    up, down = np.repeat(x, copies, axis=0), np.repeat(x, copies, axis=0)
    for row, (text, place, number) in enumerate(np.ndindex(2, 6, 4)):
        for texts, new, moved in ((up, 20 + row, step), (down, 20 + numbers + row, -step)):
            vectors[new] = vectors[x[text, place]]
            vectors[new, number] += moved
            texts[row, place] = new
    embedding.set_weights([vectors])

    def losses(texts: np.ndarray) -> np.ndarray:
        return np.asarray(keras.losses.categorical_crossentropy(np.repeat(y, copies, axis=0), model(texts)))

    derivatives = ((losses(up) - losses(down)) / (2 * step)).reshape(2, 6, 4)
    np.testing.assert_allclose(
        gradients.gradient_norms(model, x, y), np.linalg.norm(derivatives, axis=-1), rtol=0.01, atol=1e-4
    )
    assert np.linalg.norm(derivatives, axis=-1).min() > 1e-3


def test_which_texts_are_averaged_over() -> None:
    short, cut, whole = [0, 1, 2, 3], [1, 5, 6, 7], [4, 5, 6, 7]  # `whole` alone fills all places with words
    rows, num_words = gradients.long_texts(np.array([short, *[whole] * 100, cut]))
    assert (rows.tolist(), num_words) == ([*range(1, 101)], 4)
    rows, num_words = gradients.long_texts(np.array([short, *[whole] * 98, cut, short]))  # of two, the first
    assert (rows.tolist(), num_words) == ([*range(100)], 2)


def test_the_gradients_of_each_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the weights at that moment, from the last word back; the network keeps its last weights."""
    monkeypatch.setattr(gradients, "MOMENTS", (0, 2))
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,), dtype="int32"), layers.Embedding(20, 4), layers.SimpleRNN(5), layers.Dense(3, "softmax")]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    x = np.random.default_rng(1).integers(2, 20, (120, 6))
    y = np.eye(3)[x[:, -1] % 3]
    snapshots = gradients.Snapshots()
    model.fit(x, y, epochs=3, verbose=0, callbacks=[snapshots])
    last = model.get_weights()

    start, after = gradients.rows(model, snapshots.weights, tf.data.Dataset.from_tensor_slices((x, y)).batch(50))
    np.testing.assert_array_equal(model.get_weights()[0], last[0])
    assert (start[:2], after[:2]) == ((0, 120), (2, 120))
    for measured, weights in ((start, snapshots.weights[0]), (after, snapshots.weights[2])):
        model.set_weights(weights)
        expected = gradients.gradient_norms(model, x, y).mean(axis=0)[::-1]
        np.testing.assert_allclose([float(norm) for norm in measured[2:]], expected, rtol=1e-3)
    assert abs(float(start[2]) / float(after[2]) - 1) > 0.01


def test_the_table_and_the_figure_of_the_gradients() -> None:
    norms = {
        (f"reuters_lstm{variant}", epoch): np.array([[1, 0.5, first], [2, 0.5, 2 * first * 4]])
        for variant, first in (("", 0.1), ("-gru", 0.01), ("-simple_rnn", 0.5))
        for epoch in (0, 1, 5, 20)
    }
    rows = tables.gradients_table(norms).splitlines()
    assert rows[0] == "| data | layer | before training | after epoch 1 | after epoch 5 | after epoch 20 |"
    assert rows[3] == "| Reuters | LSTM" + " | 0.2 (0.1 to 0.4)" * 4 + " |"
    figure = tables.draw_gradients(norms)
    assert [axes.get_title() for axes in figure.axes] == [
        f"Reuters news, {name}" for name in rows[0][2:-2].split(" | ")[2:]
    ]
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == ["simple RNN", "LSTM", "GRU"]
        assert axes.get_yscale() == "log"
        np.testing.assert_allclose(axes.lines[1].get_ydata(), [2**0.5, 0.5, 0.08**0.5])


def test_its_figure_is_written_without_latex_and_with_powers_of_ten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where matplotlibrc asks for LaTeX and there is none."""
    figures, draw = [], tables.draw_gradients
    (tmp_path / "README.md").write_text("<!-- expected -->\n<!-- end -->")
    for name, value in {
        "HERE": tmp_path, "ROOT": tmp_path, "VARIANTS": {}, "expected": str, "detailed": dict,
        "read_gradients": lambda: {("reuters_lstm", 0): np.array([[1, 0.5, 0.1]])},
        "draw_gradients": lambda norms: figures.append(draw(norms)) or figures[0],
    }.items():  # fmt: skip
        monkeypatch.setattr(tables, name, value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with rc_context({"text.usetex": True}):
        tables.write_all()
    assert (tmp_path / "gradients.png").exists()
    labels = figures[0].axes[0].get_yticklabels()
    assert "$\\mathdefault{10^{-2}}$" in [label.get_text() for label in labels]
    assert all(label.get_parse_math() for label in labels)


def test_a_difference_and_its_standard_error() -> None:
    """Of means, of independent runs: the root of 0.01² / 2 + 0.02² / 2, the variances over two."""
    one, other = [0.70, 0.70 + 0.01 * 2**0.5], [0.80, 0.80 - 0.02 * 2**0.5]
    assert tables.difference(one, other) == "−0.0788 ± 0.0158"


def test_the_accuracy_in_the_epoch_of_the_lowest_loss() -> None:
    run = {"epoch": [1, 2, 3], "val_loss": [0.5, 0.3, 0.4], "val_accuracy": [0.7, 0.8, 0.9]}
    assert tables.numbers([run]) == {"last": [0.9], "lowest": [0.3], "there": [0.8]}


def test_the_readmes_show_what_the_runs_gave() -> None:
    for directory, shown in ((tables.HERE, tables.detailed()), (ROOT, {"expected": tables.expected()})):
        readme = (directory / "README.md").read_text(encoding="utf-8")
        for name, table in shown.items():
            assert f"<!-- {name} -->\n\n{table}\n\n<!-- end -->" in readme
            assert table.count("\n") > 2, name
    assert tables.differences().count("\n") == len(tables.DIFFERENCES) + 1  # none of the names is misspelt


def test_rows_of_a_stopped_attempt_are_replaced(tmp_path: Path) -> None:
    table, new = tmp_path / "costs.csv", tmp_path / "new.csv"
    for name, seconds in (("b", 1), ("a", 2), ("b", 3)):
        runs.write_rows(new, [("run", "seconds"), (name, seconds)])
        runs.keep(table, new)
    assert table.read_text() == "run,seconds\na,2\nb,3\n"


@pytest.mark.slow
def test_what_is_kept_of_a_run_and_of_the_articles_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve of a script's first seed replaces the old one."""
    monkeypatch.setattr(runs, "HERE", tmp_path)
    monkeypatch.setattr(runs, "COSTS", tmp_path / "costs.csv")
    monkeypatch.setattr(runs, "GRADIENTS", tmp_path / "gradients.csv")
    (tmp_path / "reuters_lstm.png").write_bytes(b"the old one")
    program = tmp_path / "reuters.py"
    program.write_text(
        "import keras, numpy as np\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile(loss='mse', metrics=['accuracy'])\n"
        "x = np.ones((4, 2)), np.ones(4)\n"
        "model.fit(*x, epochs=2, validation_data=x)\n"
    )
    script = [ROOT / "tests" / "tiny.py", ROOT / "reuters_lstm.py", "--data", "sample", "--epochs", "1"]
    run, article = tmp_path / "seed1" / "reuters_lstm.csv", tmp_path / "run1" / "article_reuters.csv"
    runs.run_all([(run, script), (article, [program])])
    for path, epochs in ((run, 1), (article, 2)):
        header, *rows = runs.read_rows(path)
        assert header == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
        assert [row[0] for row in rows] == [str(epoch + 1) for epoch in range(epochs)]
    assert (tmp_path / "reuters_lstm.png").read_bytes().startswith(b"\x89PNG")
    costs = runs.read_rows(tmp_path / "costs.csv")[1:]
    assert [row[:2] for row in costs] == [["run1/article_reuters.csv", "3"], ["seed1/reuters_lstm.csv", "185046"]]
    assert all(float(row[2]) > 0 for row in costs)
    measured = runs.read_rows(tmp_path / "gradients.csv")[1:]
    assert [row[:3] for row in measured] == [["seed1/reuters_lstm.csv", epoch, "50"] for epoch in ("0", "1")]


def test_a_directory_without_the_articles_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reuters.py").touch()
    monkeypatch.setattr("sys.argv", ["measure", "--article", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        measure.main()
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"{tmp_path} has no reuters.py and imdb.py")


def start_measuring(root: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "plots.reference.measure", "--data", "sample"],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
def test_measure_from_nothing_stopped_and_gone_on_with(tmp_path: Path) -> None:
    """On a copy of the project with a hundredth of the sample, one seed, and none of the committed runs."""
    root = tmp_path / "project"
    shutil.copytree(
        ROOT,
        root,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "*.csv", "*-variants.png", "gradients.png"),
    )
    with (root / "common" / "sample.py").open("a") as stream:
        stream.write(TINY)
    code = root / "plots" / "reference" / "runs.py"
    code.write_text(code.read_text().replace("SEEDS = (1, 2, 3, 4, 5)\n", "SEEDS = (1,)\n"))
    here = root / "plots" / "reference"

    process = start_measuring(root)
    deadline = time.monotonic() + 120
    while len(list(here.glob("seed1/*.csv"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in here.glob("seed1/*.csv")}
    assert 2 <= len(kept) < 5

    process = start_measuring(root)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    planned = {path for path, _ in runs.planned(["sample"]) if path.parent.name == "seed1"}
    assert {path.name for path in here.glob("seed1/*.csv")} == {path.name for path in planned}
    names = [row[0] for row in runs.read_rows(here / "costs.csv")[1:]]
    assert sorted(names) == sorted(f"seed1/{path.name}" for path in planned)
    text = (here / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| sample \| (?:simple RNN|LSTM|GRU) \| [0-9.e-]+ \(", text, re.MULTILINE)) == 3
    for script, variants in runs.VARIANTS.items():
        _, _, table = text.partition(f"<!-- {script} on sample -->\n")
        assert len(re.findall(r"^\| [^|]+ \| 1 \| ", table.partition("<!-- end -->")[0], re.MULTILINE)) == len(variants)
        assert (here / f"{script}-variants.png").exists()
    assert (here / "gradients.png").exists()

    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    process = start_measuring(root)
    said, _ = process.communicate(timeout=100)
    assert (process.returncode, said) == (0, "")
    for path, content in before.items():
        assert path.read_bytes() == content, path
