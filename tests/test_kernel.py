"""TensorFlow's own LSTM against Keras's loop: the same outputs, the same gradients, the same training."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from common.running import kernel
from common.running.kernel import quicken
from tests.tiny import build

BOTH = pytest.mark.parametrize("script", ["reuters_lstm", "imdb_cnn_lstm"])


def is_quick(layer: keras.Layer) -> bool:
    return "inner_loop" in vars(layer)


def random_weights(model: keras.Model) -> keras.Model:
    """Give it weights of which none is zero: Keras starts the biases with zeros and ones."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=weights.shape, scale=0.5) for weights in model.get_weights()])
    return model


def outputs_and_gradients(model: keras.Model, inputs: list[tf.Tensor]) -> list[np.ndarray]:
    """Of a loss that depends on all outputs, with respect to inputs and weights, as in a training's graph."""

    @tf.function
    def run(inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.nest.flatten(model(inputs if len(inputs) > 1 else inputs[0]))
            loss = tf.add_n([tf.reduce_sum(tf.sin(3 * output)) for output in outputs])
        return outputs + tape.gradient(loss, inputs + [weights.value for weights in model.trainable_variables])

    return [array.numpy() for array in run(inputs)]


@pytest.mark.parametrize(
    ("shape", "units", "settings"),
    [
        ((6, 7, 5), 3, {}),
        ((5, 7, 4), 6, {"return_sequences": True}),
        ((1, 4, 3), 2, {"go_backwards": True}),  # one text: an empty half
        ((3, 1, 2), 5, {}),  # one word
        ((2, 3, 1), 1, {"return_sequences": True, "go_backwards": True}),
    ],
)
@pytest.mark.parametrize("wrap", [lambda layer: layer, layers.Bidirectional], ids=["alone", "bidirectional"])
def test_outputs_and_gradients_are_those_of_keras(shape: tuple, units: int, settings: dict, wrap: Callable) -> None:
    if wrap is layers.Bidirectional:
        settings = settings | {"go_backwards": False}
    inputs = [tf.constant(np.random.default_rng(2).normal(size=shape), tf.float32)]
    plain, quick = (
        random_weights(keras.Sequential([keras.Input(shape[1:]), wrap(layers.LSTM(units, **settings))]))
        for _ in range(2)
    )
    quicken(quick)
    for one, other in zip(outputs_and_gradients(plain, inputs), outputs_and_gradients(quick, inputs), strict=True):
        np.testing.assert_allclose(other, one, atol=5e-6)


def test_the_states_that_a_layer_takes_and_returns_too() -> None:
    def make() -> keras.Model:
        inputs, h, c = keras.Input((5, 2)), keras.Input((4,)), keras.Input((4,))
        outputs = layers.LSTM(4, return_sequences=True, return_state=True)(inputs, initial_state=[h, c])
        return random_weights(keras.Model([inputs, h, c], outputs))

    rng = np.random.default_rng(2)
    inputs = [tf.constant(rng.normal(size=size), tf.float32) for size in ((3, 5, 2), (3, 4), (3, 4))]
    plain, quick = make(), make()
    quicken(quick)
    for one, other in zip(outputs_and_gradients(plain, inputs), outputs_and_gradients(quick, inputs), strict=True):
        np.testing.assert_allclose(other, one, atol=5e-6)


@BOTH
def test_a_training_goes_as_with_keras(script: str) -> None:
    """The same in the first batch to 1e-6, in the first epoch to 1e-4: the digits differ as on another processor."""
    x = np.random.default_rng(1).integers(0, 1000, (250, 100))
    histories = []
    for change in (lambda model: None, quicken):
        model = build(script)
        y = np.eye(46)[x[:, -1] % 46] if script == "reuters_lstm" else x[:, -1] % 2
        change(model)
        first = model.fit(x[:100], y[:100], batch_size=100, shuffle=False, verbose=0).history
        whole = model.fit(x, y, batch_size=100, shuffle=False, validation_data=(x, y), verbose=0).history
        assert any(map(is_quick, model.layers)) == (change is quicken)
        histories.append((first, whole))
    (first, whole), (first_quick, whole_quick) = histories
    assert first_quick["loss"] == pytest.approx(first["loss"], rel=1e-6)
    for column in ("loss", "val_loss"):
        assert whole_quick[column] == pytest.approx(whole[column], rel=1e-4)


@pytest.mark.parametrize(("num_texts", "batch_size"), [(1, 100), (3, 1), (5, 2), (101, 100)])
def test_a_last_batch_of_one_text(num_texts: int, batch_size: int) -> None:
    x = np.random.default_rng(1).normal(size=(num_texts, 6, 3))
    trained = []
    for change in (lambda model: None, quicken):
        model = random_weights(keras.Sequential([keras.Input((6, 3)), layers.LSTM(4), layers.Dense(1)]))
        change(model)
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1))
        model.fit(x, x[:, 0, :1], batch_size=batch_size, shuffle=False, verbose=0)
        trained.append(model.get_weights())
    for one, other in zip(*trained, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Skipping variable loading")
def test_the_file_of_a_quick_network_is_opened_by_keras_alone(tmp_path: Path) -> None:
    model = build("imdb_cnn_lstm")
    quicken(model)
    x = np.random.default_rng(1).integers(0, 5000, (7, 100))
    model.save(tmp_path / "it.keras")
    opened = keras.models.load_model(tmp_path / "it.keras")
    assert not any(map(is_quick, opened.layers))
    np.testing.assert_allclose(opened.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


class OwnLSTM(layers.LSTM):
    """What a learner may change in it is not known."""


@pytest.mark.parametrize(
    "layer",
    [
        layers.LSTM(2, activation="relu"),
        layers.LSTM(2, recurrent_activation="hard_sigmoid"),
        layers.LSTM(2, use_bias=False),
        layers.LSTM(2, dropout=0.5),
        layers.LSTM(2, recurrent_dropout=0.5),
        layers.LSTM(2, unroll=True),
        layers.LSTM(2, dtype="float16"),
        layers.GRU(2),
        OwnLSTM(2),
    ],
    ids=lambda layer: layer.name,
)
def test_every_other_layer_keeps_the_loop_of_keras(layer: keras.Layer) -> None:
    model = keras.Sequential([keras.Input((3, 2)), layer])
    quicken(model)
    assert not is_quick(layer)


@pytest.mark.parametrize(("length", "mask_zero"), [(4, True), (None, False)])
def test_masked_words_and_texts_of_any_length_are_read_by_the_loop_of_keras(
    length: int | None, mask_zero: bool
) -> None:
    model = keras.Sequential([keras.Input((length,)), layers.Embedding(7, 3, mask_zero=mask_zero), layers.LSTM(2)])
    random_weights(model)
    x = np.array([[0, 0, 3, 4], [0, 5, 0, 6]], "int32")
    expected = model(x).numpy()
    quicken(model)
    assert is_quick(model.layers[-1])
    in_graph = tf.function(model, input_signature=[tf.TensorSpec([None, length], tf.int32)])
    np.testing.assert_allclose(in_graph(x), expected, atol=1e-6)


def test_a_model_that_xla_compiles_keeps_the_loop_of_keras() -> None:
    """It does not have the operation."""
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(2)])
    model.compile(jit_compile=True)
    quicken(model)
    assert not is_quick(model.layers[0])


def test_on_a_gpu_and_without_the_operation_the_layer_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """There Keras has cuDNN; and a later TensorFlow may lack the operation."""
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(2)])
    with monkeypatch.context() as patch:
        patch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
        quicken(model)
    with monkeypatch.context() as patch:
        patch.delattr(tf.raw_ops, "BlockLSTMGradV2")
        quicken(model)
    with monkeypatch.context() as patch:
        patch.setattr(keras.backend, "backend", lambda: "jax")
        quicken(model)
    assert not is_quick(model.layers[0])
    quicken(model)
    assert is_quick(model.layers[0])  # this TensorFlow has it


@pytest.mark.upstream
def test_the_gradient_that_tensorflow_registers_is_wrong() -> None:
    """When this fails, TensorFlow has mended it, and `_block` needs no gradient of its own."""
    rng = np.random.default_rng(1)
    x, h, c, w, b = (tf.constant(rng.normal(size=size), tf.float32) for size in ((4, 2, 3), (2, 2), (2, 2), (5, 8), 8))
    settings = {"seq_len_max": tf.constant(4, tf.int64), "cs_prev": c, "h_prev": h, "w": w, "b": b}
    settings |= {name: tf.zeros([2]) for name in ("wci", "wcf", "wco")} | {"cell_clip": 0.0, "use_peephole": False}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        registered = tf.raw_ops.BlockLSTMV2(x=x, **settings).h
        ours = kernel._block(x, h, c, w, b)[0]
    np.testing.assert_array_equal(registered, ours)
    assert np.abs(tape.gradient(registered, x) - tape.gradient(ours, x)).max() > 1e-2
