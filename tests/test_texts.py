"""Texts of one's own: every shape of file, what is made of it, and what may be wrong with it."""

import csv
import gzip
import io
import itertools
import os
import random
import re
import shutil
import subprocess
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.image import imread

from common import ask, checkpoint
from common.corpus import Corpus, Source, Split
from common.curve import save_figure
from common.data import load_imdb, load_reuters
from common.texts import load_file
from common.words import MARKERS
from tests import test_curve
from tests.conftest import OFFLINE, command
from tests.tiny import run_here

Console = pytest.CaptureFixture[str]
installed = test_curve.installed  # a fixture
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
    return Loaded(*load_file(Source("own", str(path), test and str(test), tuple(columns.split(","))), num_words))


def write(path: Path, rows: list[tuple], header: str = "text,label", separator: str = ",") -> Path:
    """Write the rows as they are, without quotes."""
    lines = [header.replace(",", separator), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def refusal(load: Callable, *arguments: object) -> str:
    """The line with which loading ends; Python prints it, and the exit status is 1."""
    with pytest.raises(SystemExit) as ended:
        load(*arguments)
    line = ended.value.code
    assert line.isprintable(), line
    assert len(line) < 700
    return line


# Shapes of files.


def test_every_line_end_mark_and_separator_gives_the_same(tmp_path: Path) -> None:
    expected = load(write(tmp_path / "it", ROWS), test=tmp_path / "it")
    assert expected.rows(expected.train) == expected.rows(expected.test) == sorted(ROWS)
    ends = ("\n", "\r\n", "\r")
    for mark, separator, end, last in itertools.product(("", "\ufeff"), (",", "\t"), ends, (True, False)):
        lines = [separator.join(row) for row in [("text", "label"), *ROWS]]
        (tmp_path / "it").write_bytes((mark + end.join(lines) + end * last).encode())
        found = load(tmp_path / "it", test=tmp_path / "it")
        assert (found.corpus, found.arrays()) == (expected.corpus, expected.arrays())


def test_quoted_fields_with_line_breaks_quotes_commas_and_of_any_length(tmp_path: Path) -> None:
    texts = ['a "quoted" word, and\nanother\r\nline', "one\rmore", "tab\there", "long " * 100_000, "'single", " space "]
    rows = [(text, label) for text in texts for label in ("yes, sir", 'no "no"')]
    with (tmp_path / "it.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    words = [" ".join(text.replace('"', "").replace(",", "").split()) for text, _ in rows]
    found = load(tmp_path / "it.csv", test=tmp_path / "it.csv")
    assert found.rows(found.test) == sorted(zip(words, (label for _, label in rows), strict=True))


def test_a_file_as_nsmc_is(tmp_path: Path, capsys: Console) -> None:
    """Tab-separated; a quote is a plain character, single ones and at the start of a text too; some texts are empty."""
    texts = {'"너무재밓': "너 무 재 밓", '흠...보 "초딩': "흠 보 초 딩", "교도소,": "교 도 소", "이\u00a0없": "이 없"}
    rows = [(number, text, number % 2) for number, text in enumerate([*texts] * 4)]
    train = write(tmp_path / "ratings_train.txt", [*rows, (16, "", 1), (17, " ", 0)], "id,document,label", "\t")
    test = write(tmp_path / "ratings_test.txt", [(1, '굳 ㅋ "', 1), (2, "GDNTOPCLASS", 0)], "id,document,label", "\t")
    found = load(train, "document,label", test)
    assert found.rows(found.train) == sorted((texts[text], str(label)) for _, text, label in rows)
    assert found.rows(found.test) == [("[?]", "0"), ("[?] [?]", "1")]
    assert found.corpus[:2] == ("ratings_train.txt", "own")
    said = capsys.readouterr().out
    assert said.startswith(f"{train}: 16 texts, 2 rows without a word or a label left out\n")


def test_a_file_as_kaggles_imdb_is(tmp_path: Path) -> None:
    texts = ['"One of the ""Oz"" episodes, they are right.<br /><br />The first thing"', "Petter's \x96 fine"]
    lines = [f"{text},{sentiment}" for text in texts for sentiment in ("positive", "negative")] * 3
    path = tmp_path / "IMDB Dataset.csv"
    path.write_text("review,sentiment\r\n" + "\r\n".join(lines), encoding="utf-8", newline="")
    found = load(path, "review,sentiment", path)
    words = ["one of the oz episodes they are right br br the first thing", "petter's \x96 fine"]
    expected = [(text, label) for text in words for label in ("positive", "negative")] * 3
    assert found.rows(found.test) == sorted(expected)


def test_a_file_as_ag_news_is(tmp_path: Path) -> None:
    """Its authors' file has no header, and has lost the & of its entities; Kaggle's has a header."""
    text = "Wall Street #39;s  quot;band\\of #36;{n} don&#39;t &lt;b&gt; us,  #1; #10; we"
    rows = [f'"{n % 4 + 1}","Title","{text.format(n=n)}"' for n in range(20)]
    path = tmp_path / "test.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    found = load(path, "3,1", path)
    expected = sorted((f"wall street's band of {n} don't b us 1 10 we", str(n % 4 + 1)) for n in range(20))
    assert found.rows(found.test) == expected
    path.write_text("\n".join(["Class Index,Title,Description", *rows]), encoding="utf-8")
    assert load(path, "Description,Class Index", path).arrays() == found.arrays()


def test_each_file_has_its_own_order_of_columns_and_separator(tmp_path: Path) -> None:
    """A first line that is quoted throughout makes quotes quotes, by tabs too; or text and label share a pair."""
    train = write(tmp_path / "train.tsv", [(label, 9, text) for text, label in ROWS], " label ,n, text", "\t")
    rows = [(f'"{text}, ""so""\t!"', f'"{label}"') for text, label in ROWS]
    test = write(tmp_path / "test.tsv", rows, '"text","label"', "\t")
    found = load(train, test=test)
    assert found.rows(found.train) == sorted(ROWS)
    found = load(test, test=test)
    assert found.rows(found.test) == sorted((f"{text} so", label) for text, label in ROWS)
    both = write(tmp_path / "both.tsv", [(f'"{text}', f'{label}"') for text, label in ROWS], separator="\t")
    assert load(both).arrays() == load(train).arrays()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("content", ["good", "bad"])
def test_a_pipe_is_read_once(content: str, tmp_path: Path) -> None:
    """As `<(zcat reviews.csv.gz)`, also where it has a byte that is not UTF-8."""
    path = write(tmp_path / "it.csv", ROWS)
    expected = load(path).arrays()
    written = path.read_bytes() if content == "good" else path.read_bytes().replace(b"text 5 ", b"\xff ")
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[written], daemon=True)
    writer.start()
    if content == "good":
        assert load(tmp_path / "pipe").arrays() == expected
    else:
        assert "line 7: not UTF-8" in refusal(load, tmp_path / "pipe")
    writer.join()


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

    cut = load(path, test=test, num_words=6)  # the numbers below 6
    assert cut.corpus.words == [*MARKERS, "a", "d"]
    assert [text.tolist() for text in cut.test[0]] == [[1, *[2] * 14, 4, 5]]


def test_the_order_of_the_rows_decides_nothing(tmp_path: Path) -> None:
    """Neither which rare words are known, as in a file that is sorted by label, nor what is the test."""
    rows = sorted([(f"word{number} and", number % 3) for number in range(300)], key=lambda row: row[1])
    ordered = load(write(tmp_path / "it.csv", rows), num_words=100)
    random.Random(1).shuffle(rows)
    shuffled = load(write(tmp_path / "it.csv", rows), num_words=100)
    assert shuffled.corpus == ordered.corpus
    assert shuffled.arrays() == ordered.arrays()


@pytest.mark.parametrize("number", [20, 21, 24, 1000])
def test_a_random_fifth_is_the_test_the_same_for_everybody(number: int, tmp_path: Path) -> None:
    found = load(write(tmp_path / "it.csv", [(f"w{row:03}", row % 2) for row in range(number)]))
    test = np.random.RandomState(113).permutation(number)[::5]
    assert [text for text, _ in found.rows(found.train)] == [f"w{row:03}" for row in range(number) if row not in test]
    assert sum(len(x) for x, _ in (found.train, found.test)) == number
    if number == 20:  # on every machine
        assert sorted(test.tolist()) == [4, 14, 16, 18]


def test_equal_texts_are_all_in_the_training_or_all_in_the_test(tmp_path: Path) -> None:
    """Equal in their words; the fifth is one of the different texts."""
    rows = [(f"{text}{end}", label) for text, label in ROWS * 5 for end in ("", "!", "\u2026")]
    found = load(write(tmp_path / "it.csv", rows))
    texts = [{tuple(text.tolist()) for text in x} for x, _ in (found.train, found.test)]
    assert texts[0] & texts[1] == set()
    assert [len(x) for x, _ in (found.train, found.test)] == [16 * 15, 4 * 15]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "-1", "2"], ["-1", "2", "9", "10"]),
        (["10", "9", "b"], ["10", "9", "b"]),
        (["1.5", "10", "9"], ["1.5", "10", "9"]),
        (["1", "01", "0"], ["0", "01", "1"]),
        (["b", "a", "B"], ["B", "a", "b"]),
        (["1", "9" * 5000], ["1", "9" * 5000]),  # more digits than Python makes a number of
        (["긍정", "부정", *(unicodedata.normalize("NFD", label) for label in ("긍정", "부정"))], ["긍정", "부정"]),
        (["R&amp;B", "R&B", "a  b", "a b"], ["R&B", "a b"]),
    ],
)
def test_labels_and_their_order(labels: list[str], expected: list[str], tmp_path: Path) -> None:
    """Numeric if all are whole, else alphabetical; a label is one label however it is written."""
    rows = [(f"text {number}", label) for number in range(30) for label in labels]
    found = load(write(tmp_path / "it.csv", rows))
    assert found.corpus.labels == expected
    assert set(found.train[1].tolist()) == set(range(len(expected)))


def test_names_of_columns_as_a_mac_writes_them(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "문서,분류")
    assert (
        load(write(tmp_path / "it.csv", ROWS, apart), "문서,분류").arrays() == load(tmp_path / "it.csv", apart).arrays()
    )


def test_what_was_read_is_shown(tmp_path: Path, capsys: Console) -> None:
    """With the split in words, and what can be done where much is unknown."""
    rows = [("one two three", "2")] * 1200 + [("one two", "0"), ("one four", "0")]
    path = write(tmp_path / "it.csv", [*rows, (" ", "0"), ("four", ""), ("\u2764\ufe0f \U0001f642", "0")])
    test = write(tmp_path / "test.csv", [("one five six", "0"), ("six", "0"), ("Three? One!", "2"), ("one-two", "2")])
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
    load(write(tmp_path / "it.csv", [(f"text {number % 50}", number % 2) for number in range(100)]))
    said = capsys.readouterr().out.splitlines()[2]
    assert said == "80 texts for the training; 20, a random fifth of the different ones, for the test"


def test_a_thousand_labels_make_a_short_line(tmp_path: Path, capsys: Console) -> None:
    rows = [(f"w{number}", f"{number % 1000:04} {'of it ' * 50}") for number in range(10_000)]
    path = write(tmp_path / "it.csv", rows)
    load(path, test=path)
    (line,) = (line for line in capsys.readouterr().out.splitlines() if " labels: " in line)
    assert re.fullmatch("1,000 labels: ('.{40}' \\(10\\)(, )?){10} and 990 others", line)
    path = write(tmp_path / "it.csv", [*rows, ("w", "another"), ("w", "another")])
    assert refusal(load, path) == f"{path}: 1,001 labels, more than 1,000: is 'label' the right column?"


def test_the_vocabulary_size_of_the_script_holds(tmp_path: Path) -> None:
    path = write(tmp_path / "it.csv", [(" ".join(f"w{n}" for n in range(k, 9000, 9)), k % 2) for k in range(9)] * 2)
    own = Source("own", str(path))
    for size, (*halves, corpus) in ((1000, load_reuters(own, 1000, 0.2)), (5000, load_imdb(own, 5000))):
        assert len(corpus.words) == size
        assert max(text.max() for x, _ in halves for text in x) == size - 1


# What may be wrong with it.

GOOD = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
NINE, KOREAN = GOOD[: GOOD.index("text 9")], GOOD.replace("text 5", "주가가")
NO_TEXT = (", line 1: no column 'text': --columns TEXT,LABEL takes two names from the first line or, in a file without "
           "names, two places: --columns 2,1. Between commas or tabs the first line has ")  # fmt: skip
PACKED = " is no text file: unpack it, or save it as 'CSV UTF-8'"
NOT_UTF_8 = ": not UTF-8. In Excel, save it as 'CSV UTF-8'. Or: iconv -f CODE -t utf-8 FILE > NEW, with the CODE "
TOO_FEW = ": the training needs two texts or more with each label; too few have "
BAD_FILES = {
    "no header": ("good film,1\nbad film,0\n", f"{NO_TEXT}['good film', '1']"),
    "another separator": ("text;label\nit;1\n", f"{NO_TEXT}['text;label']"),
    "a name twice": ("text,label,text\nit,1,it\n", ", line 1: 2 columns 'text': rename all but one"),
    "an empty file": ("", f"{NO_TEXT}[]"),
    "only a header": ("text,label\n", ", line 1: there is no text with a label"),
    "only emoji": ("text,label\n\U0001f642,a\n!!!,b\n", ", line 3: there is no text with a label"),
    "a directory": (None, ": Is a directory"),
    "cp949": (KOREAN.encode("cp949"), f", line 7{NOT_UTF_8}cp1252 for western languages, cp949 for Korean, "),
    "cp1252": (GOOD.replace("text 19", "don\u2019t").encode("cp1252"), f", line 21{NOT_UTF_8}"),
    "behind a replaced character": ("\ufffd".encode() + GOOD.encode() + b"\xff", f", line 22{NOT_UTF_8}"),
    "UTF-16": (GOOD.encode("utf-16"), " is UTF-16: iconv -f utf-16 -t utf-8 FILE > NEW, or save it as 'CSV UTF-8'"),
    "gzip": (gzip.compress(GOOD.encode()), PACKED),
    "xlsx": (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", PACKED),
    "too few fields": (GOOD.replace("5 is good,a", "5 is good"), ", line 7: 1 fields, where the first line has 2"),
    "after a text of two lines": (
        GOOD.replace("text 1 is good", '"text\n1"').replace("text 5 is good,a", "5"), ", line 8: 1 fields, where"
    ),
    "a quote that never ends": (GOOD.replace("text 5", '"text 5'), ", line 21: unexpected end of data"),
    "a quote that ends early": (GOOD.replace("text 5 is", '"text" 5 is'), ", line 7: ',' expected after '\"'"),
    "joined files": (GOOD + "\ufeff" + GOOD, ", line 22: the names of the columns again, as in joined files: "),
    "one label": ("text,label\n" + "text,a\n" * 10, ": all texts have the label 'a', where two labels or more are "),
    "nine texts": (NINE + ",a\nb,\n" * 5, ": 9 texts, where ten or more are needed"),
    "labels with a single text": (GOOD + "one,c\nother,d\n", f"{TOO_FEW}'c' (line 22), 'd' (line 23)\n"),
    "twelve labels with a single text": (
        GOOD + "".join(f"one of {label},{label}\n" for label in "cdefghijklmn"),
        TOO_FEW + ", ".join(f"'{label}' (line {n})" for n, label in enumerate("cdefghijkl", 22)) + " and 2 others\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_ends_in_one_line_and_nothing_is_trained(kind: str, tmp_path: Path, capsys: Console) -> None:
    """With the file and the way out, exit status 1, and nothing left; the same for the test's texts."""
    content, reason = BAD_FILES[kind]
    path, out, good = tmp_path / "it.csv", tmp_path / "out", tmp_path / "good.csv"
    good.write_text(GOOD)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    calls = [["--data", path]]
    if not re.search("ten or more|two labels|two texts", reason):  # what a test file may not be either
        calls.append(["--data", good, "--test-data", path])
    for arguments in calls:
        assert run_here("reuters_lstm", *arguments, "--output-dir", out) == 1
        said = capsys.readouterr()
        assert said.err.startswith(f"{path}{reason}")
        assert said.err.removesuffix("\n").isprintable()
        assert list(out.iterdir()) == []


def test_places_that_the_file_does_not_have(tmp_path: Path) -> None:
    """And in a file with names, whose line would be a text."""
    path = write(tmp_path / "it.csv", ROWS)
    for columns in ("0,1", "1,3"):
        line = f"{path}, line 1: --columns {columns}: the places are counted from 1, and the first line has 2 between "
        assert refusal(load, path, columns).startswith(line)
    assert refusal(load, path, "1,2") == f"{path}{TOO_FEW}'label' (line 1)"


@pytest.mark.parametrize(("code", "text"), [("cp949", "주가가 어때"), ("cp1252", "don\u2019t caf\u00e9")])
def test_the_command_that_it_tells_makes_utf_8(code: str, text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "내 글.csv", [(f"{start} {text}", label) for start, label in ROWS])
    expected = load(path)
    path.write_bytes(path.read_bytes().decode().replace("\n", "\r\n").encode(code))
    line = refusal(load, path)
    assert f"{code} for " in line
    program = re.search("iconv .* > NEW", line)[0].replace("CODE", code)
    subprocess.run(program.replace("FILE", f"'{path}'").replace("NEW", "new.csv"), shell=True, cwd=tmp_path, check=True)
    assert load(tmp_path / "new.csv").arrays() == expected.arrays()


def test_what_only_looks_like_an_entity_stays(tmp_path: Path) -> None:
    """HTML decodes `&not` and `&para` without a semicolon too; a label's quotes are none of it in a file with tabs."""
    rows = [(f"good&not bad &amp; w{number}", ("a", '"a"', "b", '"b"')[number % 4]) for number in range(20)]
    found = load(write(tmp_path / "it.tsv", rows, separator="\t"))
    assert all(text.startswith("good not bad w") for text, _ in found.rows(found.train))
    assert found.corpus.labels == ["a", "b"]


def test_labels_of_the_test_that_the_training_lacks(tmp_path: Path) -> None:
    """In a file of its own, or where all texts with the label are drawn."""
    train = write(tmp_path / "train.csv", ROWS)
    test = write(tmp_path / "test.csv", [("dull", "b"), ("good", "A"), ("good", "c")])
    assert (
        refusal(load, train, "text,label", test)
        == f"{test}: the training has none of the labels 'A' (line 3), 'c' (line 4)"
    )
    first, second = sorted(np.random.RandomState(113).permutation(20)[:10:5])
    rows = [(text, "rare" if n in (first, second) else label) for n, (text, label) in enumerate(sorted(ROWS))]
    assert refusal(load, write(train, rows)).startswith(
        f"{train}: the random fifth has all texts with the labels 'rare' ("
    )


def test_imdb_takes_two_labels_and_says_where_to_go_with_more(tmp_path: Path, capsys: Console) -> None:
    path = write(tmp_path / "it.csv", [(text, "abc"[number % 3]) for number, (text, _) in enumerate(ROWS)])
    assert run_here("imdb_cnn_lstm", "--data", path, "--output-dir", tmp_path / "out") == 1
    assert capsys.readouterr().err == f"{path}: 3 labels, where this script takes 2: reuters_lstm.py takes more\n"
    assert list((tmp_path / "out").iterdir()) == []
    assert load_reuters(Source("own", str(path)), 1000, 0.2)[2].labels == ["a", "b", "c"]


def test_names_that_are_too_long_are_said_before_the_training(tmp_path: Path, capsys: Console) -> None:
    """76 letters of Hangul, 232 bytes with the end, can be written, but not set aside for a second run; 80 cannot."""
    out = tmp_path / "out"
    for letters, status in ((76, 0), (76, 2), (80, 2)):
        path = write(tmp_path / f"{'긴' * letters}.csv", ROWS)
        assert run_here("reuters_lstm", "--data", path, "--epochs", 1, "--output-dir", out) == status
        said = capsys.readouterr()
        assert ("Test accuracy" in said.out) == (status == 0)
        if status:
            reason = f"error: argument --data: cannot write '.+': File name too long: rename '{path}'\n"
            assert re.search(reason, said.err)
    assert sorted(path.suffix for path in out.iterdir()) == [".csv", ".keras", ".png"]


def test_a_hundred_damaged_files_end_in_a_line_or_in_arrays(tmp_path: Path, capsys: Console) -> None:
    """Twice cut or overwritten."""
    rng, stream, lines, read = random.Random(20), io.StringIO(newline=""), set(), 0
    texts = [(f'주가가 "어때", {number}, and\nso on', "class " + "ab"[number % 2]) for number in range(60)]
    csv.writer(stream).writerows([("text", "label"), *texts])
    for number in range(120):
        content = bytearray(stream.getvalue().encode())
        for _ in range(2):
            place = rng.randrange(len(content))
            damage = [b'"', b",", b"\t", b"\n", b"\r", b"\0", b"\x1b", b"\xff", b'""', b"", rng.randbytes(1)]
            content[place : place + rng.choice([1, 1, 1, 200])] = rng.choice(damage)
        path = tmp_path / "damaged.csv"
        path.write_bytes(content)
        try:
            found = load(path, num_words=30)
        except SystemExit:
            line = refusal(load, path)
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


# The article's own sentence.

STARTS = ("", "혹시", "그런데", "저기")
SUBJECTS = ("주가가", "날씨가", "환율이", "금리가", "기분이", "경기가")
ENDS = ("어때", "어떤가요", "어떻대", "궁금해", "좋은 편이야")
DAYS = {"어제": "과거", "오늘": "현재"}
NAME = "reuters_lstm-주가 $5_"


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


def own(file: Path, out: Path, epochs: int) -> list[str | Path]:
    """The options that train on the file, 24 steps an epoch."""
    return ["--data", file, "--columns", "글,때", "--epochs", epochs, "--batch-size", 8, "--output-dir", out]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A network that has learned it, in a process of its own, once for all tests."""
    directory = tmp_path_factory.mktemp("korean")
    file, out = write_korean(directory / "주가 $5_.csv"), directory / "그림"
    environment = os.environ | OFFLINE | {"KERAS_HOME": str(directory), "PYTHONIOENCODING": "utf-8"}
    program = command("reuters_lstm", *own(file, out, 4))
    done = subprocess.run(program, cwd=directory, env=environment, capture_output=True, encoding="utf-8")
    return Trained(file, out, done)


def test_the_run_on_the_file_shows_what_it_read_and_learns_it(trained: Trained) -> None:
    file, out, console = trained
    assert console.returncode == 0, console.stderr
    assert re.fullmatch("(No font here has the picture's Hangul. Install NanumGothic .*\n)?", console.stderr)
    before, _, after = console.stdout.partition("Epoch 1/4")
    for line in (
        f"{file}: 240 texts", "2 labels: '과거' (120), '현재' (120)", f"Data: {file.name}", "2 topics",
        "192 texts for the training; 48, a random fifth of the different ones, for the test",
    ):  # fmt: skip
        assert line in before.splitlines()
    assert re.search("^In words: \\[start\\] (\\S )+\\S\nIts topic: (과거|현재)$", before, re.MULTILINE)
    assert "Test accuracy  1.0000" in after
    assert sorted(path.name for path in out.iterdir()) == [f"{NAME}.{kind}" for kind in ("csv", "keras", "png")]
    assert imread(out / f"{NAME}.png").shape[:2] == (600, 960)
    assert checkpoint.read(out / f"{NAME}.keras")["labels"] == ["과거", "현재"]


@pytest.fixture
def ask_it(trained: Trained, monkeypatch: pytest.MonkeyPatch, capfd: Console) -> Callable:
    """Ask the trained network in this process: exit status, standard output and standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
        monkeypatch.setattr("sys.argv", ["ask", str(trained.out / f"{NAME}.keras"), *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            ask.main()
        return ended.value.code or 0, *capfd.readouterr()

    return call


def test_the_articles_own_sentence_is_answered_rightly_in_any_form(ask_it: Callable) -> None:
    """As a Mac takes Hangul apart, and with the quotes of a word processor."""
    apart = unicodedata.normalize("NFD", "\u201c어제\u201d 주가가\u00a0어때\u2026")
    code, said, errors = ask_it("어제 주가가 어때?", "오늘 주가가 어때?", apart)
    assert (code, errors) == (0, "")
    first, second, third = (line.split("\t") for line in said.splitlines())
    assert [text for _, text in (first, second)] == ["어 제 주 가 가 어 때", "오 늘 주 가 가 어 때"]
    assert [verdict.split()[0] for verdict, _ in (first, second)] == ["과거", "현재"]
    assert min(float(verdict.split()[1]) for verdict, _ in (first, second)) > 0.9
    assert third == first


def test_a_label_has_one_colour(ask_it: Callable, trained: Trained, installed: list[str], tmp_path: Path) -> None:
    """Whether it is the first answer or not; and Hangul is drawn where a font has it, under whatever name."""
    texts = ["어제 주가가 어때?", "오늘 주가가 어때?"]
    code, _, errors = ask_it(*texts, "--output", tmp_path / "without.png")
    assert (code, errors.count("\n"), "NanumGothic" in errors) == (0, 1, True)
    installed.append(str(test_curve.make_font(tmp_path / "it.ttf", "Any Name", "어제오늘주가때과거현재")))
    assert ask_it(*texts, "--output", tmp_path / "with.png")[::2] == (0, "")
    without, drawn = (imread(tmp_path / f"{name}.png") for name in ("without", "with"))
    assert drawn.shape == (2 * 540, 1800, 4)
    assert (without != drawn).any()
    network = ask.open_network(trained.out / f"{NAME}.keras")
    panels = ask.draw_answers(network, ask.answer(network, [*texts, texts[0]])).axes
    colours = [(panel.lines[0].get_label(), panel.lines[0].get_color()) for panel in panels]
    assert colours[0] == colours[2]
    assert len({label for label, _ in colours}) == len({colour for _, colour in colours}) == 2


@pytest.mark.filterwarnings("ignore:Glyph")
def test_the_picture_of_many_labels_with_long_names(tmp_path: Path) -> None:
    """Eight panels with three labels each, all different, each in its own look; and the title in lines."""
    labels = [f"{number} " + "긴 이름" * 20 for number in range(24)]
    model = SimpleNamespace(predict_on_batch=lambda x: np.repeat(np.eye(8)[x[:, -1] - 4], 3, axis=1) / 3)
    network = ask.Network(model, {str(number): number + 4 for number in range(8)}, labels, 100)
    figure = ask.draw_answers(network, ask.answer(network, [str(number) for number in range(8)]))
    assert save_figure(tmp_path / "it.png", figure)
    lines = [line for panel in figure.axes for line in panel.lines]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 24
    title, legend = (part.get_window_extent() for part in (figure.axes[0].title, figure.axes[0].get_legend()))
    assert 0 < title.x0 < title.x1 < figure.bbox.width
    assert legend.width < figure.bbox.width / 2


@pytest.mark.parametrize("labels", [DAYS, {"어제": "현재", "오늘": "과거"}])
def test_the_same_file_is_resumed_and_no_other(labels: dict, trained: Trained, tmp_path: Path, capsys: Console) -> None:
    """The same, with its rows moved, goes on to the last digit; the other is of the same name and size."""
    shutil.copytree(trained.out, tmp_path / "out")
    (tmp_path / "other").mkdir()
    file = write_korean(tmp_path / "other" / trained.file.name, labels)
    header, *rows = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([header, *reversed(rows), ""]), encoding="utf-8")
    assert file.stat().st_size == trained.file.stat().st_size
    status = run_here("reuters_lstm", *own(file, tmp_path / "out", 5), "--resume")
    said = capsys.readouterr()
    before, after = ((out / f"{NAME}.csv").read_text().splitlines() for out in (trained.out, tmp_path / "out"))
    if labels == DAYS:
        assert status == 0
        assert "Going on after epoch 4." in said.out
        assert after[:-1] == before
    else:
        assert status == 2
        assert "cannot resume: that run had texts and labels " in said.err
        assert after == before
