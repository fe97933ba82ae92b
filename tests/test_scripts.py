"""Both scripts from start to end, each in its own process, on the sample corpus."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from common.arrays import one_hot, pad
from common.texts import sample
from tests.conftest import ROOT, SCRIPTS, Finished
from tests.tiny import PAIRS, edited

Run = Callable[..., subprocess.CompletedProcess]
KINDS = ("csv", "keras", "png")
SAMPLE = ("--data", "sample")
OF_ITS_OWN = {
    "reuters_lstm": [
        "46 labels",
        r"One-hot: \(200, 46\), .* all zeros but a 1 at place \d+",
        " Total params: 185,046 .*",
    ],
    "imdb_cnn_lstm": [" Total params: 598,165 .*"],
}
BOTH = pytest.mark.parametrize("script", SCRIPTS)


def read_rows(path: Path) -> list[list[float]]:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2).tolist()


@BOTH
def test_a_whole_run(finished: Finished, script: str) -> None:
    done, stem = finished.console[script], f"{finished.out}/{script}-sample"
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "?" not in done.stdout
    for pattern in (
        "Data: SAMPLE .*",
        "200 training texts",
        "50 test texts",
        r"The first text: \[1, .*\]",
        r"Padded: \(200, 100\), the first text begins \[ *\d+ .*\]",
        r"Always answering '\S+' would be right on 0\.\d{4}\.",
        r" +0\.\d{3}  0\.\d{3} 0\.\d{3} +50  macro average",
        *OF_ITS_OWN[script],
    ):
        assert any(re.fullmatch(pattern, line) for line in lines), pattern
    if "GPU" not in lines[0]:  # TensorFlow's lines about CUDA, one of them an error, are not shown
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        assert lines[0] == f"Runs on: CPU, {cores} cores"
        assert re.fullmatch("No window for --show: .*\n", done.stderr)

    rows = read_rows(Path(f"{stem}.csv"))
    assert [row[0] for row in rows] == [1, 2, 3]
    assert f"\nTest loss      {rows[-1][3]:.4f}\nTest accuracy  {rows[-1][4]:.4f}\n" in done.stdout
    best, *_, lowest, _ = min(rows, key=lambda row: row[3])
    assert lines[-5:] == [
        f"Curve          {stem}.png",
        f"History        {stem}.csv",
        f"Network        {stem}.keras",
        f"Lowest test loss {lowest:.4f}, in epoch {best:.0f}; the network kept is that of epoch 3",
        f'Ask it: python -m common.ask "{stem}.keras" "a text of your own"',
    ]
    assert len(list(finished.out.iterdir())) == 6
    imread(f"{stem}.png")
    test_loss, test_accuracy = evaluate(script, Path(f"{stem}.keras"))
    assert test_loss == pytest.approx(rows[-1][3], rel=1e-4)
    assert test_accuracy == pytest.approx(rows[-1][4], abs=1e-6)


def evaluate(script: str, network: Path) -> list[float]:
    """Evaluate the saved network on the test half of the tiny sample."""
    with pytest.MonkeyPatch.context() as patch:
        for name, pairs in PAIRS.items():
            patch.setattr(sample, name, pairs)
        x, y = (sample.load_news() if script == "reuters_lstm" else sample.load_reviews())[1]
    y = one_hot(y, 46) if script == "reuters_lstm" else y
    return keras.models.load_model(network).evaluate(pad(x, 100), y, verbose=0)


@pytest.mark.slow
def test_an_edited_copy_has_results_of_its_own(run_script: Run, finished: Finished, tmp_path: Path) -> None:
    """They stand beside the original's, which stay as they are."""
    out = Path(shutil.copytree(finished.out, tmp_path / "out"))
    before = {path: path.read_bytes() for path in out.iterdir()}
    script = edited("reuters_lstm", tmp_path, "layers.LSTM(", "layers.GRU(").rename(tmp_path / "my_gru.py")
    done = run_script(script.with_suffix(""), *SAMPLE, "--epochs", "1", "--output-dir", out, tiny=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f'Ask it: python -m common.ask "{out}/my_gru-sample.keras" ')
    assert sorted(set(out.iterdir()) - set(before)) == [out / f"my_gru-sample.{kind}" for kind in KINDS]
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process on one core")
@pytest.mark.parametrize(("script", "threads"), [("reuters_lstm", None), ("imdb_cnn_lstm", "1")])
def test_one_core_gives_the_same_result_as_all(
    script: str, threads: str | None, run_script: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no convolution is shared among threads. (On a machine with one core it shows nothing.)

    On an Intel Xeon with AVX-512 only the second can fail: the LSTM's products come out the same on any number of cores
    there, those of the convolution do not, on the whole sample.
    """
    if threads:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads)
    first = {min(os.sched_getaffinity(0))}
    for name, limit in (("one", lambda: os.sched_setaffinity(0, first)), ("all", None)):
        options = ["--epochs", "1", "--output-dir", tmp_path / name]
        run_script(script, *SAMPLE, *options, tiny=not threads, check=True, preexec_fn=limit)
    one, every = ((tmp_path / name / f"{script}-sample.csv").read_bytes() for name in ("one", "all"))
    assert one == every


@pytest.mark.slow
def test_a_machine_that_is_set_up_for_something_else(run_script: Run, tmp_path: Path) -> None:
    """`keras.json` and `matplotlibrc` are those of other projects, there is neither a network nor LaTeX, the console
    knows ASCII only, not the name of the directory, and a batch is larger than the training set.
    """
    home, out = tmp_path, tmp_path / "한글"
    (home / "keras.json").write_text('{"image_data_format": "channels_first", "floatx": "float64"}')
    (home / "matplotlibrc").write_text("text.usetex: True\n")
    environment = os.environ | {"KERAS_HOME": str(home), "MATPLOTLIBRC": str(home), "PATH": str(home)}  # no LaTeX
    environment |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    options = ["--epochs", "1", "--batch-size", "99999", "--seed", "2", "--output-dir", out]
    done = run_script("imdb_cnn_lstm", *options, tiny=True, env=environment)
    assert done.returncode == 0, done.stderr
    for line in (
        "By hand: download https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz",
        f"         and put it at {home}/datasets/imdb.npz",
        "This run goes on with the built-in SAMPLE corpus instead.",
    ):
        assert done.stderr.splitlines().count(line) == 1
    assert re.search("The real data could not be had: URL fetch failure .*Connection refused", done.stderr)
    assert "latex" not in done.stderr.lower()
    assert "598,165" in done.stdout  # with the channels first, the LSTM would have fewer weights
    assert done.stdout.isascii()
    table, network, picture = (out / f"imdb_cnn_lstm-sample.{kind}" for kind in KINDS)
    assert sorted(out.iterdir()) == [table, network, picture]
    assert len(read_rows(table)) == 1
    assert imread(picture).shape[:2] == (600, 960)
    filters = keras.models.load_model(network).layers[2].get_weights()[0]
    assert (filters.shape, filters.dtype) == ((5, 100, 64), "float32")
    ask = [sys.executable, "-m", "common.ask", network, "a wonderful film"]
    asked = subprocess.run(ask, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert re.fullmatch(r"(positive|negative)\t0\.\d{4}\t[][\w ]+\n", asked.stdout), asked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@BOTH
def test_the_models_read_order(run_script: Run, tmp_path: Path, script: str, seed: int) -> None:
    """At their defaults they pass 95 % on the sample, where whoever counts words is right on half of it."""
    done = run_script(script, "--data", "sample", "--seed", str(seed), "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_rows(tmp_path / f"{script}-sample.csv")[-1][4] > 0.95
