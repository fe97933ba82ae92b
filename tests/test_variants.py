"""The variants: their layers, their data, and the names of their files."""

import subprocess
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.image import imread

import imdb_cnn_lstm
import reuters_lstm
from common.run import _title
from common.shuffling import shuffle_words

RECURRENT = {
    "lstm": ("LSTM", 80_400),
    "gru": ("GRU", 60_600),
    "simple_rnn": ("SimpleRNN", 20_100),
    "none": ("GlobalAveragePooling1D", 0),
}


@pytest.mark.parametrize("recurrent", RECURRENT)
def test_layers_on_reuters(recurrent: str) -> None:
    kind, parameters = RECURRENT[recurrent]
    model = reuters_lstm.build_model(recurrent)
    assert [type(layer).__name__ for layer in model.layers] == ["Embedding", kind, "Dense"]
    assert [layer.output.shape for layer in model.layers] == [(None, 100, 100), (None, 100), (None, 46)]
    assert model.layers[1].count_params() == parameters


@pytest.mark.parametrize("conv", [True, False])
@pytest.mark.parametrize("recurrent", RECURRENT)
def test_layers_on_imdb(recurrent: str, conv: bool) -> None:
    kind, _ = RECURRENT[recurrent]
    model = imdb_cnn_lstm.build_model(recurrent, conv)
    found = ["Conv1D", "MaxPooling1D"] if conv else []
    assert [type(layer).__name__ for layer in model.layers] == [
        "Embedding", "Dropout", *found, kind, "Dense", "Activation",
    ]  # fmt: skip
    shapes = [layer.output.shape for layer in model.layers]
    assert shapes[:2] == [(None, 100, 100)] * 2
    assert shapes[2:-3] == ([(None, 96, 64), (None, 24, 64)] if conv else [])
    assert shapes[-3:] == [(None, 64 if conv and recurrent == "none" else 100), (None, 1), (None, 1)]


@pytest.mark.parametrize("recurrent", ["lstm", "gru"])
@pytest.mark.parametrize("script", [reuters_lstm, imdb_cnn_lstm])
def test_on_a_gpu_keras_can_use_cudnn(script: ModuleType, recurrent: str) -> None:
    """Its conditions, from the documentation of `keras.layers.LSTM` and `GRU`; and no mask, which needs a check."""
    embedding, *_ = layers = script.build_model(recurrent).layers
    (layer,) = (layer for layer in layers if type(layer).__name__ == RECURRENT[recurrent][0])
    config = layer.get_config()
    assert (config["activation"], config["recurrent_activation"]) == ("tanh", "sigmoid")
    assert (config["recurrent_dropout"], config["unroll"], config["use_bias"]) == (0, False, True)
    assert config.get("reset_after", True)
    assert layer.use_cudnn == "auto"
    assert not embedding.mask_zero


def test_averaging_cannot_see_the_order() -> None:
    texts = np.array([[0] * 90 + [1, *range(4, 13)]])
    model = reuters_lstm.build_model("none")
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


@pytest.mark.parametrize(
    ("recurrent", "conv", "shuffled", "title"),
    [
        ("lstm", None, False, "LSTM on news"),
        ("gru", None, True, "GRU on news, words shuffled"),
        ("lstm", True, False, "CNN and LSTM on news"),
        ("simple_rnn", True, True, "CNN and Simple RNN on news, words shuffled"),
        ("none", False, False, "Averaging on news"),
    ],
)
def test_the_title_names_the_variant(recurrent: str, conv: bool | None, shuffled: bool, title: str) -> None:
    assert _title(Namespace(recurrent=recurrent, conv=conv, shuffle_words=shuffled), "news") == title


@pytest.mark.parametrize("script", [reuters_lstm, imdb_cnn_lstm])
def test_training_and_test_are_both_on_shuffled_words(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Caught(Exception):
        pass

    def texts_of(shuffle_words: bool) -> list[np.ndarray]:
        texts = []

        def catch(x: np.ndarray, *others: object, **options: object) -> None:
            texts.append(x)
            if len(texts) == 2:  # before `fit` begins
                raise Caught

        monkeypatch.setattr(script, "batches", catch)
        monkeypatch.setattr(script, "Run", lambda *arguments: Namespace(epochs_done=0))
        options = {"data": "sample", "seed": 1, "batch_size": 100, "recurrent": "none", "conv": None}
        with pytest.raises(Caught):
            script.main(Namespace(**options, shuffle_words=shuffle_words))
        return texts

    for plain, shuffled in zip(texts_of(False), texts_of(True), strict=True):
        np.testing.assert_array_equal(np.sort(plain), np.sort(shuffled))
        assert (plain != shuffled).any(axis=1).mean() > 0.9


@pytest.mark.parametrize(
    ("script", "arguments", "name"),
    [
        ("reuters_lstm", ["--recurrent", "gru", "--shuffle-words"], "reuters_lstm-gru-shuffled-sample"),
        ("imdb_cnn_lstm", ["--recurrent", "none", "--no-conv"], "imdb_cnn_lstm-none-no_conv-sample"),
        *(
            pytest.param(script, arguments, f"{script}{name}-sample", marks=pytest.mark.slow)
            for script, arguments, name in [
                ("reuters_lstm", ["--recurrent", "simple_rnn"], "-simple_rnn"),
                ("reuters_lstm", ["--recurrent", "none"], "-none"),
                ("reuters_lstm", ["--shuffle-words"], "-shuffled"),
                ("imdb_cnn_lstm", ["--recurrent", "gru"], "-gru"),
                ("imdb_cnn_lstm", ["--recurrent", "simple_rnn"], "-simple_rnn"),
                ("imdb_cnn_lstm", ["--recurrent", "none"], "-none"),
                ("imdb_cnn_lstm", ["--no-conv"], "-no_conv"),
                ("imdb_cnn_lstm", ["--shuffle-words"], "-shuffled"),
            ]
        ),
    ],
)
def test_one_epoch_of_each_variant_goes_into_its_own_files(
    run_script: Callable[..., subprocess.CompletedProcess], tmp_path: Path, script: str, arguments: list[str], name: str
) -> None:
    state = tmp_path / f"{script}-sample.resume.keras"
    state.touch()
    done = run_script(script, *arguments, "--data", "sample", "--epochs", "1", "--output-dir", tmp_path, tiny=True)
    assert done.returncode == 0, done.stderr
    assert "UserWarning" not in done.stderr
    recurrent = arguments[1] if arguments[0] == "--recurrent" else "lstm"
    assert f"({RECURRENT[recurrent][0]})" in done.stdout
    assert ("(Conv1D)" in done.stdout) == (script == "imdb_cnn_lstm" and "--no-conv" not in arguments)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.csv", f"{name}.png", state.name}
    imread(tmp_path / f"{name}.png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "name", "arguments", "low", "high"),
    [
        ("imdb_cnn_lstm", "-none-no_conv", ["--recurrent", "none", "--no-conv"], 0.45, 0.55),
        ("reuters_lstm", "-none", ["--recurrent", "none"], 0.35, 0.55),
        ("reuters_lstm", "-simple_rnn", ["--recurrent", "simple_rnn"], 0, 0.35),
    ],
)
def test_what_the_sample_is_for(
    run_script: Callable[..., subprocess.CompletedProcess],
    tmp_path: Path,
    script: str,
    name: str,
    arguments: list[str],
    low: float,
    high: float,
) -> None:
    """Without order, or without a long memory, little is left of the 95 % and more of the article's networks."""
    done = run_script(script, *arguments, "--data", "sample", "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    last = (tmp_path / f"{script}{name}-sample.csv").read_text().splitlines()[-1]
    assert low < float(last.split(",")[-1]) < high


def test_another_variant_is_not_resumed(run_script: Callable[..., subprocess.CompletedProcess], tmp_path: Path) -> None:
    (tmp_path / "reuters_lstm-sample.resume.keras").touch()
    arguments = ["--data", "sample", "--resume", "--output-dir", tmp_path]
    done = run_script("reuters_lstm", "--recurrent", "gru", *arguments, tiny=True)
    assert done.returncode == 2
    assert "nothing to resume" in done.stderr
    assert "only reuters_lstm-sample.resume.keras" in done.stderr
