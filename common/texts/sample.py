"""The built-in sample corpus: texts on which word order alone decides the label.

Every text has a twin with exactly the same words in another order and with another label, "the plot was dull but the
acting was superb" and "the acting was superb but the plot was dull", both for training or both for the test. So whoever
only counts words is right on one of two twins at most. A template has two places, and says which one decides.
"""

from collections import Counter

import numpy as np

from common.texts.corpus import Split

REVIEW_PAIRS = (5_000, 1_250)  # pairs of twins for training and for the test: 10,000 and 2,500 reviews
NEWS_PAIRS = 2_000  # 4,000 articles, of which `test_split` go to the test

# Templates: the sentence, and which of its places {0} and {1} decides. {gap} moves the two apart.
# Places for a judgement on one aspect: "plot was dull".
CONTRASTS = (("the {0} {gap} but the {1}", 1), ("although the {0} {gap} the {1}", 1),
             ("while the {0} {gap} the {1} and that is what counts", 1), ("the {0} {gap} although the {1}", 0),
             ("the {0} and that is what counts {gap} while the {1}", 0))  # fmt: skip
# Places for an adjective: "dull".
NEGATIONS = (("this film is not {0} {gap} it is {1}", 1),
             ("nobody should call this film {0} {gap} because it is {1}", 1),
             ("far from being {0} {gap} this film is {1}", 1), ("we expected a {0} film {gap} and saw a {1} one", 1),
             ("this film is {0} {gap} it is not {1}", 0),
             ("we saw a {0} film {gap} where we had expected a {1} one", 0),
             ("call this film {0} {gap} rather than {1}", 0))  # fmt: skip
REVIEW_GAPS = ("", "", "as my sister said on the way home", "to be honest",
               "if you ask me and the friends who came along",
               "at least in the version that we saw on television last night")  # fmt: skip
REVIEW_SENTENCES = ("we went to see it on a rainy {day}", "it was shown at the old cinema near the {place}",
                    "my brother had bought the tickets a week before", "the film runs for about two hours",
                    "it was made after a book that i read at school",
                    "there were not many people in the room that {day}", "afterwards we walked home along the {place}",
                    "the director has made three other films", "i have seen it twice with my family",
                    "the story begins on a {day} near a {place}")  # fmt: skip
ASPECTS = ("plot", "acting", "music", "ending", "dialogue", "script", "camera work", "humour", "first half", "cast")
GOOD = ("superb", "brilliant", "wonderful", "great", "delightful", "fresh", "moving", "charming", "witty", "memorable",
        "perfect", "masterful", "gripping", "tender", "clever", "touching")  # fmt: skip
BAD = ("dull", "terrible", "boring", "poor", "silly", "tedious", "weak", "painful", "clumsy", "forgettable", "horrible",
       "lifeless", "shallow", "predictable", "messy", "dreadful")  # fmt: skip

# Places for a topic: "cocoa".
COMPARISONS = (("the minister spoke about {0} {gap} and said nothing about {1}", 0),
               ("this report is about {0} {gap} and not about {1}", 0),
               ("the talks dealt with {0} {gap} and left out {1}", 0),
               ("analysts changed their outlook for {0} {gap} but kept the one for {1}", 0),
               ("the news of the day came from {0} {gap} and hardly from {1}", 0),
               ("the minister said nothing about {0} {gap} and spoke about {1}", 1),
               ("this report is not about {0} {gap} but about {1}", 1),
               ("the talks left out {0} {gap} and dealt with {1}", 1),
               ("analysts kept their outlook for {0} {gap} but changed the one for {1}", 1),
               ("the news of the day hardly came from {0} {gap} but from {1}", 1))  # fmt: skip
NEWS_GAPS = ("", "", "as most observers had expected", "in a statement read to reporters in {place}",
             "after a debate that went on until late on {day}")  # fmt: skip
NEWS_SENTENCES = ("the meeting was held in {place} on {day}", "officials from {number} countries took part",
                  "a spokesman declined to give further details", "the figures will be published on {day}",
                  "the full text was not available in {place}", "it was the {number} th meeting of its kind this year",
                  "delegates said that they would meet again in {number} weeks", "no date has been set for a vote",
                  "the statement was sent to the agencies late on {day}",
                  "a decision is due within {number} days")  # fmt: skip
# What an article can be about: the 46 topics in the order of `keras.datasets.reuters.get_label_names()`.
TOPICS = (("cocoa", "cocoa beans"), ("grain", "barley"), ("vegetable oil", "palm oil"),
          ("earnings", "quarterly profits"), ("takeovers", "mergers"), ("wheat", "durum"),
          ("copper", "copper cathodes"), ("housing", "new homes"), ("the money supply", "bank deposits"),
          ("coffee", "arabica"), ("sugar", "sugar beet"), ("foreign trade", "exports"),
          ("foreign reserves", "reserve assets"), ("shipping", "freight"), ("cotton", "cotton yarn"), ("beef", "meat"),
          ("crude oil", "petroleum"), ("natural gas", "pipeline gas"), ("consumer prices", "inflation"),
          ("currencies", "exchange rates"), ("interest rates", "the discount rate"),
          ("national income", "economic growth"), ("animal feed", "soybean meal"), ("aluminium", "bauxite"),
          ("oilseeds", "rapeseed"), ("gold", "bullion"), ("tin", "tin ore"), ("strategic metals", "titanium"),
          ("livestock", "cattle"), ("retail sales", "department stores"), ("industrial production", "factory output"),
          ("steel", "iron ore"), ("rubber", "latex"), ("heating oil", "heating fuel"), ("jobs", "unemployment"),
          ("leading indicators", "the leading index"), ("the balance of payments", "the current account"),
          ("zinc", "zinc concentrate"), ("orange juice", "citrus fruit"), ("petrochemicals", "plastics"),
          ("the dollar", "the greenback"), ("gasoline", "motor fuel"), ("silver", "silver coins"),
          ("wholesale prices", "producer prices"), ("hogs", "pork bellies"), ("lead", "refined lead"))  # fmt: skip

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS = {"day": DAYS, "number": ("two", "three", "five", "eight", "ten", "twelve", "twenty")}
REVIEW_WORDS = WORDS | {"place": ("river", "station", "market", "harbour", "park")}
NEWS_WORDS = WORDS | {"place": ("geneva", "london", "brussels", "vienna", "new york", "tokyo", "nairobi")}


def load_reviews(num_words: int = 2**31) -> tuple[Split, Split, list[str]]:
    """Return 10,000 and 2,500 sample reviews in the shape of `keras.datasets.imdb.load_data`, and their words.

    x: arrays of int32 arrays of word numbers, 1 for the start, then from 4 up, 4 the most frequent word, 2 in place of
    numbers from `num_words` up; y: int64 arrays, 1 for a positive review; the words with the numbers 4, 5 ...
    """
    rng = np.random.RandomState(113)

    def write_twins() -> tuple[str, int, tuple[str, int], tuple[str, int]]:
        good, bad = _pick(rng, GOOD), _pick(rng, BAD)
        if rng.randint(2):
            template, decides = _pick(rng, CONTRASTS)
            first, second = rng.choice(len(ASPECTS), size=2, replace=False)
            good, bad = f"{ASPECTS[first]} was {good}", f"{ASPECTS[second]} was {bad}"
        else:
            template, decides = _pick(rng, NEGATIONS)
        text = _surround(rng, template, REVIEW_GAPS, REVIEW_SENTENCES, rng.randint(0, 3, size=2), REVIEW_WORDS)
        return text, decides, (good, 1), (bad, 0)

    return _encode(rng, write_twins, *REVIEW_PAIRS, num_words)


def load_news(num_words: int = 2**31, test_split: float = 0.2) -> tuple[Split, Split, list[str]]:
    """Return 4,000 sample news, `test_split` of them for the test, and their words: see `load_reviews`; y: topics."""
    rng = np.random.RandomState(113)

    def write_twins() -> tuple[str, int, tuple[str, int], tuple[str, int]]:
        template, decides = _pick(rng, COMPARISONS)
        first, second = (int(topic) for topic in rng.choice(len(TOPICS), size=2, replace=False))
        text = _surround(rng, template, NEWS_GAPS, NEWS_SENTENCES, rng.randint(0, 4, size=2), NEWS_WORDS)
        return text, decides, (_pick(rng, TOPICS[first]), first), (_pick(rng, TOPICS[second]), second)

    num_train = round(NEWS_PAIRS * (1 - test_split))
    return _encode(rng, write_twins, num_train, NEWS_PAIRS - num_train, num_words)


def _pick(rng, choices):
    return choices[rng.randint(len(choices))]


def _surround(rng, template, gaps, sentences, numbers, words) -> str:
    """Put neutral sentences, `numbers` before and after, around the template; its places {0} and {1} stay open."""
    gap = _pick(rng, gaps)
    neutral = [_pick(rng, sentences) for _ in range(sum(numbers))]
    text = " ".join([*neutral[: numbers[0]], template.replace("{gap}", gap), *neutral[numbers[0] :]])
    return text.format("{0}", "{1}", **{name: _pick(rng, choices) for name, choices in words.items()})


def _encode(rng, write_twins, num_train: int, num_test: int, num_words: int) -> tuple[Split, Split, list[str]]:
    """Write pairs of twins, no two with the same words, so that the test texts are all new; shuffle and number them."""
    pairs: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    while len(pairs) < num_train + num_test:
        text, decides, *things = write_twins()
        orders = things, things[::-1]
        twins = [(text.format(*(name for name, _ in order)), order[decides][1]) for order in orders]
        pairs.setdefault(tuple(sorted(twins[0][0].split())), twins)
    texts = [labelled for twins in pairs.values() for labelled in twins]
    counts = Counter(word for text, _ in texts for word in text.split())
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    numbers = {word: number if number < num_words else 2 for number, word in enumerate(ranked, start=4)}
    splits = []
    for half in (texts[: 2 * num_train], texts[2 * num_train :]):
        order = rng.permutation(len(half))
        x = np.empty(len(half), dtype=object)
        x[:] = [np.array([1, *(numbers[word] for word in half[index][0].split())], np.int32) for index in order]
        splits.append((x, np.array([half[index][1] for index in order])))
    return *splits, ranked[: max(0, num_words - 4)]
