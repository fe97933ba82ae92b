"""Edges of `one_hot`."""

import numpy as np
import pytest

from common.one_hot import one_hot


def test_each_row_has_a_single_one_in_its_place() -> None:
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_width_does_not_depend_on_the_labels() -> None:
    assert one_hot(np.array([0, 3]), 46).shape == (2, 46)
    assert one_hot(np.array([45]), 46).shape == (1, 46)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([46], "labels must lie in 0 to 45, not 46 to 46"),
        ([-1, 3], "labels must lie in 0 to 45, not -1 to 3"),
        ([1.7], "labels must be whole numbers, not float64"),
        (["a"], "labels must be whole numbers"),
    ],
)
def test_wrong_labels(labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_hot(labels, 46)
