"""How strongly the loss depends on each word, as a gradient: what can vanish over the words of a text."""

import keras
import numpy as np
import tensorflow as tf

from common.arrays import one_hot

# Finished epochs at which it is measured, and what a reader calls that.
MOMENTS = {0: "before training", 1: "after epoch 1", 5: "after epoch 5", 20: "after epoch 20"}
NUM_TEXTS = 100  # at least so many texts are averaged over


def long_texts(x: np.ndarray) -> tuple:
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


def rows(models: list[keras.Sequential], train: tuple, test: tuple) -> list:
    """Return a row for each moment: finished epochs, number of texts, mean norm at the last word, at the one before ...

    The models are a network as it was at the `MOMENTS`; the test is word numbers, `(texts, length)`, and labels.
    """
    x, labels = test
    chosen, num_words = long_texts(x)
    y = one_hot(labels[chosen], models[0].output_shape[1])
    found = []
    for epoch, model in zip(MOMENTS, models, strict=True):
        means = gradient_norms(model, x[chosen], y).mean(axis=0)[::-1]
        cells = [f"{mean:.4g}" for mean in means[:num_words]] + [""] * (len(means) - num_words)
        found.append([epoch, len(chosen), *cells])
    return found
