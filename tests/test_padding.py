"""Edges of `pad`."""

import numpy as np
import pytest

from common.padding import pad


def test_shorter_texts_are_filled_up_in_front() -> None:
    assert pad([[7, 8]], 4).tolist() == [[0, 0, 7, 8]]


def test_longer_texts_keep_their_last_words() -> None:
    text = list(range(1, 151))
    assert pad([text], 100).tolist() == [text[50:]]
    assert pad([text[:100]], 100).tolist() == [text[:100]]
    assert pad([text[:101]], 100).tolist() == [text[1:101]]


def test_arrays_of_lists_as_keras_returns_them() -> None:
    texts = np.empty(2, dtype=object)
    texts[:] = [[1, 2, 3], [4]]
    padded = pad(texts, 2)
    assert padded.tolist() == [[2, 3], [0, 4]]
    assert padded.dtype == np.int32


def test_lists_nested_in_a_text() -> None:
    with pytest.raises(ValueError, match="each text must be a flat list of word numbers"):
        pad([[[1, 2]], [[3, 4]]], 3)
