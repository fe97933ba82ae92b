"""Texts of one's own: every shape of file, what is made of it, and what may be wrong with it."""

import contextlib
import csv
import io
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from argparse import Namespace
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from common import ask, checkpoint, curve, run
from common.arrays import pad
from common.data import load_imdb, load_reuters
from common.sample import Split
from common.texts import Corpus, load_file
from common.words import MARKERS
from tests.conftest import OFFLINE, SCRIPTS, command
from tests.tiny import run_here

ROWS = [(f"text {number} is {'good' if number % 3 else 'dull'}", "ab"[number % 3 == 0]) for number in range(20)]


class Loaded(NamedTuple):
    train: Split
    test: Split
    corpus: Corpus

    def words(self) -> list[list[str]]:
        """Each text's words, those for the training first."""
        x = [*self.train[0], *self.test[0]]
        assert all(text[0] == 1 and text.dtype == np.int32 for text in x)
        return [[self.corpus.words[number] for number in text[1:]] for text in x]

    def labels(self) -> list[str]:
        assert self.train[1].dtype == self.test[1].dtype == np.int64
        return [self.corpus.labels[label] for label in (*self.train[1], *self.test[1])]


def load(path: Path, columns: str = "text,label", test: Path | None = None, num_words: int = 10**6) -> Loaded:
    return Loaded(*load_file(str(path), str(test) if test else None, columns, num_words))


def write(path: Path, rows: list[tuple], header: str = "text,label", separator: str = ",") -> Path:
    """Write the rows as they are, without quotes."""
    lines = [header.replace(",", separator), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def refusal(capsys: pytest.CaptureFixture[str], load: Callable, *arguments: object) -> str:
    """The line with which loading ends; Python prints it, and the exit status is 1."""
    with pytest.raises(SystemExit) as ended:
        load(*arguments)
    line = ended.value.code
    assert isinstance(line, str)
    assert line.isprintable(), line
    assert len(line) < 700
    assert capsys.readouterr().err == ""
    return line


def drawn(number: int) -> list[int]:
    """The rows for the test: every fifth of those that Keras's loaders would have shuffled so."""
    order = np.arange(number)
    np.random.RandomState(113).shuffle(order)
    return sorted(order[::5].tolist())


# Shapes of files.


def test_every_line_end_mark_and_separator_gives_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "it", ROWS)
    expected = load(path, test=path)
    assert [*zip(map(" ".join, expected.words()), expected.labels(), strict=True)] == 2 * ROWS
    for number, (mark, separator, end, last) in enumerate(
        itertools.product((b"", b"\xef\xbb\xbf"), (",", "\t"), ("\n", "\r\n", "\r"), (True, False))
    ):
        lines = [separator.join(row) for row in [("text", "label"), *ROWS]]
        path = tmp_path / f"it{number}"
        path.write_bytes(mark + (end.join(lines) + end * last).encode())
        found = load(path, test=path)
        assert found.corpus == expected.corpus._replace(name=path.name, source=f"./{path.name}")
        for (x, y), (x_expected, y_expected) in zip(found[:2], expected[:2], strict=True):
            assert [text.tolist() for text in x] == [text.tolist() for text in x_expected]
            np.testing.assert_array_equal(y, y_expected)


def test_quoted_fields_with_line_breaks_quotes_commas_and_of_any_length(tmp_path: Path) -> None:
    texts = ['a "quoted" word, and\nanother\r\nline', "one\rmore", "tab\there", "long " * 100_000, "'single", " space "]
    rows = [(text, label) for text in texts for label in ("yes, sir", 'no "no"')]
    with (tmp_path / "it.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    found = load(tmp_path / "it.csv")
    assert found.corpus.labels == ['no "no"', "yes, sir"]
    words = [text.replace('"', "").replace(",", "").split() for text, _ in rows]
    assert sorted(zip(found.words(), found.labels(), strict=True)) == sorted(
        zip(words, (label for _, label in rows), strict=True)
    )


def test_a_file_as_nsmc_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tab-separated; a quote is a plain character, single ones and at the start of a text too; some texts are empty."""
    texts = [
        "아 더빙.. 진짜 짜증나네요",
        '흠...포스터보고 "초딩영화줄',
        '"너무재밓었다',
        "교도소 이야기구먼, 솔직히",
        "액션이\u00a0없는데도",
    ]
    header = "id\tdocument\tlabel\n"
    train, test = tmp_path / "ratings_train.txt", tmp_path / "ratings_test.txt"
    rows = [f"{number}\t{text}\t{number % 2}\n" for number, text in enumerate(texts * 2)]
    train.write_text(header + "".join(rows) + "10\t\t1\n11\t \t0\n", encoding="utf-8")
    test.write_text(header + '6270596\t굳 ㅋ "\t1\n9274899\tGDNTOPCLASSINTHECLUB\t0\n', encoding="utf-8")
    found = load(train, "document,label", test)
    assert (len(found.train[0]), len(found.test[0])) == (10, 2)
    assert found.labels() == ["0", "1"] * 5 + ["1", "0"]
    assert found.words()[:5] == [
        ["아", "더빙", "진짜", "짜증나네요"], ["흠", "포스터보고", "초딩영화줄"], ["너무재밓었다"],
        ["교도소", "이야기구먼", "솔직히"], ["액션이", "없는데도"],
    ]  # fmt: skip
    assert found.words()[10:] == [["[?]"] * 2, ["[?]"]]
    assert found.corpus[:2] == ("ratings_train.txt", "./ratings_train.txt")
    assert capsys.readouterr().out.splitlines()[:2] == [
        f"{train}: 10 texts, 2 rows without a text or a label left out",
        f"{test}: 2 texts",
    ]


def test_a_file_as_kaggles_imdb_is(tmp_path: Path) -> None:
    path = tmp_path / "IMDB Dataset.csv"
    texts = ['"One of the other ""Oz"" episodes, they are right.<br /><br />The first thing"', "Petter's \x96 fine"]
    lines = [f"{text},{sentiment}" for text in texts for sentiment in ("positive", "negative")] * 3
    path.write_text("review,sentiment\r\n" + "\r\n".join(lines), encoding="utf-8", newline="")
    found = load(path, "review,sentiment")
    assert found.corpus.labels == ["negative", "positive"]
    assert len(found.words()) == 12
    assert " ".join(max(found.words())) == "petter's \x96 fine"
    assert " ".join(min(found.words())) == "one of the other oz episodes they are right br br the first thing"


def test_a_file_as_ag_news_is(tmp_path: Path) -> None:
    """Other columns are ignored, and the numbers of its classes begin with 1."""
    path = tmp_path / "train.csv"
    lines = [
        f'"{number % 4 + 1}","Title {number}","Reuters - Short-sellers, Wall Street\'s ""band\\of"" {name}"'
        for number, name in enumerate(["world", "sports", "business", "sci"] * 10)
    ]
    path.write_text("Class Index,Title,Description\n" + "\n".join(lines) + "\n", encoding="utf-8")
    found = load(path, "Description,Class Index")
    assert found.corpus.labels == ["1", "2", "3", "4"]
    texts = {" ".join(text): label for text, label in zip(found.words(), found.labels(), strict=True)}
    start = "reuters short sellers wall street's band of "
    assert texts == {f"{start}world": "1", f"{start}sports": "2", f"{start}business": "3", f"{start}sci": "4"}
    titles = load(path, "Title,Class Index")
    assert set(map(len, titles.words())) == {2}


def test_each_file_has_its_own_order_of_columns_and_separator(tmp_path: Path) -> None:
    train = write(tmp_path / "train.tsv", [(label, 9, text) for text, label in ROWS], " label ,n, text", "\t")
    test = write(tmp_path / "test.csv", [(text, label) for text, label in ROWS[:3]])
    found = load(train, test=test)
    assert [" ".join(text) for text in found.words()] == [text for text, _ in ROWS + ROWS[:3]]
    assert found.labels() == [label for _, label in ROWS + ROWS[:3]]


# What is made of it.


def test_words_are_numbered_by_their_frequency_in_the_training(tmp_path: Path) -> None:
    """Most frequent first from 4 up, ties as they first appear; what only the test has is unknown."""
    texts = ["b a a", "c a b", "d! D? d.", "e c", *["a"] * 8]
    train = write(tmp_path / "train.csv", [(text, number % 2) for number, text in enumerate(texts)])
    test = write(tmp_path / "test.csv", [("e f f f f f f f f f f f f f A d", 1), ("...", 0)])
    found = load(train, test=test)
    assert found.corpus.words == [*MARKERS, "a", "d", "b", "c", "e"]
    assert [text.tolist() for text in found.train[0][:4]] == [[1, 6, 4, 4], [1, 7, 4, 6], [1, 5, 5, 5], [1, 8, 7]]
    assert [text.tolist() for text in found.test[0]] == [[1, 8, *[2] * 13, 4, 5], [1]]

    cut = load(train, test=test, num_words=6)  # the numbers below 6
    assert cut.corpus.words == [*MARKERS, "a", "d"]
    assert [text.tolist() for text in cut.train[0][:4]] == [[1, 2, 4, 4], [1, 2, 4, 2], [1, 5, 5, 5], [1, 2, 2]]


def test_a_word_that_only_the_drawn_texts_have_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path / "it.csv", [(f"same own{number}", number % 2) for number in range(20)])
    found = load(path)
    assert found.corpus.words[4:] == ["same", *(f"own{number}" for number in range(20) if number not in drawn(20))]
    assert [text.tolist() for text in found.test[0]] == [[1, 4, 2]] * 4


@pytest.mark.parametrize("source", ["reuters", "imdb"])
def test_the_vocabulary_size_of_the_script_holds(source: str, tmp_path: Path) -> None:
    path = write(tmp_path / "it.csv", [(" ".join(f"w{n}" for n in range(k, 7000, 7)), k % 2) for k in range(7)] * 2)
    arguments = (str(path), None, "text,label")
    *halves, corpus = load_reuters(arguments, 1000, 0.2) if source == "reuters" else load_imdb(arguments, 5000)
    assert len(corpus.words) == {"reuters": 1000, "imdb": 5000}[source]
    assert max(text.max() for x, _ in halves for text in x) == len(corpus.words) - 1


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "-1", "2"], ["-1", "2", "9", "10"]),
        (["10", "9", "b"], ["10", "9", "b"]),
        (["1.5", "10", "9"], ["1.5", "10", "9"]),
        (["올랐다", "내렸다"], ["내렸다", "올랐다"]),
        (["b", "a", "B"], ["B", "a", "b"]),
        (["2", "1"], ["1", "2"]),
    ],
)
def test_labels_are_in_numeric_order_if_all_are_whole_and_in_alphabetical_if_not(
    labels: list[str], expected: list[str], tmp_path: Path
) -> None:
    rows = [(f"text {label} {number}", label) for number in range(30) for label in labels]
    found = load(write(tmp_path / "it.csv", rows))
    assert found.corpus.labels == expected
    assert all(text[1] == label.lower().lstrip("-") for text, label in zip(found.words(), found.labels(), strict=True)
               if label.isalnum())  # fmt: skip
    assert set(found.train[1].tolist()) == set(range(len(labels)))


@pytest.mark.parametrize("number", [20, 21, 24, 1000])
def test_every_fifth_text_is_for_the_test_the_same_for_everybody(number: int, tmp_path: Path) -> None:
    found = load(write(tmp_path / "it.csv", [(f"w{row}", row % 2) for row in range(number)]), num_words=4)
    test = drawn(number)
    train = [row for row in range(number) if row not in test]
    assert (len(found.test[0]), len(found.train[0])) == (len(test), len(train)) == (-(-number // 5), number * 4 // 5)
    assert found.test[1].tolist() == [row % 2 for row in test]
    assert found.train[1].tolist() == [row % 2 for row in train]
    if number == 20:
        assert test == [4, 14, 16, 18]  # on every machine


def test_the_test_file_is_the_test(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.csv", ROWS), write(tmp_path / "test.csv", [("dull", "b")])
    found = load(train, test=test)
    assert found.labels() == [label for _, label in ROWS] + ["b"]
    assert [len(x) for x, _ in found[:2]] == [20, 1]
    assert found.corpus[:2] == ("train.csv", "./train.csv")


def test_what_was_read_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("one two three", "sport")] * 1200 + [("one two", "art"), (" ", "art"), ("four", ""), ("one four", "art")]
    path, test = (
        write(tmp_path / "it.csv", rows),
        write(tmp_path / "test.csv", [("one five six", "art"), ("six", "art")]),
    )
    load(path, test=test)
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: 1,202 texts, 2 rows without a text or a label left out",
        f"{test}: 2 texts",
        "2 labels: sport 1,200, art 2",
        "4 words in the vocabulary; of the test's words 75.0% are unknown",
    ]


# What may be wrong with it.

GOOD = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
NINE, KOREAN = GOOD[: GOOD.index("text 9")], GOOD.replace("text 5", "주가가")
PAIRS = "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(10))
TWO_OF = "', or not one: --columns TEXT,LABEL names two of "
BAD_FILES = {
    "no such column": ("review,label\nit,1\n", ", line 1: no column 'text" + TWO_OF + "['review', 'label']"),
    "a header without the label": ("text\nit\n", ", line 1: no column 'label" + TWO_OF + "['text']"),
    "no header": ("good film,1\nbad film,0\n", ", line 1: no column 'text" + TWO_OF + "['good film', '1']"),
    "another separator": ("text;label\nit;1\n", ", line 1: no column 'text" + TWO_OF + "['text;label']"),
    "a JSON file": ('{"text": "good", "label": 1}\n', ", line 1: no column 'text" + TWO_OF + "["),
    "a tab in the header only": ("text\tlabel\n" + PAIRS, ", line 2: 1 fields, where the header has 2"),
    "an empty file": ("", ", line 1: no column 'text" + TWO_OF + "[]"),
    "only a byte-order mark": ("\ufeff", ", line 1: no column 'text" + TWO_OF + "[]"),
    "only a header": ("text,label\n", ", line 1: there is no text with a label"),
    "a directory": (None, ", line 1: Is a directory"),
    "cp949": (KOREAN.encode("cp949"), ", line 7: not UTF-8. In Excel, save it as 'CSV UTF-8'. A Korean file "),
    "cp949 in the header": (("제목," + GOOD).encode("cp949"), ", line 1: not UTF-8. "),
    "cp949 with old line ends": (KOREAN.replace("\n", "\r").encode("cp949"), ", line 7: not UTF-8. "),
    "Latin-1": (GOOD.replace("text 19", "café").encode("latin-1"), ", line 21: not UTF-8. "),
    "UTF-16": (GOOD.encode("utf-16"), ", line 1: not UTF-8. "),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff", ", line 1: not UTF-8. "),
    "cut in a character": (GOOD.encode() + "주".encode()[:2], ", line 22: not UTF-8. "),
    "too few fields": (GOOD.replace("5 is good,a", "5 is good"), ", line 7: 1 fields, where the header has 2"),
    "too many fields": (GOOD.replace("text 5", "text, 5"), ", line 7: 3 fields, where the header has 2"),
    "after a text of two lines": (
        GOOD.replace("text 1 is good", '"text\n1"').replace("text 5 is good,a", "5"), ", line 8: 1 fields, where"
    ),
    "a quote that never ends": (GOOD.replace("text 5", '"text 5'), ", line 21: unexpected end of data"),
    "a quote that ends early": (GOOD.replace("text 5 is", '"text" 5 is'), ", line 7: ',' expected after '\"'"),
    "one label": ("text,label\n" + "text,a\n" * 10, ": 10 texts with 1 labels, where ten or more with two labels are "),
    "nine texts": (NINE, ": 9 texts with 2 labels, where ten or more with two labels are needed; "),
    "nine texts and rows without": (NINE + ",a\nb,\n" * 5, ": 9 texts with 2 labels, where "),
    "a label with a single text": (
        GOOD + "the last one,c\n", ", line 22: the training needs more texts with the label 'c'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_ends_in_one_line_and_nothing_is_trained(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file and the line, exit status 1, and nothing left; the same for the test's texts."""
    content, reason = BAD_FILES[kind]
    path, out, good = tmp_path / "it.csv", tmp_path / "out", tmp_path / "good.csv"
    good.write_text(GOOD)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    calls = [["--data", path]]
    if reason.startswith(", line") and "training" not in reason:  # what a test file may not be either
        calls.append(["--data", good, "--test-data", path])
    for arguments in calls:
        assert run_here("reuters_lstm", *arguments, "--output-dir", out) == 1
        said = capsys.readouterr()
        assert said.err.startswith(f"{path}{reason}")
        assert said.err.count("\n") == 1
        assert said.err.rstrip("\n").isprintable()
        assert "Epoch" not in said.out
        assert list(out.iterdir()) == []


def test_columns_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "it.csv", [(text, 1, label) for text, label in ROWS], "review,id,sentiment")
    line = refusal(capsys, load, path, "review,label")
    assert line == f"{path}, line 1: no column 'label" + TWO_OF + "['review', 'id', 'sentiment']"


def test_the_command_that_it_tells_makes_utf_8_of_cp949(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "내 글.csv"
    rows = [(f"{text} 주가가 어때", label) for text, label in ROWS]
    write(path, rows)
    path.write_bytes(path.read_bytes().decode().replace("\n", "\r\n").encode("cp949"))
    said = refusal(capsys, load, path).partition("A Korean file from Windows may be cp949: ")[2]
    assert said == "iconv -f cp949 -t utf-8 FILE > NEW"
    subprocess.run(said.replace("FILE", f"'{path}'").replace("NEW", "utf8.csv"), shell=True, cwd=tmp_path, check=True)
    found = load(tmp_path / "utf8.csv", test=tmp_path / "utf8.csv")
    assert [*map(" ".join, found.words())] == [text for text, _ in rows] * 2


def test_a_bad_line_behind_a_replaced_character_is_named_rightly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """U+FFFD may be in the file itself."""
    (tmp_path / "it.csv").write_bytes(GOOD.replace("text 1 ", "\ufffd ").replace("text 5 ", "\0 ").encode()
                                      .replace(b"\0", b"\xff"))  # fmt: skip
    assert f"{tmp_path / 'it.csv'}, line 7: not UTF-8" in refusal(capsys, load, tmp_path / "it.csv")


def test_a_label_of_the_test_that_the_training_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a file of its own, or where both texts with the label are drawn."""
    train = write(tmp_path / "train.csv", ROWS)
    test = write(tmp_path / "test.csv", [("dull", "b"), ("good", "A"), ("good", "c")])
    assert refusal(capsys, load, train, "text,label", test) == (
        f"{test}, line 3: the training needs more texts with the label 'A'"
    )
    first, second = drawn(20)[:2]
    rows = [(text, "rare" if number in (first, second) else label) for number, (text, label) in enumerate(ROWS)]
    line = refusal(capsys, load, write(tmp_path / "it.csv", rows))
    assert line == f"{tmp_path / 'it.csv'}, line {first + 2}: the training needs more texts with the label 'rare'"


def test_a_test_file_without_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = write(tmp_path / "train.csv", ROWS)
    for rows in ([], [("", "a"), ("good", "")]):
        assert str(tmp_path / "test.csv") in refusal(
            capsys, load, train, "text,label", write(tmp_path / "test.csv", rows)
        )


def test_a_test_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, load, write(tmp_path / "train.csv", ROWS), "text,label", tmp_path / "test.csv")
    assert line == f"{tmp_path / 'test.csv'}, line 1: No such file or directory"


def test_texts_for_labels_and_labels_for_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A text as a label, with its line breaks and what moves the cursor, still makes one line, and a short one."""
    rows = [(label, f"{text}\nand\x1b[2J more " + "of it " * 1000) for text, label in ROWS]
    with (tmp_path / "it.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    assert "the training needs more texts with the label 'text 0 is dull" in refusal(capsys, load, tmp_path / "it.csv")


def test_labels_with_more_digits_than_python_makes_a_number_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(text, {"a": "1", "b": "9" * 5000}[label]) for text, label in ROWS]
    with contextlib.suppress(SystemExit):
        assert load(write(tmp_path / "it.csv", rows)).corpus.labels == ["1", "9" * 5000]


def test_texts_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Emoji alone: all texts are read, and all of them are empty."""
    found = load(write(tmp_path / "it.csv", [("\U0001f642 !!!", number % 2) for number in range(20)]))
    assert [text.tolist() for text in (*found.train[0], *found.test[0])] == [[1]] * 20
    assert found.corpus.words == MARKERS
    assert "0 words in the vocabulary; of the test's words 0.0% are unknown" in capsys.readouterr().out


def test_imdb_takes_two_labels_and_says_where_to_go_with_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "it.csv", [(text, "abc"[number % 3]) for number, (text, _) in enumerate(ROWS)])
    assert run_here("imdb_cnn_lstm", "--data", path, "--output-dir", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert re.fullmatch(rf"{re.escape(str(path))}: 20 texts with 3 labels, .*reuters_lstm\.py.*\n", said.err)
    assert list((tmp_path / "out").iterdir()) == []
    assert load_reuters((str(path), None, "text,label"), 1000, 0.2)[2].labels == ["a", "b", "c"]
    assert load_imdb((str(write(path, ROWS)), None, "text,label"), 5000)[2].labels == ["a", "b"]


def whole_files() -> list[tuple[str, bytes]]:
    """Sixty rows in each of the three shapes, behind the names of their columns."""
    files = []
    for header, columns, labels, options in (
        (
            "id,document,label",
            "document,label",
            "01",
            {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None},
        ),
        ("review,sentiment", "review,sentiment", ("negative", "positive"), {"lineterminator": "\r\n"}),
        ("Class Index,Title,Description", "Description,Class Index", "1234", {"quoting": csv.QUOTE_ALL}),
    ):
        stream, names = io.StringIO(newline=""), header.split(",")
        writer = csv.writer(stream, **options)
        writer.writerow(names)
        for number in range(60):
            text = f'주가가 "어때", {number}, ' + (
                "and so\non" if "lineterminator" in options and number % 5 else "아주 좋다"
            )
            row = {"id": number, "Title": f"title {number}", columns.split(",")[0]: text}
            writer.writerow([row.get(name, labels[number % len(labels)]) for name in names])
        files.append((columns, stream.getvalue().encode()))
    return files


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The file with one or two damages: cut, bytes flipped, bytes of another kind, or columns moved."""
    for _ in range(rng.randint(1, 2)):
        changed, place, kind = bytearray(content), rng.randrange(len(content)), rng.randrange(6)
        if kind == 0:
            del changed[place:]
        elif kind == 1:
            del changed[place : place + rng.randint(1, 200)]
        elif kind == 2:
            for at in rng.choices(range(len(changed)), k=rng.randint(1, 4)):
                changed[at] ^= 1 << rng.randrange(rng.choice([5, 8]))
        elif kind == 3:
            for at in rng.choices(range(len(changed)), k=rng.randint(1, 3)):
                changed[at : at + 1] = rng.choice([b'"', b",", b"\t", b"\n", b"\r", b"\0", b"\x1b", b"\xff", b'""'])
        else:
            lines, separator = content.split(b"\n"), b"\t" if b"\t" in content else b","
            for at in range(1, len(lines)) if kind == 4 else rng.choices(range(len(lines)), k=3):
                first, *others = lines[at].rstrip(b"\r").split(separator)
                lines[at] = separator.join([*others, first])
            changed = b"\n".join(lines)
        content = bytes(changed) or b"\n"
    return content


def test_a_hundred_damaged_files_end_in_a_line_or_in_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the training or of the test, in three shapes."""
    shapes, rng, lines, read = whole_files(), random.Random(20), [], 0
    for number in range(120):
        columns, content = shapes[number % 3]
        (tmp_path / "whole").write_bytes(content)
        (tmp_path / "damaged").write_bytes(damaged(content, rng))
        files = [str(tmp_path / name) for name in (("whole", "damaged") if number % 4 == 3 else ("damaged",))]
        try:
            *halves, corpus = load_file(files[0], files[1] if files[1:] else None, columns, 1000)
        except SystemExit as ended:
            line = ended.code
            assert line.startswith(str(tmp_path / "damaged")), number
            assert line.isprintable(), number
            assert len(line) < 700, number
            lines.append(re.sub(r"\d+|'.*?'", "*", line.removeprefix(str(tmp_path))))
        else:
            read += 1
            for x, y in halves:
                assert len(x) == len(y) > 0
                assert all(0 <= label < len(corpus.labels) for label in y)
                assert all(text[0] == 1 and min(text[1:], default=2) >= 2 for text in x)
                assert max(text.max() for text in x) < max(3, len(corpus.words))
    assert capsys.readouterr().err == ""
    assert read >= 10
    assert len(lines) >= 60
    assert len(set(lines)) >= 6  # of many kinds


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data", "nothing-there"],
        ["--data", ""],
        ["--data", "real"],
        ["--data", "it.csv", "--columns", "text"],
        ["--data", "it.csv", "--columns", "text,label,id"],
        ["--test-data", "it.csv"],
        ["--data", "sample", "--test-data", "it.csv"],
        ["--data", "keras", "--test-data", "it.csv"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_wrong_command_line(
    script: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("it.csv").write_text(GOOD)
    assert run_here(script, *arguments, "--output-dir", "out") == 2
    said = capsys.readouterr()
    usage, line = said.err.split(f"{script}.py: error: ")
    assert (said.out, usage.count("\n"), line.count("\n")) == ("", 1, 1)
    assert "--data" in line
    assert not Path("out").exists()


# Another file is another experiment.


def digest(*files: object) -> dict[str, object]:
    """The description of a run on the file, which `--resume` compares."""
    (x_train, y_train), (x_test, y_test), corpus = load(*files, num_words=1000)
    model = keras.Sequential([keras.Input((9,), dtype="int32"), keras.layers.Embedding(1000, 1)])
    model.compile(loss="mse", optimizer="adam")
    options = {"script": "it", "seed": 1, "batch_size": 100, "epochs": 1, "output_dir": Path("nowhere")}
    options |= {"recurrent": "lstm", "conv": None, "shuffle_words": False, "show": False, "resume": False}
    return run.Run(Namespace(**options), corpus, model, pad(x_train, 9), y_train, pad(x_test, 9), y_test).facts


def test_the_description_differs_for_other_texts_of_the_same_number(tmp_path: Path) -> None:
    """A word, a label, the order or the test: all else is as it was."""
    description = digest(write(tmp_path / "it.csv", ROWS))["description"]
    assert description["texts and labels"]
    again = digest(write(tmp_path / "copy.csv", [(f"{text}!", 1, label) for text, label in ROWS], "text,n,label"))
    assert again["description"] == description
    others = {
        "a word": [("text 1 was good", "a") if row == ROWS[1] else row for row in ROWS],
        "words that only the test has": [(f"{text} zzz", label) if number == drawn(20)[0] else (text, label)
                                         for number, (text, label) in enumerate(ROWS)],
        "a label": [(ROWS[0][0], "a"), *ROWS[1:]],
        "all labels": [(text, {"a": "b", "b": "a"}[label]) for text, label in ROWS],
        "the order": ROWS[::-1],
    }  # fmt: skip
    for kind, rows in others.items():
        assert len(rows) == len(ROWS)
        changed = digest(write(tmp_path / "other.csv", rows))["description"]
        assert {key for key in description if changed[key] != description[key]} == {"texts and labels"}, kind
        assert checkpoint.difference(description, changed).startswith("that run had texts and labels ")


# The article's own sentence.

STARTS = ("", "혹시", "그런데", "저기")
SUBJECTS = ("주가가", "날씨가", "환율이", "금리가", "기분이", "경기가")
ENDS = ("어때", "어떤가요", "어떻대", "궁금해", "좋은 편이야")
DAYS = {"어제": "과거", "오늘": "현재"}


class Trained(NamedTuple):
    file: Path
    out: Path
    console: subprocess.CompletedProcess


def write_korean(path: Path, labels: dict[str, str] = DAYS) -> Path:
    """240 texts with a label of which only one word decides: each has a twin with the other."""
    parts = itertools.product(STARTS, SUBJECTS, ENDS, labels)
    rows = [(number, f"{start} {day} {subject} {end}?".strip(), labels[day])
            for number, (start, subject, end, day) in enumerate(parts)]  # fmt: skip
    return write(path, rows, "번호,글,때")


def train(script: str, file: Path, out: Path, *arguments: str, **options: object) -> list[str] | dict:
    """The command that trains the script on the file, three epochs with 24 steps each."""
    own = ["--data", file, "--columns", "글,때", "--epochs", "3", "--batch-size", "8", "--output-dir", out]
    return command(script, *own, *arguments)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A network that has learned it, in a process of its own, once for all tests."""
    directory = tmp_path_factory.mktemp("korean")
    file, out = write_korean(directory / "주가 $5_.csv"), directory / "그림"
    environment = os.environ | OFFLINE | {"KERAS_HOME": str(directory), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        train("reuters_lstm", file, out), cwd=directory, env=environment, capture_output=True, encoding="utf-8"
    )
    return Trained(file, out, done)


@pytest.fixture
def hangul() -> bool:
    """Whether a font for Hangul is installed."""
    return len(curve.STYLE["font.family"]) > 1


def test_the_run_on_the_file_shows_what_it_read_and_learns_it(trained: Trained, hangul: bool) -> None:
    file, out, console = trained
    assert console.returncode == 0, console.stderr
    assert "NanumGothic" in console.stderr if not hangul else console.stderr == ""
    before, _, after = console.stdout.partition("Epoch 1/3")
    *_, first = (line for line in before.splitlines() if line.startswith("In words: "))
    for line in (
        f"{file}: 240 texts", "2 labels: 과거 120, 현재 120", f"Data: {file.name}", "2 topics", "192 training articles",
        "48 test articles", "17 words in the vocabulary; of the test's words 0.0% are unknown", "Its topic: 0, 과거",
        "In words: [start] 어제 주가가 어때",
    ):  # fmt: skip
        assert line in before.splitlines()
    assert first.removeprefix("In words: [start] ").split()[0] in DAYS
    assert "Test accuracy  1.0000" in after
    assert re.search(r"^Always '(과거|현재)'", after, re.MULTILINE)
    assert re.search(r"^   1\.000  1\.000 1\.000     48  macro average$", after, re.MULTILINE)
    assert sorted(path.name for path in out.iterdir()) == [
        f"reuters_lstm-주가 $5_.{kind}" for kind in ("csv", "keras", "png")
    ]
    assert imread(out / "reuters_lstm-주가 $5_.png").shape[:2] == (600, 960)
    facts = checkpoint.read(out / "reuters_lstm-주가 $5_.keras")
    assert facts["labels"] == ["과거", "현재"]
    assert facts["words"][4:6] == ["어제", "오늘"] or facts["words"][4:6] == ["오늘", "어제"]


Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask_it(trained: Trained, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Ask the trained network in this process: exit status, standard output and standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("common.options.in_session", lambda: True)
        monkeypatch.setattr(
            sys, "argv", ["ask", str(trained.out / "reuters_lstm-주가 $5_.keras"), *map(str, arguments)]
        )
        with pytest.raises(SystemExit) as ended:
            ask.main()
        return ended.value.code or 0, *capfd.readouterr()

    return call


def test_the_articles_own_sentence_is_answered_rightly_with_the_picture(
    ask_it: Ask, hangul: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without a font that has Hangul it says once which one to install; with one nothing."""
    texts = ("어제 주가가 어때?", "오늘 주가가 어때?")
    families = [["DejaVu Sans"], curve.STYLE["font.family"]][: 1 + hangul]
    for number, family in enumerate(families):
        monkeypatch.setitem(curve.STYLE, "font.family", family)
        monkeypatch.setattr(curve, "say_once", cache(partial(print, file=sys.stderr)))
        code, said, errors = ask_it(*texts, "--output", tmp_path / f"그림 {number}.png")
        assert code == 0
        answers = [line.split("\t") for line in said.splitlines()]
        assert [text for _, text in answers] == ["어제 주가가 어때", "오늘 주가가 어때"]
        assert [verdict.split()[0] for verdict, _ in answers] == ["과거", "현재"]
        assert min(float(verdict.split()[1]) for verdict, _ in answers) > 0.9
        if family == ["DejaVu Sans"]:
            assert errors.count("\n") == 1
            assert "NanumGothic" in errors
            assert ask_it(*texts, "--output", tmp_path / "again.png")[::2] == (0, "")  # once is enough
        else:
            assert errors == ""
    pictures = [imread(tmp_path / f"그림 {number}.png") for number in range(len(families))]
    assert all(picture.shape[:2] == (2 * 540, 1800) for picture in pictures)
    assert not hangul or (pictures[0] != pictures[1]).any()


def test_hangul_is_written_in_any_form(ask_it: Ask) -> None:
    """As a Mac takes it apart, and with the quotes of a word processor."""
    code, said, errors = ask_it(
        unicodedata.normalize("NFD", "\u201c어제\u201d 주가가\u00a0어때\u2026"), "어제 주가가 어때"
    )
    assert (code, errors) == (0, "")
    assert len(set(said.splitlines())) == 1


def test_another_file_of_the_same_size_is_not_resumed(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the same name, with the same words, each as often; only the labels are the other way round."""
    shutil.copytree(trained.out, tmp_path / "out")
    (tmp_path / "other").mkdir()
    other = write_korean(tmp_path / "other" / trained.file.name, {"어제": "현재", "오늘": "과거"})
    assert other.stat().st_size == trained.file.stat().st_size
    arguments = train("reuters_lstm", other, tmp_path / "out", "--resume")[2:]
    assert run_here("reuters_lstm", *arguments) == 2
    line = capsys.readouterr().err
    assert re.fullmatch(r"reuters_lstm\.py: cannot resume: that run had texts and labels \w+, this one has \w+\n", line)
    for path in trained.out.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows cannot send signals")
@pytest.mark.parametrize("script", SCRIPTS)
def test_stopped_and_resumed_it_is_the_run_that_nobody_stopped(script: str, tmp_path: Path) -> None:
    """To the last byte of its history."""
    file = write_korean(tmp_path / "주가.csv")
    options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    whole = subprocess.run(train(script, file, tmp_path / "whole"), **options)
    assert whole.returncode == 0, whole.stderr

    history = tmp_path / "stopped" / f"{script}-주가.csv"
    stopped = subprocess.Popen(train(script, file, tmp_path / "stopped"), **options)
    while not history.exists():
        assert stopped.poll() is None, stopped.communicate()
        time.sleep(0.01)
    stopped.send_signal(signal.SIGINT)
    said, errors = stopped.communicate()
    assert (stopped.returncode, history.read_bytes().count(b"\n") < 4) == (130, True), (said, errors)

    resumed = subprocess.run(train(script, file, tmp_path / "stopped", "--resume"), **options)
    assert resumed.returncode == 0, resumed.stderr
    assert re.search("^Going on after epoch [12]\\.$", resumed.stdout, re.MULTILINE)
    assert history.read_bytes() == (tmp_path / "whole" / history.name).read_bytes()
    assert history.read_bytes().count(b"\n") == 4
