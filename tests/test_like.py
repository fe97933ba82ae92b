"""The words that are nearest in a network's embedding: `python -m common.ask NETWORK.keras --like WORD`."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from common.running import checkpoint
from common.texts.words import MARKERS
from tests.test_ask import ask_here

FIVE = {"wheat": [1, 0], "oil": [0.01, 0.01], "grain": [24, 7], "don't": [-3, 0], "corn": [0.28, 0.96]}


def keep(directory: Path, vectors: dict[str, list[float]], trainable: bool = True) -> Path:
    """A network with these vectors of its words, and the first one's for the markers too, as a run leaves it."""
    of_markers = [next(iter(vectors.values())) for _ in MARKERS]
    embedding = layers.Embedding(len(vectors) + 6, 2, trainable=trainable)  # with two places that are no word's
    model = keras.Sequential([keras.Input((9,), dtype="int32"), embedding, layers.LSTM(3), layers.Dense(2, "softmax")])
    embedding.set_weights([np.array([*of_markers, *vectors.values(), [1, 0], [0, 1]])])
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    facts = {"description": {"input shape": [9]}, "words": [*MARKERS, *vectors], "labels": ["no", "yes"]}
    checkpoint.save(directory / "network.keras", model, facts)
    return directory / "network.keras"


def test_the_nearest_by_direction_not_by_length(tmp_path: Path) -> None:
    """The markers, each as near as a word can be, are left out, and so is the word itself."""
    assert ask_here(keep(tmp_path, FIVE), "--like", "wheat", "Don\u2019t!") == (
        0,
        "wheat\tgrain 0.9600, oil 0.7071, corn 0.2800, don't -1.0000\n"
        "don't\tcorn -0.2800, oil -0.7071, grain -0.9600, wheat -1.0000\n",
        "",
    )


def test_ten_of_many(tmp_path: Path) -> None:
    vectors = {f"w{number}": [np.cos(number / 10), np.sin(number / 10)] for number in range(15)}
    expected = ", ".join(f"w{number} {np.cos(number / 10):.4f}" for number in range(1, 11))
    assert ask_here(keep(tmp_path, vectors), "--like", "w0") == (0, f"w0\t{expected}\n", "")


def test_a_word_that_the_network_does_not_know(tmp_path: Path) -> None:
    network = keep(tmp_path, {"wheat": [1, 0], "oil": [0, 1]})
    code, said, errors = ask_here(network, "--like", "rye", "oil", "?", "[start]")
    assert (code, said) == (0, "oil\twheat 0.0000\n")
    assert errors.splitlines() == [f"The network does not know the word '{word}'" for word in ("rye", "?", "start")]
    assert ask_here(network, "--like", "rye") == (1, "", "The network does not know the word 'rye'\n")


def test_a_network_of_one_hot_words_has_no_near_ones(tmp_path: Path) -> None:
    reason = "The network has no trained embedding: one-hot words are all equally far apart.\n"
    assert ask_here(keep(tmp_path, FIVE, trainable=False), "--like", "wheat") == (1, "", reason)


@pytest.mark.parametrize("more", [["--output", "x.png"], ["--", "a text"]])
def test_either_words_or_texts(more: list[str]) -> None:
    code, _, errors = ask_here("network.keras", "--like", "wheat", *more)
    assert code == 2
    assert errors.endswith("argument --like: goes without texts and without --output\n")
