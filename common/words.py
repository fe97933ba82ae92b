"""Words to numbers and back, as Keras's data sets were made, with the old Keras's `Tokenizer`: lower case, punctuation
but the apostrophe to spaces, and what is between spaces is a word. (`pytest -k words_and_back` does it with all texts.)
"""

from collections.abc import Iterable

START, UNKNOWN, FIRST_WORD = 1, 2, 4  # the numbers that are no words, and where the words begin
# What the old `Tokenizer` takes for a space; and the curly apostrophe of today's texts for the one in "don't".
FILTER = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " ") | {"\u2019": "'"})


def split(text: str) -> list[str]:
    """Return the text's words: "Don't stop!" is don't, stop. Only a space parts two: others occur in words."""
    return [word for word in text.lower().translate(FILTER).split(" ") if word]


def numbering(words: list[str]) -> dict[str, int]:
    """Return each word's number: `words[n]` is the word with the number n, from 4 up."""
    return {word: number for number, word in enumerate(words) if number >= FIRST_WORD}


def to_numbers(text: str, numbers: dict[str, int]) -> list[int]:
    """Return the word numbers of the text: 1 in front, 2 for each word outside the vocabulary."""
    return [START, *(numbers.get(word, UNKNOWN) for word in split(text))]


def to_text(numbers: Iterable[int], words: list[str]) -> str:
    """Return the words with these numbers, a space between two: "[start] the [?] was dull"."""
    return " ".join(words[number] for number in numbers)


def printable(word: str) -> str:
    """Return the word with characters that would move the cursor, or do worse, as their codes."""
    return word if word.isprintable() else word.encode("unicode_escape").decode()
