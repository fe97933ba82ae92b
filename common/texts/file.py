"""Texts of one's own, from a file with a column for the text and one for its label."""

import codecs
import csv
import html
import io
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.running.files import one_line, printable
from common.texts.corpus import Corpus, Source, Split
from common.texts.words import FIRST_WORD, MARKERS, START, UNKNOWN, split

MOST_LABELS = 1000
MOST_SHOWN = 10  # labels in a line of the console
ENTITY = re.compile("&#?[0-9A-Za-z]+;")
LOST = re.compile(" (?=(?:#3[4-9]|#1[2-5][0-9]|quot|amp|lt|gt);)")  # AG News has a blank for the & of an entity


class Row(NamedTuple):
    text: str  # its words, with blanks between them
    label: str
    line: int  # of the file


def load_file(source: Source, num_words: int, most_labels: int = MOST_LABELS) -> tuple[Split, Split, Corpus]:
    """Return texts of one's own as `common.data`'s loaders do, and say what they are.

    Without a test file a random fifth of the different texts is for the test: texts with the same words are all in the
    training or all in the test. The order of the file's rows decides nothing.
    """
    train = _read(source.file, source.columns)
    counts = Counter(row.label for row in train)
    _check(source, train, counts, most_labels)
    commonest = sorted(counts, key=lambda label: (-counts[label], label))
    shown = [f"'{label:.40}' ({counts[label]:,})" for label in commonest]
    print(f"{len(counts):,} labels: {_some(shown)}")
    if source.test_file:
        test = _read(source.test_file, source.columns)
        texts = {row.text for row in train}
        both = sum(row.text in texts for row in test)
        print(f"{len(train):,} texts for the training, {len(test):,} for the test; {both:,} of these are in both")
        reason = f"{source.test_file}: the training has none of the labels"
    else:
        drawn = set([*dict.fromkeys(row.text for row in train)][::5])
        test = [row for row in train if row.text in drawn]
        train = [row for row in train if row.text not in drawn]
        print(
            f"{len(train):,} texts for the training; {len(test):,}, a random fifth of the different ones, for the test"
        )
        reason = f"{source.file}: the random fifth has all texts with the labels"
    known = {row.label for row in train}
    _refuse(reason, [row for row in test if row.label not in known])
    labels = _in_order(known)
    x, words = _number([row.text for row in train + test], len(train), num_words)
    numbers = {label: number for number, label in enumerate(labels)}
    y = np.array([numbers[row.label] for row in train + test])
    corpus = Corpus(Path(source.file).name, "own", words, labels)
    return (x[: len(train)], y[: len(train)]), (x[len(train) :], y[len(train) :]), corpus


def _check(source: Source, rows: list[Row], counts: Counter, most_labels: int) -> None:
    """End the program where the texts and their labels cannot be trained on."""
    if len(counts) > MOST_LABELS:
        reason = f"{len(counts):,} labels, more than {MOST_LABELS:,}: is '{source.columns[1]}' the right column?"
    elif len(rows) < 10:
        reason = f"{len(rows)} texts, where ten or more are needed"
    elif len(counts) < 2:
        reason = f"all texts have the label '{next(iter(counts)):.40}', where two labels or more are needed"
    else:
        few = [row for row in rows if counts[row.label] == 1]
        _refuse(f"{source.file}: the training needs two texts or more with each label; too few have", few)
        if len(counts) <= most_labels:
            return
        reason = f"{len(counts)} labels, where this script takes {most_labels}: reuters_lstm.py takes more"
    sys.exit(f"{source.file}: {reason}")


def _refuse(reason: str, rows: list[Row]) -> None:
    """End the program if there are such rows, naming their labels."""
    if rows:
        lines = {row.label: row.line for row in rows}
        shown = [f"'{label:.40}' (line {lines[label]})" for label in sorted(lines, key=lines.get)]
        sys.exit(f"{reason} {_some(shown)}")


def _in_order(labels: set[str]) -> list[str]:
    """Return the labels in numeric order if all are whole numbers, and else in alphabetical."""
    if all(re.fullmatch(r"-?\d{1,18}", label) for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)


def _some(names: list[str]) -> str:
    """Return ten of the names and the number of the others."""
    shown = ", ".join(names[:MOST_SHOWN])
    if len(names) > MOST_SHOWN:
        shown += f" and {len(names) - MOST_SHOWN:,} others"
    return shown


def _read(file: str, columns: tuple[str, str]) -> list[Row]:
    """Return the rows with a word and a label, or end the program with a line that says what is wrong.

    They are in a random order, as from Keras's loaders, and whatever order the file has, it is the same.
    """
    try:
        content = Path(file).read_bytes()  # at once: a pipe can be read only once
    except OSError as error:
        sys.exit(f"{file}: {one_line(error)}")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        sys.exit(f"{file} is UTF-16: iconv -f utf-16 -t utf-8 FILE > NEW, or save it as 'CSV UTF-8'")
    if re.search(b"[\0-\b]", content[:1000]):
        sys.exit(f"{file} is no text file: unpack it, or save it as 'CSV UTF-8'")
    csv.field_size_limit(2**31 - 1)
    stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    rows, left_out = [], 0
    try:
        first_line = stream.readline()
        stream.seek(0)
        reader = csv.reader(stream, **_dialect(first_line))
        for text, label in _pairs(reader, columns):
            if text and label:
                rows.append(Row(text, label, reader.line_num))
            else:
                left_out += 1
        if not rows:
            raise ValueError("there is no text with a label")
    except UnicodeDecodeError:
        sys.exit(f"{file}, line {_line_that_is_not_utf8(content)}: not UTF-8. In Excel, save it as 'CSV UTF-8'. Or: "
                 "iconv -f CODE -t utf-8 FILE > NEW, with the CODE cp1252 for western languages, cp949 for Korean, "
                 "cp932 for Japanese, gb18030 for Chinese")  # fmt: skip
    except (csv.Error, ValueError) as error:
        sys.exit(f"{file}, line {reader.line_num or 1}: {one_line(error)}")
    suffix = f", {left_out:,} rows without a word or a label left out" if left_out else ""
    print(f"{file}: {len(rows):,} texts{suffix}")
    rows.sort()
    return [rows[number] for number in np.random.RandomState(113).permutation(len(rows))]


def _dialect(first_line: str) -> dict[str, object]:
    """Return how the file's fields are parted: if by tabs, quotes are quotes only where the first line's fields are."""
    fields = first_line.rstrip("\r\n").split("\t")
    if len(fields) == 1:
        return {"strict": True}
    if all(re.fullmatch('".*"', field) for field in fields):
        return {"strict": True, "delimiter": "\t"}
    return {"delimiter": "\t", "quoting": csv.QUOTE_NONE}


def _pairs(reader: Iterator[list[str]], columns: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each row's words and its label; a ValueError says what is wrong with a row."""
    first = next(reader, [])
    if all(name.isdecimal() for name in columns):
        places = [int(name) - 1 for name in columns]
        if min(places) < 0 or max(places) >= len(first):
            raise ValueError(f"--columns {','.join(columns)}: the places are counted from 1, and the first line has "
                             f"{len(first)} between commas or tabs: {first}")  # fmt: skip
        names, rows = None, chain([first], reader)
    else:
        header = [_clean(name) for name in first]
        places = [_place(header, _clean(name)) for name in columns]
        names, rows = [header[place] for place in places], reader
    for fields in rows:
        if not fields:
            continue
        if len(fields) != len(first):
            raise ValueError(f"{len(fields)} fields, where the first line has {len(first)}")
        text, label = (_clean(fields[place]) for place in places)
        if [text, label] == names:
            raise ValueError("the names of the columns again, as in joined files: delete this line")
        if reader.dialect.quoting == csv.QUOTE_NONE:
            label = label.strip('"')  # of a pair around it, or of one around text and label, as some programs write
        yield " ".join(split(text)), printable(" ".join(label.split()))


def _place(header: list[str], name: str) -> int:
    """Return where the column with this name is, from 0."""
    if header.count(name) > 1:
        raise ValueError(f"{header.count(name)} columns '{name}': rename all but one")
    if name not in header:
        raise ValueError(f"no column '{name}': --columns TEXT,LABEL takes two names from the first line or, in a file "
                         "without names, two places: --columns 2,1. Between commas or tabs the first line has "
                         f"{header}")  # fmt: skip
    return header.index(name)


def _clean(field: str) -> str:
    """Return the field in composed form, with its entities decoded, without blanks around it or a byte-order mark."""
    decoded = ENTITY.sub(lambda entity: html.unescape(entity[0]), LOST.sub("&", field))
    return unicodedata.normalize("NFC", decoded).replace("\ufeff", "").strip()


def _line_that_is_not_utf8(content: bytes) -> int:
    before = re.split("[\udc80-\udcff]", content.decode(errors="surrogateescape"), maxsplit=1)[0]
    return len(before.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _number(texts: list[str], num_train: int, num_words: int) -> tuple[np.ndarray, list[str]]:
    """Return the texts as arrays of word numbers, the most frequent of the training first, and the vocabulary."""
    found: dict[str, int] = {}  # by their first appearance; as numbers, words take a quarter of the memory
    x = np.empty(len(texts), dtype=object)
    for row, text in enumerate(texts):
        x[row] = np.array([found.setdefault(word, len(found)) for word in text.split(" ")], np.int32)
    names, counts = [*found], np.zeros(len(found), np.int64)
    for part in range(0, num_train, 10_000):  # at once they would take twice the memory
        counts += np.bincount(np.concatenate(x[part : min(part + 10_000, num_train)]), minlength=len(found))
    in_training = np.flatnonzero(counts).tolist()
    in_training.sort(key=lambda number: (-counts[number], names[number]))
    ranked = in_training[: max(0, num_words - FIRST_WORD)]
    numbers = np.full(len(found), UNKNOWN, np.int32)
    numbers[ranked] = np.arange(FIRST_WORD, FIRST_WORD + len(ranked))
    for row, text in enumerate(x):
        x[row] = np.append(np.int32(START), numbers[text])
    in_test = np.concatenate([text[1:] for text in x[num_train:]])
    unknown = np.count_nonzero(in_test == UNKNOWN) / len(in_test)
    print(f"{len(ranked):,} words in the vocabulary; of the test's words {unknown:.1%} are unknown")
    if unknown > 0.2 and len(ranked) < len(in_training):
        print(f"To know more, raise VOCABULARY_SIZE in the script: the training has {len(in_training):,} words")
    elif unknown > 0.2:
        print("To know more, the training needs more texts: these are all its words")
    return x, MARKERS + [names[number] for number in ranked]
