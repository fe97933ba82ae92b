"""The real data from Keras's cache or its address, or the built-in sample corpus."""

import json
import os
import socket
import sys
from itertools import chain
from pathlib import Path

import keras
import numpy as np

from common.running.files import one_line
from common.texts import sample
from common.texts.corpus import Corpus, Source, Split
from common.texts.file import load_file
from common.texts.words import MARKERS

ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"  # this and the sums: as in Keras's loaders
SHA256 = {
    "reuters.npz": "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    "imdb.npz": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    "reuters_word_index.json": "9b56000edc4b34a32e89fd5a23b2605594682c74efcf7d8f4e2a5514b771e633",  # Keras: the MD5
    "imdb_word_index.json": "027313fe9a320280f3bf0fac5baf58c4a683cf39a7ed9c3d3d3912bde4284cf6",
}
SILENCE = 30  # seconds in which nothing comes, after which a download has failed; Keras alone would wait for ever


def load_reuters(source: Source, num_words: int, test_split: float) -> tuple[Split, Split, Corpus]:
    """Load what `keras.datasets.reuters.load_data` loads, or the sample news in its place.

    Where the real data can be neither found in Keras's cache nor downloaded, it says why and what to do about it, and
    then, with the source "auto", goes on with the sample corpus, as with "sample"; with "keras" it ends the program.
    Texts of one's own are loaded by `load_file`. Word numbers from `num_words` up become 2; `test_split` is the share
    of the test. x are arrays of int32 arrays of word numbers, y int64 arrays.
    """
    if source.kind == "own":
        return load_file(source, num_words, test_split)
    labels = list(keras.datasets.reuters.get_label_names())
    path = _real_data("reuters.npz", source.kind)
    if path is None:
        *splits, words = sample.load_news(num_words, test_split)
        return *splits, Corpus("SAMPLE news (built in, not Reuters)", "sample", MARKERS + words, labels)
    with np.load(path, allow_pickle=True) as arrays:  # the file has passed the hash check
        x, y = _arrange(arrays["x"], arrays["y"], np.random.RandomState(113), num_words)
    num_train = int(len(x) * (1 - test_split))
    corpus = Corpus("Reuters news", "keras", _word_list("reuters_word_index.json", num_words), labels)
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:]), corpus


def load_imdb(source: Source, num_words: int) -> tuple[Split, Split, Corpus]:
    """Load what `keras.datasets.imdb.load_data` loads, or the sample reviews in its place: see `load_reuters`."""
    if source.kind == "own":
        return load_file(source, num_words, most_labels=2)
    labels = ["negative", "positive"]
    path = _real_data("imdb.npz", source.kind)
    if path is None:
        *splits, words = sample.load_reviews(num_words)
        return *splits, Corpus("SAMPLE reviews (built in, not IMDB)", "sample", MARKERS + words, labels)
    rng = np.random.RandomState(113)
    with np.load(path, allow_pickle=True) as arrays:  # one half at a time: the lists are large
        train, test = (_arrange(arrays[f"x_{half}"], arrays[f"y_{half}"], rng, num_words) for half in ("train", "test"))
    return train, test, Corpus("IMDB reviews", "keras", _word_list("imdb_word_index.json", num_words), labels)


def _arrange(x: np.ndarray, y: np.ndarray, rng: np.random.RandomState, num_words: int) -> Split:
    """Shuffle the texts, begin each with 1, and number its words as Keras's loaders do, to the last bit.

    Those take 3.7 s and 570 MB for IMDB, this 1.7 s and 210 MB (`python -m pytest --slow -k loads_what_keras_loads`).
    """
    order = np.arange(len(x))
    rng.shuffle(order)
    x = x[order]
    ends = np.cumsum([1 + len(text) for text in x])
    words = np.fromiter(chain.from_iterable(chain((1 - 3,), text) for text in x), np.int32, ends[-1]) + 3
    words[words >= num_words] = 2
    texts = np.empty(len(x), dtype=object)
    texts[:] = np.split(words, ends[:-1])
    return texts, y[order]


def _real_data(file: str, kind: str) -> str | None:
    """Return where the file is, or None where the sample corpus is to take its place."""
    if kind == "sample":
        return None
    try:
        return _file(file)
    except Exception as error:  # a bare `Exception` is what Keras raises for a download that failed
        said = f"The real data could not be had: {one_line(error)}\n{_advice(file)}"
    if kind == "keras":
        sys.exit(said)
    rule = "*" * 80
    print(rule, said, "This run goes on with the built-in SAMPLE corpus instead.", rule, sep="\n", file=sys.stderr)
    return None


def _word_list(file: str, num_words: int) -> list[str]:
    try:
        index = json.loads(Path(_file(file)).read_bytes())
    except Exception as error:
        print(f"The texts stay numbers, without words: {one_line(error)}\n{_advice(file)}", file=sys.stderr)
        return []
    return [*MARKERS, *sorted(index, key=index.get)][:num_words]  # a word's number is its rank, from 1, plus 3


def _advice(file: str) -> str:
    """Return what a user can do who has a browser."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    if os.path.exists(home) and not os.access(home, os.W_OK):  # Keras then looks in /tmp
        return f"Set KERAS_HOME to a directory that you can write, instead of {home}"
    return f"By hand: download {ADDRESS}/{file}\n         and put it at {home / 'datasets' / file}"


def _file(name: str) -> str:
    """Return where the file is in Keras's cache, downloaded if it is not there; any Exception if that fails."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        return keras.utils.get_file(name, f"{ADDRESS}/{name}", file_hash=SHA256[name])
    finally:
        socket.setdefaulttimeout(before)
