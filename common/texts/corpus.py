"""What is loaded, and from where: what the command line asks for, and what all loaders return."""

from typing import NamedTuple

import numpy as np

Split = tuple[np.ndarray, np.ndarray]  # x, an int32 array of word numbers for each text; and y, an int64 label for each


class Source(NamedTuple):
    """Where the texts are to come from."""

    kind: str  # "keras", the real data; "sample", the built-in corpus; "auto", the first that can be had; or "own"
    file: str = ""  # of one's own texts
    test_file: str | None = None  # None: a random fifth of the file is the test
    columns: tuple[str, str] = ("text", "label")  # names of columns, or places from 1 in a file without names


class Corpus(NamedTuple):
    """What was loaded, beside the arrays."""

    name: str  # for titles: "Reuters news", or the name of one's own file, "reviews.csv" or "directory/train.csv"
    kind: str  # "keras", "sample" or "own"
    words: list[str]  # `words[n]` has the number n, real words from 4 up; empty if the list could not be had
    labels: list[str]  # what the labels 0, 1 ... stand for

    def text(self, numbers: np.ndarray) -> str:
        """Return the words with these numbers."""
        if not self.words:
            return "(the list of words is not here)"
        return " ".join(self.words[number] for number in numbers)
