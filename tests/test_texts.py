"""Texts of one's own: every shape of file, what is made of it, and what may be wrong with it."""

import csv
import gzip
import io
import itertools
import os
import random
import re
import threading
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from common import ask
from common.data import load_imdb, load_reuters
from common.running.keeper import file_name
from common.texts.corpus import Corpus, Source, Split
from common.texts.words import MARKERS
from tests.tiny import run_here

Console = pytest.CaptureFixture[str]
ROWS = [(f"text {number} is {'good' if number % 3 else 'dull'}", "ab"[number % 3 == 0]) for number in range(20)]


class Loaded(NamedTuple):
    train: Split
    test: Split
    corpus: Corpus

    def rows(self, half: Split) -> list[tuple[str, str]]:
        """The words and the label of each text, in alphabetical order."""
        assert all(text[0] == 1 and text.dtype == np.int32 for text in half[0])
        assert half[1].dtype == np.int64
        texts = [" ".join(self.corpus.words[number] for number in text[1:]) for text in half[0]]
        return sorted(zip(texts, (self.corpus.labels[label] for label in half[1]), strict=True))

    def arrays(self) -> list[list]:
        return [[text.tolist() for text in x] + y.tolist() for x, y in (self.train, self.test)]


def load(path: Path, columns: str = "text,label", test: Path | None = None, num_words: int = 10**6) -> Loaded:
    source = Source("own", str(path), test and str(test), tuple(columns.split(",")))
    return Loaded(*load_reuters(source, num_words, 0.2))


def write(path: Path, rows: list[tuple], header: str = "text,label", separator: str = ",") -> Path:
    """Write the rows as they are, without quotes."""
    lines = [header.replace(",", separator), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def refusal(path: Path, *arguments: object) -> str:
    """The line with which loading ends; Python prints it, and the exit status is 1."""
    with pytest.raises(SystemExit) as ended:
        load(path, *arguments)
    line = ended.value.code
    assert line.isprintable(), line
    assert len(line) < 700
    return line


# Shapes of files.


class Shape(NamedTuple):
    lines: str  # of two labels or more; they come ten times
    rows: dict[str, str]  # the words of each line's text, and its label
    header: str = "text,label\n"
    columns: str = "text,label"


MAC = unicodedata.normalize("NFD", "문서,분류,긍정").split(",")  # Hangul as a Mac writes it
AG_NEWS = "Wall Street #39;s  quot;band\\of #36;{} don&#39;t &lt;b&gt; us,  #1; #10; we"
AG_NEWS_LINES = "".join(f'"{label}","Title","{AG_NEWS.format(label)}"\n' for label in (3, 4))
AG_NEWS_ROWS = {f"wall street's band of {label} don't b us 1 10 we": str(label) for label in (3, 4)}
SHAPES = {
    "as NSMC is, by tabs, whose quotes are letters, single ones and at a text's start too": Shape(
        '1\t"너무재밓\t1\n2\t흠...보 "초딩\t0\n3\t교도소,\t1\n4\t이\u00a0없\t0\n5\t\t1\n6\t \t0\n',
        {"너 무 재 밓": "1", "흠 보 초 딩": "0", "교 도 소": "1", "이 없": "0"},
        "id\tdocument\tlabel\n",
        "document,label",
    ),
    "as Kaggle's IMDB is, with quotes where they are needed": Shape(
        '"One of the ""Oz"" episodes, they are right.<br /><br />The first thing",+\r\nPetter\'s \x96 fine,-\r\n',
        {"one of the oz episodes they are right br br the first thing": "+", "petter's \x96 fine": "-"},
        "review,sentiment\r\n",
        "review,sentiment",
    ),
    "as AG News is, without names, and the & of its entities is lost": Shape(AG_NEWS_LINES, AG_NEWS_ROWS, "", "3,1"),
    "as Kaggle's AG News is": Shape(
        AG_NEWS_LINES, AG_NEWS_ROWS, "Class Index,Title,Description\n", "Description,Class Index"
    ),
    "within quotes a text may have separators, quotes and line breaks": Shape(
        '"a ""quoted"" word, and\nanother\r\nline","yes, sir"\r\n"one\rmore","no ""no"""\r\n" tab\there ",yes\r\n',
        {"a quoted word and another line": "yes, sir", "one more": 'no "no"', "tab here": "yes"},
        '\ufeff"text","label"\r\n',
    ),
    "a text may have any length": Shape(
        f"{'long ' * 30_000},a\nit,b\n", {("long " * 30_000).strip(): "a", "it": "b"}
    ),
    "by tabs, and a first line in quotes makes quotes of all": Shape(
        '"one, ""so""\t!"\t"a"\n"two"\t"b"\n', {"one so": "a", "two": "b"}, '"text"\t"label"\n'
    ),
    "by tabs, and text and label share a pair of quotes, or the label has one": Shape(
        '"one\ta"\ntwo\t"b"\nthree\tb\n', {"one": "a", "two": "b", "three": "b"}, "text\tlabel\n"
    ),
    "what only looks like an entity: HTML decodes &not without a semicolon too": Shape(
        "good&not bad &amp; w,a\nit,b\n", {"good not bad w": "a", "it": "b"}
    ),
    "a label is one label however it is written": Shape(
        f"one,R&amp;B\ntwo,R&B\nthree,a  b\nfour,a b\nfive,긍정\nsix,{MAC[2]}\n",
        {"one": "R&B", "two": "R&B", "three": "a b", "four": "a b", "five": "긍정", "six": "긍정"},
    ),
    "by semicolons, as Excel writes in most of Europe": Shape(
        '"ja; nein, ""so""";a\nzwei;b\n', {"ja nein so": "a", "zwei": "b"}, "text;label\n"
    ),
    "by semicolons, without names and with single quotes, as 10kGNAD is": Shape(
        "Web;'Die \"neuen\"; und ''alten'' Regeln'\nSport;It\u2019s, so\n",
        {"die neuen und alten regeln": "Web", "it's so": "Sport"},
        "", "2,1",
    ),
    "by tabs as pandas writes it: quotes where a text has a tab, a quote or a line break, names without": Shape(
        'one\t"a"\n"two\t""so""\nthree"\tb\n', {"one": "a", "two so three": "b"}, "text\tlabel\n"
    ),
    "by commas, with a tab in a name": Shape("1,one,a\n2,two,b\n", {"one": "a", "two": "b"}, '"n\tr",text,label\n'),
    "by tabs, with numbers that have a comma, without names": Shape(
        "one\ta\t0,5\ntwo\tb\t1,5\n", {"one": "a", "two": "b"}, "", "1,2"
    ),
    "by tabs, with a comma in each text, without names": Shape(
        "a\thello, one\nb\thello, two\n", {"hello one": "a", "hello two": "b"}, "", "2,1"
    ),
    "lone quotes that would make one row of all between them": Shape(
        '"one\ta\ntwo\tb\nthree"\ta\n', {"one": "a", "two": "b", "three": "a"}, "text\tlabel\n"
    ),
    "quotes around a text whose parts look like rows": Shape(
        '"one\tand\ntwo"\ta\nthree\tb\n', {"one and two": "a", "three": "b"}, "text\tlabel\n"
    ),
    "lone quotes in a file with commas": Shape('"one,a\ntwo "so",b\n', {"one": "a", "two so": "b"}),
    "names with line breaks, blanks and a byte-order mark, as Google's forms have them": Shape(
        "one,a\ntwo,b\n", {"one": "a", "two": "b"}, '\ufeff"Your\n text? "," label "\n', "Your text?,label"
    ),
    "without names but for pandas's, with its index": Shape(
        "0,one,a\n1,two,b\n", {"one": "a", "two": "b"}, ",0,1\n", "2,3"
    ),
    "without names but for pandas's, 0 and 1": Shape("one,a\ntwo,b\n", {"one": "a", "two": "b"}, "0,1\n", "1,2"),
    "emoji, entities and written escapes": Shape(
        "film \U0001f60d,a\nfilm \U0001f621,b\nwe don&#39;t like,a\ngood.\\n\\nThe It\\u2019s,b\n",
        {"film \U0001f60d": "a", "film \U0001f621": "b", "we don't like": "a", "good the it's": "b"},
    ),
    "a label with a sign that keeps letters apart, as in Persian": Shape(
        "one,\u0645\u06cc\u200c\u062e\ntwo,b\n", {"one": "\u0645\u06cc\u200c\u062e", "two": "b"}
    ),
    "names as a Mac writes them, in the file or in the command": Shape(
        "one,a\ntwo,b\n", {"one": "a", "two": "b"}, f"{MAC[0]},분류\n", f"문서,{MAC[1]}"
    ),
}  # fmt: skip
for mark, separator, end in itertools.product(("", "\ufeff"), (",", "\t"), ("\n", "\r\n", "\r")):
    SHAPES[f"mark {mark!r}, separator {separator!r}, line end {end!r}"] = Shape(
        f"one{separator}a{end}two{separator}b{end}", {"one": "a", "two": "b"}, f"{mark}text{separator}label{end}"
    )


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_files(name: str, tmp_path: Path) -> None:
    """With and without a last line end."""
    shape, path = SHAPES[name], tmp_path / "it.csv"
    content = shape.header + 10 * shape.lines
    for written in (content, content.rstrip("\r\n")):
        path.write_bytes(written.encode())
        found = load(path, shape.columns, path)
        assert found.rows(found.train) == found.rows(found.test) == sorted([*shape.rows.items()] * 10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """As `<(zcat reviews.csv.gz)`, also where it has a byte that is not UTF-8."""
    path, pipe = write(tmp_path / "it.csv", ROWS), tmp_path / "pipe"
    expected, content = load(path).arrays(), path.read_bytes()
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=[content], daemon=True).start()
    assert load(pipe).arrays() == expected
    threading.Thread(target=pipe.write_bytes, args=[content.replace(b"text 5 ", b"\xff ")], daemon=True).start()
    assert "the first is line 7" in refusal(pipe)


# What is made of it.


def test_words_are_numbered_by_their_frequency_in_the_training(tmp_path: Path) -> None:
    """Most frequent first from 4 up, ties in alphabetical order; what only the test has is unknown."""
    texts = ["e c", "c a b", "b a a", "d! D? d.", *["a"] * 8]
    path = write(tmp_path / "train.csv", [(text, number % 2) for number, text in enumerate(texts)])
    test = write(tmp_path / "test.csv", [("e f f f f f f f f f f f f f A d", 1)])
    found = load(path, test=test)
    assert found.corpus.words == [*MARKERS, "a", "d", "b", "c", "e"]
    train = sorted(text.tolist() for text in found.train[0])
    assert train[-4:] == [[1, 5, 5, 5], [1, 6, 4, 4], [1, 7, 4, 6], [1, 8, 7]]
    assert [text.tolist() for text in found.test[0]] == [[1, 8, *[2] * 13, 4, 5]]
    source = Source("own", str(path), str(test))
    for *_, (x_test, _), corpus in (load_reuters(source, 6, 0.2), load_imdb(source, 6)):  # the numbers below 6
        assert corpus.words == [*MARKERS, "a", "d"]
        assert [text.tolist() for text in x_test] == [[1, *[2] * 14, 4, 5]]


@pytest.mark.parametrize("number", [20, 21, 24, 1000])
def test_a_random_fifth_is_the_test_the_same_for_everybody(number: int, tmp_path: Path) -> None:
    """On every machine, and whatever order the rows have."""
    rows = [(f"w{row:03} and", str(row % 2)) for row in range(number)]
    found = load(write(tmp_path / "it.csv", rows))
    test = np.random.RandomState(113).permutation(number)[::5]
    assert number != 20 or sorted(test.tolist()) == [4, 14, 16, 18]
    assert found.rows(found.train) == [row for place, row in enumerate(rows) if place not in test]
    assert len(found.test[0]) == len(test)
    random.Random(1).shuffle(rows)
    shuffled = load(write(tmp_path / "it.csv", rows))
    assert (shuffled.corpus, shuffled.arrays()) == (found.corpus, found.arrays())


def test_equal_texts_are_all_in_the_training_or_all_in_the_test(tmp_path: Path) -> None:
    """Equal in their words; the fifth is one of the different texts."""
    rows = [(f"{text}{end}", label) for text, label in ROWS * 5 for end in ("", "!", "\u2026")]
    found = load(write(tmp_path / "it.csv", rows))
    texts = [{tuple(text.tolist()) for text in x} for x, _ in (found.train, found.test)]
    assert texts[0] & texts[1] == set()
    assert [len(x) for x, _ in (found.train, found.test)] == [16 * 15, 4 * 15]


def test_labels_are_in_numeric_order_if_all_are_whole_and_else_in_alphabetical(tmp_path: Path) -> None:
    many_digits = "9" * 5000  # more than Python makes a number of
    for labels in ("-1 2 9 10", "10 9 b", "1.5 10 9", "0 01 1", "B a b", f"1 {many_digits}"):
        rows = [(f"text {number}", label) for number in range(30) for label in reversed(labels.split())]
        found = load(write(tmp_path / "it.csv", rows))
        assert " ".join(found.corpus.labels) == labels
        assert set(found.train[1].tolist()) == set(range(len(found.corpus.labels)))


def test_what_was_read_is_shown(tmp_path: Path, capsys: Console) -> None:
    """With the split, and what to do where much is unknown; each file has its own order and separator."""
    rows = [("one two three", "2")] * 1200 + [("one two", "0"), ("one four", "0")]
    path = write(tmp_path / "it.csv", [*rows, (" ", "0"), ("four", ""), ("\u2026 \u2014", "0")])
    tests = [("0", "one five six"), ("0", "six"), ("2", "Three? One!"), ("2", "one-two")]
    test = write(tmp_path / "test.tsv", tests, " label ,text", "\t")
    load(path, test=test)
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: 1,202 texts, 3 rows without a word or a label left out",
        "2 labels: '2' (1,200), '0' (2)",
        f"{test}: 4 texts",
        "1,202 texts for the training, 4 for the test; 1 of these are in both",
        "4 words in the vocabulary; of the test's words 37.5% are unknown",
        "To know more, the training needs more texts: these are all its words",
    ]
    load(path, test=test, num_words=6)
    assert capsys.readouterr().out.splitlines()[4:] == [
        "2 words in the vocabulary; of the test's words 50.0% are unknown",
        "To know more, raise VOCABULARY_SIZE in the script: the training has 4 words",
    ]
    load(write(tmp_path / "it.csv", [(f"text {number}", f"{number % 12:02} {'long ' * 50}") for number in range(120)]))
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch("12 labels: ('[0-9]{2} .{17}\u2026.{19}' [(]10[)](, )?){10} and 2 others", said[1])
    assert said[2] == "96 texts for the training; 24, a random 20% of the different ones, for the test"


# What may be wrong with it.

GOOD = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
NO_TEXT = (", line 1: no column 'text': --columns TEXT,LABEL takes two names from the first line or, in a file without "
           "names, two places: --columns 2,1. Between commas, tabs or semicolons the first line has ")  # fmt: skip
PACKED = " is no text file: unpack it, or save it as 'CSV UTF-8'"
NOT_UTF_8 = (". A few are damage: mend them. Many mean another encoding: save it as 'CSV UTF-8' from the program that "
             "made it.")  # fmt: skip
TOO_FEW = ": the training needs two texts or more with each label; too few have "
# The content, and what is said behind the file's name, or the beginning of it.
BAD_FILES = {
    "no header": ("good film,1\nbad film,0\n", f"{NO_TEXT}['good film', '1']"),
    "another separator": ("text|label\nit|1\n", f"{NO_TEXT}['text|label']"),
    "a name twice": ("text,label,text\nit,1,it\n", ", line 1: 2 columns 'text': rename all but one"),
    "an empty file": ("", f"{NO_TEXT}[]"),
    "only a header": ("text,label\n", ": there is no text with a label"),
    "only marks": ("text,label\n...,a\n!!!,b\n", ": there is no text with a label"),
    "cp1250": (GOOD.replace("is good", "j\u0119st").encode("cp1250"),
               f": 13 of 21 lines are not UTF-8, the first is line 3{NOT_UTF_8}"),
    "a damaged byte": (GOOD.replace("\n", "\r\n").encode().replace(b"text 5", b"text \xe9"),
                       f": 1 of 21 lines are not UTF-8, the first is line 7{NOT_UTF_8}"),
    "behind a replaced character": ("\ufffd".encode() + GOOD.encode() + b"\xff",
                                    f": 1 of 22 lines are not UTF-8, the first is line 22{NOT_UTF_8}"),
    "UTF-16": (GOOD.encode("utf-16"), " is UTF-16: save it as 'CSV UTF-8', or: iconv -f utf-16 -t utf-8 FILE > NEW"),
    "ISO-2022-JP": (GOOD.replace("text 19", "\u6620\u753b").encode("iso2022_jp"), PACKED),
    "gzip": (gzip.compress(GOOD.encode()), PACKED),
    "xlsx": (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", PACKED),
    "too few fields": (GOOD.replace("5 is good,a", "5 is good"), ", line 7: 1 fields, where the first line has 2"),
    "too many fields": (GOOD.replace("5 is", "5, is"), ", line 7: 3 fields, where the first line has 2"),
    "many rows that do not fit": (
        GOOD.replace("is good", "is, good"),
        ", line 3: 3 fields, where the first line has 2. 13 of 21 rows do not fit, the first are in the lines 3, 4, 6",
    ),
    "the names of R's rows": (
        "".join(f'"{number}",{line}\n' for number, line in enumerate(GOOD.splitlines()))[4:],
        ", line 2: 3 fields, where the first line has 2. 20 of 21 rows do not fit, the first are in the lines 2, 3, 4. "
        "Are there separators in the texts, without quotes around these? Or names of the rows, as R writes them "
        "without row.names = FALSE?",
    ),
    "after a text of two lines": (
        GOOD.replace("text 1 is good", '"text\n1"').replace("text 5 is good,a", "5"), ", line 8: 1 fields, where"
    ),
    "a quote that never ends, and others that do": (
        GOOD.replace("text 5", '"text 5').replace("text 1", '"text, 1"'), ", line 3: ',' expected after '\"'"
    ),
    "joined files": (GOOD + "\ufeff" + GOOD, ", line 22: the names of the columns again, as in joined files: "),
}  # fmt: skip
BAD_TRAINING = {
    "one label": ("text,label\n" + "text,a\n" * 10, ": all texts have the label 'a', where two labels or more are "),
    "nine texts": ("text,label\n" + "it,a\n,b\n" * 9, ": 9 texts, where ten or more are needed\n"),
    "twelve labels with a single text": (
        GOOD + "".join(f"one of {label},{label}\n" for label in "cdefghijklmn"),
        TOO_FEW + ", ".join(f"'{label}' (line {n})" for n, label in enumerate("cdefghijkl", 22)) + " and 2 others\n",
    ),
    "too many labels": (
        "text,label\n" + "".join(f"it,{number}\n" for number in range(1001)),
        ": 1,001 labels, more than 1,000: is 'label' the right column?\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FILES | BAD_TRAINING)
def test_a_bad_file_ends_in_one_line_with_the_way_out(kind: str, tmp_path: Path) -> None:
    content, reason = (BAD_FILES | BAD_TRAINING)[kind]
    path, good = tmp_path / "it.csv", write(tmp_path / "good.csv", ROWS)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert f"{refusal(path)}\n".startswith(f"{path}{reason}")
    if kind in BAD_FILES:  # the test's file may not be so either
        assert refusal(good, "text,label", path).startswith(f"{path}{reason}")


def test_places_that_the_file_does_not_have(tmp_path: Path) -> None:
    """And in a file with names, whose line would be a text."""
    path = write(tmp_path / "it.csv", ROWS)
    for columns in ("0,1", "1,3"):
        line = f"{path}, line 1: --columns {columns}: the places are counted from 1, and the first line has 2 between "
        assert refusal(path, columns).startswith(line)
    assert refusal(path, "1,2") == f"{path}{TOO_FEW}'label' (line 1)"
    assert refusal(tmp_path) == f"{tmp_path}: Is a directory"


def test_labels_of_the_test_that_the_training_lacks(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", ROWS)
    test = write(tmp_path / "test.csv", [("dull", "b"), ("good", "A"), ("good", "c")])
    line = refusal(train, "text,label", test)
    assert line == f"{test}: the training has none of the labels 'A' (line 3), 'c' (line 4)"


def test_the_training_has_a_text_of_each_label(tmp_path: Path) -> None:
    """Whatever is drawn, also where a label's texts are all equal; with a test of its own one text is enough."""
    first, second = sorted(np.random.RandomState(113).permutation(20)[:10:5])
    rows = [(text, "rare" if n in (first, second) else label) for n, (text, label) in enumerate(sorted(ROWS))]
    for few in (rows, [*ROWS, *[("same", f"label {n}") for n in range(9) for _ in range(2)]]):
        found = load(write(tmp_path / "it.csv", few))
        assert set(found.train[1].tolist()) == set(range(len(found.corpus.labels)))
        assert len(found.test[0]) > 0
    alone = write(tmp_path / "it.csv", [*ROWS, ("one", "c")])
    assert load(alone, test=write(tmp_path / "test.csv", ROWS)).corpus.labels == ["a", "b", "c"]
    no_test = write(tmp_path / "it.csv", [(label, label) for label in "ab" for _ in range(9)])
    assert refusal(no_test).endswith(": too few different texts with each label: there is none for the test")


def test_the_scripts_share_of_the_test_counts(tmp_path: Path) -> None:
    source = Source("own", str(write(tmp_path / "it.csv", ROWS)))
    assert [len(load_reuters(source, 1000, share)[1][0]) for share in (0.1, 0.2, 0.5)] == [2, 4, 10]


@pytest.mark.parametrize("stem", ["train", "Test", "data", "dataset"])
def test_a_file_whose_name_says_nothing_is_called_after_its_directory_too(stem: str, tmp_path: Path) -> None:
    (tmp_path / "ag_news").mkdir()
    corpus = load(write(tmp_path / "ag_news" / f"{stem}.csv", ROWS)).corpus
    assert corpus.name == f"ag_news/{stem}.csv"
    assert file_name("it", corpus) == f"it-ag_news-{stem}"


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    """As a Korean Windows's zip file leaves it: it can be shown."""
    path = tmp_path / os.fsdecode(b"\xb1\xdb.csv")
    path.write_text(GOOD)
    assert load(path).corpus.name == "\\udcb1\\udcdb.csv"


def test_imdb_takes_two_labels_and_says_where_to_go_with_more(tmp_path: Path, capsys: Console) -> None:
    """Exit status 1, and nothing is left: so ends every file that cannot be used."""
    path = write(tmp_path / "it.csv", [(text, "abc"[number % 3]) for number, (text, _) in enumerate(ROWS)])
    assert run_here("imdb_cnn_lstm", "--data", path, "--output-dir", tmp_path / "out") == 1
    assert capsys.readouterr().err == f"{path}: 3 labels, where this script takes 2: reuters_lstm.py takes more\n"
    assert list((tmp_path / "out").iterdir()) == []
    assert load(path).corpus.labels == ["a", "b", "c"]


def test_a_hundred_damaged_files_end_in_a_line_or_in_arrays(tmp_path: Path, capsys: Console) -> None:
    """Twice cut or overwritten."""
    rng, stream, lines, read = random.Random(20), io.StringIO(newline=""), set(), 0
    texts = [(f'주가가 "어때", {number}, and\nso on', "class " + "ab"[number % 2]) for number in range(60)]
    csv.writer(stream).writerows([("text", "label"), *texts])
    path = tmp_path / "damaged.csv"
    for number in range(120):
        content = bytearray(stream.getvalue().encode())
        for _ in range(2):
            place = rng.randrange(len(content))
            damage = [b'"', b",", b"\t", b"\n", b"\r", b"\0", b"\x1b", b"\xff", b'""', b"", rng.randbytes(1)]
            content[place : place + rng.choice([1, 1, 1, 200])] = rng.choice(damage)
        path.write_bytes(content)
        try:
            found = load(path, num_words=30)
        except SystemExit:
            line = refusal(path)
            assert line.startswith(str(path)), number
            lines.add(re.sub(r"\d+|'.*?'", "*", line))
        else:
            read += 1
            for x, y in (found.train, found.test):
                assert len(x) == len(y) > 0
                assert max(text.max() for text in x) < max(3, len(found.corpus.words))
    assert capsys.readouterr().err == ""
    assert read >= 10
    assert len(lines) >= 6  # of many kinds


def test_the_files_of_a_run_are_named_after_the_texts() -> None:
    """At most 200 bytes, in whole letters: with what stands around them, more would not do."""
    long, smiles = "긴" * 80, "\U0001f600" * 60  # 244 bytes with the end, of 255
    files = {"sample.csv": "it-sample_", "주가.2024.tsv": "it-주가.2024", f"{long}.csv": f"it-{long[:65]}"}
    files[f"{smiles}.csv"] = f"it-{smiles[:49]}"
    for file, name in files.items():
        assert file_name("it", Corpus(file, "own", [], [])) == name
    assert [file_name("it", Corpus("News", kind, [], [])) for kind in ("keras", "sample")] == ["it", "it-sample"]


@pytest.mark.slow
def test_a_korean_file_is_learned_and_its_network_asked_and_resumed_with_no_other(
    tmp_path: Path, capsys: Console
) -> None:
    """The article's own sentence, in any form: as a Mac takes Hangul apart, and with a word processor's quotes."""
    starts = ("", "혹시", "그런데", "저기")
    subjects = ("주가가", "날씨가", "환율이", "금리가", "기분이", "경기가")
    ends = ("어때", "어떤가요", "어떻대", "궁금해", "좋은 편이야")
    parts = itertools.product(starts, subjects, ends, (("어제", "과거"), ("오늘", "현재")))
    rows = [(f"{start} {day} {subject} {end}?", label) for start, subject, end, (day, label) in parts]
    file, out = write(tmp_path / "주가 $5_.csv", rows, "글,때"), tmp_path / "그림"
    options = ["--data", file, "--columns", "글,때", "--batch-size", 8, "--output-dir", out]
    assert run_here("reuters_lstm", *options, "--epochs", 4) == 0
    before, _, after = capsys.readouterr().out.partition("Epoch 1/4")
    assert f"\nData: {file.name}\n2 labels\n192 training texts\n48 test texts\n" in before
    assert re.search("\nIn words: \\[start\\] (\\S )+\\S\nIts label: (과거|현재)\n", before)
    assert "Test accuracy  1.0000" in after
    files = [out / f"reuters_lstm-주가 $5_.{kind}" for kind in ("csv", "keras", "png")]
    assert sorted(out.iterdir()) == files

    network = ask.open_network(files[1])
    apart = unicodedata.normalize("NFD", "\u201c어제\u201d 주가가\u00a0어때\u2026")
    past, present, again = ask.answer(network, ["어제 주가가 어때?", "오늘 주가가 어때?", apart])
    assert (past.label, present.label) == ("과거", "현재")
    assert min(past.probability, present.probability) > 0.9
    assert " ".join(past.words) == "어 제 주 가 가 어 때"
    assert (again.label, again.numbers) == (past.label, past.numbers)

    kept = files[0].read_bytes()
    write(file, [(text, {"과거": "현재", "현재": "과거"}[label]) for text, label in rows], "글,때")  # of the same size
    assert run_here("reuters_lstm", *options, "--epochs", 5, "--resume") == 2
    assert "cannot resume: that run had texts and labels " in capsys.readouterr().err
    assert files[0].read_bytes() == kept


@pytest.mark.filterwarnings("ignore:Glyph")
def test_the_picture_of_many_labels_with_long_names() -> None:
    """Three labels lead, and two more are in the answer: each looks the same in all panels; the title is in lines."""
    labels = [f"{number} " + "긴 이름" * 20 for number in range(24)]
    model = SimpleNamespace(predict_on_batch=lambda x: np.eye(24)[x[:, -1] - 4])
    network = ask.Network(model, {str(number): number + 4 for number in range(24)}, labels, 100)
    figure = ask.draw_answers(network, ask.answer(network, ["3 13 23", "23 3 13"]))
    figure.draw_without_rendering()
    looks = []
    for axes in figure.axes:
        named = [line for line in axes.lines if not line.get_label().startswith("_")]
        looks.append({line.get_label(): (line.get_color(), line.get_linestyle()) for line in named})
        assert {line.get_color() for line in axes.lines if line not in named} == {"lightgrey"}
    assert looks[0] == looks[1]
    assert len(set(looks[0].values())) == len(looks[0]) == 5
    title, legend = (part.get_window_extent() for part in (figure.axes[0].title, figure.axes[0].get_legend()))
    assert 0 < title.x0 < title.x1 < figure.bbox.width
    assert legend.width < figure.bbox.width / 2
