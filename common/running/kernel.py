"""TensorFlow's own LSTM, in the place of the loop that Keras runs on a processor.

Without a GPU Keras runs an LSTM as a loop of some twenty small operations a word. TensorFlow has the whole layer as one
operation, `BlockLSTMV2`, with the gates in Keras's order, and Keras does not use it. The operation runs on one thread:
two halves of a batch, as two operations, take two, and give the same on any number of cores. Whole runs of Reuters took
88 and 99 s with it and 112 and 120 s without, in turn on two cores of an AMD EPYC with AVX-512; IMDB, whose LSTM reads
24 steps only, 65 to 76 s with it and 65 to 72 s without, but 0.86 to 0.93 of the processor's time.

TensorFlow's registered gradient of it is wrong: `tensorflow/python/ops/rnn_grad.py` calls the gradient of the first
version, whose gates have another order. So the right one is called here.
(`python -m pytest --upstream tests/test_kernel.py` shows that, and that this agrees with Keras's loop.)
"""

from collections.abc import Iterator
from functools import partial

import keras
import tensorflow as tf
from keras import layers


def quicken(model: keras.Model) -> None:
    """Have the model's LSTM layers, also those in a `Bidirectional`, run as TensorFlow's operation where they can.

    Where they cannot (another backend, a GPU, which has an LSTM of its own, XLA, other settings than these, a model
    within the model) Keras's loop stays. The layer computes the same, and its file does not change; only the gradient
    of its gradient cannot be had.
    """
    if keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU"):
        return
    if getattr(model, "jit_compile", False):  # XLA does not have the operation
        return
    if not hasattr(tf.raw_ops, "BlockLSTMV2") or not hasattr(tf.raw_ops, "BlockLSTMGradV2"):
        return
    for layer in _layers(model):
        if _is_plain(layer):
            layer.inner_loop = partial(_inner_loop, layer)


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, layers.Bidirectional):
            yield from (layer.forward_layer, layer.backward_layer)
        else:
            yield layer


def _is_plain(layer: keras.Layer) -> bool:
    """Return whether the layer is an LSTM, and no subclass, with the settings that the operation has."""
    return (
        type(layer) is layers.LSTM
        and layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
        and not layer.dropout
        and not layer.recurrent_dropout
        and not layer.unroll
        and layer.compute_dtype == "float32"
    )


def _inner_loop(
    layer: layers.LSTM, sequences: tf.Tensor, initial_state: list[tf.Tensor], mask: object, training: bool = False
) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """Return what `LSTM.inner_loop` does: the last output, all outputs, and the last output and cell state.

    Of shapes `(texts, units)`, `(texts, words, units)`, or `(texts, 1, units)` without `return_sequences`, and twice
    `(texts, units)`.
    """
    if mask is not None or sequences.shape[1] is None:
        return layers.LSTM.inner_loop(layer, sequences, initial_state, mask, training)
    weights = tf.concat([layer.cell.kernel, layer.cell.recurrent_kernel], axis=0)
    bias = tf.convert_to_tensor(layer.cell.bias)
    inputs = tf.transpose(sequences, [1, 0, 2])  # the words first
    if layer.go_backwards:
        inputs = tf.reverse(inputs, axis=[0])
    num_texts = tf.shape(inputs)[1]
    # Empty texts make the halves equal: an empty half has garbage as its gradient, and of odd ones TensorFlow warns.
    num_empty = -num_texts % 4
    halves = zip(
        tf.split(tf.pad(inputs, [[0, 0], [0, num_empty], [0, 0]]), 2, axis=1),
        tf.split(tf.pad(initial_state[0], [[0, num_empty], [0, 0]]), 2),
        tf.split(tf.pad(initial_state[1], [[0, num_empty], [0, 0]]), 2),
        strict=True,
    )
    (h_1, c_1), (h_2, c_2) = (_block(*half, weights, bias) for half in halves)
    last = tf.concat([h_1[-1], h_2[-1]], axis=0)[:num_texts]
    last_cell_state = tf.concat([c_1[-1], c_2[-1]], axis=0)[:num_texts]
    outputs = last[:, None]
    if layer.return_sequences:
        outputs = tf.transpose(tf.concat([h_1, h_2], axis=1)[:, :num_texts], [1, 0, 2])
    return last, outputs, [last, last_cell_state]


@tf.custom_gradient
def _block(
    inputs: tf.Tensor, first_h: tf.Tensor, first_c: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], object]:
    """Return outputs and cell states of all words, each `(words, texts, units)`, and their gradient.

    `inputs` are `(words, texts, numbers)`, the first states `(texts, units)`, `weights` `(numbers + units, 4 * units)`.
    """
    no_peephole = tf.zeros([first_h.shape[-1]])
    given = {
        "seq_len_max": tf.constant(inputs.shape[0], tf.int64),
        "x": inputs,
        "cs_prev": first_c,
        "h_prev": first_h,
        "w": weights,
        "wci": no_peephole,
        "wcf": no_peephole,
        "wco": no_peephole,
        "b": bias,
        "use_peephole": False,
    }
    found = tf.raw_ops.BlockLSTMV2(**given, cell_clip=0.0)
    kept = {name: getattr(found, name) for name in ("i", "cs", "f", "o", "ci", "co", "h")}

    def gradient(h_grad: tf.Tensor, cs_grad: tf.Tensor) -> tuple[tf.Tensor, ...]:
        of = tf.raw_ops.BlockLSTMGradV2(**given, **kept, cs_grad=cs_grad, h_grad=h_grad)
        return of.x_grad, of.h_prev_grad, of.cs_prev_grad, of.w_grad, of.b_grad

    return (found.h, found.cs), gradient
