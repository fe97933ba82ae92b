"""The file that keeps a network: what it may hold, and that nothing it names is done."""

import json
import os
import re
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import imdb_cnn_lstm
import reuters_lstm
from common import ask, checkpoint, run
from common.data import load_imdb, load_reuters
from common.words import MARKERS

DULL = "The plot was dull, but the acting was superb."
Asking = Callable[[Path], str]


def build(script: str) -> keras.Sequential:
    """Return the script's network, compiled, with an optimizer that has its variables, as after a training."""
    model = {"reuters_lstm": reuters_lstm, "imdb_cnn_lstm": imdb_cnn_lstm}[script].build_model()
    loss = "categorical_crossentropy" if script == "reuters_lstm" else "binary_crossentropy"
    model.compile(loss=loss, optimizer="adam", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def keep(script: str, path: Path) -> Path:
    """Write an untrained network of the script, with the sample's words, as a run leaves it."""
    keras.utils.set_random_seed(1)
    model = build(script)
    model.set_weights([8 * weight for weight in model.get_weights()])  # so that the answers differ
    *_, corpus = load_reuters("sample", 1000, 0.2) if script == "reuters_lstm" else load_imdb("sample", 5000)
    facts = {"description": checkpoint.describe(model), "history": {column: [1.0] for column in run.COLUMNS}}
    checkpoint.save(path, model, facts | {"words": corpus.words, "labels": corpus.labels})
    return path


def rewritten(network: Path, path: Path, facts: dict | None = None, **entries: bytes | None) -> Path:
    """Copy the file with other facts or with other entries: "config_json" for config.json; None leaves it out."""
    changed = {".".join(name.rsplit("_", 1)).replace("model_", "model."): content for name, content in entries.items()}
    with zipfile.ZipFile(network) as source, zipfile.ZipFile(path, "w") as archive:
        contents = {name: source.read(name) for name in source.namelist()} | changed
        if facts is not None:
            contents["run.json"] = json.dumps(json.loads(contents["run.json"]) | facts).encode()
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return path


@pytest.fixture(autouse=True, scope="module")
def as_in_a_session() -> Iterator[None]:
    """Leave the tests' own streams and signals alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.options.in_session", lambda: True)
        yield


@pytest.fixture(scope="module")
def imdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep("imdb_cnn_lstm", tmp_path_factory.mktemp("network") / "imdb_cnn_lstm.keras")


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asking:
    """Ask a file, and return the one line with which that ends, and exit status 1."""

    def call(path: Path) -> str:
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


def a_directory(imdb: Path, path: Path) -> None:
    path.mkdir()


def hdf5_under_the_name(imdb: Path, path: Path) -> None:
    model = keras.Sequential([keras.Input((100,)), layers.Lambda(lambda x: x)])
    model.save(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


def compressed(imdb: Path, path: Path) -> None:
    with zipfile.ZipFile(imdb) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))


def without_a_length(imdb: Path, path: Path) -> None:
    """The average of as many words as there are."""
    model = keras.Sequential([keras.Input((None,), dtype="int32"), layers.Embedding(5000, 2)])
    model.add(layers.GlobalAveragePooling1D())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam")
    checkpoint.save(path, model, checkpoint.read(imdb) | {"description": checkpoint.describe(model)})


def changed(facts: dict) -> Callable[[Path, Path], Path]:
    return lambda imdb, path: rewritten(imdb, path, facts)


BAD_FILES = {
    "nothing there": (lambda imdb, path: None, "No such file"),
    "a directory": (a_directory, "Is a directory"),
    "a text": (lambda imdb, path: path.write_text("hello"), "no Keras file"),
    "an empty file": (lambda imdb, path: path.touch(), "no Keras file"),
    "half of one": (lambda imdb, path: path.write_bytes(imdb.read_bytes()[:100_000]), "no Keras file"),
    "an old HDF5 file": (hdf5_under_the_name, "no Keras file"),
    "another zip": (lambda imdb, path: zipfile.ZipFile(path, "w").close(), "none that reuters_lstm.py or"),
    "a Keras file": (lambda imdb, path: keras.models.load_model(imdb).save(path), "none that reuters_lstm.py or"),
    "compressed entries": (compressed, "none that reuters_lstm.py or"),
    "a run without words": (changed({"words": []}), "--resume adds it"),
    "half of the facts": (lambda imdb, path: rewritten(imdb, path, run_json=b'{"'), "Unterminated string"),
    "deep facts": (lambda imdb, path: rewritten(imdb, path, run_json=b"[" * 10**6), "recursion"),
    "facts in a list": (lambda imdb, path: rewritten(imdb, path, run_json=b"[]"), "none that reuters_lstm.py or"),
    "no weights": (lambda imdb, path: rewritten(imdb, path, model_weights_h5=None), "model.weights.h5"),
    "broken weights": (lambda imdb, path: rewritten(imdb, path, model_weights_h5=b"HDF"), "file signature"),
    "other labels": (changed({"labels": ["a", "b", "c"]}), "no probabilities of 3 labels"),
    "too many words": (changed({"words": ["a"] * 5001}), "more words than its first layer"),
    "labels that are none": (changed({"labels": [1, 2]}), ""),
    "labels in a dict": (changed({"labels": {"a": 1, "b": 2}}), ""),
    "words in one string": (changed({"words": "the plot"}), ""),
    "no length": (without_a_length, "NoneType"),
    "words that are none": (changed({"words": [[]] * 9}), ""),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_asked(kind: str, imdb: Path, tmp_path: Path, refusal: Asking) -> None:
    make, reason = BAD_FILES[kind]
    make(imdb, tmp_path / "it.keras")
    assert reason in refusal(tmp_path / "it.keras")


def test_a_file_that_keras_would_not_know_by_its_name(imdb: Path, tmp_path: Path, refusal: Asking) -> None:
    (tmp_path / "it.zip").write_bytes(imdb.read_bytes())
    assert "File format not supported" in refusal(tmp_path / "it.zip")


# How a description could be made to have its way, and what it ends with.
NO_PART = "is no part of these scripts' networks"
KINDS = (
    "Lambda", "TFSMLayer", "TorchModuleWrapper", "StringLookup", "Bidirectional", "RNN", "Wrapper", "InputLayer",
    "Layer", "dense", "LSTM ", "Dense\n", "keras.layers.Dense", "__class__", "os.system", "",
)  # fmt: skip
VALUES = (
    "eval", "os.system", "keras.utils.get_file", "builtins", "leaky_relu", "mixed_float16", "relu\n", "\x1b[2J", "",
    ["relu"], [[3]], [5, "eval"], [None], {}, {"class_name": "function", "config": "eval", "module": "builtins"},
    {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wAAAAA="}}}},
)  # fmt: skip
WRONG = {
    "layers": [None, 5, ["Dense"], {"Dense": 1}, "Dense", "Dense, Embedding", "Embedding", "Dropout, " * 99 + "Dense"],
    "input shape": [None, 100, "100", {}, [], [-1], [0], [None], [1.5], [10**30], [[100]], [100, 100], ["100"]],
    "1 Embedding input_dim": [None, -5, 0, 4, 5001, 10**30, 1.5, True, float("nan"), [5000], "same"],
    "2 Dropout rate": [None, -1, 10**30, float("nan"), [0.5]],
    "3 Conv1D filters": [None, -5, 0, 10**30, float("inf")],
    "3 Conv1D kernel_size": [None, -5, 0, [10**9], [5, 5]],
    "3 Conv1D activation": [-5, 10**30, "valid", "channels_last"],
    "3 Conv1D evil": [5],
    "4 MaxPooling1D strides": [-5, 10**30, []],
    "5 LSTM units": [None, -5, 0, 99, 10**30, float("inf"), "relu"],
    "5 LSTM cell": [5, "relu"],
    "5 LSTM stateful": [True],
    "5 LSTM return_sequences": [True],
    "6 Dense units": [None, -5, 46, 10**30],
    "6 Dense weights": [[1, 2]],
    "6 Dense self": [5],
    "6 Dense __init__": [5],
    "7 Activation activation": [None, True, "linear", "softmax"],  # the last two are no probabilities here
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_of_another_kind_is_refused(kind: str, imdb: Path, tmp_path: Path, refusal: Asking) -> None:
    description = checkpoint.read(imdb)["description"]
    crafted = {key.replace("Dropout", kind): value for key, value in description.items()}
    crafted["layers"] = description["layers"].replace("Dropout", kind)
    assert NO_PART in refusal(rewritten(imdb, tmp_path / "it.keras", {"description": crafted}))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_setting_that_is_neither_number_nor_known_word_is_refused(
    value: object, imdb: Path, tmp_path: Path, refusal: Asking
) -> None:
    description = checkpoint.read(imdb)["description"] | {"6 Dense activation": value}
    assert NO_PART in refusal(rewritten(imdb, tmp_path / "it.keras", {"description": description}))


def test_so_is_each_setting(imdb: Path) -> None:
    facts = checkpoint.read(imdb)
    settings = [
        key
        for key in facts["description"]
        if re.fullmatch(r"\d \w+ (?!name)\w+", key) and not key.endswith(checkpoint.ONLY_FOR_TRAINING)
    ]
    assert len(settings) > 30
    for key in settings:
        with pytest.raises(ValueError, match=f"{key} eval {NO_PART}"):
            checkpoint.rebuild(facts | {"description": facts["description"] | {key: "eval"}})


@pytest.mark.parametrize("key", WRONG)
def test_settings_of_which_keras_makes_no_network_are_refused(
    key: str, imdb: Path, tmp_path: Path, refusal: Asking
) -> None:
    for value in WRONG[key]:
        description = checkpoint.read(imdb)["description"] | {key: value}
        if value is None:
            del description[key]
        refusal(rewritten(imdb, tmp_path / "it.keras", {"description": description}))


@pytest.mark.parametrize(
    ("units", "activation", "labels"),
    [
        (2, "softmax", 2),
        (3, "softmax", 3),
        (1, "sigmoid", 2),
        (2, "sigmoid", 2),
        (2, "sigmoid", 3),
        (1, "sigmoid", 3),
        (1, "softmax", 2),
        (3, "softmax", 2),
    ],
)
def test_a_last_layer_that_gives_probabilities_of_the_labels(
    units: int, activation: str, labels: int, tmp_path: Path, refusal: Asking
) -> None:
    """Of two labels either one of the second or one of each; of more one of each. All others are refused."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((9,), dtype="int32"), layers.Embedding(6, 3), layers.LSTM(2)])
    model.add(layers.Dense(units, activation=activation))
    model.compile(loss="mse", optimizer="adam")
    model.set_weights([8 * weight + 0.5 * np.arange(weight.shape[-1]) for weight in model.get_weights()])
    facts = {"words": [*MARKERS, "good", "dull"], "labels": ["a", "b", "c"][:labels]}
    checkpoint.save(tmp_path / "it.keras", model, facts | {"description": checkpoint.describe(model)})
    if (units, activation, labels) not in ((1, "sigmoid", 2), (labels, "softmax", labels)):
        assert f"no probabilities of {labels} labels" in refusal(tmp_path / "it.keras")
        return
    (found,) = ask.answer(ask.open_network(tmp_path / "it.keras"), ["Good, good!"])
    outputs = model.predict_on_batch(np.array([[0] * 6 + [1, 4, 4]], "int32"))[0].tolist()
    outputs = [1 - outputs[0], *outputs] if units == 1 else outputs
    likeliest = sorted(zip(outputs, facts["labels"], strict=True), reverse=True)[: 1 if labels == 2 else 3]
    assert found.verdict == ", ".join(f"{label} {probability:.4f}" for probability, label in likeliest)


@pytest.mark.parametrize("description", [None, 5, "Dense", [], ["layers"], {}], ids=repr)
def test_a_description_that_is_none_is_refused(
    description: object, imdb: Path, tmp_path: Path, refusal: Asking
) -> None:
    refusal(rewritten(imdb, tmp_path / "it.keras", {"description": description}))


# What Keras's layers and `compile` themselves have Keras build: how weights begin, and the optimizer.
OWN = {"uniform", "randomuniform", "glorotuniform", "orthogonal", "zeros", "ones", "adam"}


@pytest.fixture
def nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on Keras must not even be asked to build a thing from a file's configuration."""
    build = keras.saving.deserialize_keras_object

    def touched(config: dict, *arguments: object, **options: object) -> object:
        if config["config"] != {} or config["class_name"].replace("_", "").lower() not in OWN:
            pytest.fail(f"Keras builds what the file names: {config}")  # no `except Exception` hides it
        return build(config, *arguments, **options)

    def untouched(*arguments: object, **options: object) -> None:
        pytest.fail("Keras builds the network that the file names")

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", touched)
    monkeypatch.setattr("keras.src.saving.serialization_lib.deserialize_keras_object", touched)
    monkeypatch.setattr(keras.Sequential, "from_config", untouched)


def verdict(path: Path) -> str:
    return ask.answer(ask.open_network(path), [DULL])[0].verdict


@pytest.fixture(scope="module")
def whole(imdb: Path, as_in_a_session: None) -> tuple[str, list[np.ndarray]]:
    """The answer and the weights of the file as a run leaves it."""
    return verdict(imdb), ask.open_network(imdb).model.get_weights()


def resume(path: Path, model: keras.Model) -> None:
    """Give the model the state of the run that was kept there."""
    facts = {"description": checkpoint.describe(model), "history": {}, "words": []}
    run._resume(path, model, facts, Namespace(script="imdb_cnn_lstm", epochs=5))


def test_what_is_for_training_only_is_not_looked_at(
    imdb: Path, whole: tuple, tmp_path: Path, nothing_is_built: None
) -> None:
    """No more than what no layer's setting is."""
    more = {
        "optimizer": "os.system", "optimizer learning_rate": {"class_name": "Lambda"}, "loss": "builtins.eval",
        "1 Embedding embeddings_initializer": "os.system", "6 Dense kernel_regularizer": {"class_name": "Bomb"},
        "5 LSTM recurrent_constraint": ["eval"], "6 Dense dtype": "mixed_float16", "6 Dense dtype name": "eval",
        "8 Lambda function": "eval", "6 Dense activation function": "eval", "module": "os", "": "touch canary",
    }  # fmt: skip
    description = checkpoint.read(imdb)["description"] | more
    rewritten(imdb, tmp_path / "it.keras", {"description": description})
    assert verdict(tmp_path / "it.keras") == whole[0]


@pytest.mark.parametrize(
    "setting",
    [
        {"padding": "same", "optimizer": "rmsprop"},
        {"padding": "causal", "optimizer": "sgd", "loss": "mse"},
        {"floatx": "float64"},
        {"floatx": "mixed_float16"},
        {"kernel_initializer": "he_normal", "kernel_regularizer": "l2", "bias_constraint": "non_neg"},
    ],
    ids=str,
)
def test_optimizer_loss_padding_and_precision_do_not_matter(setting: dict[str, str], tmp_path: Path) -> None:
    """A network is asked whatever it was trained with."""
    chosen = {"optimizer": "adam", "loss": "binary_crossentropy", "floatx": "float32"} | setting
    compiled = {"optimizer": chosen.pop("optimizer"), "loss": chosen.pop("loss")}
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(chosen.pop("floatx"))
    try:
        model = keras.Sequential([keras.Input((100,), dtype="int32"), layers.Embedding(9, 8), layers.Dropout(0.5)])
        model.add(layers.Conv1D(4, 5, activation="relu", **chosen))
        for layer in (layers.MaxPooling1D(4), layers.LSTM(5), layers.Dense(1), layers.Activation("sigmoid")):
            model.add(layer)
    finally:
        keras.config.set_dtype_policy("float32")
    model.set_weights([weight + 0.2 for weight in model.get_weights()])  # so that it does not answer 0.5000
    model.compile(**compiled)
    words = ["[padding]", "[start]", "[?]", "[unused]", "good"]
    facts = {"description": checkpoint.describe(model), "words": words, "labels": ["negative", "positive"]}
    checkpoint.save(tmp_path / "it.keras", model, facts)
    network = ask.open_network(tmp_path / "it.keras")
    (found,) = ask.answer(network, ["good good"])
    label, probability = found.verdict.split()
    positive = float(model.predict_on_batch(np.array([[0] * 97 + [1, 4, 4]], "int32"))[0, 0])
    expected = positive if label == "positive" else 1 - positive
    assert expected > 0.5
    assert float(probability) == pytest.approx(expected, abs=2e-3 if "16" in str(setting) else 1e-4)
    assert {weight.dtype for weight in network.model.get_weights()} == {np.dtype("float32")}


def test_the_names_that_a_session_counts_on_are_no_difference() -> None:
    """A notebook in which a cell has run twice has an lstm_1 and an adam_1."""
    descriptions = []
    for _ in range(2):
        model = keras.Sequential([keras.Input((100,)), layers.Embedding(9, 2), layers.Bidirectional(layers.LSTM(2))])
        model.compile(loss="mse", optimizer="adam")
        descriptions.append(checkpoint.describe(model))
    assert descriptions[0] == descriptions[1]


# What was published, or is near it: how a file's configuration was to have its way.
def layer(name: str, config: object, module: str = "keras.layers", /, **more: object) -> dict:
    return {"module": module, "class_name": name, "config": config, "registered_name": None, **more}


def function(name: str, module: str) -> dict:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


BYTECODE = {"class_name": "__lambda__", "config": {"code": "4wAAAAA=", "defaults": None, "closure": None}}
EXPLOITS = {
    "CVE-2024-3660, Lambda": layer("Lambda", {"name": "x", "function": BYTECODE}),
    "CVE-2024-3660, of the old format": {"class_name": "Lambda", "config": {"function": ["4wAAAAA=", None, None]}},
    "CVE-2025-1550, any module": layer("run", {"args": ["touch canary"]}, "subprocess", registered_name="run"),
    "CVE-2025-1550, os.system": layer("function", "system", "os", registered_name="system"),
    "CVE-2025-8747, get_file": layer(
        "Lambda", {"function": function("get_file", "keras.utils"), "arguments": {"origin": "http://127.0.0.1:9/x"}}
    ),
    "CVE-2025-9906, switched off": layer(
        "Lambda", {"function": function("enable_unsafe_deserialization", "keras.config")}
    ),
    "CVE-2025-9906, load_model": layer(
        "Lambda", {"function": function("load_model", "keras.models"), "arguments": {"safe_mode": False}}
    ),
    "CVE-2025-49655, a PyTorch module": layer("TorchModuleWrapper", {"module": "gASVAAA="}),
    "CVE-2025-12058, a file as vocabulary": layer("StringLookup", {"vocabulary": "/etc/passwd"}),
    "CVE-2025-12060, an archive": layer("Lambda", {"function": function("extract_archive", "keras.utils")}),
    "CVE-2026-1462, a SavedModel": layer("TFSMLayer", {"filepath": "/tmp/x", "call_endpoint": "serve"}),
    "CVE-2026-12481, without a module": {"class_name": "Lambda", "config": {"name": "x", "function": BYTECODE}},
    "a class of this project": layer("Run", {}, "common.run", registered_name="Run"),
    "registered": layer("Dense", {"units": 1}, registered_name="evil>Dense"),
    "an initializer": layer("Dense", {"units": 1, "kernel_initializer": layer("Bomb", {}, "builtins")}),
    "a regularizer": layer("Dense", {"units": 1, "kernel_regularizer": layer("L2", {}, "keras.regularizers")}),
    "an activation": layer("Dense", {"units": 1, "activation": "eval"}),
    "an activation that is an object": layer("Dense", {"units": 1, "activation": function("eval", "builtins")}),
}


def dead_node(called: dict, *arguments: object) -> dict:
    """A network whose output is its input, and a node beside it with which the file calls a function of Keras."""
    inputs = layer(
        "InputLayer", {"batch_shape": [None, 3], "dtype": "float32", "name": "i"}, name="i", inbound_nodes=[]
    )
    node = {"args": [0, [called], *arguments], "kwargs": {}}
    switch = layer("Switch", {"name": "s"}, "keras.src.ops.core", name="s", inbound_nodes=[node])
    ends = {"input_layers": [["i", 0, 0]], "output_layers": [["i", 0, 0]]}
    config = {"name": "m", "trainable": True, "layers": [inputs, switch], **ends}
    return layer("Functional", config, "keras.src.models.functional")


def configurations(config: dict) -> dict[str, bytes | None]:
    """What may stand in place of the configuration of a network's file, or be missing."""
    exploited = json.loads(json.dumps(config))
    exploited["config"]["layers"][1]["more"] = EXPLOITS["an activation that is an object"]
    exploited["config"]["layers"][2:2] = EXPLOITS.values()
    exploited["compile_config"]["optimizer"] = EXPLOITS["CVE-2024-3660, Lambda"]
    dead = config | dead_node(function("set_dtype_policy", "keras.config"), "mixed_float16")
    found = {"all exploits at once": json.dumps(exploited).encode(), "a dead node": json.dumps(dead).encode()}
    return found | {"none": None, "half of one": b'{"', "a deep one": b"[" * 10**6, "bytes": b"\xff\xfe"}


@pytest.mark.parametrize("kind", configurations({"config": {"layers": [{}, {}]}, "compile_config": {}}))
def test_the_configuration_is_never_looked_at(
    kind: str, imdb: Path, whole: tuple, tmp_path: Path, nothing_is_built: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by who asks the network nor by a run that goes on."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(imdb) as archive:
        config = json.loads(archive.read("config.json"))
    path = rewritten(imdb, tmp_path / "it.keras", config_json=configurations(config)[kind])
    answer, weights = whole
    assert verdict(path) == answer
    model = build("imdb_cnn_lstm")
    resume(path, model)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert os.listdir() == ["it.keras"]
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.upstream
def test_keras_alone_calls_what_a_file_names(imdb: Path, tmp_path: Path) -> None:
    """In its safe mode, 3.15.1: `rebuild` is there for it. When this fails, Keras has mended it."""
    with zipfile.ZipFile(imdb) as archive:
        config = json.loads(archive.read("config.json"))
    path, before = tmp_path / "it.keras", keras.config.dtype_policy()
    rewritten(imdb, path, config_json=configurations(config)["a dead node"])
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
        other["data"] = weights[name][:]
    del weights[name]
    weights[name] = h5py.ExternalLink(str(secret), "data")


def external_group(weights: h5py.File, name: str, secret: Path) -> None:
    group = name.rsplit("/", 1)[0]
    with h5py.File(secret, "w") as other:
        weights.copy(group, other, "data")
    del weights[group]
    weights[group] = h5py.ExternalLink(str(secret), "data")


def soft_link(weights: h5py.File, name: str, secret: Path) -> None:
    weights.move(name, "elsewhere")
    weights[name] = h5py.SoftLink("/elsewhere")


def shape_bomb(weights: h5py.File, name: str, secret: Path) -> None:
    del weights[name]
    weights.create_dataset(name, (10**6, 10**6), "float32", chunks=(1000, 1000), compression="gzip")


TRICKS = [external_storage, virtual_dataset, external_link, external_group, soft_link, shape_bomb]


@pytest.mark.parametrize("trick", TRICKS)
def test_weights_from_elsewhere_are_refused(
    trick: Callable, imdb: Path, tmp_path: Path, refusal: Asking, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bias of the last layer is not in the file (CVE-2026-0897, 2026-1669)."""
    with zipfile.ZipFile(imdb) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as weights:
        trick(weights, "layers/dense/vars/1", tmp_path / "secret")
    content = (tmp_path / "model.weights.h5").read_bytes()
    path = rewritten(imdb, tmp_path / "it.keras", model_weights_h5=content)
    assert "Not allowed" in refusal(path)
    with pytest.raises(SystemExit) as ended:
        resume(path, build("imdb_cnn_lstm"))
    assert ended.value.code == 2
    assert re.fullmatch(r"imdb_cnn_lstm.py: cannot resume: .*Not allowed.*\n", capsys.readouterr().err)


def test_the_files_are_small(imdb: Path, tmp_path: Path) -> None:
    """With the optimizer, without which no run goes on, and with as many words as the real data have."""
    reuters = keep("reuters_lstm", tmp_path / "reuters_lstm.keras")
    for network, num_words, most in ((imdb, 5000, 8e6), (reuters, 1000, 3e6)):
        words = [f"{number:09}" for number in range(num_words)]
        assert rewritten(network, tmp_path / "it.keras", {"words": words}).stat().st_size < most
