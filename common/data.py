"""The real data as Keras keeps them, or the built-in sample corpus."""

import hashlib
import os
import socket
import sys
import tempfile
from pathlib import Path

import keras

from common import sample

ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"  # this and the sums: as in Keras's loaders
SHA256 = {
    "reuters.npz": "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    "imdb.npz": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
}
SILENCE = 30  # seconds without a byte after which a download has failed; Keras alone would wait for ever


def load_data(name: str, source: str, **arguments) -> tuple[sample.Split, sample.Split, str]:
    """Load the real data set, or the sample corpus in its place.

    Where the real data can be neither found in Keras's cache nor downloaded, it says why and what to do about it,
    and then, with "auto", goes on with the sample corpus, with "keras" ends the program with exit status 1.

    Args:
        name: "reuters" or "imdb", the module of `keras.datasets`.
        source: "auto", "keras" for the real data only, or "sample" for the sample corpus.
        arguments: what that module's `load_data` is called with, such as `num_words=1000`.

    Returns:
        `(x_train, y_train), (x_test, y_test), source`: for each half an array of lists of word numbers and an int64
        array of labels, as Keras returns them; and which it is, "keras" or "sample".
    """
    if source != "sample":
        load_real = {"reuters": keras.datasets.reuters, "imdb": keras.datasets.imdb}[name].load_data
        try:
            _fetch(f"{name}.npz")
        except Exception as error:  # a bare `Exception` is what Keras raises for a download that failed
            _explain(f"{name}.npz", error, goes_on=source == "auto")
            if source == "keras":
                sys.exit(1)
        else:
            return *load_real(**arguments), "keras"
    load_sample = {"reuters": sample.load_news, "imdb": sample.load_reviews}[name]
    return *load_sample(**arguments), "sample"


def _cache() -> Path:
    """Return the directory in which Keras looks for data sets: the temporary one where its own cannot be written."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    if not os.access(home, os.W_OK):
        home = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir(), ".keras")
    return home / "datasets"


def _fetch(file: str) -> None:
    """Make sure that Keras's cache holds the file, whole and unchanged.

    `keras.utils.get_file` alone deletes a file with another hash when the download that is to replace it fails, sets
    no time limit, and downloads straight to the file's place, where another run takes the half of it for a broken
    file. Here it downloads into a directory of its own. (`python -m pytest -k keras_alone` shows the three.)

    Raises:
        Exception: of whatever kind, if the file could not be had.
    """
    target = _cache() / file
    if target.exists():
        with target.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() == SHA256[file]:
                return
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
            os.replace(downloaded, target)
    finally:
        socket.setdefaulttimeout(before)


def _explain(file: str, error: Exception, goes_on: bool) -> None:
    """Say on the console why there are no real data, and how to get them."""
    reason = " ".join(str(error).split()) or type(error).__name__
    lines = [
        f"The real data could not be had: {reason}",
        f"By hand: download {ADDRESS}/{file}",
        f"         and put it at {_cache() / file}",
    ]
    if goes_on:
        rule = "*" * 80
        lines = [rule, *lines, "This run goes on with the built-in SAMPLE corpus instead.", rule]
    print("\n".join(lines), file=sys.stderr)
