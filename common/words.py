"""A text's words, and words to numbers.

In Keras's data sets only ASCII's punctuation but the apostrophe parts words, here that of all languages does.
"""

import re
import unicodedata
from functools import cache

START, UNKNOWN, FIRST_WORD = 1, 2, 4  # the numbers that are no words, and where the words begin
MARKERS = ["[padding]", "[start]", "[?]", "[unused]"]  # what the numbers 0 to 3 stand for
APOSTROPHE = re.compile("(?<=\\w)[\u2018\u2019\u201b\u02bc\u2032\uff07`\u00b4](?=\\w)")  # what stands for one in a word
ACCENT = re.compile(" [\u0300-\u036f\u3099\u309a\U0001d165-\U0001d172]+")  # what an accent by itself is in that form
KEPT = {"'": "'", "\x96": " \x96 "}  # an apostrophe; and the dash of Windows's western code, IMDB's 469th word


@cache
def _parted(character: str) -> str:  # by white space, controls, formats, punctuation and symbols
    return KEPT.get(character) or (" " if unicodedata.category(character)[0] in "ZCPS" else character)


def split(text: str) -> list[str]:
    """Return the text's words: "Don\u2019t stop\u2014now!" is don't, stop, now."""
    text = unicodedata.normalize("NFKC", APOSTROPHE.sub("'", text)).lower()
    return [word for word in ACCENT.sub(" ", "".join(map(_parted, text))).split(" ") if word]


def numbering(words: list[str]) -> dict[str, int]:
    """Return each word's number: `words[n]` is the word with the number n, from 4 up."""
    return {word: number for number, word in enumerate(words) if number >= FIRST_WORD}


def to_numbers(text: str, numbers: dict[str, int]) -> list[int]:
    """Return the word numbers of the text: 1 in front, 2 for each word outside the vocabulary."""
    return [START, *(numbers.get(word, UNKNOWN) for word in split(text))]


def printable(word: str) -> str:
    """Return the word with characters that would move the cursor, or do worse, as their codes."""
    return word if word.isprintable() else word.encode("unicode_escape").decode()
