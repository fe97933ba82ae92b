"""A text's words, parted by the punctuation of all languages, not only ASCII's as in Keras's data sets; and numbers."""

import re
import unicodedata
from functools import cache

START, UNKNOWN, FIRST_WORD = 1, 2, 4  # the numbers that are no words, and where the words begin
MARKERS = ["[padding]", "[start]", "[?]", "[unused]"]  # what the numbers 0 to 3 stand for
# In the compatibility normal form: what stands for an apostrophe in a word, and what is left of an accent or an emoji.
APOSTROPHE = re.compile("(?<=[\\w\u0300-\u0dff])(?:[\u2018\u2019\u201b\u02bc\u2032`]| \u0301)(?=\\w)")
MARK = re.compile(" [\u0300-\u036f\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\U0001d165-\U0001d172]+")
KEPT = {"'": "'", "\x96": " \x96 "}  # an apostrophe; and the dash of Windows's western code, IMDB's 469th word


@cache
def _parted(character: str) -> str:  # by white space, controls, formats, punctuation and symbols
    return KEPT.get(character) or (" " if unicodedata.category(character)[0] in "ZCPS" else character)


def split(text: str) -> list[str]:
    """Return the text's words: "Don\u2019t stop\u2014now!" is don't, stop, now."""
    text = APOSTROPHE.sub("'", unicodedata.normalize("NFKC", text)).lower()
    return [word for word in MARK.sub(" ", "".join(map(_parted, text))).split(" ") if word]


def numbering(words: list[str]) -> dict[str, int]:
    """Return each word's number: `words[n]` is the word with the number n, from 4 up."""
    return {word: number for number, word in enumerate(words) if number >= FIRST_WORD}


def to_numbers(text: str, numbers: dict[str, int]) -> list[int]:
    """Return the word numbers of the text: 1 in front, 2 for each word outside the vocabulary."""
    return [START, *(numbers.get(word, UNKNOWN) for word in split(text))]


def printable(word: str) -> str:
    """Return the word with each character that would move the cursor, or do worse, as its code."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in word)
