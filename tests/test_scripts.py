"""Both scripts from start to end, each in its own process, on the sample corpus."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from common import sample
from common.one_hot import one_hot
from common.padding import pad
from tests import benchmark
from tests.conftest import ROOT, SCRIPTS, command

Run = Callable[..., subprocess.CompletedProcess]
BOTH = pytest.mark.parametrize("script", SCRIPTS)
COLUMNS = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]


def files(script: str) -> list[str]:
    """What a run on the sample leaves."""
    return [f"{script}-sample.{kind}" for kind in ("csv", "keras", "png")]


def read_history(path: Path) -> tuple[list[str], list[list[float]]]:
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, [[float(number) for number in row] for row in rows]


@BOTH
def test_a_whole_run(run_script: Run, tmp_path: Path, script: str) -> None:
    out = tmp_path / "with spaces 그리고 한글"
    model = out / f"{script}-sample.keras"
    done = run_script(
        script, "--data", "sample", "--epochs", "3", "--batch-size", "20", "--output-dir", out, "--show",
        env=os.environ | {"MPLBACKEND": "agg"}, tiny=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    numbers = {"reuters_lstm": ["46 topics", "200 training articles", "50 test articles"],
               "imdb_cnn_lstm": ["200 training reviews", "50 test reviews"]}[script]  # fmt: skip
    assert lines[1 : 1 + len(numbers)] == numbers
    assert "SAMPLE" in lines[0]
    assert lines[1 + len(numbers)].startswith("The first ")
    assert ": [1, " in lines[1 + len(numbers)]
    assert {"reuters_lstm": "185,046", "imdb_cnn_lstm": "598,165"}[script] in done.stdout
    assert "?" not in done.stdout
    assert "UserWarning" not in done.stderr

    header, rows = read_history(out / f"{script}-sample.csv")
    assert header == COLUMNS
    assert [row[0] for row in rows] == [1, 2, 3]
    assert lines[-8:-1] == [
        f"Test loss      {rows[-1][3]:.4f}",
        f"Test accuracy  {rows[-1][4]:.4f}",
        f"Curve          {out / f'{script}-sample.png'}",
        f"History        {out / f'{script}-sample.csv'}",
        f"Network        {model}",
        "",
        "Ask it about texts of your own:",
    ]
    assert sorted(path.name for path in out.iterdir()) == files(script)

    picture = imread(out / f"{script}-sample.png")[:, :, :3]
    for colour in ((1, 0, 0), (0, 0, 1)):
        assert (abs(picture - colour).max(axis=2) < 0.1).sum() > 200
    assert "No window for --show" in done.stderr

    test_loss, test_accuracy = evaluate_saved(script, model)
    assert test_loss == pytest.approx(rows[-1][3], rel=1e-4)
    assert test_accuracy == pytest.approx(rows[-1][4], abs=1e-6)


def evaluate_saved(script: str, model: Path) -> list[float]:
    """Evaluate the saved model on the test half of the tiny sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "REVIEW_PAIRS", (100, 25))
        patch.setattr(sample, "NEWS_PAIRS", 125)
        x, y = (sample.load_news() if script == "reuters_lstm" else sample.load_reviews())[1]
    y = one_hot(y, 46) if script == "reuters_lstm" else y
    return keras.models.load_model(model).evaluate(pad(x, 100), y, verbose=0)


@BOTH
def test_the_seed_determines_the_result(tmp_path: Path, script: str) -> None:
    """Two runs at once: that the processor is busy elsewhere must not matter either."""
    options = ["--data", "sample", "--epochs", "2", "--output-dir"]
    runs = [
        subprocess.Popen(command(script, *options, tmp_path / number, tiny=True), stdout=subprocess.DEVNULL)
        for number in ("1", "2")
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    first, second = (tmp_path / number / f"{script}-sample.csv" for number in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process on one core")
@pytest.mark.parametrize(
    ("script", "variant", "threads"),
    [
        ("reuters_lstm", [], None),
        pytest.param("imdb_cnn_lstm", ["--no-conv"], None, marks=pytest.mark.slow),
        pytest.param("imdb_cnn_lstm", [], "1", marks=pytest.mark.slow),
    ],
)
def test_one_core_gives_the_same_result_as_all(
    run_script: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    variant: list[str],
    threads: str | None,
) -> None:
    """Where no convolution is shared among threads. (On a machine with one core it shows nothing.)

    On an Intel Xeon with AVX-512 only the third can fail: the LSTM's products come out the same on any number of cores
    there, those of the convolution do not, on the whole sample.
    """
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    if threads:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads)
    first = {min(os.sched_getaffinity(0))}
    for name, limit in (("one", lambda: os.sched_setaffinity(0, first)), ("all", None)):
        options = ["--data", "sample", "--epochs", "1", "--output-dir", tmp_path / name]
        run_script(script, *variant, *options, tiny=not threads, check=True, preexec_fn=limit)
    one, every = (next((tmp_path / name).glob("*.csv")).read_bytes() for name in ("one", "all"))
    assert one == every


def test_another_seed_on_a_console_that_knows_ascii_only(run_script: Run, tmp_path: Path) -> None:
    """Into a directory that it cannot print, and with a batch larger than the training set."""
    done = run_script(
        "reuters_lstm", "--data", "sample", "--epochs", "1", "--batch-size", "99999", "--seed", "2",
        "--output-dir", tmp_path / "한글", tiny=True,
        env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(read_history(tmp_path / "한글" / "reuters_lstm-sample.csv")[1]) == 1


@BOTH
def test_without_a_network_auto_goes_on_with_the_sample(run_script: Run, tmp_path: Path, script: str) -> None:
    done = run_script(script, "--epochs", "1", "--output-dir", tmp_path, tiny=True)
    file = {"reuters_lstm": "reuters.npz", "imdb_cnn_lstm": "imdb.npz"}[script]
    assert done.returncode == 0, done.stderr
    assert "The real data could not be had: URL fetch failure" in done.stderr
    assert "Connection refused" in done.stderr
    assert f"By hand: download https://storage.googleapis.com/tensorflow/tf-keras-datasets/{file}\n" in done.stderr
    assert f"{os.environ['KERAS_HOME']}/datasets/{file}\n" in done.stderr
    assert "This run goes on with the built-in SAMPLE corpus instead." in done.stderr
    assert "Data: SAMPLE" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == files(script)


def test_without_a_network_keras_fails(run_script: Run, tmp_path: Path) -> None:
    done = run_script("imdb_cnn_lstm", "--data", "keras", "--epochs", "1", "--output-dir", tmp_path / "out", tiny=True)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "SAMPLE" not in done.stderr + done.stdout
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@BOTH
def test_the_models_read_order(run_script: Run, tmp_path: Path, script: str, seed: int) -> None:
    """At their defaults they pass 95 % on the sample, where whoever counts words is right on half of it."""
    done = run_script(script, "--data", "sample", "--seed", str(seed), "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_history(tmp_path / f"{script}-sample.csv")[1][-1][4] > 0.95


@BOTH
def test_a_classifier_that_only_counts_words_stays_at_half(script: str) -> None:
    """Logistic regression on how often each word occurs, trained until it knows its training set as well as it can."""
    halves = (sample.load_news if script == "reuters_lstm" else sample.load_reviews)()[:2]
    (x, y), (x_test, y_test) = ((np.stack([np.bincount(t, minlength=300) for t in texts]), y) for texts, y in halves)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(46, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"])
    model.fit(x, y, epochs=10, batch_size=100, verbose=0)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"{script}: {accuracy:.4f}")
    assert 0.4 < accuracy <= 0.5


@pytest.mark.parametrize(
    ("script", "multiplications_of_a_text"),
    [
        ("reuters_lstm", 100 * (100 + 100) * 400),  # 100 words: the word's vector and the state, by four gates
        ("imdb_cnn_lstm", 24 * (64 + 100) * 400 + 96 * 5 * 100 * 64),  # 24 steps; and 96 windows of five words
    ],
)
def test_the_benchmark_counts_the_multiplications(script: str, multiplications_of_a_text: int) -> None:
    products = benchmark.multiplications(script, (1000, 100), (500, 250))
    assert sum(n * k * m * often for n, k, m, often in products) == (3 * 1000 + 500) * multiplications_of_a_text
    forward, weights, inputs, *_ = products  # of the LSTM's input, a step of a batch
    assert [forward[:2], weights[:2], inputs[:2]] == [(100, forward[1]), (forward[1], 100), (100, 400)]
    assert [forward[2], weights[2], inputs[2]] == [400, 400, forward[1]]


@pytest.mark.slow
def test_the_benchmark_prints_its_tables() -> None:
    arguments = ["-m", "tests.benchmark", "imdb_cnn_lstm", "--data", "sample", "--rounds", "1"]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    assert re.search(r", 1 rounds, \w.*, [1-9][0-9]* cores$", done.stdout, re.MULTILINE)
    assert re.search(r"^Slowest epoch after the first / fastest: [1-9][0-9.]+$", done.stdout, re.MULTILINE)
    for stage in ("import", "load", "pad", "build", "first step", "one epoch", "plot and save"):
        assert re.search(rf"^\| {stage} \| [0-9.]+ \| [0-9.]+ \|$", done.stdout, re.MULTILINE)
    assert re.search(r"alone, by NumPy on one thread: [0-9.]+ s. An epoch / that: [0-9.]+$", done.stdout, re.MULTILINE)
    assert re.search(r"^\| imdb_cnn_lstm.py \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \|$", done.stdout, re.MULTILINE)
