"""Variants of the experiments, which the article does not have: each takes away what one of its claims is about."""

import re
from argparse import ArgumentParser, Namespace

import numpy as np

RECURRENT = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "Simple RNN", "none": "Averaging"}  # as titles name them


def add_options(parser: ArgumentParser, has_conv: bool) -> None:
    """Add the options of the variants; `--no-conv` only where the network has a convolution."""
    add = parser.add_argument_group("variants of the experiment, which go into files of their own").add_argument
    add("--recurrent", choices=RECURRENT, default="lstm",
        help="the recurrent layer; none: an average, which cannot see order (default: %(default)s)")  # fmt: skip
    add("--shuffle-words", action="store_true",
        help="each text's words in random order, for training and test (default: in their own order)")  # fmt: skip
    if has_conv:
        add("--no-conv", dest="conv", action="store_false",
            help="the recurrent layer straight on the word vectors (default: on convolution and pooling)")  # fmt: skip
    else:
        parser.set_defaults(conv=None)


def file_name(options: Namespace, source: str) -> str:
    """Return the stem of the files' names: "reuters_lstm", "reuters_lstm-gru-shuffled", "reuters_lstm-sample"."""
    parts = {
        options.recurrent: options.recurrent != "lstm",
        "no_conv": options.conv is False,
        "shuffled": options.shuffle_words,
        "sample": source == "sample",
    }
    return "-".join([options.script, *(part for part, named in parts.items() if named)])


def title(options: Namespace, corpus: str) -> str:
    """Return what is trained on what: "CNN and GRU on IMDB reviews, words shuffled"."""
    network = f"CNN and {RECURRENT[options.recurrent]}" if options.conv else RECURRENT[options.recurrent]
    return f"{network} on {corpus}" + ", words shuffled" * options.shuffle_words


def label(name: str) -> str:
    """Return what a reader calls the variant whose files have this name: "CNN and GRU, words shuffled, on the sample".

    Args:
        name: from `file_name`, or with the epochs in it, as in `plots/reference`; any other is returned as it is.
    """
    parts = "|".join(RECURRENT)
    found = re.fullmatch(
        rf"(reuters|imdb_cnn)_lstm(?:-({parts}))?(-no_conv)?(-shuffled)?(?:-(\d+)_epochs)?(-sample)?", name
    )
    if not found:
        return name
    script, recurrent, no_conv, shuffled, epochs, sample = found.groups()
    conv = script == "imdb_cnn" and not no_conv
    network = {"none": "averaged", "simple_rnn": "simple RNN"}.get(recurrent, (recurrent or "lstm").upper())
    if conv:
        network = f"CNN, {network}" if recurrent == "none" else f"CNN and {network}"
    suffixes = {
        "no order": recurrent == "none" and not conv,
        "without convolution": no_conv,
        "words shuffled": shuffled,
        f"{epochs} epochs": epochs,
        "on the sample": sample,
    }
    return ", ".join([network, *(suffix for suffix, said in suffixes.items() if said)])


def vary(model, x_train: np.ndarray, x_test: np.ndarray, options: Namespace) -> tuple:
    """Return the network and the texts of the variant that the options ask for: by default, all as they are.

    Args:
        model: a `keras.Sequential`, built after `keras.utils.set_random_seed(options.seed)` and not yet compiled.
        x_train, x_test: word numbers of shape `(n, length)`, from `pad`.
        options: from `read_options`.

    Returns:
        `(model, x_train, x_test)`. The network's first weights are those of one that is built so from the start.
    """
    if options.recurrent != "lstm" or options.conv is False:
        model = _vary_layers(model, options)
    if options.shuffle_words:
        x_train, x_test = (shuffle_words(texts, options.seed) for texts in (x_train, x_test))
    return model, x_train, x_test


def _vary_layers(model, options: Namespace):
    """Build the network anew from its layers' configurations, with another recurrent layer or without convolution."""
    import keras  # not above: the command line is read before Keras is imported
    from keras import layers

    recurrent = {"gru": layers.GRU, "simple_rnn": layers.SimpleRNN}
    only_lstm = ("name", "recurrent_activation", "unit_forget_bias")  # the GRU has a recurrent activation, the same
    keras.utils.set_random_seed(options.seed)
    varied = keras.Sequential([keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)])
    for layer in model.layers:
        config = layer.get_config()
        if isinstance(layer, layers.Conv1D | layers.MaxPooling1D) and options.conv is False:
            continue
        if isinstance(layer, layers.LSTM) and options.recurrent == "none":
            varied.add(layers.GlobalAveragePooling1D())  # of the vectors: it cannot see their order
        elif isinstance(layer, layers.LSTM) and options.recurrent != "lstm":
            shared = {key: value for key, value in config.items() if key not in only_lstm}
            varied.add(recurrent[options.recurrent].from_config(shared))
        else:
            if isinstance(layer, layers.Embedding):
                # An average of word vectors leaves the padding out; all other layers read it, as in the article.
                config["mask_zero"] = options.recurrent == "none" and not options.conv
            varied.add(type(layer).from_config(config))
    return varied


def shuffle_words(texts: np.ndarray, seed: int) -> np.ndarray:
    """Put each text's words in a random order; padding (0) and start marker (1), in front, stay where they are.

    Args:
        texts: word numbers of shape `(n, length)`, from `pad`.
        seed: determines all the orders.

    Returns:
        New array of the same shape and type, each row with the same numbers.
    """
    places = np.random.default_rng(seed).random(texts.shape)
    places[texts <= 1] = -1
    return np.take_along_axis(texts, places.argsort(axis=1, kind="stable"), axis=1)
