"""Variants of the experiments, each a few edited lines of a script; they take away what one of the claims is about.

    python -m plots.reference.variants reuters_lstm-gru --data sample

writes the edited script, `reuters_lstm-gru.py`, to a directory of its own and runs it, with the script's options.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from common.running.process import signals_to

ROOT = Path(__file__).resolve().parent.parent.parent

# The edits: what stands in the script, and what stands there instead.
LSTM = 'layers.LSTM(LSTM_UNITS, activation="tanh")'
GRU = (LSTM, 'layers.GRU(LSTM_UNITS, activation="tanh")')
SIMPLE_RNN = (LSTM, 'layers.SimpleRNN(LSTM_UNITS, activation="tanh")')
# A plain RNN that keeps what it has read: Le, Jaitly and Hinton (2015, arXiv:1504.00941) start one with relu at the
# identity matrix. Ours starts a little below it: see `GAIN_100`.
GAIN = 0.97
IDENTITY = "recurrent_initializer=keras.initializers.Identity({})"
RELU_AND_IDENTITY = (LSTM, f'layers.SimpleRNN(LSTM_UNITS, activation="relu", {IDENTITY.format(GAIN)})')
# What of it does the work: one part of it alone, and its start with another gain.
ONLY_RELU = (LSTM, 'layers.SimpleRNN(LSTM_UNITS, activation="relu")')
ONLY_START = (LSTM, f'layers.SimpleRNN(LSTM_UNITS, activation="tanh", {IDENTITY.format(GAIN)})')
GAIN_90 = (LSTM, f'layers.SimpleRNN(LSTM_UNITS, activation="relu", {IDENTITY.format(0.9)})')
GAIN_100 = (LSTM, f'layers.SimpleRNN(LSTM_UNITS, activation="relu", {IDENTITY.format(1.0)})')
SLOW = ('optimizer="adam"', "optimizer=keras.optimizers.Adam(learning_rate=1e-4)")  # Keras's own is ten times that
CLIPPED = ('optimizer="adam"', "optimizer=keras.optimizers.Adam(clipnorm=1.0)")
AVERAGE = (LSTM, "layers.GlobalAveragePooling1D()")  # of the vectors: it cannot see their order
EMBEDDING = "layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE)"
# A layer then leaves the padding out. Without it, as in the article, it reads the padding.
MASKED = (EMBEDDING, "layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE, mask_zero=True)")
# The row of a word's number in the identity matrix is its one-hot vector.
ONE_HOT = (
    EMBEDDING,
    'layers.Embedding(VOCABULARY_SIZE, VOCABULARY_SIZE, embeddings_initializer="identity", trainable=False)',
)
NO_CONV = [
    ('model.add(layers.Conv1D(FILTERS, FILTER_LENGTH, padding="valid", activation="relu", strides=1))\n', ""),
    ("model.add(layers.MaxPooling1D(POOL_LENGTH))\n", ""),
]
IMPORT = "from common.curve import draw_curve\n"
IMPORTED = (IMPORT, f"{IMPORT}from plots.reference.variants import shuffle_words\n")


def _shuffled(length: str) -> list[tuple[str, str]]:
    """Return the edits that put each text's words in random order, where the script pads to this length."""
    edits = [IMPORTED]
    for x in ("x_train", "x_test"):
        edits.append((f"pad({x}, {length})", f"shuffle_words(pad({x}, {length}), run.seed)"))
    return edits


# By the name of the edited script, which begins with the script's: what a reader calls it, and the edits.
VARIANTS = {
    "reuters_lstm": ("LSTM", []),
    "reuters_lstm-gru": ("GRU", [GRU]),
    "reuters_lstm-simple_rnn": ("simple RNN", [SIMPLE_RNN]),
    "reuters_lstm-simple_rnn_identity": ("simple RNN, relu and identity", [RELU_AND_IDENTITY]),
    "reuters_lstm-simple_rnn_relu": ("simple RNN, relu alone", [ONLY_RELU]),
    "reuters_lstm-simple_rnn_start": ("simple RNN, identity alone", [ONLY_START]),
    "reuters_lstm-simple_rnn_start-slow": ("simple RNN, identity alone, learning rate 1e-4", [ONLY_START, SLOW]),
    "reuters_lstm-simple_rnn_identity_90": ("simple RNN, relu and identity, gain 0.9", [GAIN_90]),
    "reuters_lstm-simple_rnn_identity_100": ("simple RNN, relu and identity, gain 1", [GAIN_100]),
    "reuters_lstm-simple_rnn_identity-slow": (
        "simple RNN, relu and identity, learning rate 1e-4",
        [RELU_AND_IDENTITY, SLOW],
    ),
    "reuters_lstm-simple_rnn_identity-clipped": (
        "simple RNN, relu and identity, clipped",
        [RELU_AND_IDENTITY, CLIPPED],
    ),
    "reuters_lstm-simple_rnn-slow": ("simple RNN, learning rate 1e-4", [SIMPLE_RNN, SLOW]),
    "reuters_lstm-simple_rnn-clipped": ("simple RNN, clipped", [SIMPLE_RNN, CLIPPED]),
    "reuters_lstm-shuffled": ("LSTM, words shuffled", _shuffled("ARTICLE_LENGTH")),
    "reuters_lstm-none": ("averaged, no order", [AVERAGE, MASKED]),
    "reuters_lstm-none-unmasked": ("averaged with the padding", [AVERAGE]),
    "reuters_lstm-mask": ("LSTM, padding masked", [MASKED]),
    "reuters_lstm-one_hot": ("LSTM, one-hot input", [ONE_HOT]),
    "imdb_cnn_lstm": ("CNN and LSTM", []),
    "imdb_cnn_lstm-gru": ("CNN and GRU", [GRU]),
    "imdb_cnn_lstm-simple_rnn": ("CNN and simple RNN", [SIMPLE_RNN]),
    "imdb_cnn_lstm-shuffled": ("CNN and LSTM, words shuffled", _shuffled("REVIEW_LENGTH")),
    "imdb_cnn_lstm-none": ("CNN, averaged", [AVERAGE]),
    "imdb_cnn_lstm-no_conv": ("LSTM, without convolution", NO_CONV),
    "imdb_cnn_lstm-simple_rnn-no_conv": ("simple RNN, without convolution", [SIMPLE_RNN, *NO_CONV]),
    "imdb_cnn_lstm-simple_rnn_identity-no_conv": (
        "simple RNN, relu and identity, without convolution",
        [RELU_AND_IDENTITY, *NO_CONV],
    ),
    "imdb_cnn_lstm-simple_rnn_relu-no_conv": ("simple RNN, relu alone, without convolution", [ONLY_RELU, *NO_CONV]),
    "imdb_cnn_lstm-simple_rnn_start-no_conv": (
        "simple RNN, identity alone, without convolution",
        [ONLY_START, *NO_CONV],
    ),
    "imdb_cnn_lstm-none-no_conv": ("averaged, no order, without convolution", [AVERAGE, MASKED, *NO_CONV]),
    "imdb_cnn_lstm-one_hot": ("CNN and LSTM, one-hot input", [ONE_HOT]),
}
SHORTENED = ("reuters_lstm-simple_rnn", "reuters_lstm", "reuters_lstm-none")  # trained on the last words, too
LAST_WORDS = (10, 20, 50)  # of a text, instead of 100


def _shortened() -> dict:
    """Return the variants that are trained and tested on the last words of the texts only."""
    found = {}
    for name in SHORTENED:
        called, edits = VARIANTS[name]
        for words in LAST_WORDS:
            edit = ("ARTICLE_LENGTH = 100", f"ARTICLE_LENGTH = {words}")
            found[f"{name}-{words}_words"] = (f"{called}, last {words} words", [*edits, edit])
    return found


VARIANTS |= _shortened()


def main() -> None:
    """Run the variant that is named first, with the further options, and end with its exit status."""
    name, *options = sys.argv[1:] or [""]
    if name in ("-h", "--help"):
        print(f"{__doc__}\nThe variants: {', '.join(VARIANTS)}")
        return
    if name not in VARIANTS:
        print(f"Name a variant, and then the script's options. The variants: {', '.join(VARIANTS)}", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as directory:
        script = write_script(name, Path(directory))
        paths = os.pathsep.join([str(ROOT), *sys.path])  # where the script finds `common` and `plots`
        process = subprocess.Popen([sys.executable, script, *options], env=os.environ | {"PYTHONPATH": paths})

        def pass_on(number: int, frame: object) -> None:
            if number == signal.SIGTERM:  # the others come from the terminal, which sends them to both
                process.terminate()

        with signals_to(pass_on):
            sys.exit(process.wait())


def write_script(name: str, directory: Path) -> Path:
    """Write the edited script to the directory, and return its path; a ValueError if an edit does not fit it."""
    text = (ROOT / f"{name.partition('-')[0]}.py").read_text(encoding="utf-8")
    for old, new in VARIANTS[name][1]:
        if text.count(old) != 1:
            raise ValueError(f"{name}: the script has this {text.count(old)} times and not once: {old}")
        text = text.replace(old, new)
    path = directory / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


def shuffle_words(texts: np.ndarray, seed: int) -> np.ndarray:
    """Return the texts, `(n, length)`, each with its words in random order; padding (0) and start (1) stay in front."""
    places = np.random.default_rng(seed).random(texts.shape)
    places[texts <= 1] = -1
    return np.take_along_axis(texts, places.argsort(axis=1, kind="stable"), axis=1)


if __name__ == "__main__":
    main()
