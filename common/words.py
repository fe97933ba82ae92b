"""Words to numbers and back, exactly as Keras's data sets were made.

Those were made with the `Tokenizer` of the old Keras: lower case, punctuation but the apostrophe to spaces, and what is
between spaces is a word. (`python -m pytest -k words_and_back` turns all of their texts into words and back.)
"""

from collections.abc import Iterable

START, UNKNOWN, FIRST_WORD = 1, 2, 4  # the numbers that are no words, and where the words begin
# What the old `Tokenizer` takes for a space; and the curly apostrophe of today's texts for the one in "don't".
FILTER = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " ") | {"\u2019": "'"})


def split(text: str) -> list[str]:
    """Return the words of the text as the data sets have them: "Don't stop!" is don't, stop.

    Only a space parts two words: the data sets have words with other white space in them.
    """
    return [word for word in text.lower().translate(FILTER).split(" ") if word]


def numbering(words: list[str]) -> dict[str, int]:
    """Return each word's number.

    Args:
        words: the vocabulary: `words[n]` is the word with the number n, from 4 up.
    """
    return {word: number for number, word in enumerate(words) if number >= FIRST_WORD}


def to_numbers(text: str, numbers: dict[str, int]) -> list[int]:
    """Return the word numbers of the text: 1 in front, 2 for each word outside the vocabulary.

    Args:
        text: any.
        numbers: from `numbering`.
    """
    return [START, *(numbers.get(word, UNKNOWN) for word in split(text))]


def to_text(numbers: Iterable[int], words: list[str]) -> str:
    """Return the words with these numbers, a space between two: "[start] the [?] was dull"."""
    return " ".join(words[number] for number in numbers)


def printable(word: str) -> str:
    """Return the word with characters that would move the cursor, or do worse, as their codes."""
    return word if word.isprintable() else word.encode("unicode_escape").decode()
