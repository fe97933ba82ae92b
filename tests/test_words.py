"""Words to numbers and back."""

import sys
import unicodedata
from collections import Counter

import pytest

from common.data import load_imdb, load_reuters
from common.texts.corpus import Corpus, Source, Split
from common.texts.words import MARKERS, numbering, split, to_numbers
from tests.conftest import REAL_DATA

PART_WORDS = {"Cc", "Cf", "Zl", "Zp", "Zs", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So"}
APOSTROPHES = "'\u2018\u2019\u201b\u02bb\u02bc\u05f3\u05f4\u2032\uff07`\u00b4"
FORMS_OF_APOSTROPHES = {unicodedata.normalize("NFKC", character) for character in APOSTROPHES}
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
# What parts no word: a soft hyphen, what joins letters or keeps them from it, a byte-order mark, Arabic's long line.
JOIN_WORDS = "\u00ad\u200c\u200d\ufeff\u0640"
# How the names of characters begin that are words.
SINGLE = ("HANGUL", "CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ITERATION", "IDEOGRAPHIC CLOSING",
          "IDEOGRAPHIC NUMBER", "VERTICAL IDEOGRAPHIC", "HANGZHOU", "MASU", "HIRAGANA", "HENTAIGANA", "KATAKANA",
          "VERTICAL KANA", "THAI", "LAO", "KHMER", "MYANMAR")  # fmt: skip
# What the old Keras's `Tokenizer`, with which the data sets were made, takes for a space.
OLD_FILTER = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def test_ascii_is_parted_as_by_the_old_tokenizer() -> None:
    """But for control characters, which part words too, and a backquote that stands for an apostrophe."""
    for character in map(chr, range(128)):
        old = f"a{character}b".lower().translate(OLD_FILTER).split(" ")
        expected = ["a'b"] if character == "`" else old if character.isprintable() else ["a", "b"]
        assert split(f"a{character}b") == expected, character


def test_what_parts_words_goes_by_its_category_in_all_of_unicode() -> None:
    """But where the compatibility form makes letters of it, as of a cell with kg, and the data sets' one dash.

    A symbol is a word of its own.
    """
    seen, wrong = 0, {}
    for character in map(chr, range(sys.maxunicode + 1)):
        form = unicodedata.normalize("NFKC", character)
        if unicodedata.category(character) not in PART_WORDS or form in FORMS_OF_APOSTROPHES:
            continue
        if character in "\x96" + JOIN_WORDS + SKIN_TONES or any(unicodedata.category(part)[0] in "LN" for part in form):
            continue
        seen += 1
        is_sign = unicodedata.category(character) == "So" and character != "\ufffd"
        first, *sign, last = split(f"a{character}b")
        if (first, len(sign), last) != ("a", is_sign, "b"):
            wrong[character] = [first, *sign, last]
    assert seen > 7000
    assert wrong == {}


def test_letters_marks_and_digits_of_all_languages_stay() -> None:
    """Those of the scripts without blanks are words, and a mark belongs to what is before it."""
    seen = Counter()
    for character in map(chr, range(sys.maxunicode + 1)):
        kind = unicodedata.category(character)[0]
        is_form = unicodedata.decomposition(character).startswith("<")
        if kind not in "LMN" or character in APOSTROPHES + JOIN_WORDS or is_form:
            continue
        composed = unicodedata.normalize("NFC", character.lower().replace("i\u0307", "i"))
        if kind == "M":
            text, words = f"가{character}b", [unicodedata.normalize("NFC", f"가{character}"), "b"]
        elif unicodedata.name(character, "").startswith(SINGLE):
            kind, text, words = "single", f"a{character}b", ["a", composed, "b"]
        else:
            text, words = f"a{character}b", [f"a{composed}b"]
        assert split(text) == words, character
        seen[kind] += 1
    assert seen["M"] > 2_000
    assert seen["L"] + seen["N"] > 20_000
    assert seen["single"] > 100_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("어제 주가가, 어때?", ["어", "제", "주", "가", "가", "어", "때"]),
        (unicodedata.normalize("NFD", "어제"), ["어", "제"]),  # as a Mac names its files
        ("हिन्दी में।", ["हिन्दी", "में"]),
        ("Ça va, İzmir? Ελλάδα", ["ça", "va", "izmir", "ελλάδα"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("\uff26\uff35\uff2c\uff2c\u3000\ufb01ne \u2460", ["full", "fine"]),  # wide, a ligature, in a circle
        ("㈜삼성", ["주", "삼", "성"]),
        ("映画は、面白い。", ["映", "画", "は", "面", "白", "い"]),
        ("10% of £5 = 🙂🙂 fun", ["10", "of", "5", "🙂", "🙂", "fun"]),
        # Signs, with what belongs to them: a variation, a skin tone, a joiner, which makes one of several.
        ("it \u2764\ufe0f \u2615\ufe0fgreat", ["it", "\u2764\ufe0f", "\u2615\ufe0f", "great"]),
        ("ok\U0001f44d\U0001f3fd\U0001f44d ok", ["ok", "\U0001f44d\U0001f3fd", "\U0001f44d", "ok"]),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467!", ["\U0001f468\U0001f469\U0001f467"]),
        ("<b>bold</b>&nbsp;\u200bzero\u00adsoft\ufeff &lt;3", ["b", "bold", "b", "zerosoft", "3"]),
        # As programs write them: entities, and those of AG News, which lack the &; escapes.
        ("we don&#39;t like #39;s R&amp;B AT&T;", ["we", "don't", "like's", "r", "b", "at", "t"]),
        ('bad.\\n\\nThe end\\r\\tof \\"it\\" \\\\', ["bad", "the", "end", "of", "it"]),
        ("It\\u2019s \\ud83d\\ude0d caf\\u00E9 \\ux", ["it's", "\U0001f60d", "café", "ux"]),
        ("lost \ufffd letter", ["lost", "letter"]),
        # Apostrophes of Hawaiian and Hebrew; Arabic's long line.
        ("Hawai\u02bbi \u05e6\u05d4\u05f4\u05dc", ["hawai'i", "\u05e6\u05d4'\u05dc"]),
        ("\u0639\u0640\u0640\u0631\u0628\u064a", ["\u0639\u0631\u0628\u064a"]),
        ("The \u201cPLOT\u201d  was\u00a0dull\u2014but\rsuperb\u2026", ["the", "plot", "was", "dull", "but", "superb"]),
        ("...", []),
        ("", []),
        # An apostrophe behind a mark: in decomposed text, and in languages that write vowels as marks.
        ("cafe\u0301\u2019s", ["caf\u00e9's"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940\u2019s", ["\u0939\u093f\u0928\u094d\u0926\u0940's"]),
        # Accents that stand for quotes leave nothing.
        ("the `plot\u00b4 \u00b4was\u00b4", ["the", "plot", "was"]),
        ("so what \u00af\\_(\u30c4)_/\u00af", ["so", "what", "\u30c4"]),
        # Characters that are words, with the marks that belong to them, between words that are parted as in English.
        ("PPL이 많다", ["ppl", "이", "많", "다"]),
        ("BTS팬이 3번째", ["bts", "팬", "이", "3", "번", "째"]),
        ("好吃!真的\uff0cnice", ["好", "吃", "真", "的", "nice"]),
        ("コーヒーがﾀﾞﾒ々", ["コ", "ー", "ヒ", "ー", "が", "ダ", "メ", "々"]),
        ("か\u3099ハ\u309a", ["が", "パ"]),
        ("葛\U000e0100城", ["葛\U000e0100", "城"]),
        ("ที่นี่ดีOK", ["ที่", "นี่", "ดี", "ok"]),
        ("ນີ້ດີ", ["ນີ້", "ດີ"]),
        ("ភ្នំ១", ["ភ្", "នំ", "១"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        # As typed: the compatibility form would be another word.
        ("ㅋㅋㅠㅠ 네ㄳ ㅎㅏ", ["ㅋ", "ㅋ", "ㅠ", "ㅠ", "네", "ㄳ", "ㅎ", "ㅏ"]),
        ("ทำ", ["ท", "ำ"]),
        ("2½ stars, 10²; Kindle™, H₂O", ["2", "stars", "10", "kindle", "\u2122", "h", "o"]),
        # One word, one way of writing it.
        ("\uff15\uff4b\uff47 5㎏ Ⅷ \U0001d401old ﷲ", ["5kg", "5kg", "viii", "bold", "الله"]),
        ("İyi iyi I\u0307yi", ["iyi", "iyi", "iyi"]),
        ("co\u00adoperate zero\u200bwidth", ["cooperate", "zero", "width"]),
        ("ශ්\u200dරී नमस्\u200cते", ["ශ්රී", "नमस्ते"]),
    ],
)
def test_texts_as_people_write_them(text: str, words: list[str]) -> None:
    assert split(text) == words


def test_what_stands_for_an_apostrophe_is_one_inside_a_word_only() -> None:
    for character in APOSTROPHES:
        assert split(f"Don{character}t") == ["don't"], character
    for quoted in ("\u2018plot\u2019", "\u201cplot\u201d", "`plot`", "\u2032plot\u2032", "\u201aplot\u201b", "«plot»"):
        assert split(f"the {quoted} was dull") == ["the", "plot", "was", "dull"], quoted
    assert split("'plot' dogs' '90s ''") == ["plot", "dogs'", "'90s", "''"]  # the data sets have words with one


def test_numbers_and_words() -> None:
    numbers = numbering([*MARKERS, "the", "don't", "plot", "3\x85"])
    assert to_numbers("Don\u2019t like the plot.", numbers) == [1, 5, 2, 4, 6]
    assert to_numbers("", numbers) == [1]
    assert to_numbers("start unused padding", numbers) == [1, 2, 2, 2]


@pytest.fixture
def real_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(REAL_DATA.parent))


@pytest.mark.real_data("reuters.npz", "reuters_word_index.json")
def test_reuters_to_words_and_back(real_files: None) -> None:
    assert to_words_and_back(*load_reuters(Source("keras"), 10**9, 0.2)) == (11_228, 9)


@pytest.mark.slow
@pytest.mark.real_data("imdb.npz", "imdb_word_index.json")
def test_imdb_to_words_and_back(real_files: None) -> None:
    assert to_words_and_back(*load_imdb(Source("keras"), 10**9)) == (50_000, 3330)


def to_words_and_back(train: Split, test: Split, corpus: Corpus) -> tuple[int, int]:
    """Every text, with all its words: split at spaces, it gives its numbers, and with few exceptions the whole way too.

    Return how many texts there are, and how many have a word that parts today, or is another: a dash in Windows's
    western code, a pound sign, "it\u00b4s", 'quotes'. The scripts' networks know no such word: none is among the
    numbers below 5000.
    """
    numbers = numbering(corpus.words)
    assert len(numbers) == len(corpus.words) - 4  # no word occurs twice
    odd = {number for word, number in numbers.items() if split(word) != [word]}
    assert min(odd) >= 5000
    seen, not_back = 0, 0
    for text in (text.tolist() for x, _ in (train, test) for text in x):
        words = corpus.text(text[1:])
        assert [numbers[word] for word in words.split(" ")] == text[1:]
        back = to_numbers(words, numbers) == text
        assert back != bool(odd.intersection(text))
        seen, not_back = seen + 1, not_back + (not back)
    return seen, not_back
