"""The variants: their layers, their data, and the names of their files."""

import subprocess
from argparse import Namespace
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from matplotlib.image import imread

import imdb_cnn_lstm
import reuters_lstm
from common import variants
from common.variants import shuffle_words, vary
from tests.tiny import run_here

RECURRENT = {
    "lstm": ("LSTM", 80_400),
    "gru": ("GRU", 60_600),
    "simple_rnn": ("SimpleRNN", 20_100),
    "none": ("GlobalAveragePooling1D", 0),
}


@cache
def build(script: ModuleType, recurrent: str, conv: bool | None) -> keras.Sequential:
    """The network of a variant, as the script makes it, once for all tests."""
    keras.utils.set_random_seed(1)
    options = Namespace(recurrent=recurrent, conv=conv, shuffle_words=False, seed=1)
    return vary(script.build_model(), np.zeros((1, 100)), np.zeros((1, 100)), options)[0]


@pytest.mark.parametrize("recurrent", RECURRENT)
def test_layers_on_reuters(recurrent: str) -> None:
    kind, parameters = RECURRENT[recurrent]
    model = build(reuters_lstm, recurrent, None)
    assert [type(layer).__name__ for layer in model.layers] == ["Embedding", kind, "Dense"]
    assert [layer.output.shape for layer in model.layers] == [(None, 100, 100), (None, 100), (None, 46)]
    assert model.layers[1].count_params() == parameters


@pytest.mark.parametrize("conv", [True, False])
@pytest.mark.parametrize("recurrent", RECURRENT)
def test_layers_on_imdb(recurrent: str, conv: bool) -> None:
    kind, _ = RECURRENT[recurrent]
    model = build(imdb_cnn_lstm, recurrent, conv)
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
    """Of its conditions, in the documentation of `keras.layers.LSTM` and `GRU`, those that a script could break."""
    embedding, *_ = layers = build(script, recurrent, True if script is imdb_cnn_lstm else None).layers
    (layer,) = (layer for layer in layers if type(layer).__name__ == RECURRENT[recurrent][0])
    assert layer.activation is keras.activations.tanh
    assert not embedding.mask_zero


def test_a_variant_keeps_what_an_edited_script_says() -> None:
    model = keras.Sequential([keras.Input((9, 4)), keras.layers.Conv1D(5, 2), keras.layers.LSTM(3, dropout=0.3)])
    options = Namespace(recurrent="gru", conv=None, shuffle_words=False, seed=1)
    conv, gru = vary(model, None, None, options)[0].layers
    assert (conv.filters, gru.units, gru.dropout) == (5, 3, 0.3)


def test_averaging_cannot_see_the_order() -> None:
    texts = np.array([[0] * 90 + [1, *range(4, 13)]])
    model = build(reuters_lstm, "none", None)
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
    assert variants.title(Namespace(recurrent=recurrent, conv=conv, shuffle_words=shuffled), "news") == title


@pytest.mark.parametrize(
    ("source", "changed", "name"),
    [
        ("keras", {}, "it"),
        ("sample", {}, "it-sample"),
        ("reviews.csv", {}, "it-reviews"),
        ("ratings_train.txt", {"recurrent": "gru", "shuffle_words": True}, "it-gru-shuffled-ratings_train"),
        ("IMDB Dataset.csv", {"recurrent": "none", "conv": False}, "it-none-no_conv-IMDB Dataset"),
        ("\uc8fc\uac00.2024.tsv", {}, "it-\uc8fc\uac00.2024"),
        ("texts", {}, "it-texts"),
        ("lstm.csv", {}, "it-lstm"),
    ],
)
def test_the_name_of_the_files_of_each_kind_of_data(source: str, changed: dict[str, object], name: str) -> None:
    options = {"script": "it", "recurrent": "lstm", "conv": None, "shuffle_words": False} | changed
    assert variants.file_name(Namespace(**options), source) == name


def test_no_two_runs_have_the_same_files_whatever_the_data_are_called() -> None:
    sources = ["keras", "sample", *(f"./{stem}.csv" for stem in ("reviews", "gru", "none", "no_conv", "shuffled"))]
    sources += ["./sample", "./keras", "./gru-shuffled.csv", "./gru-reviews.csv", "./shuffled-reviews.csv"]
    names = [
        variants.file_name(Namespace(script="it", recurrent=recurrent, conv=conv, shuffle_words=shuffled), source)
        for source in sources
        for recurrent in RECURRENT
        for conv in (True, False)
        for shuffled in (True, False)
    ]
    assert len(set(names)) == len(names)


def test_as_many_outputs_as_topics_and_by_itself_those_of_the_article() -> None:
    assert reuters_lstm.build_model().output_shape == (None, 46)
    model = reuters_lstm.build_model(3)
    assert model.output_shape == (None, 3)
    options = Namespace(recurrent="gru", conv=None, shuffle_words=False, seed=1)
    assert vary(model, None, None, options)[0].output_shape == (None, 3)


def one_by_one(recurrent: str, conv: bool | None) -> keras.Sequential:
    """A variant built layer by layer, as if there were no other network before it."""
    layers = keras.layers
    embedding = {"mask_zero": recurrent == "none" and not conv}
    model = keras.Sequential([keras.Input((100,), dtype="int32")])
    model.add(layers.Embedding(1000 if conv is None else 5000, 100, **embedding))
    if conv is not None:
        model.add(layers.Dropout(0.5))
    if conv:
        model.add(layers.Conv1D(64, 5, activation="relu"))
        model.add(layers.MaxPooling1D(4))
    kinds = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}
    model.add(layers.GlobalAveragePooling1D() if recurrent == "none" else kinds[recurrent](100))
    if conv is None:
        model.add(layers.Dense(46, activation="softmax"))
    else:
        model.add(layers.Dense(1))
        model.add(layers.Activation("sigmoid"))
    return model


@pytest.mark.parametrize("recurrent", RECURRENT)
@pytest.mark.parametrize("conv", [None, True, False])
def test_a_variant_starts_as_if_it_had_been_built_alone(recurrent: str, conv: bool | None) -> None:
    """Weights and the dropout's random state, to the last bit; and all that a layer was configured with."""
    varied = build(reuters_lstm if conv is None else imdb_cnn_lstm, recurrent, conv)
    keras.utils.set_random_seed(1)
    alone = one_by_one(recurrent, conv)
    for one, other in zip(varied.variables, alone.variables, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    for one, other in zip(varied.layers, alone.layers, strict=True):
        assert one.get_config() | {"name": ""} == other.get_config() | {"name": ""}


def test_training_and_test_are_both_on_shuffled_words() -> None:
    plain = [np.arange(2, 402).reshape(4, 100), np.arange(500, 800).reshape(3, 100)]
    options = Namespace(recurrent="lstm", conv=None, shuffle_words=True, seed=1)
    model, *shuffled = vary("the network", *plain, options)
    assert model == "the network"
    for before, after in zip(plain, shuffled, strict=True):
        np.testing.assert_array_equal(before, np.sort(after))
        assert (before != after).any(axis=1).all()


@pytest.mark.parametrize(
    ("script", "arguments", "name"),
    [
        ("reuters_lstm", ["--recurrent", "gru", "--shuffle-words"], "-gru-shuffled"),
        ("imdb_cnn_lstm", ["--recurrent", "none", "--no-conv"], "-none-no_conv"),
        *(
            pytest.param(script, arguments, name, marks=pytest.mark.slow)
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
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
    script: str,
    arguments: list[str],
    name: str,
) -> None:
    other = tmp_path / f"{script}-sample.keras"
    other.touch()
    assert run_here(script, *arguments, "--data", "sample", "--epochs", "1", "--output-dir", tmp_path) == 0
    console = capsys.readouterr()
    assert console.err == ""
    assert [str(warning.message) for warning in recwarn if warning.category is UserWarning] == []
    recurrent = arguments[1] if arguments[0] == "--recurrent" else "lstm"
    assert f"({RECURRENT[recurrent][0]})" in console.out
    assert ("(Conv1D)" in console.out) == (script == "imdb_cnn_lstm" and "--no-conv" not in arguments)
    assert {path.name for path in tmp_path.iterdir()} == {
        other.name, *(f"{script}{name}-sample.{end}" for end in ("csv", "png", "keras"))
    }  # fmt: skip
    imread(tmp_path / f"{script}{name}-sample.png")


def test_another_variant_is_not_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reuters_lstm-sample.keras").touch()
    arguments = ["--data", "sample", "--resume", "--output-dir", tmp_path]
    assert run_here("reuters_lstm", "--recurrent", "gru", *arguments) == 2
    said = capsys.readouterr().err
    assert "cannot resume: there is no " in said
    assert "only reuters_lstm-sample.keras" in said


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
