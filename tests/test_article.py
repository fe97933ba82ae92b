"""The scripts train what the article trains: the same arrays, the same first weights, the same loss."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from common import sample
from common.arrays import batches, one_hot, pad
from tests.tiny import build


def article_reuters() -> keras.Sequential:
    """The article's first model, built layer by layer and without an input, as there."""
    model = keras.Sequential()
    model.add(layers.Embedding(1000, 100))
    model.add(layers.LSTM(100, activation="tanh"))
    model.add(layers.Dense(46, activation="softmax"))
    return model


def article_imdb() -> keras.Sequential:
    """The article's second model."""
    model = keras.Sequential()
    model.add(layers.Embedding(5000, 100))
    model.add(layers.Dropout(0.5))
    model.add(layers.Conv1D(64, 5, padding="valid", activation="relu", strides=1))
    model.add(layers.MaxPooling1D(pool_size=4))
    model.add(layers.LSTM(100, activation="tanh"))
    model.add(layers.Dense(1))
    model.add(layers.Activation("sigmoid"))
    return model


MODELS = pytest.mark.parametrize(
    ("script", "build_article", "parameters"),
    [("reuters_lstm", article_reuters, 185_046), ("imdb_cnn_lstm", article_imdb, 598_165)],
)


@MODELS
def test_parameters_and_first_weights(script: str, build_article: Callable, parameters: int) -> None:
    keras.utils.set_random_seed(1)
    article = build_article()
    article.build((None, 100))
    ours = build(script)
    assert ours.count_params() == parameters
    assert [layer.output.shape for layer in ours.layers] == [layer.output.shape for layer in article.layers]
    for one, other in zip(article.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def one_epoch(script: str, build_article: Callable, arrays: tuple, loss: str) -> None:
    """Train both for an epoch without shuffling, and compare what comes out."""
    x, y, x_test, y_test = arrays
    keras.utils.set_random_seed(1)
    article = build_article()
    article.compile(loss=loss, optimizer="adam", metrics=["accuracy"])
    expected = article.fit(x, y, batch_size=100, shuffle=False, validation_data=(x_test, y_test), verbose=0).history
    ours = build(script)
    test_batches = batches(x_test, y_test)
    history = ours.fit(batches(x, y, 100), shuffle=False, validation_data=test_batches, verbose=0).history
    assert history["loss"] == expected["loss"]
    assert history["accuracy"] == expected["accuracy"]
    assert history["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-5)  # other batches, another sum


@MODELS
def test_one_epoch_gives_the_same_loss_on_the_sample(script: str, build_article: Callable, parameters: int) -> None:
    if script == "reuters_lstm":
        (x, y), (x_test, y_test), _ = sample.load_news(num_words=1000, test_split=0.2)
        y, y_test, loss = one_hot(y, 46), one_hot(y_test, 46), "categorical_crossentropy"
    else:
        (x, y), (x_test, y_test), _ = sample.load_reviews(num_words=5000)
        loss = "binary_crossentropy"
    one_epoch(script, build_article, (pad(x, 100)[:250], y[:250], pad(x_test, 100)[:250], y_test[:250]), loss)


def test_padding_and_encoding_are_those_of_the_article() -> None:
    (x, y), *_ = sample.load_news(num_words=1000, test_split=0.2)
    np.testing.assert_array_equal(pad(x, 100), keras.preprocessing.sequence.pad_sequences(x, maxlen=100), strict=True)
    np.testing.assert_array_equal(one_hot(y, 46), keras.utils.to_categorical(y), strict=True)


@pytest.mark.slow
@pytest.mark.real_data("reuters.npz")
def test_one_epoch_gives_the_same_loss_on_reuters() -> None:
    (x, y), (x_test, y_test) = keras.datasets.reuters.load_data(num_words=1000, test_split=0.2)
    expected = keras.utils.pad_sequences(x, maxlen=100), keras.utils.to_categorical(y)
    expected += keras.utils.pad_sequences(x_test, maxlen=100), keras.utils.to_categorical(y_test)
    arrays = pad(x, 100), one_hot(y, 46), pad(x_test, 100), one_hot(y_test, 46)
    for one, other in zip(expected, arrays, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    one_epoch("reuters_lstm", article_reuters, arrays, "categorical_crossentropy")


@pytest.mark.slow
@pytest.mark.real_data("imdb.npz")
def test_one_epoch_gives_the_same_loss_on_imdb() -> None:
    (x, y), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=5000)
    arrays = pad(x, 100), y, pad(x_test, 100), y_test
    for texts, padded in ((x, arrays[0]), (x_test, arrays[2])):
        np.testing.assert_array_equal(keras.utils.pad_sequences(texts, maxlen=100), padded, strict=True)
    one_epoch("imdb_cnn_lstm", article_imdb, arrays, "binary_crossentropy")
