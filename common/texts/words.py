"""A text's words, in every script, and words to numbers."""

import html
import re
import unicodedata
from functools import cache, lru_cache

START, UNKNOWN, FIRST_WORD = 1, 2, 4  # the numbers that are no words, and where the words begin
MARKERS = ["[padding]", "[start]", "[?]", "[unused]"]  # what the numbers 0 to 3 stand for

# What programs write in the place of a character. AG News has a blank for the & of an entity.
ENTITY = re.compile("&#?[0-9A-Za-z]+;")
LOST = re.compile(" (?=(?:#3[4-9]|#1[2-5][0-9]|quot|amp|lt|gt);)")
ESCAPE = re.compile(r"\\[nrt]|(?:\\u[0-9a-fA-F]{4})+")  # a character beyond the first 65,536 is written as two

# The scripts whose characters are words: they put no blanks between words or, Hangul, fuse a word with its endings.
HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
CHINESE = "\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"
THAI, LAO, KHMER = "\u0e00-\u0e7f", "\u0e80-\u0eff", "\u1780-\u17ff"
BURMESE = "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"
SINGLE = HANGUL + CHINESE + KANA + THAI + LAO + KHMER + BURMESE

APOSTROPHE = re.compile("(?<=[\\w\u0300-\u0dff])[\u2018\u2019\u201b\u02bb\u02bc\u05f3\u05f4\u2032\u00b4`](?=\\w)")
JOINER = "\u200d"
SKIN_TONES = "\U0001f3fb-\U0001f3ff"
KEPT = {
    "'": "'",
    "\x96": " \x96 ",  # the dash of Windows's western code, IMDB's 469th word
    JOINER: JOINER,
    "\u00ad": "",  # a soft hyphen: this and the next three neither part a word nor mean anything
    "\u200c": "",  # keeps letters from being joined
    "\ufeff": "",  # a byte-order mark
    "\u0640": "",  # the line that makes an Arabic word longer
    "\ufffd": " ",  # stands for a letter that was lost
}
OTHER_WORDS = ("<super>", "<sub>", "<fraction>", "<circle>")  # forms of a character: 10\u00b2 is not 102
# Used when all that parts words is a blank, and a sign has a \0 in front of it. What is then no letter, number or kept
# character is a mark.
MARK = "[^\\w '\x96\0]"
WORD = re.compile(f"\0.{MARK}*|[{SINGLE}]{MARK}*|[\\w'\x96][^ {SINGLE}\0]*")


@cache
def _written(character: str) -> str:
    """Return what stands for the character in a word: of a ligature plain letters, of what parts words a blank."""
    if character in KEPT:
        return KEPT[character]
    category = unicodedata.category(character)
    form, _, codes = unicodedata.decomposition(character).partition(" ")
    is_single = re.match(f"[{SINGLE}]", character)  # the forms of Hangul's single letters and of U+0E33 are others
    if form.startswith("<") and form not in OTHER_WORDS and not is_single:
        return "".join(_written(chr(int(code, 16))) for code in codes.split())
    if category == "So":
        return f" \0{character}"
    if re.match(f"[{SKIN_TONES}]", character):
        return character
    if category[0] in "ZCPS" or (category == "No" and form):
        return " "
    return character


def _parted(piece: str) -> list[str]:
    """Return the words of a piece of text that has no blank in it."""
    written = "".join(map(_written, APOSTROPHE.sub("'", piece))).lower()
    written = written.replace("i\u0307", "i")  # the Turkish capital
    written = written.replace(f"{JOINER} \0", "").replace(JOINER, "")  # joined signs are one
    words = WORD.findall(unicodedata.normalize("NFC", written))
    return [_bare(word) for word in words]


def _bare(word: str) -> str:
    """Return the word without the mark of a sign, and without quotes around it."""
    if len(word) > 2 and word[0] == word[-1] == "'":
        return word[1:-1]
    return word.removeprefix("\0")


_short = lru_cache(2**16)(_parted)  # words come again, long pieces without a blank hardly ever


def decoded(text: str) -> str:
    """Return the text with its characters in the place of what programs write for them, `&amp;` and `\\u00e9`."""
    if ";" in text:
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), LOST.sub("&", text))
    if "\\" in text:
        text = ESCAPE.sub(_unescaped, text)
    return text


def _unescaped(escape: re.Match) -> str:
    """Return a blank for a written line break or tab, and the characters for their codes."""
    if escape[0][1] != "u":
        return " "
    return bytes.fromhex(escape[0].replace("\\u", "")).decode("utf-16-be", "replace")


def split(text: str) -> list[str]:
    """Return the text's words: "Don\u2019t stop\u2014now!" is don't, stop, now, and "PPL이 많다" is ppl, 이, 많, 다.

    The one way from a text to its words, for a training's file and for a question. A sign such as an emoji is a word.

    ChatbotData as distributed (Korean, three labels), `reuters_lstm.py --epochs 4`: with each character a word 0.4 % of
    the test's words are unknown and the accuracy is 0.801, with words parted at blanks only 46.2 % and 0.718.
    """
    words = []
    for piece in decoded(text).split():
        words += _short(piece) if len(piece) <= 20 else _parted(piece)
    return words


def numbering(words: list[str]) -> dict[str, int]:
    """Return each word's number: `words[n]` is the word with the number n, from 4 up."""
    return {word: number for number, word in enumerate(words) if number >= FIRST_WORD}


def to_numbers(text: str, numbers: dict[str, int]) -> list[int]:
    """Return the word numbers of the text: 1 in front, 2 for each word outside the vocabulary."""
    return [START, *(numbers.get(word, UNKNOWN) for word in split(text))]
