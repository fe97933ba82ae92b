"""The variants: their layers, their data, and the names of their files."""

import subprocess
from argparse import Namespace
from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from common import variants
from common.arrays import pad
from common.ask import answer, open_network
from common.corpus import Corpus
from common.variants import shuffle_words, vary
from tests import tiny

Run = Callable[..., subprocess.CompletedProcess]
LAYERS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN, "none": layers.GlobalAveragePooling1D}
NETWORKS = pytest.mark.parametrize(
    ("script", "arguments"), [("reuters_lstm", ()), ("imdb_cnn_lstm", ()), ("imdb_cnn_lstm", ("--no-conv",))]
)
build = cache(tiny.build)  # each network once for all tests


def options_of(**changed: object) -> Namespace:
    """The options of a script without a convolution, with some of them changed."""
    plain = {"script": "it", "recurrent": "lstm", "conv": None, "one_hot": False, "shuffle_words": False, "seed": 1}
    return Namespace(**plain | changed)


def one_by_one(script: str, recurrent: str, conv: bool, one_hot: bool = False) -> keras.Sequential:
    """A variant built layer by layer, as if there were no other network before it."""
    model = keras.Sequential([keras.Input((100,), dtype="int32")])
    num_words = 1000 if script == "reuters_lstm" else 5000
    mask_zero = recurrent == "none" and not conv
    if one_hot:
        model.add(layers.Embedding(num_words, num_words, "identity", mask_zero=mask_zero, trainable=False))
    else:
        model.add(layers.Embedding(num_words, 100, mask_zero=mask_zero))
    if script == "imdb_cnn_lstm":
        model.add(layers.Dropout(0.5))
    if conv:
        model.add(layers.Conv1D(64, 5, activation="relu"))
        model.add(layers.MaxPooling1D(4))
    if recurrent == "none":
        model.add(layers.GlobalAveragePooling1D())
    else:
        model.add(LAYERS[recurrent](100))
    if script == "reuters_lstm":
        model.add(layers.Dense(46, activation="softmax"))
    else:
        model.add(layers.Dense(1))
        model.add(layers.Activation("sigmoid"))
    return model


def assert_the_same(varied: keras.Sequential, alone: keras.Sequential) -> None:
    """The same layers, all that they were configured with, and the same weights and random state, to the last bit."""
    assert varied.inputs[0].dtype == alone.inputs[0].dtype
    for one, other in zip(varied.layers, alone.layers, strict=True):
        assert type(one) is type(other)
        assert one.get_config() | {"name": ""} == other.get_config() | {"name": ""}
    for one, other in zip(varied.variables, alone.variables, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("recurrent", LAYERS)
@NETWORKS
def test_a_variant_starts_as_if_it_were_built_alone(script: str, arguments: tuple[str, ...], recurrent: str) -> None:
    varied = build(script, "--recurrent", recurrent, *arguments)
    keras.utils.set_random_seed(1)
    assert_the_same(varied, one_by_one(script, recurrent, conv=script == "imdb_cnn_lstm" and not arguments))


@pytest.mark.parametrize("recurrent", ["lstm", "gru"])
@NETWORKS
def test_on_a_gpu_keras_can_use_cudnn(script: str, arguments: tuple[str, ...], recurrent: str) -> None:
    """Of its conditions, in the documentation of `keras.layers.LSTM` and `GRU`, those that a script could break."""
    embedding, *others = build(script, "--recurrent", recurrent, *arguments).layers
    (layer,) = (layer for layer in others if type(layer) is LAYERS[recurrent])
    assert layer.activation is keras.activations.tanh
    assert not embedding.mask_zero


def test_a_variant_keeps_what_an_edited_script_says() -> None:
    model = keras.Sequential([keras.Input((9, 4)), layers.Conv1D(5, 2), layers.LSTM(3, dropout=0.3), layers.Dense(7)])
    conv, gru, dense = vary(model, None, None, options_of(recurrent="gru"))[0].layers
    assert (conv.filters, gru.units, gru.dropout, dense.units) == (5, 3, 0.3, 7)


def test_averaging_cannot_see_the_order() -> None:
    texts = np.array([[0] * 90 + [1, *range(4, 13)]])
    model = build("reuters_lstm", "--recurrent", "none")
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


def test_training_and_test_are_both_on_shuffled_words() -> None:
    plain = [np.arange(2, 402).reshape(4, 100), np.arange(500, 800).reshape(3, 100)]
    model, *shuffled = vary("the network", *plain, options_of(shuffle_words=True))
    assert model == "the network"
    for before, after in zip(plain, shuffled, strict=True):
        np.testing.assert_array_equal(before, np.sort(after))
        assert (before != after).any(axis=1).all()


@pytest.mark.parametrize(
    ("changed", "kind", "data", "title", "name"),
    [
        ({}, "keras", "News", "LSTM on News", "it"),
        ({"conv": True}, "sample", "News", "CNN and LSTM on News", "it-sample"),
        ({"recurrent": "gru", "shuffle_words": True}, "own", "ratings_train.txt",
         "GRU on ratings_train.txt, words shuffled", "it-gru-shuffled-ratings_train"),
        ({"recurrent": "none", "conv": False}, "own", "IMDB Dataset.csv",
         "Averaging on IMDB Dataset.csv", "it-none-no_conv-IMDB Dataset"),
        ({"recurrent": "simple_rnn", "conv": True}, "own", "\uc8fc\uac00.2024.tsv",
         "CNN and Simple RNN on \uc8fc\uac00.2024.tsv", "it-simple_rnn-\uc8fc\uac00.2024"),
        ({"one_hot": True}, "keras", "News", "LSTM on News, one-hot input", "it-one_hot"),
        ({"recurrent": "gru", "conv": False, "one_hot": True, "shuffle_words": True}, "sample", "News",
         "GRU on News, one-hot input, words shuffled", "it-gru-no_conv-one_hot-shuffled-sample"),
    ],
)  # fmt: skip
def test_title_and_files_name_the_variant_and_the_data(
    changed: dict[str, object], kind: str, data: str, title: str, name: str
) -> None:
    assert variants.title(options_of(**changed), data) == title
    assert variants.file_name(options_of(**changed), Corpus(data, kind, [], [])) == name


def test_no_two_runs_have_the_same_files_whatever_the_data_are_called() -> None:
    corpora = [Corpus("News", "keras", [], []), Corpus("News", "sample", [], [])]
    for stem in ("reviews", "keras", "sample", *LAYERS, "no_conv", "one-hot", "shuffled", "gru-shuffled"):
        corpora.append(Corpus(f"{stem}.csv", "own", [], []))
    names = [
        variants.file_name(options_of(recurrent=recurrent, conv=conv, one_hot=one_hot, shuffle_words=shuffled), corpus)
        for corpus in corpora
        for recurrent in LAYERS
        for conv in (True, False)
        for one_hot in (True, False)
        for shuffled in (True, False)
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("script", "arguments", "name"),
    [
        ("reuters_lstm", ["--recurrent", "gru", "--shuffle-words"], "reuters_lstm-gru-shuffled-sample"),
        ("imdb_cnn_lstm", ["--recurrent", "none", "--no-conv"], "imdb_cnn_lstm-none-no_conv-sample"),
    ],
)
def test_a_variant_goes_into_its_own_files_and_another_is_not_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, arguments: list[str], name: str
) -> None:
    arguments = [*arguments, "--data", "sample", "--epochs", "1", "--output-dir", tmp_path]
    other = tmp_path / f"{script}-sample.keras"
    other.touch()
    assert tiny.run_here(script, *arguments, "--resume") == 2
    said = capsys.readouterr().err
    assert f"cannot resume: there is no {tmp_path / name}.keras, only {other.name}" in said
    assert tiny.run_here(script, *arguments) == 0
    assert capsys.readouterr().err == ""
    assert {path.name for path in tmp_path.iterdir()} == {other.name, f"{name}.csv", f"{name}.png", f"{name}.keras"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments", "low", "high"),
    [
        ("imdb_cnn_lstm", ["--recurrent", "none", "--no-conv"], 0.45, 0.55),
        ("reuters_lstm", ["--recurrent", "none"], 0.35, 0.55),
        ("reuters_lstm", ["--recurrent", "simple_rnn"], 0, 0.35),
    ],
)
def test_what_the_sample_is_for(
    run_script: Run, tmp_path: Path, script: str, arguments: list[str], low: float, high: float
) -> None:
    """Without order, or without a long memory, little is left of the 95 % and more of the article's networks."""
    done = run_script(script, *arguments, "--data", "sample", "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    (table,) = tmp_path.glob("*.csv")
    last = table.read_text().splitlines()[-1]
    assert low < float(last.split(",")[-1]) < high


@pytest.mark.parametrize(
    ("script", "recurrent", "arguments"),
    [("reuters_lstm", "lstm", []), ("reuters_lstm", "none", []), ("imdb_cnn_lstm", "gru", ["--no-conv"])],
)
def test_one_hot_words_with_any_other_variant(script: str, recurrent: str, arguments: list[str]) -> None:
    """Without `build`, which keeps its networks: one of these has 100 MB."""
    varied = tiny.build(script, "--one-hot", "--recurrent", recurrent, *arguments)
    keras.utils.set_random_seed(1)
    assert_the_same(varied, one_by_one(script, recurrent, conv=False, one_hot=True))
    words = np.array([[0, 1, 2, 999]])
    np.testing.assert_array_equal(varied.layers[0](words), np.eye(varied.layers[0].input_dim)[words])


@pytest.mark.slow
def test_one_hot_words_are_not_trained_and_a_run_with_them_is_resumed_and_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--one-hot", "--data", "sample", "--output-dir"]
    one, other = (tmp_path / name / "reuters_lstm-one_hot-sample" for name in ("at once", "resumed"))
    assert tiny.run_here("reuters_lstm", *arguments, one.parent, "--epochs", "2") == 0
    assert tiny.run_here("reuters_lstm", *arguments, other.parent, "--epochs", "1") == 0
    assert tiny.run_here("reuters_lstm", *arguments, other.parent, "--epochs", "2", "--resume") == 0
    assert one.with_suffix(".csv").read_bytes() == other.with_suffix(".csv").read_bytes()
    model = keras.models.load_model(other.with_suffix(".keras"))
    words, *others = model.get_weights()
    np.testing.assert_array_equal(words, np.eye(1000))
    at_the_start = build("reuters_lstm", "--one-hot").get_weights()[1:]
    assert all((trained != start).any() for trained, start in zip(others, at_the_start, strict=True))

    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    network = open_network(other.with_suffix(".keras"))
    (found,) = answer(network, ["this report is about wheat"])
    outputs = model.predict(pad([found.numbers], 100), verbose=0)[0]
    assert found.verdict.startswith(f"{network.labels[outputs.argmax()]} {outputs.max():.4f}")
