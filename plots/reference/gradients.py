"""How strongly the loss depends on each word: the forgetting of a recurrent layer, as a gradient."""

import keras
import numpy as np
import tensorflow as tf

MOMENTS = (0, 1, 5, 20)  # finished epochs at which it is measured
NUM_TEXTS = 100  # at least so many texts are averaged over
HEADER = ("run", "epoch", "texts", *range(100))  # then the distances from the last word


class Snapshots(keras.callbacks.Callback):
    """Callback that keeps the weights as they are at `MOMENTS`, to be measured when the training is over."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[int, list[np.ndarray]] = {}

    def on_train_begin(self, logs: object = None) -> None:
        self.weights[0] = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        if epoch + 1 in MOMENTS:
            self.weights[epoch + 1] = self.model.get_weights()


def long_texts(x: np.ndarray) -> tuple[np.ndarray, int]:
    """Choose the texts that are averaged over.

    Args:
        x: word numbers of shape `(n, length)`, from `pad`.

    Returns:
        The rows of the texts that have a word in each of the `length` places or, if those are fewer than 100, of the
        100 longest; and how many words the shortest of them has. The start marker is no word.
    """
    num_words = (x > 1).sum(axis=1)
    rows = np.flatnonzero(num_words == x.shape[1])
    if len(rows) < NUM_TEXTS:
        rows = np.sort((-num_words).argsort(kind="stable")[:NUM_TEXTS])
    return rows, int(num_words[rows].min())


def gradient_norms(model: keras.Sequential, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how strongly each text's loss depends on each of its words.

    Args:
        model: an embedding and what reads it, with a softmax at the end.
        x: word numbers of shape `(n, length)`.
        y: one-hot topics of shape `(n, topics)`.

    Returns:
        Array of shape `(n, length)`: the Euclidean norm of the gradient of the text's cross-entropy with respect to
        the word's vector, which is what the embedding gives out.
    """
    embedding, *others = model.layers
    vectors = embedding(x)
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        outputs = vectors
        for layer in others:
            outputs = layer(outputs)
        # Of a sum over texts: the gradient with respect to a word is that of its own text's loss.
        loss = tf.reduce_sum(keras.losses.categorical_crossentropy(y, outputs))
    # In 64 bits: the squares of what is left after 100 words are too small for 32.
    return np.linalg.norm(tape.gradient(loss, vectors).numpy().astype(np.float64), axis=-1)


def rows(model: keras.Sequential, weights: dict[int, list[np.ndarray]], test_batches: tf.data.Dataset) -> list[tuple]:
    """Measure the network as it was at each of the moments.

    Args:
        model: the trained network; it has its own weights again in the end.
        weights: from `Snapshots`.
        test_batches: the test set.

    Returns:
        For each moment: the finished epochs, the number of texts that were averaged over, and the mean norm at the
        last word, the last but one, and so on.
    """
    x, y = (np.concatenate(arrays) for arrays in zip(*test_batches.as_numpy_iterator(), strict=True))
    chosen, num_words = long_texts(x)
    now, measured = model.get_weights(), []
    for epoch, then in weights.items():
        model.set_weights(then)
        norms = np.concatenate([gradient_norms(model, x[part], y[part]) for part in np.array_split(chosen, 10)])
        means = norms.mean(axis=0)[::-1][:num_words]
        measured.append((epoch, len(chosen), *(f"{mean:.4g}" for mean in means), *[""] * (x.shape[1] - num_words)))
    model.set_weights(now)
    return measured
