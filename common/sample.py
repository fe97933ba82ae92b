"""The built-in sample corpus: texts on which word order alone decides the label.

It stands in for the real data where those cannot be had, and it shows what the article begins with: order carries
meaning. Every text has a twin with exactly the same words in another order and with another label, and both stand in
the same half (training or test). So whoever only counts words is right on one of two twins at most: 50 % on the
reviews whatever the classifier, at most 50 % on the news.

    >>> the plot was dull but the acting was superb        -> 1, positive
    >>> the acting was superb but the plot was dull        -> 0, negative

A small grammar writes the sentences: a template with two places, two things to put there, and neutral sentences
around them. The template says which of its two places decides.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

Split = tuple[np.ndarray, np.ndarray]

REVIEW_PAIRS = (5_000, 1_250)  # pairs of twins for training and for the test: 10,000 and 2,500 reviews
NEWS_PAIRS = 2_000  # 4,000 articles, of which `test_split` go to the test

# Templates: the sentence, and which of its places {0} and {1} decides. {gap} moves the two apart.
CONTRASTS = (  # places for a judgement on one aspect: "plot was dull"
    ("the {0} {gap} but the {1}", 1),
    ("although the {0} {gap} the {1}", 1),
    ("while the {0} {gap} the {1} and that is what counts", 1),
    ("the {0} {gap} although the {1}", 0),
    ("the {0} and that is what counts {gap} while the {1}", 0),
)
NEGATIONS = (  # places for an adjective: "dull"
    ("this film is not {0} {gap} it is {1}", 1),
    ("nobody should call this film {0} {gap} because it is {1}", 1),
    ("far from being {0} {gap} this film is {1}", 1),
    ("we expected a {0} film {gap} and saw a {1} one", 1),
    ("this film is {0} {gap} it is not {1}", 0),
    ("we saw a {0} film {gap} where we had expected a {1} one", 0),
    ("call this film {0} {gap} rather than {1}", 0),
)
REVIEW_GAPS = (
    "",
    "",
    "as my sister said on the way home",
    "to be honest",
    "if you ask me and the friends who came along",
    "at least in the version that we saw on television last night",
)
REVIEW_SENTENCES = (
    "we went to see it on a rainy {day}",
    "it was shown at the old cinema near the {place}",
    "my brother had bought the tickets a week before",
    "the film runs for about two hours",
    "it was made after a book that i read at school",
    "there were not many people in the room that {day}",
    "afterwards we walked home along the {place}",
    "the director has made three other films",
    "i have seen it twice with my family",
    "the story begins on a {day} near a {place}",
)
ASPECTS = ("plot", "acting", "music", "ending", "dialogue", "script", "camera work", "humour", "first half", "cast")
GOOD = (
    "superb", "brilliant", "wonderful", "great", "delightful", "fresh", "moving", "charming", "witty", "memorable",
    "perfect", "masterful", "gripping", "tender", "clever", "touching",
)  # fmt: skip
BAD = (
    "dull", "terrible", "boring", "poor", "silly", "tedious", "weak", "painful", "clumsy", "forgettable",
    "horrible", "lifeless", "shallow", "predictable", "messy", "dreadful",
)  # fmt: skip

COMPARISONS = (  # places for a topic: "cocoa"
    ("the minister spoke about {0} {gap} and said nothing about {1}", 0),
    ("this report is about {0} {gap} and not about {1}", 0),
    ("the talks dealt with {0} {gap} and left out {1}", 0),
    ("analysts changed their outlook for {0} {gap} but kept the one for {1}", 0),
    ("the news of the day came from {0} {gap} and hardly from {1}", 0),
    ("the minister said nothing about {0} {gap} and spoke about {1}", 1),
    ("this report is not about {0} {gap} but about {1}", 1),
    ("the talks left out {0} {gap} and dealt with {1}", 1),
    ("analysts kept their outlook for {0} {gap} but changed the one for {1}", 1),
    ("the news of the day hardly came from {0} {gap} but from {1}", 1),
)
NEWS_GAPS = (
    "",
    "",
    "as most observers had expected",
    "in a statement read to reporters in {place}",
    "after a debate that went on until late on {day}",
)
NEWS_SENTENCES = (
    "the meeting was held in {place} on {day}",
    "officials from {number} countries took part",
    "a spokesman declined to give further details",
    "the figures will be published on {day}",
    "the full text was not available in {place}",
    "it was the {number} th meeting of its kind this year",
    "delegates said that they would meet again in {number} weeks",
    "no date has been set for a vote",
    "the statement was sent to the agencies late on {day}",
    "a decision is due within {number} days",
)
# What an article can be about: the 46 topics in the order of `keras.datasets.reuters.get_label_names()`.
TOPICS = (
    ("cocoa", "cocoa beans"), ("grain", "barley"), ("vegetable oil", "palm oil"), ("earnings", "quarterly profits"),
    ("takeovers", "mergers"), ("wheat", "durum"), ("copper", "copper cathodes"), ("housing", "new homes"),
    ("the money supply", "bank deposits"), ("coffee", "arabica"), ("sugar", "sugar beet"),
    ("foreign trade", "exports"), ("foreign reserves", "reserve assets"), ("shipping", "freight"),
    ("cotton", "cotton yarn"), ("beef", "meat"), ("crude oil", "petroleum"), ("natural gas", "pipeline gas"),
    ("consumer prices", "inflation"), ("currencies", "exchange rates"), ("interest rates", "the discount rate"),
    ("national income", "economic growth"), ("animal feed", "soybean meal"), ("aluminium", "bauxite"),
    ("oilseeds", "rapeseed"), ("gold", "bullion"), ("tin", "tin ore"), ("strategic metals", "titanium"),
    ("livestock", "cattle"), ("retail sales", "department stores"), ("industrial production", "factory output"),
    ("steel", "iron ore"), ("rubber", "latex"), ("heating oil", "heating fuel"), ("jobs", "unemployment"),
    ("leading indicators", "the leading index"), ("the balance of payments", "the current account"),
    ("zinc", "zinc concentrate"), ("orange juice", "citrus fruit"), ("petrochemicals", "plastics"),
    ("the dollar", "the greenback"), ("gasoline", "motor fuel"), ("silver", "silver coins"),
    ("wholesale prices", "producer prices"), ("hogs", "pork bellies"), ("lead", "refined lead"),
)  # fmt: skip

WORDS = {
    "day": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "number": ("two", "three", "five", "eight", "ten", "twelve", "twenty"),
}
REVIEW_WORDS = WORDS | {"place": ("river", "station", "market", "harbour", "park")}
NEWS_WORDS = WORDS | {"place": ("geneva", "london", "brussels", "vienna", "new york", "tokyo", "nairobi")}


def load_reviews(num_words: int | None = None) -> tuple[Split, Split, list[str]]:
    """Return the sample reviews in the shape of `keras.datasets.imdb.load_data`, and their words.

    Args:
        num_words: word numbers from here up become 2, "outside the vocabulary". None keeps every word.

    Returns:
        `(x_train, y_train), (x_test, y_test), words`: 10,000 and 2,500 reviews. x: arrays of int32 arrays of word
        numbers, 1 for the start, then from 4 up, 4 the most frequent word; y: int64 arrays, 1 for a positive review;
        words: the words with the numbers 4, 5 ...
    """
    rng = np.random.RandomState(113)

    def write_twins() -> list[tuple[str, int]]:
        good, bad = _pick(rng, GOOD), _pick(rng, BAD)
        if rng.randint(2):
            template, decides = _pick(rng, CONTRASTS)
            first, second = rng.choice(len(ASPECTS), size=2, replace=False)
            good, bad = f"{ASPECTS[first]} was {good}", f"{ASPECTS[second]} was {bad}"
        else:
            template, decides = _pick(rng, NEGATIONS)
        before, after = rng.randint(0, 3, size=2)
        text = _surround(rng, template, REVIEW_GAPS, REVIEW_SENTENCES, before, after, REVIEW_WORDS)
        return _fill_both_ways(text, decides, (good, 1), (bad, 0))

    num_train, num_test = REVIEW_PAIRS
    pairs = _distinct(write_twins, num_train + num_test)
    return _encode(rng, pairs[:num_train], pairs[num_train:], num_words)


def load_news(num_words: int | None = None, test_split: float = 0.2) -> tuple[Split, Split, list[str]]:
    """Return the sample news in the shape of `keras.datasets.reuters.load_data`, and their words.

    Args:
        num_words: as for `load_reviews`.
        test_split: share of the 4,000 articles that goes to the test.

    Returns:
        As `load_reviews`; the labels are the 46 topics, 0 to 45, in the order of
        `keras.datasets.reuters.get_label_names()`.
    """
    rng = np.random.RandomState(113)

    def write_twins() -> list[tuple[str, int]]:
        template, decides = _pick(rng, COMPARISONS)
        first, second = (int(topic) for topic in rng.choice(len(TOPICS), size=2, replace=False))
        before, after = rng.randint(0, 4, size=2)
        text = _surround(rng, template, NEWS_GAPS, NEWS_SENTENCES, before, after, NEWS_WORDS)
        return _fill_both_ways(text, decides, (_pick(rng, TOPICS[first]), first), (_pick(rng, TOPICS[second]), second))

    pairs = _distinct(write_twins, NEWS_PAIRS)
    num_train = round(NEWS_PAIRS * (1 - test_split))
    return _encode(rng, pairs[:num_train], pairs[num_train:], num_words)


def _pick(rng: np.random.RandomState, choices: tuple):
    return choices[rng.randint(len(choices))]


def _surround(rng, template, gaps, sentences, before, after, words) -> str:
    """Put `before` and `after` neutral sentences around the template; its places {0} and {1} stay open."""
    gap = _pick(rng, gaps)
    neutral = [_pick(rng, sentences) for _ in range(before + after)]
    text = " ".join([*neutral[:before], template.replace("{gap}", gap), *neutral[before:]])
    return text.format("{0}", "{1}", **{name: _pick(rng, choices) for name, choices in words.items()})


def _fill_both_ways(text: str, decides: int, *labelled: tuple[str, int]) -> list[tuple[str, int]]:
    """Return the twins: the two things in the text's two places, and the same the other way round."""
    return [(text.format(*(phrase for phrase, _ in order)), order[decides][1]) for order in (labelled, labelled[::-1])]


def _distinct(write_twins: Callable[[], list[tuple[str, int]]], number: int) -> list[list[tuple[str, int]]]:
    """Write twins until there are `number` pairs, no two with the same words: the test texts are all new."""
    pairs: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    while len(pairs) < number:
        twins = write_twins()
        pairs.setdefault(tuple(sorted(twins[0][0].split())), twins)
    return list(pairs.values())


def _encode(rng, train, test, num_words: int | None) -> tuple[Split, Split, list[str]]:
    """Shuffle each half and number its words, the most frequent first, as Keras's files do; return the words too."""
    counts = Counter(word for twins in train + test for text, _ in twins for word in text.split())
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    numbers = {
        word: number if num_words is None or number < num_words else 2 for number, word in enumerate(ranked, start=4)
    }

    def encode(pairs) -> Split:
        texts = [labelled for twins in pairs for labelled in twins]
        x = np.empty(len(texts), dtype=object)
        order = rng.permutation(len(texts))
        x[:] = [np.array([1, *(numbers[word] for word in texts[index][0].split())], np.int32) for index in order]
        return x, np.array([texts[index][1] for index in order])

    return encode(train), encode(test), [word for word in ranked if numbers[word] > 2]
