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
AVERAGE = (LSTM, "layers.GlobalAveragePooling1D()")  # of the vectors: it cannot see their order
EMBEDDING = "layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE)"
# For the average of word vectors, which leaves the padding out; all other layers read it, as in the article.
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
    "reuters_lstm-shuffled": ("LSTM, words shuffled", _shuffled("ARTICLE_LENGTH")),
    "reuters_lstm-none": ("averaged, no order", [AVERAGE, MASKED]),
    "reuters_lstm-one_hot": ("LSTM, one-hot input", [ONE_HOT]),
    "imdb_cnn_lstm": ("CNN and LSTM", []),
    "imdb_cnn_lstm-gru": ("CNN and GRU", [GRU]),
    "imdb_cnn_lstm-simple_rnn": ("CNN and simple RNN", [SIMPLE_RNN]),
    "imdb_cnn_lstm-shuffled": ("CNN and LSTM, words shuffled", _shuffled("REVIEW_LENGTH")),
    "imdb_cnn_lstm-none": ("CNN, averaged", [AVERAGE]),
    "imdb_cnn_lstm-no_conv": ("LSTM, without convolution", NO_CONV),
    "imdb_cnn_lstm-simple_rnn-no_conv": ("simple RNN, without convolution", [SIMPLE_RNN, *NO_CONV]),
    "imdb_cnn_lstm-none-no_conv": ("averaged, no order, without convolution", [AVERAGE, MASKED, *NO_CONV]),
    "imdb_cnn_lstm-one_hot": ("CNN and LSTM, one-hot input", [ONE_HOT]),
}


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
