"""Texts of one's own, from a file with a column for the text and one for its label."""

import codecs
import csv
import io
import itertools
import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.running.files import one_line, printable, shortened
from common.texts.corpus import Corpus, Source, Split
from common.texts.words import FIRST_WORD, MARKERS, START, UNKNOWN, decoded, split

SEPARATORS = ("\t", ";", ",")  # in this order: commas stand in texts, and in German numbers
# What quotes can be: double ones, letters like others, or single ones, as in 10kGNAD.
QUOTES = ({"quotechar": '"'}, {"quoting": csv.QUOTE_NONE}, {"quotechar": "'"})
MOST_LABELS = 1000
MOST_SHOWN = 10  # labels in a line of the console
SAYS_NOTHING = ("train", "test", "data", "dataset")  # names of files that need their directory's beside them


class Reading(NamedTuple):
    """What comes of reading a file in one way."""

    dialect: dict[str, object]  # how the fields are parted, for `csv.reader`
    num_fields: int  # of the first line
    num_rows: int
    num_lines: int  # without empty ones
    num_labels: int
    misfits: list[tuple[int, str]]  # the line of each row with another number of fields, and what it has instead


class Row(NamedTuple):
    text: str  # its words, with blanks between them
    label: str
    line: int  # of the file


def load_file(
    source: Source, num_words: int, test_split: float = 0.2, most_labels: int = MOST_LABELS
) -> tuple[Split, Split, Corpus]:
    """Return texts of one's own as `common.data`'s loaders do, and say what they are.

    Without a test file a random share of the different texts, `test_split`, is for the test: texts with the same words
    are all in the training or all in the test. The order of the file's rows decides nothing.
    """
    train = _read(source.file, source.columns)
    counts = Counter(row.label for row in train)
    _check(source, train, counts, most_labels)
    commonest = sorted(counts, key=lambda label: (-counts[label], label))
    shown = [f"'{shortened(label)}' ({counts[label]:,})" for label in commonest]
    print(f"{len(counts):,} labels: {_some(shown)}")
    if source.test_file:
        test = _read(source.test_file, source.columns)
        texts = {row.text for row in train}
        both = sum(row.text in texts for row in test)
        print(f"{len(train):,} texts for the training, {len(test):,} for the test; {both:,} of these are in both")
        unknown = [row for row in test if row.label not in counts]
        _refuse(f"{source.test_file}: the training has none of the labels", unknown)
    else:
        train, test = _divide(source.file, train, test_split)
        print(f"{len(train):,} texts for the training; {len(test):,}, a random {test_split:.0%} of the different ones, "
              "for the test")  # fmt: skip
    labels = _in_order({row.label for row in train})
    x, words = _number([row.text for row in train + test], len(train), num_words)
    numbers = {label: number for number, label in enumerate(labels)}
    y = np.array([numbers[row.label] for row in train + test])
    corpus = Corpus(_name(Path(source.file)), "own", words, labels)
    return (x[: len(train)], y[: len(train)]), (x[len(train) :], y[len(train) :]), corpus


def _name(file: Path) -> str:
    """Return the file's name, with its directory's where its own says nothing."""
    if file.stem.lower() in SAYS_NOTHING:
        return printable(f"{file.resolve().parent.name}/{file.name}")
    return printable(file.name)


def _check(source: Source, rows: list[Row], counts: Counter, most_labels: int) -> None:
    """End the program where the texts and their labels cannot be trained on."""
    if len(counts) > MOST_LABELS:
        reason = f"{len(counts):,} labels, more than {MOST_LABELS:,}: is '{source.columns[1]}' the right column?"
    elif len(rows) < 10:
        reason = f"{len(rows)} texts, where ten or more are needed"
    elif len(counts) < 2:
        reason = f"all texts have the label '{shortened(next(iter(counts)))}', where two labels or more are needed"
    elif len(counts) > most_labels:
        reason = f"{len(counts)} labels, where this script takes {most_labels}: reuters_lstm.py takes more"
    else:
        if not source.test_file:
            few = [row for row in rows if counts[row.label] == 1]
            _refuse(f"{source.file}: the training needs two texts or more with each label; too few have", few)
        return
    sys.exit(f"{source.file}: {reason}")


def _divide(file: str, rows: list[Row], test_split: float) -> tuple[list[Row], list[Row]]:
    """Return the rows for the training and those for the test, drawn at random, but each label has a training text."""
    drawn = set()
    for number, text in enumerate(dict.fromkeys(row.text for row in rows)):
        if math.floor(number * test_split) > math.floor((number - 1) * test_split):
            drawn.add(text)
    in_training = {row.label for row in rows if row.text not in drawn}
    for row in rows:
        if row.label not in in_training:
            drawn.discard(row.text)
            in_training.add(row.label)
    train = [row for row in rows if row.text not in drawn]
    test = [row for row in rows if row.text in drawn]
    if not test:
        sys.exit(f"{file}: too few different texts with each label: there is none for the test")
    return train, test


def _refuse(reason: str, rows: list[Row]) -> None:
    """End the program if there are such rows, naming their labels."""
    if rows:
        lines = {row.label: row.line for row in rows}
        shown = [f"'{shortened(label)}' (line {lines[label]})" for label in sorted(lines, key=lines.get)]
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
        sys.exit(f"{file} is UTF-16: save it as 'CSV UTF-8', or: iconv -f utf-16 -t utf-8 FILE > NEW")
    if re.search(b"[\0-\b]", content[:1000]) or b"\x1b" in content:  # as in Japanese mail's code
        sys.exit(f"{file} is no text file: unpack it, or save it as 'CSV UTF-8'")
    csv.field_size_limit(2**31 - 1)
    try:
        rows = list(_rows(content, columns))
    except UnicodeDecodeError:
        sys.exit(f"{file}: {_not_utf8(content)}")
    except ValueError as error:
        sys.exit(f"{file}{error}")
    kept = [row for row in rows if row.text and row.label]
    if not kept:
        sys.exit(f"{file}: there is no text with a label")
    left_out = len(rows) - len(kept)
    suffix = f", {left_out:,} rows without a word or a label left out" if left_out else ""
    print(f"{file}: {len(kept):,} texts{suffix}")
    kept.sort()
    return [kept[number] for number in np.random.RandomState(113).permutation(len(kept))]


def _not_utf8(content: bytes) -> str:
    """Return how many of the lines are not UTF-8, and what that means."""
    lines = content.splitlines()
    bad = []
    for number, line in enumerate(lines, start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            bad.append(number)
    return (f"{len(bad):,} of {len(lines):,} lines are not UTF-8, the first is line {bad[0]}. A few are damage: mend "
            "them. Many mean another encoding: save it as 'CSV UTF-8' from the program that made it.")  # fmt: skip


def _dialect(content: bytes, columns: tuple[str, str]) -> dict[str, object]:
    """Return how the file's fields are parted, for `csv.reader`; a ValueError says why they cannot be.

    A tab, a semicolon or a comma parts them, with which the first line has both columns, and each row as many fields as
    the first line. Quotes around fields are no part of them, or letters like others. Of several readings that fit, that
    one is right in which there are the fewest labels, but two, then that with the most rows: two lone quotes would make
    one row of all between them, and parts of a text would be labels.
    """
    readings, fitting = [], []
    for quotes, separator in itertools.product(QUOTES, SEPARATORS):
        dialect = {"delimiter": separator, "strict": True, **quotes}
        first = _first(content, dialect)
        places = _places(first, columns)
        if places is None:
            continue
        reading = _read_as(content, dialect, len(first), places[1])
        readings.append(reading)
        if reading.misfits:
            continue
        if not (fitting or _are_places(columns)) and reading.num_rows == reading.num_lines:
            return dialect  # as most files with names are: there is nothing to choose
        fitting.append(reading)
    if fitting:
        return min(fitting, key=lambda reading: (reading.num_labels < 2, reading.num_labels, -reading.num_rows)).dialect
    if not readings:
        raise ValueError(_without_columns(content, columns))
    best = min(reversed(readings), key=lambda reading: len(reading.misfits))
    line, reason = best.misfits[0]
    if len(best.misfits) > 1:
        lines = ", ".join(str(line) for line, _ in best.misfits[:3])
        reason += f". {len(best.misfits):,} of {best.num_rows:,} rows do not fit, the first are in the lines {lines}"
    if len(best.misfits) == best.num_rows - 1 and reason.startswith(f"{best.num_fields + 1} "):
        reason += ". Are there separators in the texts, without quotes around these? Or names of the rows, as R writes "
        reason += "them without row.names = FALSE?"
    raise ValueError(f", line {line}: {reason}")


def _records(content: bytes, dialect: dict[str, object]) -> Iterator[list[str]]:
    """Return a `csv.reader` of the file."""
    return csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""), **dialect)


def _first(content: bytes, dialect: dict[str, object]) -> list[str]:
    """Return the fields of the first line, none if they cannot be read so."""
    try:
        return next(_records(content, dialect), [])
    except csv.Error:
        return []


def _read_as(content: bytes, dialect: dict[str, object], num_fields: int, label: int) -> Reading:
    """Return what comes of reading the file so: the first line has so many fields, and the label in this one."""
    reader = _records(content, dialect)
    num_rows, num_empty, misfits, labels = 0, 0, [], set()
    try:
        for fields in reader:
            if not fields:
                num_empty += 1
                continue
            num_rows += 1
            if len(fields) != num_fields:
                misfits.append((reader.line_num, f"{len(fields)} fields, where the first line has {num_fields}"))
            elif num_rows > 1:  # the first row may have the names
                labels.add(fields[label])
    except csv.Error as error:
        misfits.append((reader.line_num, one_line(error)))
    return Reading(dialect, num_fields, num_rows, reader.line_num - num_empty, len(labels), misfits)


def _are_places(columns: tuple[str, str]) -> bool:
    return all(name.isdecimal() for name in columns)


def _places(first: list[str], columns: tuple[str, str]) -> list[int] | None:
    """Return where the columns are, from 0; None if the first line does not have both."""
    if _are_places(columns):
        places = [int(name) - 1 for name in columns]
        return places if min(places) >= 0 and max(places) < len(first) else None
    header = [_clean(name) for name in first]
    wanted = [_clean(name) for name in columns]
    return [header.index(name) for name in wanted] if set(wanted) <= set(header) else None


def _are_numbers_of_pandas(first: list[str]) -> bool:
    """Return whether the first line is 0, 1, 2 ...: as pandas calls columns without names, behind its index if any."""
    names = first[1:] if first[0] == "" else first
    return names == [str(number) for number in range(len(names))]


def _without_columns(content: bytes, columns: tuple[str, str]) -> str:
    """Return what is wrong with the columns, with the first line as the separator shows it that parts it most."""
    first = max((_first(content, {"delimiter": separator}) for separator in SEPARATORS), key=len)
    header = [_clean(name) for name in first]
    if _are_places(columns):
        return (f", line 1: --columns {','.join(columns)}: the places are counted from 1, and the first line has "
                f"{len(header)} between commas, tabs or semicolons: {header}")  # fmt: skip
    missing = next(name for name in columns if _clean(name) not in header)
    return (f", line 1: no column '{missing}': --columns TEXT,LABEL takes two names from the first line or, in a file "
            "without names, two places: --columns 2,1. Between commas, tabs or semicolons the first line has "
            f"{header}")  # fmt: skip


def _rows(content: bytes, columns: tuple[str, str]) -> Iterator[Row]:
    """Yield each row's words, its label and its line; a ValueError says what is wrong with the file."""
    dialect = _dialect(content, columns)
    reader = _records(content, dialect)
    first = next(reader)
    places = _places(first, columns)
    names, records = None, reader
    if not _are_places(columns):
        header = [_clean(name) for name in first]
        names = [header[place] for place in places]
        for name in names:
            if header.count(name) > 1:
                raise ValueError(f", line 1: {header.count(name)} columns '{name}': rename all but one")
    elif _are_numbers_of_pandas(first):
        print(f"The first line, {','.join(first)}, has names: it is left out")
    else:
        records = itertools.chain([first], reader)
    for fields in records:
        if not fields:
            continue
        text, label = (fields[place] for place in places)
        label = _clean(label)
        if names and label == names[1] and _clean(text) == names[0]:
            raise ValueError(f", line {reader.line_num}: the names of the columns again, as in joined files: "
                             "delete this line")  # fmt: skip
        if "quoting" in dialect:
            label = label.strip('"')  # of a pair around it, or of one around text and label, as some programs write
        yield Row(" ".join(split(text)), printable(label), reader.line_num)


def _clean(field: str) -> str:
    """Return a label or a column's name in composed form, decoded, with single blanks and no byte-order mark."""
    return " ".join(unicodedata.normalize("NFC", decoded(field)).replace("\ufeff", "").split())


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
