"""The file that keeps a network: what is refused by who asks it and by a run that goes on, and what is a difference."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import pytest

from common.running import checkpoint
from tests.conftest import Finished
from tests.test_ask import ask_here
from tests.tiny import run_here


def with_entry(file: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Make of a network's file one in which an entry is another, or is missing."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(changed, "w") as new:
        for other in old.namelist():
            part = change(old.read(other)) if other == name else old.read(other)
            if part is not None:
                new.writestr(other, part)
    return changed.getvalue()


def damaged(file: bytes) -> bytes:
    """In the middle of the weights, which h5py reads from Python 3.12 on without a word."""
    weights = zipfile.ZipFile(io.BytesIO(file)).getinfo("model.weights.h5")
    middle = weights.header_offset + weights.file_size // 2
    return file[:middle] + b"\xff" * 4096 + file[middle + 4096 :]


def from_elsewhere(weights: bytes, is_bomb: bool) -> bytes:
    """The last layer's bias is 4 TB of zeros, or lies in another file."""
    stream = io.BytesIO(weights)
    with h5py.File(stream, "r+") as opened:
        variables = opened["layers/dense/vars"]
        del variables["1"]
        if is_bomb:
            variables.create_dataset("1", (10**6, 10**6), "float32", chunks=(1000, 1000), compression="gzip")
        else:
            variables["1"] = h5py.ExternalLink("a secret file", "data")
    return stream.getvalue()


def with_lambda(config: bytes) -> bytes:
    """A layer that is Python code."""
    model = json.loads(config)
    model["config"]["layers"].append(keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x)))
    return json.dumps(model).encode()


def without_words(facts: bytes) -> bytes:
    return json.dumps(json.loads(facts) | {"words": []}).encode()


BAD_FILES = {
    "a text": (None, lambda file: b"hello", "it is no Keras file"),
    "half of one": (None, lambda file: file[: len(file) // 2], "it is no Keras file"),
    "damaged": (None, damaged, "it is damaged"),
    "not ours": ("run.json", lambda facts: None, "it is none that a run of these scripts has left"),
    "half of the facts": ("run.json", lambda facts: b'{"', "Unterminated string"),
    "a link": ("model.weights.h5", lambda weights: from_elsewhere(weights, is_bomb=False), "Not allowed"),
    "a bomb": ("model.weights.h5", lambda weights: from_elsewhere(weights, is_bomb=True), "Not allowed"),
}
NOT_TO_BE_ASKED = {
    "no words": ("run.json", without_words, "--resume adds it"),
    "Python": ("config.json", with_lambda, "`Lambda` layer"),
    "no probabilities": ("config.json", lambda config: config.replace(b"softmax", b"linear"), "no probabilities of 46"),
}


@pytest.mark.parametrize("kind", BAD_FILES | NOT_TO_BE_ASKED)
def test_a_file_that_is_refused(
    kind: str, finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, change, reason = (BAD_FILES | NOT_TO_BE_ASKED)[kind]
    path = tmp_path / "reuters_lstm-sample.keras"
    left = (finished.out / path.name).read_bytes()
    path.write_bytes(with_entry(left, name, change) if name else change(left))
    code, said, errors = ask_here(path, "wheat")
    assert (code, said, errors.count("\n")) == (1, "", 1)
    assert errors.startswith(f"Cannot ask {path}: ")
    assert reason in errors
    if kind in BAD_FILES:
        options = ("--data", "sample", "--epochs", "3", "--batch-size", "20", "--resume", "--output-dir", tmp_path)
        assert run_here("reuters_lstm", *options) == 2
        message = capsys.readouterr().err
        assert message.startswith(f"reuters_lstm.py: cannot resume: {path} is not what a run leaves: ")
        assert reason in message


def test_a_setting_that_only_one_of_two_runs_has_is_a_difference() -> None:
    """But for one that is None."""
    assert checkpoint.difference({"seed": 1, "a": 2}, {"seed": 1}) == "that run had a 2, this one has None"
    assert checkpoint.difference({"seed": 1}, {"seed": 1, "b": 0}) == "that run had b None, this one has 0"
    assert checkpoint.difference({"seed": 1, "a": None}, {"seed": 1, "b": None}) is None


def test_the_files_are_small(finished: Finished) -> None:
    """With the optimizer, without which no run goes on."""
    assert (finished.out / "imdb_cnn_lstm-sample.keras").stat().st_size < 8e6
    assert (finished.out / "reuters_lstm-sample.keras").stat().st_size < 3e6
