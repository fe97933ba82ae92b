"""Words to numbers and back."""

import pytest

from common import sample
from common.data import load_imdb, load_reuters
from common.words import numbering, printable, split, to_numbers, to_text
from tests.conftest import REAL_DATA

WORDS = ["[padding]", "[start]", "[?]", "[unused]", "the", "don't", "plot", "3\x85"]


def test_the_filter_is_that_of_the_old_tokenizer() -> None:
    punctuation = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
    for character in map(chr, range(128)):
        words = split(f"a{character}b")
        assert words == (["a", "b"] if character in punctuation + " " else [f"a{character.lower()}b"]), character


def test_upper_case_apostrophes_and_spaces() -> None:
    assert split("The  Plot,\nthe ACTING!") == ["the", "plot", "the", "acting"]
    assert split("Don't don\u2019t") == ["don't", "don't"]
    assert split("3\x85 a\u2028b c\u00a0d \x0b") == ["3\x85", "a\u2028b", "c\u00a0d", "\x0b"]
    assert split("...") == split("") == []


def test_numbers_and_words() -> None:
    numbers = numbering(WORDS)
    assert to_numbers("Don\u2019t like the plot.", numbers) == [1, 5, 2, 4, 6]
    assert to_numbers("", numbers) == [1]
    assert to_numbers("start unused padding", numbers) == [1, 2, 2, 2]
    assert to_text([1, 5, 2, 4, 6], WORDS) == "[start] don't [?] the plot"


def test_what_moves_the_cursor_is_shown_as_its_code() -> None:
    assert [printable(word) for word in ("caf\u00e9", "\ud55c\uae00", "3\x85", "\x1b[2j", "a\rb")] == [
        "caf\u00e9", "\ud55c\uae00", "3\\x85", "\\x1b[2j", "a\\rb",
    ]  # fmt: skip


@pytest.mark.parametrize("load", [sample.load_reviews, sample.load_news])
def test_the_sample_to_words_and_back(load) -> None:
    train, test, words = load()
    words = WORDS[:4] + words
    numbers = numbering(words)
    for x, _ in (train, test):
        for text in x:
            assert to_numbers(to_text(text[1:], words), numbers) == text.tolist()
    *_, cut = load(num_words=50)
    assert WORDS[:4] + cut == words[:50]


# Texts with a word that the filter changes: today's apostrophe, a "?" by itself, an upper case that was none in bytes.
@pytest.mark.parametrize(
    ("name", "texts", "changed"),
    [
        pytest.param("reuters", 11_228, 1, marks=pytest.mark.real_data("reuters.npz", "reuters_word_index.json")),
        pytest.param("imdb", 50_000, 42, marks=pytest.mark.real_data("imdb.npz", "imdb_word_index.json")),
    ],
)
def test_the_real_data_to_words_and_back(name: str, texts: int, changed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text, with all its words: split at spaces, it gives its numbers; and the whole way, but for those above."""
    monkeypatch.setenv("KERAS_HOME", str(REAL_DATA.parent))
    everything = 10**9
    train, test, corpus = load_imdb("keras", everything) if name == "imdb" else load_reuters("keras", everything, 0.2)
    numbers = numbering(corpus.words)
    assert len(numbers) == len(corpus.words) - 4  # no word occurs twice
    odd = {number for word, number in numbers.items() if split(word) != [word]}
    seen, not_back = 0, 0
    for text in (text.tolist() for x, _ in (train, test) for text in x):
        words = to_text(text[1:], corpus.words)
        assert [numbers[word] for word in words.split(" ")] == text[1:]
        back = to_numbers(words, numbers) == text
        assert back or odd.intersection(text)
        seen, not_back = seen + 1, not_back + (not back)
    assert (seen, not_back) == (texts, changed)
