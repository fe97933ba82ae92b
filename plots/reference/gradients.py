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
    """Return the rows of the texts that are averaged over, and how many words the shortest of them has.

    `x` are the word numbers, `(texts, length)`, from `pad`. The texts are those with a word in each place or, if those
    are fewer than 100, the 100 longest. The start marker is no word.
    """
    num_words = (x > 1).sum(axis=1)
    rows = np.flatnonzero(num_words == x.shape[1])
    if len(rows) < NUM_TEXTS:
        rows = np.sort((-num_words).argsort(kind="stable")[:NUM_TEXTS])
    return rows, int(num_words[rows].min())


def gradient_norms(model: keras.Sequential, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how strongly each text's loss depends on each of its words, `(texts, length)`.

    That is the Euclidean norm of the gradient of the text's cross-entropy with respect to the word's vector, which is
    what the embedding gives out. `model` is an embedding and what reads it, with a softmax at the end, `x` the word
    numbers, `(texts, length)`, and `y` the one-hot topics.
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
    """Return a row for each moment: finished epochs, number of texts, mean norm at the last word, at the one before ...

    `weights` are those of `Snapshots`, `test_batches` the test set. The model has its own weights again in the end.
    """
    batches = list(test_batches.as_numpy_iterator())
    x = np.concatenate([texts for texts, _ in batches])
    y = np.concatenate([topics for _, topics in batches])
    chosen, num_words = long_texts(x)
    padding = [""] * (x.shape[1] - num_words)
    now = model.get_weights()
    measured = []
    for epoch, then in weights.items():
        model.set_weights(then)
        norms = np.concatenate([gradient_norms(model, x[part], y[part]) for part in np.array_split(chosen, 10)])
        means = norms.mean(axis=0)[::-1][:num_words]
        measured.append((epoch, len(chosen), *(f"{mean:.4g}" for mean in means), *padding))
    model.set_weights(now)
    return measured
