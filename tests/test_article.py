"""The scripts train what the article trains: the same arrays, the same first weights, the same loss."""

import keras
import numpy as np
import pytest
from keras import layers

from common.arrays import batches, one_hot, pad
from common.texts import sample
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


ARTICLE = {"reuters_lstm": article_reuters, "imdb_cnn_lstm": article_imdb}
LOSS = {"reuters_lstm": "categorical_crossentropy", "imdb_cnn_lstm": "binary_crossentropy"}


@pytest.mark.parametrize(("script", "parameters"), [("reuters_lstm", 185_046), ("imdb_cnn_lstm", 598_165)])
def test_before_the_training(script: str, parameters: int) -> None:
    """The same first weights and answers, the same loss and optimizer."""
    keras.utils.set_random_seed(1)
    article = ARTICLE[script]()
    article.build((None, 100))
    ours = build(script)
    assert ours.count_params() == parameters
    for one, other in zip(article.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x = np.random.default_rng(1).integers(0, 1000, (5, 100))
    np.testing.assert_array_equal(ours(x), article(x))
    assert ours.loss == LOSS[script]
    adam = keras.optimizers.Adam(name=ours.optimizer.name)
    assert ours.optimizer.get_config() == adam.get_config()


def one_epoch(script: str, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> None:
    """Train both for an epoch without shuffling, and compare what comes out."""
    keras.utils.set_random_seed(1)
    article = ARTICLE[script]()
    article.compile(loss=LOSS[script], optimizer="adam", metrics=["accuracy"])
    expected = article.fit(x, y, batch_size=100, shuffle=False, validation_data=(x_test, y_test), verbose=0).history
    ours = build(script)
    test_batches = batches(x_test, y_test)
    history = ours.fit(batches(x, y, 100), shuffle=False, validation_data=test_batches, verbose=0).history
    assert history["loss"] == expected["loss"]
    assert history["accuracy"] == expected["accuracy"]
    assert history["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-5)  # other batches, another sum


@pytest.mark.parametrize("script", [pytest.param("reuters_lstm", marks=pytest.mark.slow), "imdb_cnn_lstm"])
def test_one_epoch_gives_the_same_loss_on_the_sample(script: str) -> None:
    if script == "reuters_lstm":
        (x, y), (x_test, y_test), _ = sample.load_news(num_words=1000, test_split=0.2)
        y, y_test = one_hot(y, 46), one_hot(y_test, 46)
    else:
        (x, y), (x_test, y_test), _ = sample.load_reviews(num_words=5000)
    one_epoch(script, pad(x, 100)[:250], y[:250], pad(x_test, 100)[:250], y_test[:250])


@pytest.mark.slow
@pytest.mark.real_data("reuters.npz", "imdb.npz")
@pytest.mark.parametrize("script", ARTICLE)
def test_arrays_and_one_epoch_on_the_real_data(script: str) -> None:
    if script == "reuters_lstm":
        (x, y), (x_test, y_test) = keras.datasets.reuters.load_data(num_words=1000, test_split=0.2)
        expected = keras.utils.to_categorical(y), keras.utils.to_categorical(y_test)
        y, y_test = one_hot(y, 46), one_hot(y_test, 46)
    else:
        (x, y), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=5000)
        expected = y, y_test
    expected += tuple(keras.utils.pad_sequences(texts, maxlen=100) for texts in (x, x_test))
    x, x_test = pad(x, 100), pad(x_test, 100)
    for one, other in zip(expected, (y, y_test, x, x_test), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    one_epoch(script, x, y, x_test, y_test)
