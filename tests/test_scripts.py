"""Both scripts from start to end, each in its own process, on the sample corpus."""

import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np
import pytest
from matplotlib.image import imread

from common import ask, sample
from common.arrays import one_hot, pad
from tests import benchmark
from tests.conftest import OFFLINE, ROOT, SCRIPTS, Finished, command
from tests.tiny import PAIRS, run_here

Run = Callable[..., subprocess.CompletedProcess]
BOTH = pytest.mark.parametrize("script", SCRIPTS)
COLUMNS = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]


class Elsewhere(NamedTuple):
    """A run that has ended on another machine: its home, its files, and its console."""

    home: Path
    out: Path
    done: subprocess.CompletedProcess


def files(script: str) -> list[str]:
    """What a run on the sample leaves."""
    return [f"{script}-sample.{kind}" for kind in ("csv", "keras", "png")]


def read_history(path: Path) -> tuple[list[str], list[list[float]]]:
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, [[float(number) for number in row] for row in rows]


@BOTH
def test_a_whole_run(finished: Finished, script: str) -> None:
    done, model = finished.console[script], finished.out / f"{script}-sample.keras"
    assert done.returncode == 0, done.stderr
    device, data, *lines = done.stdout.splitlines()
    numbers = {"reuters_lstm": ["46 topics", "200 training articles", "50 test articles"],
               "imdb_cnn_lstm": ["200 training reviews", "50 test reviews"]}[script]  # fmt: skip
    assert "SAMPLE" in data
    assert lines[: len(numbers)] == numbers
    assert lines[len(numbers)].startswith("The first ")
    assert ": [1, " in lines[len(numbers)]
    assert {"reuters_lstm": "185,046", "imdb_cnn_lstm": "598,165"}[script] in done.stdout
    assert "?" not in done.stdout

    if "GPU" not in device:  # TensorFlow's lines about CUDA, one of them an error, are not shown
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        assert device == f"Runs on: CPU, {cores} cores"
        assert re.fullmatch("No window for --show: .*\n", done.stderr)

    header, rows = read_history(finished.out / f"{script}-sample.csv")
    assert header == COLUMNS
    assert [row[0] for row in rows] == [1, 2, 3]
    tested = lines.index(f"Test loss      {rows[-1][3]:.4f}")
    assert lines[tested + 1] == f"Test accuracy  {rows[-1][4]:.4f}"
    assert re.fullmatch(r"Always '\S+' +0\.\d{4}", lines[tested + 2])
    assert re.fullmatch(r" +0\.\d{3}  0\.\d{3} 0\.\d{3} +50  macro average", lines[-8])
    assert lines[-7:-1] == [
        "",
        f"Curve          {finished.out / f'{script}-sample.png'}",
        f"History        {finished.out / f'{script}-sample.csv'}",
        f"Network        {model}",
        "",
        "Ask it about texts of your own:",
    ]
    assert sorted(path.name for path in finished.out.glob(f"{script}*")) == files(script)
    assert len(list(finished.out.iterdir())) == 6

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
    [
        ("reuters_lstm", [], None),
        ("imdb_cnn_lstm", ["--no-conv"], None),
        ("imdb_cnn_lstm", [], "1"),
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


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """One run of IMDB without options for the data, on a machine that is set up for something else in every way.

    `keras.json` and `matplotlibrc` are those of other projects, there is neither a network nor LaTeX, the console
    knows ASCII only, not the name of the directory, and a batch is larger than the training set.
    """
    home = tmp_path_factory.mktemp("elsewhere")
    out = home / "한글"
    (home / "keras.json").write_text('{"image_data_format": "channels_first", "floatx": "float64"}')
    (home / "matplotlibrc").write_text("text.usetex: True\n")
    environment = {"KERAS_HOME": home, "MATPLOTLIBRC": home, "PATH": home}  # where there is no LaTeX
    environment |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    options = ["--epochs", "1", "--batch-size", "99999", "--seed", "2", "--output-dir", out]
    return Elsewhere(
        home,
        out,
        subprocess.run(
            command("imdb_cnn_lstm", *options, tiny=True), cwd=home, env=os.environ | OFFLINE | environment,
            capture_output=True, text=True, timeout=170,
        ),
    )  # fmt: skip


def test_another_seed_on_a_console_that_knows_ascii_only(elsewhere: Elsewhere) -> None:
    assert elsewhere.done.returncode == 0, elsewhere.done.stderr
    assert len(read_history(elsewhere.out / "imdb_cnn_lstm-sample.csv")[1]) == 1
    assert elsewhere.done.stdout.isascii()


def test_without_a_network_auto_goes_on_with_the_sample(elsewhere: Elsewhere) -> None:
    said = elsewhere.done.stderr
    assert "The real data could not be had: URL fetch failure" in said
    assert "Connection refused" in said
    assert "By hand: download https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz\n" in said
    assert f"{elsewhere.home}/datasets/imdb.npz\n" in said
    assert "This run goes on with the built-in SAMPLE corpus instead." in said
    assert "Data: SAMPLE" in elsewhere.done.stdout
    assert sorted(path.name for path in elsewhere.out.iterdir()) == files("imdb_cnn_lstm")


def test_the_keras_json_of_another_project(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is the article's all the same, one line says so, and it can be asked."""
    monkeypatch.setattr("common.options.in_session", lambda: True)  # leave the tests' streams and signals alone
    assert len(re.findall("^keras.json ", elsewhere.done.stderr, re.MULTILINE)) == 1
    assert "598,165" in elsewhere.done.stdout
    network = elsewhere.out / "imdb_cnn_lstm-sample.keras"
    with zipfile.ZipFile(network) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        assert weights["layers/conv1d/vars/0"].shape == (5, 100, 64)
        assert weights["layers/conv1d/vars/0"].dtype == "float32"
    (answer,) = ask.answer(ask.open_network(network), ["The plot was dull."])
    assert re.fullmatch(r"(positive|negative) 0\.\d{4}", answer.verdict)


def test_the_matplotlibrc_of_another_project(elsewhere: Elsewhere) -> None:
    """Figures are drawn without LaTeX."""
    picture = imread(elsewhere.out / "imdb_cnn_lstm-sample.png")
    assert picture.shape[:2] == (600, 960)
    assert "latex" not in elsewhere.done.stderr.lower()


@pytest.mark.slow
@pytest.mark.parametrize("keras_json", ['{"floatx": "float64"}', '{"floatx": "float16"}',
                                        '{"image_data_format": "channels_first"}'])  # fmt: skip
def test_the_printed_command_asks_the_network(run_script: Run, own_keras_home: Path, keras_json: str) -> None:
    """As the user's shell takes it, under the same `keras.json`."""
    (own_keras_home / "keras.json").write_text(keras_json)
    done = run_script("imdb_cnn_lstm", "--data", "sample", "--epochs", "1", "--output-dir", "out", tiny=True)
    assert done.returncode == 0, done.stderr
    assert "598,165" in done.stdout
    assert re.fullmatch("keras.json .*\n", done.stderr)
    ask = done.stdout.splitlines()[-1]
    asked = subprocess.run(f"{ask} 'The plot was dull.'", shell=True, capture_output=True, text=True)
    assert re.fullmatch(r"(positive|negative) 0\.\d{4}\tthe plot was dull\n", asked.stdout), asked.stderr


def test_without_a_network_keras_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run_here("imdb_cnn_lstm", "--data", "keras", "--epochs", "1", "--output-dir", out) == 1
    said = capsys.readouterr()
    assert "Connection refused" in said.err
    assert "SAMPLE" not in said.err + said.out
    assert list(out.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@BOTH
def test_the_models_read_order(run_script: Run, tmp_path: Path, script: str, seed: int) -> None:
    """At their defaults they pass 95 % on the sample, where whoever counts words is right on half of it."""
    done = run_script(script, "--data", "sample", "--seed", str(seed), "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_history(tmp_path / f"{script}-sample.csv")[1][-1][4] > 0.95


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
