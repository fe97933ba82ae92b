"""Words to numbers and back."""

import sys
import unicodedata

import pytest

from common import sample
from common.corpus import Source
from common.data import load_imdb, load_reuters
from common.words import MARKERS, numbering, printable, split, to_numbers
from tests.conftest import REAL_DATA

WORDS = [*MARKERS, "the", "don't", "plot", "3\x85"]
PART_WORDS = {"Cc", "Cf", "Zl", "Zp", "Zs", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So"}
APOSTROPHES = "'\u2018\u2019\u201b\u02bc\u2032\uff07`\u00b4"
FORMS_OF_APOSTROPHES = {unicodedata.normalize("NFKC", character) for character in APOSTROPHES}
# What the old Keras's `Tokenizer`, with which the data sets were made, takes for a space.
OLD_FILTER = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def test_ascii_is_parted_as_by_the_old_tokenizer() -> None:
    """But for control characters, which part words too, and a backquote that stands for an apostrophe."""
    for character in map(chr, range(128)):
        old = f"a{character}b".lower().translate(OLD_FILTER).split(" ")
        expected = ["a'b"] if character == "`" else old if character.isprintable() else ["a", "b"]
        assert split(f"a{character}b") == expected, character


def test_what_parts_words_goes_by_its_category_in_all_of_unicode() -> None:
    """But where the compatibility form makes letters of it, as of a trademark sign, and the data sets' one dash."""
    seen, wrong = 0, {}
    for character in map(chr, range(sys.maxunicode + 1)):
        form = unicodedata.normalize("NFKC", character)
        if unicodedata.category(character) not in PART_WORDS or form in FORMS_OF_APOSTROPHES or character == "\x96":
            continue
        if not any(unicodedata.category(part)[0] in "LN" for part in form):
            seen += 1
            words = split(f"a{character}b")
            wrong |= {character: words} if words != ["a", "b"] else {}
    assert seen > 7000
    assert wrong == {}


def test_letters_marks_and_digits_of_all_languages_stay() -> None:
    seen = 0
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character)[0] not in "LMN" or character in APOSTROPHES:
            continue
        if unicodedata.is_normalized("NFKC", character):
            seen += 1
            assert split(f"a{character}b") == [unicodedata.normalize("NFKC", f"a{character}b").lower()], character
    assert seen > 100_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("어제 주가가, 어때?", ["어제", "주가가", "어때"]),
        (unicodedata.normalize("NFD", "어제"), ["어제"]),  # as a Mac names its files
        ("हिन्दी में।", ["हिन्दी", "में"]),
        ("Ça va, İzmir? Ελλάδα", ["ça", "va", "i\u0307zmir", "ελλάδα"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("\uff26\uff35\uff2c\uff2c\u3000\ufb01ne \u2460", ["full", "fine", "1"]),  # wide, a ligature, in a circle
        ("㈜삼성", ["주", "삼성"]),
        ("映画は、面白い。", ["映画は", "面白い"]),
        ("10% of £5 = 🙂🙂 fun", ["10", "of", "5", "fun"]),
        ("love it \u2764\ufe0f \u2615\ufe0fgreat \U0001f44d\U0001f3fd", ["love", "it", "great"]),  # from telephones
        ("<b>bold</b>&nbsp;\u200bzero\u00adsoft\ufeff", ["b", "bold", "b", "nbsp", "zero", "soft"]),
        ("The \u201cPLOT\u201d  was\u00a0dull\u2014but\rsuperb\u2026", ["the", "plot", "was", "dull", "but", "superb"]),
        ("...", []),
        ("", []),
        # An apostrophe behind a mark: in decomposed text, and in languages that write vowels as marks.
        ("cafe\u0301\u2019s", ["caf\u00e9's"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940\u2019s", ["\u0939\u093f\u0928\u094d\u0926\u0940's"]),
        # Accents that stand for quotes leave nothing.
        ("the `plot\u00b4 \u00b4was\u00b4", ["the", "plot", "was"]),
        ("so what \u00af\\_(\u30c4)_/\u00af", ["so", "what", "\u30c4"]),
    ],
)
def test_texts_as_people_write_them(text: str, words: list[str]) -> None:
    assert split(text) == words


def test_what_stands_for_an_apostrophe_is_one_inside_a_word_only() -> None:
    for character in APOSTROPHES:
        assert split(f"Don{character}t") == ["don't"], character
    for quoted in ("\u2018plot\u2019", "\u201cplot\u201d", "`plot`", "\u2032plot\u2032", "\u201aplot\u201b", "«plot»"):
        assert split(f"the {quoted} was dull") == ["the", "plot", "was", "dull"], quoted
    assert split("'plot' dogs'") == ["'plot'", "dogs'"]  # ASCII's stays: the data sets have words that begin with it


def test_numbers_and_words() -> None:
    numbers = numbering(WORDS)
    assert to_numbers("Don\u2019t like the plot.", numbers) == [1, 5, 2, 4, 6]
    assert to_numbers("", numbers) == [1]
    assert to_numbers("start unused padding", numbers) == [1, 2, 2, 2]


def test_what_moves_the_cursor_is_shown_as_its_code() -> None:
    """And nothing else: a name in Hangul with a wide blank can still be read."""
    shown = {"caf\u00e9": "caf\u00e9", "\x1b[2j": "\\x1b[2j", "a\rb": "a\\rb", "한글\u3000결과": "한글\\u3000결과"}
    assert {word: printable(word) for word in shown} == shown


@pytest.mark.parametrize("load", [sample.load_reviews, sample.load_news])
def test_the_sample_to_words_and_back(load) -> None:
    train, test, words = load()
    words = MARKERS + words
    numbers = numbering(words)
    for x, _ in (train, test):
        for text in x:
            assert to_numbers(" ".join(words[number] for number in text[1:]), numbers) == text.tolist()
    *_, cut = load(num_words=50)
    assert MARKERS + cut == words[:50]


# Texts with a word that parts today, or is another: a dash in Windows's western code, a pound sign, "it\u00b4s".
@pytest.mark.parametrize(
    ("name", "texts", "changed"),
    [
        pytest.param("reuters", 11_228, 1, marks=pytest.mark.real_data("reuters.npz", "reuters_word_index.json")),
        pytest.param("imdb", 50_000, 1015, marks=pytest.mark.real_data("imdb.npz", "imdb_word_index.json")),
    ],
)
def test_the_real_data_to_words_and_back(name: str, texts: int, changed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text, with all its words: split at spaces, it gives its numbers; and the whole way, but for those above."""
    monkeypatch.setenv("KERAS_HOME", str(REAL_DATA.parent))
    everything = 10**9
    if name == "imdb":
        train, test, corpus = load_imdb(Source("keras"), everything)
    else:
        train, test, corpus = load_reuters(Source("keras"), everything, 0.2)
    numbers = numbering(corpus.words)
    assert len(numbers) == len(corpus.words) - 4  # no word occurs twice
    odd = {number for word, number in numbers.items() if split(word) != [word]}
    seen, not_back = 0, 0
    for text in (text.tolist() for x, _ in (train, test) for text in x):
        words = " ".join(corpus.words[number] for number in text[1:])
        assert [numbers[word] for word in words.split(" ")] == text[1:]
        back = to_numbers(words, numbers) == text
        assert back != bool(odd.intersection(text))
        seen, not_back = seen + 1, not_back + (not back)
    assert (seen, not_back) == (texts, changed)
