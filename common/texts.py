"""Texts of one's own, from a file with a column for the text and one for its label."""

import csv
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.files import one_line
from common.words import FIRST_WORD, MARKERS, START, UNKNOWN, printable, split


class Corpus(NamedTuple):  # what was loaded, beside the arrays
    name: str  # for titles, "Reuters news"
    source: str  # "keras" for the real data, "sample" for the built-in sample corpus, or "./reviews.csv"
    words: list[str]  # `words[n]` has the number n, real words from 4 up; empty if the list could not be had
    labels: list[str]  # what the labels 0, 1 ... stand for


def load_file(file: str, test_file: str | None, columns: str, num_words: int, most_labels: int = 2**31) -> tuple:
    """Return texts of one's own as `common.data`'s loaders do; without a test file a random fifth is for the test."""
    rows = _read(file, columns)
    counts = Counter(label for _, label, _ in rows)
    if len(rows) < 10 or not 2 <= len(counts) <= most_labels:
        sys.exit(f"{file}: {len(rows)} texts with {len(counts)} labels, where ten or more with two labels are needed; "
                 "with more than two reuters_lstm.py can be trained")  # fmt: skip
    drawn = set() if test_file else set(np.random.RandomState(113).permutation(len(rows))[::5].tolist())
    train = [row for number, row in enumerate(rows) if number not in drawn]
    test = _read(test_file, columns) if test_file else [rows[number] for number in sorted(drawn)]
    known = {label for _, label, _ in train if counts[label] > 1}
    for _, label, where in train + test:
        if label not in known:
            sys.exit(f"{where}: the training needs more texts with the label '{label:.40}'")
    whole = all(label.removeprefix("-").isdecimal() for label in known)
    labels = sorted(known, key=lambda label: (float(label) if whole else 0, label))
    print(f"{len(labels)} labels:", ", ".join(f"{label:.40} {number:,}" for label, number in counts.most_common()))
    x, words = _number([text for text, *_ in train + test], len(train), num_words)
    y = np.array([labels.index(label) for _, label, _ in train + test])
    corpus = Corpus(Path(file).name, f"./{Path(file).name}", words, labels)
    return (x[: len(train)], y[: len(train)]), (x[len(train) :], y[len(train) :]), corpus


def _read(file: str, columns: str) -> list[tuple[str, str, str]]:
    """Return each row's text, label and place; the file is tab-separated if there is a tab in its header."""
    rows, left_out, reader = [], 0, None
    csv.field_size_limit(2**31 - 1)
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            tabs = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if "\t" in stream.readline() else {"strict": True}
            stream.seek(0)
            reader = csv.reader(stream, **tabs)
            header = [name.strip() for name in next(reader, [])]
            if missing := [name for name in columns.split(",") if header.count(name) != 1]:
                raise ValueError(f"no column '{missing[0]}', or not one: --columns TEXT,LABEL names two of {header}")
            at = [header.index(name) for name in columns.split(",")]
            for row in filter(None, reader):
                if len(row) != len(header):
                    raise ValueError(f"{len(row)} fields, where the header has {len(header)}")
                text, label = row[at[0]].strip(), printable(" ".join(row[at[1]].split()))
                left_out += not (text and label)
                rows += [(text, label, f"{file}, line {reader.line_num}")] if text and label else []
        if not rows:
            raise ValueError("there is no text with a label")
    except UnicodeDecodeError:
        before = re.split("[\udc80-\udcff]", Path(file).read_text("utf-8", "surrogateescape"), maxsplit=1)[0]
        line = before.count("\n") + 1
        sys.exit(f"{file}, line {line}: not UTF-8. In Excel, save it as 'CSV UTF-8'. A Korean file from Windows may be "
                 "cp949: iconv -f cp949 -t utf-8 FILE > NEW")  # fmt: skip
    except (OSError, csv.Error, ValueError) as error:
        sys.exit(f"{file}, line {(reader and reader.line_num) or 1}: {one_line(error)}")
    print(f"{file}: {len(rows):,} texts" + f", {left_out:,} rows without a text or a label left out" * bool(left_out))
    return rows


def _number(texts: list[str], num_train: int, num_words: int) -> tuple[np.ndarray, list[str]]:
    """Return the texts as arrays of word numbers, the most frequent of the training first, and the vocabulary."""
    found: dict[str, int] = {}  # by their first appearance; as numbers, words take a quarter of the memory
    x = np.empty(len(texts), dtype=object)
    for number, text in enumerate(texts):
        x[number] = np.array([found.setdefault(word, len(found)) for word in split(text)], np.int32)
    counts = np.bincount(np.concatenate(x[:num_train]), minlength=len(found))
    ranked = np.argsort(-counts, kind="stable")[: min(max(0, num_words - FIRST_WORD), np.count_nonzero(counts))]
    numbers = np.full(len(found), UNKNOWN, np.int32)
    numbers[ranked] = np.arange(FIRST_WORD, FIRST_WORD + len(ranked))
    for number, text in enumerate(x):
        x[number] = np.append(np.int32(START), numbers[text])
    unknown = (np.concatenate(x[num_train:]) == UNKNOWN).sum() / max(
        1, sum(map(len, x[num_train:])) - len(x[num_train:])
    )
    print(f"{len(ranked):,} words in the vocabulary; of the test's words {unknown:.1%} are unknown")
    return x, MARKERS + np.array([*found], dtype=object)[ranked].tolist()
