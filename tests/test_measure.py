"""The measuring of the claims: gradients, the READMEs' tables, and `plots.reference.measure` from nothing."""

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

from plots.reference import gradients, runs, tables
from tests.conftest import ROOT
from tests.tiny import PAIRS

ARTICLE = """
import keras, numpy as np
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(loss="mse", metrics=["accuracy"])
x = np.ones((4, 2)), np.ones(4)
model.fit(*x, epochs=2, validation_data=x)
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
    """Those of the weights at that moment, from the last word back; the network keeps its last weights."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,), dtype="int32"), layers.Embedding(20, 4), layers.SimpleRNN(5)])
    model.add(layers.Dense(3, "softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(0.05))
    x = np.random.default_rng(1).integers(2, 20, (120, 6))
    y = np.eye(3)[x[:, -1] % 3]
    snapshots = gradients.Snapshots()
    model.fit(x, y, epochs=2, verbose=0, callbacks=[snapshots])
    last = model.get_weights()

    start, after = gradients.rows(model, snapshots.weights, tf.data.Dataset.from_tensor_slices((x, y)).batch(50))
    np.testing.assert_array_equal(model.get_weights()[0], last[0])
    assert (start[:2], after[:2]) == ((0, 120), (1, 120))
    for measured, weights in ((start, snapshots.weights[0]), (after, snapshots.weights[1])):
        model.set_weights(weights)
        expected = gradients.gradient_norms(model, x, y).mean(axis=0)[::-1]
        np.testing.assert_allclose([float(norm) for norm in measured[2:]], expected, rtol=1e-3)
    assert abs(float(start[2]) / float(after[2]) - 1) > 0.01


def test_the_readmes_show_what_the_runs_gave() -> None:
    for directory, shown in ((tables.HERE, tables.detailed()), (ROOT, {"expected": tables.expected()})):
        readme = (directory / "README.md").read_text(encoding="utf-8")
        for name, table in shown.items():
            assert f"<!-- {name} -->\n\n{table}\n\n<!-- end -->" in readme
            assert table.count("\n") > 2, name
    assert tables.differences().count("\n") == len(tables.DIFFERENCES) + 1  # none of the names is misspelt


def test_the_tables_of_one_hot_input_and_of_near_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch's seconds and the memory are those of seed 1, an embedding's those of the run beside the one-hot one."""
    for table, name in (("HERE", ""), ("COSTS", "costs.csv"), ("NEIGHBOURS", "neighbours.csv")):
        monkeypatch.setattr(tables, table, tmp_path / name)
    accuracies = {"seed1/reuters_lstm": 0.5, "seed2/reuters_lstm": 0.7, "seed1/reuters_lstm-one_hot": 0.6}
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    for name, accuracy in accuracies.items():
        rows = [columns, (1, 2, 0.1, 3, 0.1), (2, 1, 0.2, 2, accuracy)]
        (tmp_path / name).parent.mkdir(exist_ok=True)
        runs.write_rows(tmp_path / f"{name}.csv", rows)
    header = ("run", "parameters", "seconds of training", "peak memory MB", "processor")
    beside = ("seed1/reuters_lstm-embedding.csv", 1000, 8.0, 700, "")
    one_hot = ("seed1/reuters_lstm-one_hot.csv", 3000, 20.0, 1100, "")
    runs.write_rows(tmp_path / "costs.csv", [header, ("seed1/reuters_lstm.csv", 1000, 2.0, 90, ""), beside, one_hot])
    runs.write_rows(tmp_path / "neighbours.csv", [("run", "a", "b"), ("seed1/reuters_lstm.csv", 0.4, 0.1)])

    assert tables.one_hot_table().splitlines()[2:] == [
        "| Reuters news | embedding | 2 | 0.6000 ± 0.1414 | 2.0000 ± 0.0000 | 4.0 s | 700 MB | 1,000 |",
        "| Reuters news | one-hot | 1 | 0.6000 | 2.0000 | 10.0 s | 1,100 MB | 3,000 |",
    ]
    assert tables.neighbours_table().splitlines()[2:] == ["| Reuters news | LSTM | 1 | 0.4000 | 0.1000 |"]


@pytest.mark.slow
def test_measure_from_nothing_stopped_and_gone_on_with(tmp_path: Path) -> None:
    """On a copy of the project with a hundredth of the sample, one seed, and none of the committed runs."""
    committed = (".*", "__pycache__", "tests", "*.csv", "*-variants.png", "gradients.png")
    root = Path(shutil.copytree(ROOT, tmp_path / "project", ignore=shutil.ignore_patterns(*committed)))
    here = root / "plots" / "reference"
    with (root / "common" / "sample.py").open("a") as stream:
        stream.writelines(f"{name} = {pairs}\n" for name, pairs in PAIRS.items())
    code = (here / "runs.py").read_text()
    (here / "runs.py").write_text(code.replace("(1, 2, 3, 4, 5)", "(1,)"))
    for program in ("reuters.py", "imdb.py"):
        (tmp_path / program).write_text(ARTICLE)

    command = [sys.executable, "-m", "plots.reference.measure", "--data", "sample", "--article", str(tmp_path)]
    options = {"cwd": root, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, start_new_session=True, **options)
    deadline = time.monotonic() + 120
    while len(list(here.glob("seed1/*.csv"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in here.glob("seed1/*.csv")}
    assert 2 <= len(kept) < 5
    with (here / "costs.csv").open("a") as stream:
        stream.write("seed1/imdb_cnn_lstm-sample.csv,1,1\n")  # as a run leaves it that is killed before its CSV is here

    done = subprocess.run(command, timeout=600, **options)
    assert done.returncode == 0, done.stdout
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    names = [f"seed1/{path.name}" for path, _ in runs.planned(["sample"]) if path.parent.name == "seed1"]
    names += ["run1/article_reuters.csv", "run1/article_imdb.csv"]
    assert sorted(path.relative_to(here).as_posix() for path in here.glob("*/*.csv")) == sorted(names)
    assert [row[0] for row in runs.read_rows(here / "costs.csv")[1:]] == sorted(names)
    text = (here / "README.md").read_text(encoding="utf-8")
    in_tables = [name for name in names if runs.EMBEDDING not in name]
    assert len(re.findall(r"^\| [^|]+ \| 1 \| ", text, re.MULTILINE)) == len(in_tables)  # rows of one run
    assert len(re.findall(r"^\| Sample \w+ \| (?:embedding|one-hot) \| 1 \| ", text, re.MULTILINE)) == 4
    for layer in ("simple RNN", "LSTM", "GRU"):
        assert f"| sample | {layer} | " in text
    for figure in ("reuters_lstm-variants.png", "imdb_cnn_lstm-variants.png", "gradients.png"):
        assert (here / figure).exists()
    assert subprocess.run(command, timeout=100, **options).stdout == ""  # nothing is left to be run
