"""Both scripts from start to end, each in its own process, on the sample corpus."""

import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from matplotlib.image import imread

from common import checkpoint, data, sample
from common.arrays import one_hot, pad
from tests import benchmark
from tests.conftest import ROOT, SCRIPTS, Finished, command
from tests.test_data import write_npz
from tests.tiny import PAIRS, run_here

Patch = pytest.MonkeyPatch
Run = Callable[..., subprocess.CompletedProcess]
BOTH = pytest.mark.parametrize("script", SCRIPTS)


def files(script: str) -> list[str]:
    """What a run on the sample leaves."""
    return [f"{script}-sample.{kind}" for kind in ("csv", "keras", "png")]


def read_rows(path: Path) -> list[list[float]]:
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    return [[float(number) for number in row] for row in rows]


@BOTH
def test_a_whole_run(finished: Finished, script: str) -> None:
    done, model = finished.console[script], finished.out / f"{script}-sample.keras"
    assert done.returncode == 0, done.stderr
    device, data, *lines = done.stdout.splitlines()
    numbers = {"reuters_lstm": ["46 topics", "200 training articles", "50 test articles"],
               "imdb_cnn_lstm": ["200 training reviews", "50 test reviews"]}[script]  # fmt: skip
    assert "SAMPLE" in data
    assert lines[: len(numbers)] == numbers
    assert re.match(r"The first (article|review): \[1, ", lines[len(numbers)])
    assert re.search(r"^Padded: \(200, 100\), the first \w+ begins \[ *\d+ .*\]$", done.stdout, re.MULTILINE)
    if script == "reuters_lstm":
        assert re.search(r"^One-hot: \(200, 46\), .* all zeros but a 1 at place \d+$", done.stdout, re.MULTILINE)
    assert {"reuters_lstm": "185,046", "imdb_cnn_lstm": "598,165"}[script] in done.stdout
    assert "?" not in done.stdout

    if "GPU" not in device:  # TensorFlow's lines about CUDA, one of them an error, are not shown
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        assert device == f"Runs on: CPU, {cores} cores"
        assert re.fullmatch("No window for --show: .*\n", done.stderr)

    rows = read_rows(finished.out / f"{script}-sample.csv")
    assert [row[0] for row in rows] == [1, 2, 3]
    tested = lines.index(f"Test loss      {rows[-1][3]:.4f}")
    assert lines[tested + 1] == f"Test accuracy  {rows[-1][4]:.4f}"
    assert re.fullmatch(r"Always answering '\S+' would be right on 0\.\d{4}\.", lines[tested + 2])
    assert re.search(r"^ +0\.\d{3}  0\.\d{3} 0\.\d{3} +50  macro average$", done.stdout, re.MULTILINE)
    stem = f"{finished.out}/{script}-sample"
    assert lines[-7:-4] == [f"Curve          {stem}.png", f"History        {stem}.csv", f"Network        {stem}.keras"]
    best, *_, lowest, _ = min(rows, key=lambda row: row[3])
    assert lines[-4] == f"Lowest test loss {lowest:.4f}, in epoch {best:.0f}; the network kept is that of epoch 3"
    assert lines[-2] == "Ask it about texts of your own:"
    assert sorted(path.name for path in finished.out.iterdir()) == files("imdb_cnn_lstm") + files("reuters_lstm")

    picture = imread(finished.out / f"{script}-sample.png")[:, :, :3]
    for colour in ((1, 0, 0), (0, 0, 1)):
        assert (abs(picture - colour).max(axis=2) < 0.1).sum() > 200

    test_loss, test_accuracy = evaluate_saved(script, model)
    assert test_loss == pytest.approx(rows[-1][3], rel=1e-4)
    assert test_accuracy == pytest.approx(rows[-1][4], abs=1e-6)


def evaluate_saved(script: str, model: Path) -> list[float]:
    """Evaluate the saved model on the test half of the tiny sample."""
    with pytest.MonkeyPatch.context() as patch:
        for name, pairs in PAIRS.items():
            patch.setattr(sample, name, pairs)
        x, y = (sample.load_news() if script == "reuters_lstm" else sample.load_reviews())[1]
    y = one_hot(y, 46) if script == "reuters_lstm" else y
    return keras.models.load_model(model).evaluate(pad(x, 100), y, verbose=0)


@pytest.mark.slow
def test_the_seed_determines_the_result(finished: Finished, tmp_path: Path) -> None:
    """Two runs at once: that the processor is busy elsewhere must not matter either."""
    options = ["--data", "sample", "--epochs", "3", "--batch-size", "20", "--output-dir", tmp_path]
    runs = [subprocess.Popen(command(script, *options, tiny=True), stdout=subprocess.DEVNULL) for script in SCRIPTS]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    for script in SCRIPTS:
        first, second = (out / f"{script}-sample.csv" for out in (finished.out, tmp_path))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process on one core")
@pytest.mark.parametrize(
    ("script", "variant", "threads"),
    [("reuters_lstm", [], None), ("imdb_cnn_lstm", ["--no-conv"], None), ("imdb_cnn_lstm", [], "1")],
)
def test_one_core_gives_the_same_result_as_all(
    script: str, variant: list[str], threads: str | None, run_script: Run, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Where no convolution is shared among threads. (On a machine with one core it shows nothing.)

    On an Intel Xeon with AVX-512 only the third can fail: the LSTM's products come out the same on any number of cores
    there, those of the convolution do not, on the whole sample.
    """
    if threads:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads)
    first = {min(os.sched_getaffinity(0))}
    for name, limit in (("one", lambda: os.sched_setaffinity(0, first)), ("all", None)):
        options = ["--data", "sample", "--epochs", "1", "--output-dir", tmp_path / name]
        run_script(script, *variant, *options, tiny=not threads, check=True, preexec_fn=limit)
    one, every = (next((tmp_path / name).glob("*.csv")).read_bytes() for name in ("one", "all"))
    assert one == every


def test_a_machine_that_is_set_up_for_something_else(run_script: Run, tmp_path: Path) -> None:
    """`keras.json` and `matplotlibrc` are those of other projects, there is neither a network nor LaTeX, the console
    knows ASCII only, not the name of the directory, and a batch is larger than the training set.
    """
    home, out = tmp_path, tmp_path / "한글"
    (home / "keras.json").write_text('{"image_data_format": "channels_first", "floatx": "float64"}')
    (home / "matplotlibrc").write_text("text.usetex: True\n")
    environment = {"KERAS_HOME": home, "MATPLOTLIBRC": home, "PATH": home}  # where there is no LaTeX
    environment |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    options = ["--epochs", "1", "--batch-size", "99999", "--seed", "2", "--output-dir", out]
    done = run_script("imdb_cnn_lstm", *options, tiny=True, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    for line in (
        "keras.json asks for another format or precision than the article: not used here.",
        "By hand: download https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz",
        f"         and put it at {home}/datasets/imdb.npz",
        "This run goes on with the built-in SAMPLE corpus instead.",
    ):
        assert done.stderr.splitlines().count(line) == 1
    assert re.search("The real data could not be had: URL fetch failure .*Connection refused", done.stderr)
    assert "latex" not in done.stderr.lower()
    assert "Data: SAMPLE" in done.stdout
    assert "598,165" in done.stdout
    assert done.stdout.isascii()
    table, network, picture = (out / file for file in files("imdb_cnn_lstm"))
    assert sorted(out.iterdir()) == [table, network, picture]
    assert len(read_rows(table)) == 1
    assert imread(picture).shape[:2] == (600, 960)
    with zipfile.ZipFile(network) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        assert weights["layers/conv1d/vars/0"].shape == (5, 100, 64)
        assert weights["layers/conv1d/vars/0"].dtype == "float32"


@pytest.mark.slow
def test_the_printed_command_asks_the_network(run_script: Run, own_keras_home: Path) -> None:
    """As the user's shell takes it, and both under a `keras.json` that asks for something else."""
    (own_keras_home / "keras.json").write_text('{"floatx": "float16", "image_data_format": "channels_first"}')
    done = run_script("imdb_cnn_lstm", "--data", "sample", "--epochs", "1", "--output-dir", "out", tiny=True)
    assert done.returncode == 0, done.stderr
    asked = subprocess.run(done.stdout.splitlines()[-1], shell=True, capture_output=True, text=True)
    assert re.fullmatch(r"(positive|negative) 0\.\d{4}\t[\w ]+\n", asked.stdout), asked.stderr


def test_words_that_were_missing_come_with_resume(own_keras_home: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """And those that are there stay where their list cannot be had."""
    texts, index = (own_keras_home / "datasets" / file for file in ("reuters.npz", "reuters_word_index.json"))
    texts.parent.mkdir()
    write_npz(texts, x=[[1, 2, 3]] * 20, y=[0, 1] * 10)
    content = b'{"the": 1, "of": 2, "said": 3}'
    monkeypatch.setitem(data.SHA256, texts.name, hashlib.sha256(texts.read_bytes()).hexdigest())
    monkeypatch.setitem(data.SHA256, index.name, hashlib.sha256(content).hexdigest())
    network = tmp_path / "reuters_lstm.keras"
    begun = ["reuters_lstm", "--data", "keras", "--epochs", "1", "--output-dir", tmp_path]
    assert run_here(*begun) == 0
    assert checkpoint.read(network)["words"] == []
    index.write_bytes(content)
    assert run_here(*begun, "--resume") == 0
    index.unlink()
    assert run_here(*begun, "--resume") == 0
    assert checkpoint.read(network)["words"][4:] == ["the", "of", "said"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@BOTH
def test_the_models_read_order(run_script: Run, tmp_path: Path, script: str, seed: int) -> None:
    """At their defaults they pass 95 % on the sample, where whoever counts words is right on half of it."""
    done = run_script(script, "--data", "sample", "--seed", str(seed), "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_rows(tmp_path / f"{script}-sample.csv")[-1][4] > 0.95


@pytest.mark.slow
@BOTH
def test_a_classifier_that_only_counts_words_stays_at_half(script: str) -> None:
    """Logistic regression on how often each word occurs, trained until it knows its training set as well as it can."""
    halves = (sample.load_news if script == "reuters_lstm" else sample.load_reviews)()[:2]
    (x, y), (x_test, y_test) = ((np.stack([np.bincount(t, minlength=300) for t in texts]), y) for texts, y in halves)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(46, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"])
    model.fit(x, y, epochs=10, batch_size=100, verbose=0)
    assert 0.4 < model.evaluate(x_test, y_test, verbose=0)[1] <= 0.5


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


@pytest.mark.slow
def test_the_benchmark_prints_its_tables() -> None:
    arguments = ["-m", "tests.benchmark", "imdb_cnn_lstm", "--data", "sample", "--rounds", "1"]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    patterns = [
        r".*, 1 rounds, \w.*, [1-9][0-9]* cores",
        r"Slowest epoch after the first / fastest: [1-9][0-9.]+",
        r".* alone, by NumPy on one thread: [0-9.]+ s. An epoch / that: [0-9.]+",
        r"\| imdb_cnn_lstm.py \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \|",
    ]
    for stage in ("import", "load", "pad", "build", "first step", "one epoch", "report", "plot and save"):
        patterns.append(rf"\| {stage} \| [0-9.]+ \| [0-9.]+ \|")
    for pattern in patterns:
        assert re.search(f"^{pattern}$", done.stdout, re.MULTILINE), pattern
