"""The file that keeps a network: what it may hold, and that nothing it names is done."""

import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from common import ask, checkpoint
from tests.conftest import Finished
from tests.tiny import run_here

DULL = "The plot was dull, but the acting was superb."
Asking = Callable[[Path], str]


def rewritten(
    network: Path, path: Path, facts: dict | None = None, compression: int = 0, **entries: bytes | None
) -> Path:
    """Copy the file with other facts or with other entries: "config_json" for config.json; None leaves it out."""
    changed = {".".join(name.rsplit("_", 1)).replace("model_", "model."): content for name, content in entries.items()}
    with zipfile.ZipFile(network) as source, zipfile.ZipFile(path, "w", compression) as archive:
        contents = {name: source.read(name) for name in source.namelist()} | changed
        if facts is not None:
            contents["run.json"] = json.dumps(json.loads(contents["run.json"]) | facts).encode()
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return path


@pytest.fixture(autouse=True)
def as_in_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the tests' own streams and signals alone."""
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)


@pytest.fixture
def imdb(finished: Finished) -> Path:
    """The network that a run of three epochs has left."""
    return finished.out / "imdb_cnn_lstm-sample.keras"


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asking:
    """Ask a file, and return the one line with which that ends, and exit status 1."""

    def call(path: Path) -> str:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["ask", str(path), DULL])
        with pytest.raises(SystemExit) as ended:
            ask.main()
        line = ended.value.code  # a text: Python prints it, and the exit status is 1
        assert capsys.readouterr() == ("", "")
        assert re.fullmatch(rf"Cannot ask {re.escape(str(path))}: .+", line), line
        assert line.isprintable()
        assert len(line) < 500
        return line

    return call


def facts(changed: dict) -> Callable[[Path, Path], Path]:
    """Make a file with other facts."""
    return lambda network, path: rewritten(network, path, changed)


def described(changed: dict) -> Callable[[Path, Path], Path]:
    """Make a file with another description."""
    return lambda network, path: rewritten(
        network, path, {"description": checkpoint.read(network)["description"] | changed}
    )


NOT_OURS = "none that reuters_lstm.py or imdb_cnn_lstm.py has left"
NO_PART = "is no part of these scripts' networks"
UNLIKELY = "its last layer gives no probabilities of 2 labels"
BAD_FILES = {
    "a directory": (lambda network, path: path.mkdir(), "Is a directory"),
    "a text": (lambda network, path: path.write_text("hello"), "no Keras file"),
    "half of one": (lambda network, path: path.write_bytes(network.read_bytes()[:100_000]), "no Keras file"),
    "a Keras file": (lambda network, path: rewritten(network, path, run_json=None), NOT_OURS),
    "compressed entries": (lambda network, path: rewritten(network, path, compression=zipfile.ZIP_DEFLATED), NOT_OURS),
    "half of the facts": (lambda network, path: rewritten(network, path, run_json=b'{"'), "Unterminated string"),
    "deep facts": (lambda network, path: rewritten(network, path, run_json=b"[" * 10**6), "recursion"),
    "no weights": (lambda network, path: rewritten(network, path, model_weights_h5=None), "model.weights.h5"),
    "broken weights": (lambda network, path: rewritten(network, path, model_weights_h5=b"HDF"), "file signature"),
    "no words": (facts({"words": []}), "--resume adds it"),
    "words in one string": (facts({"words": "the plot"}), ""),
    "too many words": (facts({"words": ["a"] * 5001}), "more words than its first layer"),
    "labels that are numbers": (facts({"labels": [1, 2]}), ""),
    "too many labels": (facts({"labels": ["a", "b", "c"]}), "no probabilities of 3 labels"),
    "no description": (facts({"description": None}), ""),
    "no length": (described({"input shape": [None]}), ""),
    "a Lambda": (described({"layers": "Embedding, Lambda"}), NO_PART),
    "a layer by its module": (described({"layers": "keras.layers.Embedding"}), NO_PART),
    "a function": (described({"6 Dense activation": "eval"}), NO_PART),
    "an object": (described({"6 Dense activation": {"class_name": "function", "config": "eval"}}), NO_PART),
    "a function in a list": (described({"3 Conv1D kernel_size": [5, "eval"]}), NO_PART),
    "weights of another size": (described({"5 LSTM units": 99}), ""),
    "a huge layer": (described({"5 LSTM units": 10**30}), ""),
    "two probabilities": (described({"6 Dense units": 2}), UNLIKELY),
    "one that is always 1": (described({"7 Activation activation": "softmax"}), UNLIKELY),
    "no probability": (described({"7 Activation activation": "linear"}), UNLIKELY),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_asked(kind: str, imdb: Path, tmp_path: Path, refusal: Asking) -> None:
    make, reason = BAD_FILES[kind]
    make(imdb, tmp_path / "it.keras")
    assert reason in refusal(tmp_path / "it.keras")


def test_each_setting_of_a_layer_is_a_number_or_a_known_word(imdb: Path) -> None:
    kept = checkpoint.read(imdb)
    settings = [key for key in kept["description"] if re.fullmatch(r"\d \w+ (?!name)\w+", key)]
    settings = [key for key in settings if not key.endswith(checkpoint.ONLY_FOR_TRAINING)]
    assert len(settings) > 30
    for key in settings:
        with pytest.raises(ValueError, match=f"{key} eval {NO_PART}"):
            checkpoint.rebuild(kept | {"description": kept["description"] | {key: "eval"}})


def verdict(path: Path) -> str:
    return ask.answer(ask.open_network(path), [DULL])[0].verdict


def test_what_is_for_training_only_is_not_looked_at(imdb: Path, tmp_path: Path) -> None:
    """Nothing that is named there is built: Keras would refuse the name."""
    named = ["1 Embedding embeddings_initializer", "6 Dense kernel_regularizer", "5 LSTM recurrent_constraint"]
    named += ["optimizer", "loss", "6 Dense dtype", "6 Dense activation function", "8 Lambda function", ""]
    make = described(dict.fromkeys(named, "os.system"))
    assert verdict(make(imdb, tmp_path / "it.keras")) == verdict(imdb)


def resume(directory: Path) -> int:
    """Go on with the network there, of which all three epochs are done, and return the exit status."""
    options = ("--data", "sample", "--epochs", "3", "--batch-size", "20", "--resume", "--output-dir")
    return run_here("imdb_cnn_lstm", *options, directory)


def test_keras_own_configuration_is_never_parsed(imdb: Path, tmp_path: Path) -> None:
    """Neither by who asks the network nor by a run that goes on."""
    path = rewritten(imdb, tmp_path / imdb.name, config_json=b"\xff{")
    assert verdict(path) == verdict(imdb)
    assert resume(tmp_path) == 0
    assert verdict(path) == verdict(imdb)


@pytest.mark.upstream
def test_keras_alone_calls_what_a_file_names(imdb: Path, tmp_path: Path) -> None:
    """In its safe mode, 3.15.1: `rebuild` is there for it. When this fails, Keras has mended it.

    The file's output is its input, and a node beside it calls a function of Keras.
    """

    def layer(kind: str, name: str, config: dict, module: str = "keras.layers") -> dict:
        return {"module": module, "class_name": kind, "name": name, "config": {"name": name} | config}

    called = {"module": "keras.config", "class_name": "function", "config": "set_dtype_policy"}
    called["registered_name"] = called["config"]
    inputs = layer("InputLayer", "i", {"batch_shape": [None, 3], "dtype": "float32"}) | {"inbound_nodes": []}
    node = layer("Switch", "s", {}, "keras.src.ops.core")
    node["inbound_nodes"] = [{"args": [0, [called], "mixed_float16"], "kwargs": {}}]
    config = {"layers": [inputs, node], "input_layers": [["i", 0, 0]], "output_layers": [["i", 0, 0]]}
    network = layer("Functional", "m", config, "keras.src.models.functional")
    path = rewritten(imdb, tmp_path / "it.keras", config_json=json.dumps(network).encode())
    before = keras.config.dtype_policy()
    try:
        keras.saving.load_model(path, compile=False)
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy(before)


def external_storage(weights: h5py.File, name: str, secret: Path) -> None:
    secret.write_bytes(bytes(400))
    shape = weights[name].shape
    del weights[name]
    weights.create_dataset(name, shape, "float32", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def virtual_dataset(weights: h5py.File, name: str, secret: Path) -> None:
    shape = weights[name].shape
    with h5py.File(secret, "w") as other:
        other["data"] = np.zeros(shape, "float32")
    layout = h5py.VirtualLayout(shape, "float32")
    layout[:] = h5py.VirtualSource(str(secret), "data", shape)
    del weights[name]
    weights.create_virtual_dataset(name, layout)


def external_link(weights: h5py.File, name: str, secret: Path) -> None:
    with h5py.File(secret, "w") as other:
        weights.copy(name, other, "data")
    del weights[name]
    weights[name] = h5py.ExternalLink(str(secret), "data")


def shape_bomb(weights: h5py.File, name: str, secret: Path) -> None:
    del weights[name]
    weights.create_dataset(name, (10**6, 10**6), "float32", chunks=(1000, 1000), compression="gzip")


GROUP, BIAS = "layers/dense/vars", "layers/dense/vars/1"  # of the last layer


@pytest.mark.parametrize(
    ("trick", "name"),
    [(external_storage, BIAS), (virtual_dataset, BIAS), (external_link, BIAS), (external_link, GROUP),
     (shape_bomb, BIAS)],
)  # fmt: skip
def test_weights_from_elsewhere_are_refused(
    trick: Callable, name: str, imdb: Path, tmp_path: Path, refusal: Asking, capsys: pytest.CaptureFixture[str]
) -> None:
    """By who asks and by a run that goes on (CVE-2026-0897, 2026-1669)."""
    with zipfile.ZipFile(imdb) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as weights:
        trick(weights, name, tmp_path / "secret")
    content = (tmp_path / "model.weights.h5").read_bytes()
    path = rewritten(imdb, tmp_path / imdb.name, model_weights_h5=content)
    assert "Not allowed" in refusal(path)
    assert resume(tmp_path) == 2
    assert re.fullmatch(r"imdb_cnn_lstm.py: cannot resume: .*Not allowed.*\n", capsys.readouterr().err)


def test_a_setting_that_only_one_of_two_runs_has_is_a_difference() -> None:
    """But for one that is None."""
    assert checkpoint.difference({"seed": 1, "a": 2}, {"seed": 1}) == "that run had a 2, this one has None"
    assert checkpoint.difference({"seed": 1}, {"seed": 1, "b": 0}) == "that run had b None, this one has 0"
    assert checkpoint.difference({"seed": 1, "a": None}, {"seed": 1, "b": None}) is None


def test_the_files_are_small(finished: Finished, imdb: Path) -> None:
    """With the optimizer, without which no run goes on."""
    assert imdb.stat().st_size < 8e6
    assert (finished.out / "reuters_lstm-sample.keras").stat().st_size < 3e6
