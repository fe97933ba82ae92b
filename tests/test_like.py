"""The words that are nearest in a network's embedding: `python -m common.ask NETWORK.keras --like WORD`."""

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from common import ask, checkpoint
from common.words import MARKERS
from tests import tiny

Like = Callable[..., tuple[int, str, str]]


@pytest.fixture
def like(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Like:
    """Call the program, and return its exit status, standard output and standard error."""
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)  # a session: leave the tests' own streams and signals alone
    monkeypatch.setattr("sys.stdin", None)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["ask", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            ask.main()
        code = ended.value.code
        if isinstance(code, str):  # what Python does with it
            print(code, file=sys.stderr)
            code = 1
        return code or 0, *capsys.readouterr()

    return call


def keep(path: Path, vectors: dict[str, list[float]]) -> Path:
    """A network with these vectors of its words, and the first one's for the markers too, as a run leaves it."""
    of_markers = [next(iter(vectors.values())) for _ in MARKERS]
    embedding = layers.Embedding(len(vectors) + 6, 2)  # with two places that are no word's
    model = keras.Sequential([keras.Input((9,), dtype="int32"), embedding, layers.LSTM(3), layers.Dense(2, "softmax")])
    embedding.set_weights([np.array([*of_markers, *vectors.values(), [1, 0], [0, 1]])])
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    facts = {"description": {"input shape": [9], **checkpoint.describe(model)}, "history": {}, "labels": ["no", "yes"]}
    checkpoint.save(path, model, facts | {"words": MARKERS + list(vectors)})
    return path


def test_the_nearest_by_direction_not_by_length(tmp_path: Path, like: Like) -> None:
    """The markers, each as near as a word can be, are left out, and so is the word itself."""
    vectors = {"wheat": [1, 0], "oil": [0.01, 0.01], "grain": [24, 7], "don't": [-3, 0], "corn": [0.28, 0.96]}
    network = keep(tmp_path / "network.keras", vectors)
    assert like(network, "--like", "wheat", "Don\u2019t!") == (
        0,
        "wheat\tgrain 0.9600, oil 0.7071, corn 0.2800, don't -1.0000\n"
        "don't\tcorn -0.2800, oil -0.7071, grain -0.9600, wheat -1.0000\n",
        "",
    )


def test_ten_of_many(tmp_path: Path, like: Like) -> None:
    vectors = {f"w{number}": [np.cos(number / 10), np.sin(number / 10)] for number in range(15)}
    code, said, errors = like(keep(tmp_path / "network.keras", vectors), "--like", "w0")
    assert (code, errors) == (0, "")
    assert said == f"w0\t{', '.join(f'w{number} {np.cos(number / 10):.4f}' for number in range(1, 11))}\n"


def test_a_word_that_the_network_does_not_know(tmp_path: Path, like: Like) -> None:
    network = keep(tmp_path / "network.keras", {"wheat": [1, 0], "oil": [0, 1]})
    code, said, errors = like(network, "--like", "rye", "oil", "?", "[start]")
    assert (code, said) == (0, "oil\twheat 0.0000\n")
    assert errors.splitlines() == [f"The network does not know the word '{word}'" for word in ("rye", "?", "start")]
    assert like(network, "--like", "rye") == (1, "", "The network does not know the word 'rye'\n")


def test_a_network_of_one_hot_words_has_no_near_ones(
    tmp_path: Path, like: Like, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--one-hot", "--data", "sample", "--epochs", "1", "--output-dir", tmp_path]
    assert tiny.run_here("reuters_lstm", *arguments) == 0
    capsys.readouterr()
    code, said, errors = like(tmp_path / "reuters_lstm-one_hot-sample.keras", "--like", "wheat")
    assert (code, said) == (1, "")
    assert errors == "The network has no trained embedding: one-hot words are all equally far apart.\n"


@pytest.mark.parametrize("more", [["--output", "x.png"], ["--", "a text"]])
def test_either_words_or_texts(tmp_path: Path, like: Like, more: list[str]) -> None:
    code, _, errors = like(tmp_path / "network.keras", "--like", "wheat", *more)
    assert code == 2
    assert errors.endswith("argument --like: goes without texts and without --output\n")
