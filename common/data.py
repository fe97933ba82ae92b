"""The real data from Keras's cache or its address, or the built-in sample corpus."""

import hashlib
import io
import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
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
    "reuters_word_index.json": "9b56000edc4b34a32e89fd5a23b2605594682c74efcf7d8f4e2a5514b771e633",  # Keras: the MD5
    "imdb_word_index.json": "027313fe9a320280f3bf0fac5baf58c4a683cf39a7ed9c3d3d3912bde4284cf6",
}
SILENCE = 30  # seconds without a block, 8 kB, after which a download has failed; Keras alone would wait for ever
REVIEW_LABELS = ("negative", "positive")
MARKERS = ["[padding]", "[start]", "[?]", "[unused]"]  # what the numbers 0 to 3 stand for


class Corpus(NamedTuple):
    """What was loaded, beside the arrays.

    Attributes:
        name: for titles, "Reuters news".
        source: "keras" for the real data, "sample" for the built-in sample corpus.
        words: `words[n]` is the word with the number n, for all numbers below `num_words`: 1 "[start]", 2 "[?]" for
            every word outside the vocabulary, real words from 4 up. Empty if the index could not be had.
        labels: what the labels 0, 1 ... stand for.
    """

    name: str
    source: str
    words: list[str]
    labels: tuple[str, ...]


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
    labels = keras.datasets.reuters.get_label_names()
    content = _read("reuters.npz", source)
    if content is None:
        *splits, words = sample.load_news(num_words, test_split)
        return *splits, Corpus("SAMPLE news (built in, not Reuters)", "sample", MARKERS + words, labels)
    with np.load(io.BytesIO(content), allow_pickle=True) as arrays:  # these very bytes have passed the hash check
        x, y = _arrange(arrays["x"], arrays["y"], np.random.RandomState(113), num_words)
    num_train = int(len(x) * (1 - test_split))
    corpus = Corpus("Reuters news", "keras", _read_words("reuters_word_index.json", num_words), labels)
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:]), corpus


def load_imdb(source: str, num_words: int) -> tuple[Split, Split, Corpus]:
    """Load what `keras.datasets.imdb.load_data` loads, or the sample reviews in its place: see `load_reuters`."""
    content = _read("imdb.npz", source)
    if content is None:
        *splits, words = sample.load_reviews(num_words)
        return *splits, Corpus("SAMPLE reviews (built in, not IMDB)", "sample", MARKERS + words, REVIEW_LABELS)
    rng = np.random.RandomState(113)
    with np.load(io.BytesIO(content), allow_pickle=True) as arrays:  # one half at a time: the lists are large
        train = _arrange(arrays["x_train"], arrays["y_train"], rng, num_words)
        test = _arrange(arrays["x_test"], arrays["y_test"], rng, num_words)
    words = _read_words("imdb_word_index.json", num_words)
    return train, test, Corpus("IMDB reviews", "keras", words, REVIEW_LABELS)


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


def _read_words(file: str, num_words: int) -> list[str]:
    """Return the vocabulary, as in `Corpus`; if its file cannot be had, say why in one line, and return none."""
    try:
        index = json.loads(_fetch(file))
    except Exception as error:
        reason = f"The texts stay numbers, without words: {_one_line(error)}."
        print(f"{reason} By hand: download {ADDRESS}/{file} and put it at {_cache(file)}", file=sys.stderr)
        return []
    return [*MARKERS, *sorted(index, key=index.get)][:num_words]  # a word's number is its rank, from 1, plus 3


def _cache(file: str) -> Path:
    """Return where Keras keeps the file: in a temporary directory if its own cannot be written and lacks it."""
    home = Path(os.path.abspath(os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))))  # "./~" without a home
    if not os.access(home, os.W_OK) and not (home / "datasets" / file).exists():
        home = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir(), ".keras")
    return home / "datasets" / file


def _fetch(file: str) -> bytes:
    """Return the content of the file from Keras's cache, or download it to there.

    `keras.utils.get_file` alone deletes a file with another hash when the download that is to replace it fails, sets
    no time limit, and downloads straight to the file's place, where another run takes the half of it for a broken
    file. Here it downloads into a directory of its own. (`python -m pytest --upstream -k keras_alone` shows the three.)

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
    with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent, ignore_cleanup_errors=True) as own:
        _download(file, own)
        content = Path(own, file).read_bytes()
        os.replace(Path(own, file), target)
        print(f"Kept for the next run at {target}")  # Keras does not say so when it is a temporary directory
        return content


def _download(file: str, directory: str) -> None:
    """Have Keras download the file to the directory, and give up after `SILENCE` seconds in which no block came.

    No time limit that Python knows is one for all of it: that of a socket counts anew for each address of a name, and
    there is none for looking up the name. So the download goes on in a thread of its own, which is left behind.

    Raises:
        TimeoutError: if nothing came for so long.
        Exception: of whatever kind, if the download failed.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            keras.utils.get_file(
                file, origin=f"{ADDRESS}/{file}", file_hash=SHA256[file], cache_dir=directory, cache_subdir=""
            )
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    size, since = 0, time.monotonic()
    while thread.is_alive():
        thread.join(0.1)  # in short steps, between which a Ctrl-C is heard on every system
        with suppress(OSError):  # not there yet
            if (now := Path(directory, file).stat().st_size) != size:
                size, since = now, time.monotonic()
        if thread.is_alive() and time.monotonic() - since > SILENCE:
            raise TimeoutError(f"nothing came from {ADDRESS} for {SILENCE} seconds")
    if failures:
        raise failures[0]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _explain(file: str, error: Exception, goes_on: bool) -> None:
    """Say on the console why there are no real data, and how to get them."""
    lines = [
        f"The real data could not be had: {_one_line(error)}",
        f"By hand: download {ADDRESS}/{file}",
        f"         and put it at {_cache(file)}",
    ]
    if goes_on:
        rule = "*" * 80
        lines = [rule, *lines, "This run goes on with the built-in SAMPLE corpus instead.", rule]
    print("\n".join(lines), file=sys.stderr)
