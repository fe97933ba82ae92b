"""Texts of one's own, from a file with a column for the text and one for its label."""

import csv
import io
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.corpus import Corpus, Source, Split
from common.files import one_line
from common.words import FIRST_WORD, MARKERS, START, UNKNOWN, printable, split


class Row(NamedTuple):
    text: str
    label: str
    place: str  # "reviews.csv, line 12"


def load_file(source: Source, num_words: int, most_labels: int = 2**31) -> tuple[Split, Split, Corpus]:
    """Return texts of one's own as `common.data`'s loaders do; without a test file a random fifth is for the test."""
    rows = _read(source.file, source.columns)
    counts = Counter(row.label for row in rows)
    if len(rows) < 10 or not 2 <= len(counts) <= most_labels:
        sys.exit(f"{source.file}: {len(rows)} texts with {len(counts)} labels, where ten or more with two labels are "
                 "needed; with more than two reuters_lstm.py can be trained")  # fmt: skip
    if source.test_file:
        train, test = rows, _read(source.test_file, source.columns)
    else:
        train, test = _draw_test(rows)
    labels = _labels(train, test, counts)
    shown = ", ".join(f"{label:.40} {number:,}" for label, number in counts.most_common())
    print(f"{len(labels)} labels: {shown}")
    x, words = _number([row.text for row in train + test], len(train), num_words)
    y = np.array([labels.index(row.label) for row in train + test])
    corpus = Corpus(Path(source.file).name, "own", words, labels)
    return (x[: len(train)], y[: len(train)]), (x[len(train) :], y[len(train) :]), corpus


def _draw_test(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows for the training, and a random fifth, always the same, for the test."""
    drawn = set(np.random.RandomState(113).permutation(len(rows))[::5].tolist())
    train = [row for number, row in enumerate(rows) if number not in drawn]
    test = [row for number, row in enumerate(rows) if number in drawn]
    return train, test


def _labels(train: list[Row], test: list[Row], counts: Counter) -> list[str]:
    """Return the labels of the training in their order, or end the program where one has too few texts there."""
    known = {row.label for row in train if counts[row.label] > 1}
    for row in train + test:
        if row.label not in known:
            sys.exit(f"{row.place}: the training needs more texts with the label '{row.label:.40}'")
    if all(label.removeprefix("-").isdecimal() for label in known):
        return sorted(known, key=int)
    return sorted(known)


def _read(file: str, columns: tuple[str, str]) -> list[Row]:
    """Return the rows that have a text and a label, or end the program with a line that says what is wrong."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        sys.exit(f"{file}, line 1: {one_line(error)}")
    csv.field_size_limit(2**31 - 1)
    stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    reader = csv.reader([])
    rows, left_out = [], 0
    try:
        is_tabbed = "\t" in stream.readline()
        stream.seek(0)
        dialect = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if is_tabbed else {"strict": True}
        reader = csv.reader(stream, **dialect)
        header = [name.strip() for name in next(reader, [])]
        for name in columns:
            if header.count(name) != 1:
                raise ValueError(f"no column '{name}', or not one: --columns TEXT,LABEL names two of {header}")
        text_column, label_column = (header.index(name) for name in columns)
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise ValueError(f"{len(fields)} fields, where the header has {len(header)}")
            text = fields[text_column].strip()
            label = printable(" ".join(fields[label_column].split()))
            if text and label:
                rows.append(Row(text, label, f"{file}, line {reader.line_num}"))
            else:
                left_out += 1
        if not rows:
            raise ValueError("there is no text with a label")
    except UnicodeDecodeError:
        sys.exit(f"{file}, line {_line_that_is_not_utf8(content)}: not UTF-8. In Excel, save it as 'CSV UTF-8'. A "
                 "Korean file from Windows may be cp949: iconv -f cp949 -t utf-8 FILE > NEW")  # fmt: skip
    except (csv.Error, ValueError) as error:
        sys.exit(f"{file}, line {reader.line_num or 1}: {one_line(error)}")
    suffix = f", {left_out:,} rows without a text or a label left out" if left_out else ""
    print(f"{file}: {len(rows):,} texts{suffix}")
    return rows


def _line_that_is_not_utf8(content: bytes) -> int:
    before = re.split("[\udc80-\udcff]", content.decode(errors="surrogateescape"), maxsplit=1)[0]
    return len(before.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _number(texts: list[str], num_train: int, num_words: int) -> tuple[np.ndarray, list[str]]:
    """Return the texts as arrays of word numbers, the most frequent of the training first, and the vocabulary."""
    found: dict[str, int] = {}  # by their first appearance; as numbers, words take a quarter of the memory
    x = np.empty(len(texts), dtype=object)
    for row, text in enumerate(texts):
        x[row] = np.array([found.setdefault(word, len(found)) for word in split(text)], np.int32)
    counts = np.bincount(np.concatenate(x[:num_train]), minlength=len(found))
    most = min(max(0, num_words - FIRST_WORD), np.count_nonzero(counts))
    ranked = np.argsort(-counts, kind="stable")[:most]
    numbers = np.full(len(found), UNKNOWN, np.int32)
    numbers[ranked] = np.arange(FIRST_WORD, FIRST_WORD + len(ranked))
    for row, text in enumerate(x):
        x[row] = np.append(np.int32(START), numbers[text])
    in_test = np.concatenate([text[1:] for text in x[num_train:]])
    unknown = np.count_nonzero(in_test == UNKNOWN) / max(1, len(in_test))
    print(f"{len(ranked):,} words in the vocabulary; of the test's words {unknown:.1%} are unknown")
    return x, MARKERS + np.array([*found], dtype=object)[ranked].tolist()
