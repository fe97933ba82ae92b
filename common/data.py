"""The real data from Keras's cache or its address, or the built-in sample corpus."""

import hashlib
import io
import os
import socket
import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from common import sample
from common.sample import Split

ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"  # this and the sums: as in Keras's loaders
SHA256 = {
    "reuters.npz": "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    "imdb.npz": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
}
SILENCE = 30  # seconds without a byte after which a download has failed; Keras alone would wait for ever


class Corpus(NamedTuple):
    """What was loaded, beside the arrays.

    Attributes:
        name: for titles, "Reuters news".
        source: "keras" for the real data, "sample" for the built-in sample corpus.
    """

    name: str
    source: str


def load_reuters(source: str, num_words: int, test_split: float) -> tuple[Split, Split, Corpus]:
    """Load what `keras.datasets.reuters.load_data` loads, or the sample news in its place.

    Where the real data can be neither found in Keras's cache nor downloaded, it says why and what to do about it,
    and then, with "auto", goes on with the sample corpus, with "keras" ends the program with exit status 1.

    Args:
        source: "auto", "keras" for the real data only, or "sample" for the sample corpus.
        num_words: word numbers from here up become 2, "outside the vocabulary".
        test_split: share of the articles that is kept for the test.

    Returns:
        `(x_train, y_train), (x_test, y_test), corpus`: for each half an array of int32 arrays of word numbers, where
        Keras has lists, and an int64 array of labels; and what it is.
    """
    content = _read("reuters.npz", source)
    if content is None:
        return *sample.load_news(num_words, test_split), Corpus("SAMPLE news (built in, not Reuters)", "sample")
    with np.load(io.BytesIO(content), allow_pickle=True) as arrays:  # these very bytes have passed the hash check
        x, y = _arrange(arrays["x"], arrays["y"], np.random.RandomState(113), num_words)
    num_train = int(len(x) * (1 - test_split))
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:]), Corpus("Reuters news", "keras")


def load_imdb(source: str, num_words: int) -> tuple[Split, Split, Corpus]:
    """Load what `keras.datasets.imdb.load_data` loads, or the sample reviews in its place: see `load_reuters`."""
    content = _read("imdb.npz", source)
    if content is None:
        return *sample.load_reviews(num_words), Corpus("SAMPLE reviews (built in, not IMDB)", "sample")
    rng = np.random.RandomState(113)
    with np.load(io.BytesIO(content), allow_pickle=True) as arrays:  # one half at a time: the lists are large
        train = _arrange(arrays["x_train"], arrays["y_train"], rng, num_words)
        test = _arrange(arrays["x_test"], arrays["y_test"], rng, num_words)
    return train, test, Corpus("IMDB reviews", "keras")


def _arrange(x: np.ndarray, y: np.ndarray, rng: np.random.RandomState, num_words: int) -> Split:
    """Shuffle the texts, begin each with 1, and number its words as Keras's loaders do, to the last bit.

    Those do it in Python, a word at a time, and hold several lists of all words at once: for IMDB 3.7 s and 570 MB,
    where this takes 1.7 s and 210 MB. (`python -m pytest -k loads_what_keras_loads` compares them.)
    """
    order = np.arange(len(x))
    rng.shuffle(order)
    x = x[order]
    lengths = [1 + len(text) for text in x]
    words = np.fromiter(chain.from_iterable(chain((1 - 3,), text) for text in x), np.int32, sum(lengths)) + 3
    words[words >= num_words] = 2
    texts = np.empty(len(x), dtype=object)
    texts[:] = np.split(words, np.cumsum(lengths)[:-1])
    return texts, y[order]


def _read(file: str, source: str) -> bytes | None:
    """Return the content of the file, checked, or None where the sample corpus is to take its place."""
    if source == "sample":
        return None
    try:
        return _fetch(file)
    except Exception as error:  # a bare `Exception` is what Keras raises for a download that failed
        _explain(file, error, goes_on=source == "auto")
        if source == "keras":
            sys.exit(1)
        return None


def _cache(file: str) -> Path:
    """Return where Keras keeps the file: in a temporary directory if its own cannot be written and lacks it."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    if not os.access(home, os.W_OK) and not (home / "datasets" / file).exists():
        home = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir(), ".keras")
    return home / "datasets" / file


def _fetch(file: str) -> bytes:
    """Return the content of the file from Keras's cache, or download it to there.

    `keras.utils.get_file` alone deletes a file with another hash when the download that is to replace it fails, sets
    no time limit, and downloads straight to the file's place, where another run takes the half of it for a broken
    file. Here it downloads into a directory of its own. (`python -m pytest -k keras_alone` shows the three.)

    Raises:
        Exception: of whatever kind, if the file could not be had.
    """
    target = _cache(file)
    if target.exists():
        content = target.read_bytes()
        if hashlib.sha256(content).hexdigest() == SHA256[file]:
            return content
        aside = next(path for n in range(1, 1000) if not (path := target.with_name(f"{file}.broken-{n}")).exists())
        target.rename(aside)
        print(f"{target} is not the file that Keras expects: it is now {aside.name}, and downloaded anew.")
    target.parent.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent) as own:
            downloaded = keras.utils.get_file(
                file, origin=f"{ADDRESS}/{file}", file_hash=SHA256[file], cache_dir=own, cache_subdir=""
            )
            content = Path(downloaded).read_bytes()
            os.replace(downloaded, target)
            print(f"Kept for the next run at {target}")  # Keras does not say so when it is a temporary directory
            return content
    finally:
        socket.setdefaulttimeout(before)


def _explain(file: str, error: Exception, goes_on: bool) -> None:
    """Say on the console why there are no real data, and how to get them."""
    reason = " ".join(str(error).split()) or type(error).__name__
    lines = [
        f"The real data could not be had: {reason}",
        f"By hand: download {ADDRESS}/{file}",
        f"         and put it at {_cache(file)}",
    ]
    if goes_on:
        rule = "*" * 80
        lines = [rule, *lines, "This run goes on with the built-in SAMPLE corpus instead.", rule]
    print("\n".join(lines), file=sys.stderr)
