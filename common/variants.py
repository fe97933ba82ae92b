"""Variants of the experiments, which the article does not have: each takes away what one of its claims is about."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from common.corpus import Corpus

RECURRENT = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "Simple RNN", "none": "Averaging"}  # as titles name them


def add_options(parser: ArgumentParser, has_conv: bool) -> None:
    """Add the options of the variants; `--no-conv` only where the network has a convolution."""
    add = parser.add_argument_group("variants of the experiment, which go into files of their own").add_argument
    add("--recurrent", choices=RECURRENT, default="lstm",
        help="the recurrent layer; none: an average, which cannot see order (default: %(default)s)")  # fmt: skip
    add("--shuffle-words", action="store_true",
        help="each text's words in random order, for training and test (default: in their own order)")  # fmt: skip
    add("--one-hot", action="store_true",
        help="each word as zeros and a single one (default: as numbers that an embedding learns)")  # fmt: skip
    parser.set_defaults(conv=None)
    if has_conv:
        add("--no-conv", dest="conv", action="store_false", default=True,
            help="the recurrent layer straight on the word vectors (default: on convolution and pooling)")  # fmt: skip


def file_name(options: Namespace, corpus: Corpus) -> str:
    """Return the stem of the files' names: "reuters_lstm", "reuters_lstm-gru-shuffled", "reuters_lstm-sample"."""
    parts = [options.script]
    if options.recurrent != "lstm":
        parts.append(options.recurrent)
    if options.conv is False:
        parts.append("no_conv")
    if options.one_hot:
        parts.append("one_hot")
    if options.shuffle_words:
        parts.append("shuffled")
    if corpus.kind == "sample":
        parts.append("sample")
    elif corpus.kind == "own":
        stem = Path(corpus.name).stem.replace("-", "_")
        is_a_variants = stem in (*RECURRENT, "no_conv", "one_hot", "shuffled", "sample")
        parts.append(f"{stem}_" if is_a_variants else stem)  # a run on "gru.csv" or "gru-a.csv" is not the GRU's
    return "-".join(parts)


def title(options: Namespace, corpus: str) -> str:
    """Return what is trained on what: "CNN and GRU on IMDB reviews, words shuffled"."""
    network = RECURRENT[options.recurrent]
    if options.conv:
        network = f"CNN and {network}"
    suffix = ""
    if options.one_hot:
        suffix += ", one-hot input"
    if options.shuffle_words:
        suffix += ", words shuffled"
    return f"{network} on {corpus}{suffix}"


def vary(model, x_train: np.ndarray, x_test: np.ndarray, options: Namespace) -> tuple:
    """Return network and texts of the variant that the options ask for: by default, all as they are.

    The model, not yet compiled, was built after `set_random_seed(options.seed)`: a variant's first weights are those of
    one that is built so from the start. The texts come from `pad`.
    """
    import keras  # not above: the command line is read before Keras is imported
    from keras import layers

    if options.shuffle_words:
        x_train = shuffle_words(x_train, options.seed)
        x_test = shuffle_words(x_test, options.seed)
    if options.recurrent == "lstm" and options.conv is not False and not options.one_hot:
        return model, x_train, x_test
    only_lstm = ("name", "recurrent_activation", "unit_forget_bias")  # the GRU has a recurrent activation, the same
    keras.utils.set_random_seed(options.seed)
    varied = keras.Sequential([keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)])
    for layer in model.layers:
        kind, config = type(layer), layer.get_config()
        if kind in (layers.Conv1D, layers.MaxPooling1D) and options.conv is False:
            continue
        if kind is layers.LSTM and options.recurrent == "none":
            kind, config = layers.GlobalAveragePooling1D, {}  # of the vectors: it cannot see their order
        elif kind is layers.LSTM and options.recurrent != "lstm":
            kind = {"gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[options.recurrent]
            config = {key: value for key, value in config.items() if key not in only_lstm}
        elif kind is layers.Embedding:
            # An average of word vectors leaves the padding out; all other layers read it, as in the article.
            config["mask_zero"] = options.recurrent == "none" and not options.conv
            if options.one_hot:  # the row of a word's number in the identity matrix is its one-hot vector
                config |= {"output_dim": layer.input_dim, "embeddings_initializer": "identity", "trainable": False}
        varied.add(kind.from_config(config))
    return varied, x_train, x_test


def shuffle_words(texts: np.ndarray, seed: int) -> np.ndarray:
    """Return the texts, `(n, length)`, each with its words in random order; padding (0) and start (1) stay in front."""
    places = np.random.default_rng(seed).random(texts.shape)
    places[texts <= 1] = -1
    return np.take_along_axis(texts, places.argsort(axis=1, kind="stable"), axis=1)
