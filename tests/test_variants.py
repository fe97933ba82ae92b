"""The variants: their edits, the networks and data that these make, and the command that runs them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from common.ask import open_network
from common.run import Run
from plots.reference import variants
from plots.reference.variants import VARIANTS, shuffle_words, write_script
from tests import tiny
from tests.conftest import ROOT

COMMAND = [sys.executable, "-m", "plots.reference.variants"]
LARGE = pytest.param("imdb_cnn_lstm-one_hot", marks=pytest.mark.slow)  # 100 MB


def one_by_one(name: str) -> keras.Sequential:
    """The variant's network built layer by layer, as if there were no script."""
    script, *parts = name.split("-")
    num_words = 1000 if script == "reuters_lstm" else 5000
    has_conv = script == "imdb_cnn_lstm" and "no_conv" not in parts
    is_masked = "mask" in parts or ("none" in parts and not has_conv and "unmasked" not in parts)
    length = next((int(part.removesuffix("_words")) for part in parts if part.endswith("_words")), 100)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((length,), dtype="int32")])
    if "one_hot" in parts:
        model.add(layers.Embedding(num_words, num_words, "identity", trainable=False))
    else:
        model.add(layers.Embedding(num_words, 100, mask_zero=is_masked))
    if script == "imdb_cnn_lstm":
        model.add(layers.Dropout(0.5))
    if has_conv:
        model.add(layers.Conv1D(64, 5, activation="relu"))
        model.add(layers.MaxPooling1D(4))
    if "none" in parts:
        model.add(layers.GlobalAveragePooling1D())
    elif "gru" in parts:
        model.add(layers.GRU(100))
    elif name.startswith(f"{script}-simple_rnn"):
        model.add(simple_rnn(parts[0]))
    else:
        model.add(layers.LSTM(100))
    if script == "reuters_lstm":
        model.add(layers.Dense(46, activation="softmax"))
    else:
        model.add(layers.Dense(1))
        model.add(layers.Activation("sigmoid"))
    model.compile(optimizer=keras.optimizers.Adam())
    if "slow" in parts:
        model.optimizer.learning_rate = 1e-4
    if "clipped" in parts:
        model.optimizer.clipnorm = 1.0
    return model


def simple_rnn(kind: str) -> keras.Layer:
    """A simple RNN with relu, with a start at a multiple of the identity, or with both."""
    gains = {"simple_rnn_start": 0.97, "simple_rnn_identity": 0.97}
    gains |= {"simple_rnn_identity_90": 0.9, "simple_rnn_identity_100": 1.0}
    options = {}
    if kind in gains:
        options["recurrent_initializer"] = keras.initializers.Identity(gains[kind])
    if kind not in ("simple_rnn", "simple_rnn_start"):
        options["activation"] = "relu"
    return layers.SimpleRNN(100, **options)


@pytest.mark.parametrize("name", [LARGE, *(name for name in VARIANTS if name not in LARGE.values)])
def test_a_variant_starts_as_if_it_were_built_alone_and_could_use_cudnn(name: str, tmp_path: Path) -> None:
    """The same layers, all that they were configured with, and the same weights and random state, to the last bit."""
    varied = tiny.build(write_script(name, tmp_path))
    alone = one_by_one(name)
    assert (varied.inputs[0].shape, varied.inputs[0].dtype) == (alone.inputs[0].shape, alone.inputs[0].dtype)
    assert varied.optimizer.clipnorm == alone.optimizer.clipnorm
    assert float(varied.optimizer.learning_rate) == float(alone.optimizer.learning_rate)
    for one, other in zip(varied.layers, alone.layers, strict=True):
        assert type(one) is type(other)
        assert one.get_config() | {"name": ""} == other.get_config() | {"name": ""}
        if isinstance(one, layers.LSTM | layers.GRU):  # Keras's conditions for cuDNN that a script could break
            assert one.activation is keras.activations.tanh
            assert varied.layers[0].mask_zero == (name == "reuters_lstm-mask")
    for one, other in zip(varied.variables, alone.variables, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_averaging_cannot_see_the_order(tmp_path: Path) -> None:
    texts = np.array([[0] * 90 + [1, *range(4, 13)]])
    model = tiny.build(write_script("reuters_lstm-none", tmp_path))
    shuffled = shuffle_words(texts, seed=1)
    assert shuffled.tolist() != texts.tolist()
    probabilities = model.predict(texts, verbose=0)
    np.testing.assert_allclose(model.predict(shuffled, verbose=0), probabilities, atol=1e-6)
    vectors, weights, biases = model.get_weights()
    outputs = vectors[texts[0, 90:]].mean(axis=0) @ weights + biases  # without the padding
    np.testing.assert_allclose(np.exp(outputs) / np.exp(outputs).sum(), probabilities[0], atol=1e-6)


def test_shuffled_words_keep_each_text_but_for_its_order() -> None:
    rng = np.random.RandomState(1)
    texts = rng.randint(2, 50, size=(40, 30)).astype(np.int32)
    for row, padding in enumerate(rng.randint(0, 29, size=40)):
        texts[row, :padding] = 0
        if row % 2:
            texts[row, padding] = 1
    before = texts.copy()
    shuffled = shuffle_words(texts, seed=1)
    np.testing.assert_array_equal(texts, before)
    np.testing.assert_array_equal(np.sort(shuffled), np.sort(texts), strict=True)
    np.testing.assert_array_equal(shuffled[texts <= 1], texts[texts <= 1])
    assert (shuffled != texts).any(axis=1).sum() > 30
    np.testing.assert_array_equal(shuffled, shuffle_words(texts, seed=1))
    assert (shuffled != shuffle_words(texts, seed=2)).any()
    one, other = shuffle_words(np.array([range(2, 102)] * 2, np.int32), seed=1)
    assert (one != other).any()


@pytest.mark.parametrize("script", ["reuters_lstm", "imdb_cnn_lstm"])
def test_training_and_test_are_both_on_shuffled_words(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def fit(run: Run, model, x_train, y_train, *, validation_data, **options) -> None:
        seen.append((x_train, validation_data[0]))
        sys.exit()

    monkeypatch.setattr(Run, "fit", fit)
    for name in (script, f"{script}-shuffled"):
        options = ["--data", "sample", "--seed", "3", "--output-dir", tmp_path]
        assert tiny.run_here(write_script(name, tmp_path), *options) == 0
    for plain, shuffled in zip(*seen, strict=True):
        np.testing.assert_array_equal(shuffle_words(plain, seed=3), shuffled)
        assert (plain != shuffled).any()


def test_an_edit_has_to_fit_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for old, times in (("layers.Flatten()", 0), ("x_test = pad", 1), ("model.add(", 4)):
        monkeypatch.setitem(VARIANTS, "reuters_lstm-mine", ("mine", [(old, "nothing")]))
        if times == 1:
            assert "\nnothing(x_test" in write_script("reuters_lstm-mine", tmp_path).read_text()
        else:
            with pytest.raises(ValueError, match=f"reuters_lstm-mine: .* {times} times and not once"):
                write_script("reuters_lstm-mine", tmp_path)


@pytest.mark.parametrize("arguments", [[], ["reuters_lstm-flatten"]])
def test_a_name_that_is_none(arguments, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["variants", *arguments])
    with pytest.raises(SystemExit) as end:
        variants.main()
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(name in line for name in VARIANTS)
    monkeypatch.setattr("sys.argv", ["variants", "--help"])
    variants.main()
    said = capsys.readouterr().out
    assert all(name in said for name in VARIANTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("imdb_cnn_lstm-none-no_conv", 0.45, 0.55),
        ("reuters_lstm-none", 0.35, 0.55),
        ("reuters_lstm-simple_rnn", 0, 0.35),
    ],
)
def test_what_the_sample_is_for(name: str, low: float, high: float, tmp_path: Path) -> None:
    """Without order, or without a long memory, little is left of the 95 % and more of the article's networks."""
    subprocess.run([*COMMAND, name, "--data", "sample", "--output-dir", tmp_path], cwd=ROOT, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}-sample.{kind}" for kind in ("csv", "png", "keras")}
    last = (tmp_path / f"{name}-sample.csv").read_text().splitlines()[-1]
    assert low < float(last.split(",")[-1]) < high


@pytest.mark.slow
def test_the_exit_status_is_the_scripts_and_a_signal_reaches_it(tmp_path: Path) -> None:
    assert subprocess.run([*COMMAND, "reuters_lstm-gru", "--epochs", "0"], cwd=ROOT).returncode == 2
    run = [*COMMAND, "imdb_cnn_lstm-none-no_conv", "--data", "sample", "--epochs", "99", "--output-dir", tmp_path]
    process = subprocess.Popen(run, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)})
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*.csv")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".keras", ".png"]  # nothing else is left


@pytest.mark.slow
def test_one_hot_words_are_not_trained_and_a_network_that_reads_them_is_asked(tmp_path: Path) -> None:
    script = write_script("reuters_lstm-one_hot", tmp_path)
    start = tiny.build(script)
    words = np.array([[0, 1, 2, 999]])
    np.testing.assert_array_equal(start.layers[0](words), np.eye(1000)[words])
    assert tiny.run_here(script, "--data", "sample", "--epochs", "1", "--output-dir", tmp_path) == 0
    (path,) = tmp_path.glob("*.keras")
    vectors, *others = open_network(path).model.get_weights()
    np.testing.assert_array_equal(vectors, np.eye(1000))
    assert all((one != other).any() for one, other in zip(start.get_weights()[1:], others, strict=True))
