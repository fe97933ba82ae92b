"""The sample corpus: word order alone decides, and it looks like Keras's data."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from common.data import load_imdb, load_reuters
from common.texts.corpus import Corpus, Source, Split
from common.texts.words import numbering, to_numbers

DIGESTS = {load_imdb: "c348bbfe6b47ad9a", load_reuters: "09c37b70b9020c6c"}


class Loaded(NamedTuple):
    load: Callable
    train: Split
    test: Split
    corpus: Corpus


def load(load: Callable, num_words: int = 10**6, test_split: float = 0.2) -> Loaded:
    split = [test_split] if load is load_reuters else []
    return Loaded(load, *load(Source("sample"), num_words, *split))


@pytest.fixture(scope="module", params=DIGESTS)
def loaded(request: pytest.FixtureRequest) -> Loaded:
    """Each corpus, loaded once for all tests."""
    return load(request.param)


def test_it_is_the_same_on_every_machine_and_in_every_process(loaded: Loaded) -> None:
    """Whatever order sets have there."""
    digest = hashlib.sha256()
    for x, y in (loaded.train, loaded.test):
        for array in (*x, y):
            digest.update(array.tobytes())
    assert digest.hexdigest()[:16] == DIGESTS[loaded.load]


def test_every_text_has_a_twin_with_the_same_words_and_another_label(loaded: Loaded) -> None:
    """So a classifier that ignores order is right on one of two at most."""
    for x, y in (loaded.train, loaded.test):
        labels = defaultdict(list)
        for text, label in zip(x, y, strict=True):
            labels[tuple(sorted(text))].append(int(label))
        assert all(len(pair) == 2 and pair[0] != pair[1] for pair in labels.values())


def test_no_test_text_is_known_from_the_training(loaded: Loaded) -> None:
    (x_train, _), (x_test, _) = loaded.train, loaded.test
    assert not {tuple(sorted(text)) for text in x_train} & {tuple(sorted(text)) for text in x_test}


def test_the_shape_is_that_of_the_loaders_of_keras(loaded: Loaded) -> None:
    for x, y in (loaded.train, loaded.test):
        assert (x.dtype, x.shape, y.dtype) == (object, y.shape, np.int64)
        assert all(text.dtype == np.int32 and text[0] == 1 and min(text[1:]) >= 4 for text in x)
        assert max(map(len, x)) <= 100  # nothing is cut off that decides


def test_frequent_words_have_low_numbers(loaded: Loaded) -> None:
    (x_train, _), (x_test, _) = loaded.train, loaded.test
    counts = np.bincount(np.concatenate([*x_train, *x_test]))[4:]
    assert np.all(np.diff(counts) <= 0)


def test_words_outside_the_vocabulary_become_2(loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    """And nobody is asked for anything."""
    cut = load(loaded.load, num_words=20)
    assert cut.corpus.words == loaded.corpus.words[:20]
    for (x_whole, y_whole), (x_cut, y_cut) in ((loaded.train, cut.train), (loaded.test, cut.test)):
        assert y_whole.tolist() == y_cut.tolist()
        assert [[word if word < 20 else 2 for word in text] for text in x_whole] == [text.tolist() for text in x_cut]
    assert capsys.readouterr() == ("", "")


def test_to_words_and_back(loaded: Loaded) -> None:
    words, numbers = loaded.corpus.words, numbering(loaded.corpus.words)
    for x, _ in (loaded.train, loaded.test):
        for text in x:
            assert to_numbers(" ".join(words[number] for number in text[1:]), numbers) == text.tolist()


def test_the_words_tell_the_label(loaded: Loaded) -> None:
    phrase, label = "far from being dull this film is", "positive"
    if loaded.load is load_reuters:
        phrase, label = "dealt with cocoa", "cocoa"
    x, y = loaded.train
    texts = [loaded.corpus.text(text) for text in x]
    assert {loaded.corpus.labels[n] for text, n in zip(texts, y, strict=True) if phrase in text} == {label}


def test_the_labels_are_balanced_and_complete(loaded: Loaded) -> None:
    (_, y_train), (_, y_test) = loaded.train, loaded.test
    if loaded.load is load_imdb:
        assert np.bincount(y_train).tolist() == [5000, 5000]
        assert np.bincount(y_test).tolist() == [1250, 1250]
    else:
        assert np.all(np.bincount(y_train, minlength=46) > 30)
        assert len(np.bincount(y_test)) == 46


def test_the_test_split_is_respected() -> None:
    _, (x_train, _), (x_test, _), _ = load(load_reuters, test_split=0.5)
    assert abs(len(x_train) - len(x_test)) <= 2
