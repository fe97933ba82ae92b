"""The file that keeps a network: `NAME.keras`, which Keras opens as it is and from which a run goes on.

It is what `model.save` writes, the network and its optimizer, and one more entry, `run.json`: the epochs so far, the
settings they were trained with, and what no Keras file holds, the random state of a dropout layer.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a file is checked before Keras is imported
    import keras

RUN = "run.json"
ENTRIES = {"metadata.json", "config.json", "model.weights.h5", RUN}  # what `save` writes, without compression
# What the configurations of these scripts' networks name: objects, and words in their settings.
OBJECTS = {
    "keras.Sequential", "keras.DTypePolicy", "keras.optimizers.Adam",
    *(f"keras.layers.{layer}" for layer in (
        "InputLayer", "Embedding", "Dropout", "Conv1D", "MaxPooling1D", "GlobalAveragePooling1D", "LSTM", "GRU",
        "SimpleRNN", "Dense", "Activation",
    )),
    *(f"keras.initializers.{name}" for name in ("RandomUniform", "GlorotUniform", "Orthogonal", "Zeros")),
}  # fmt: skip
SETTINGS = {
    "tanh", "sigmoid", "softmax", "relu", "linear", "int32", "float32", "valid", "channels_last",
    "binary_crossentropy", "categorical_crossentropy", "accuracy",
}  # fmt: skip


def save(path: Path, model: keras.Model, facts: dict[str, object]) -> None:
    """Save the compiled model and what is to be known about it.

    Args:
        path: ends in ".keras"; replaced if it is there.
        model: the network, with its optimizer.
        facts: what JSON can hold; `read` returns it.

    Raises:
        OSError: if it cannot be written.
    """
    model.save(path)
    state = [variable.numpy().tolist() for variable in _random_variables(model)]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(RUN, json.dumps(facts | {"random state": state}))


def read(path: Path) -> dict[str, object]:
    """Return the facts that `save` was given, and under "config" the network's configuration as Keras keeps it.

    Nothing in the file is run.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is not a file that `save` has written; the message says what is wrong with it.
    """
    try:
        with path.open("rb") as stream:
            if path.suffix != ".keras" or not zipfile.is_zipfile(stream):
                raise ValueError("it is no Keras file")
        with zipfile.ZipFile(path) as archive:
            if RUN not in archive.namelist():
                raise ValueError("it is none that reuters_lstm.py or imdb_cnn_lstm.py has left, and holds no words")
            for entry in archive.infolist():  # uncompressed, no entry can be larger than the file
                if entry.filename not in ENTRIES or entry.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"these scripts write no {entry.filename:.80} like the one in it")
            facts, config = (json.loads(archive.read(entry)) for entry in (RUN, "config.json"))
        return {**facts, "config": config}
    except FileNotFoundError:
        raise
    except Exception as error:  # the file may be damaged in any way, or made to be
        raise ValueError(getattr(error, "strerror", None) or " ".join(str(error).split())) from None


def check_objects(config: object, model: keras.Model | None = None) -> None:
    """Refuse a configuration that names anything but what the networks of these scripts are made of.

    Keras's safe mode is to keep a file from running code, and has had a hole again and again (CVE-2024-3660,
    2025-1550, 2025-8747, 2025-9906, 2025-49655, 2026-1462); each of them took an object that is none of these. Here no
    object and no other word passes that is not known, but for the names of layers.

    Args:
        config: from `read`.
        model: an edited script's own network: what that is made of is known too.

    Raises:
        ValueError: naming the first thing that is not known.
    """
    known = OBJECTS | SETTINGS | {name for _, name in _named(json.loads(model.to_json()) if model else {})}
    for key, name in _named(config):
        if name not in known:
            raise ValueError(f"its {key:.40} is {name:.80}, which is no part of these scripts' networks")


def _named(part: object, key: str = "configuration") -> Iterator[tuple[str, str]]:
    """Yield each object and each other word of a configuration with its key, but for the names of layers."""
    if isinstance(part, dict):
        is_object = "class_name" in part
        if is_object:
            yield key, f"{part.get('module')}.{part['class_name']}"
        if part.get("class_name") == "DTypePolicy":  # its name is no mere name
            yield "dtype", str(part.get("config", {}).get("name"))
        for inner, value in part.items():
            if not (is_object and inner in ("module", "class_name")) and not (inner == "name" and value == str(value)):
                yield from _named(value, inner)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value, key)
    elif isinstance(part, str):
        yield key, part


def owner(path: Path) -> tuple[str | None, int]:
    """Return the "id" among the file's facts and how many epochs it holds; None and 0 if it cannot be read."""
    try:
        facts = read(path)
        return facts["id"], len(facts["history"]["loss"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None, 0


def difference(facts: dict[str, object], model: keras.Model, settings: dict[str, object]) -> str | None:
    """Say in what the kept run was another experiment than this model with these settings; None if in nothing.

    Compared are the settings, and all layers, the optimizer and the loss, as configured; names are not.

    Args:
        facts: from `read`, with "settings" among them.
        model: a compiled model.
        settings: of this run.
    """
    old, new = (
        {**chosen, "layers": config["config"]["layers"], **config["compile_config"]}
        for chosen, config in ((facts["settings"], facts["config"]), (settings, json.loads(model.to_json())))
    )
    for what in (*settings, "layers", "optimizer", "loss"):
        if found := _first_difference(what, old.get(what), new[what]):
            what, one, other = (f"{part:.6g}" if isinstance(part, float) else f"{part!s:.200}" for part in found)
            return f"that run had {what} {one}, this one has {other}"
    return None


def _first_difference(what: str, old: object, new: object) -> tuple[str, object, object] | None:
    """Return where the two part, and what stands there in each."""
    if isinstance(old, dict) and isinstance(new, dict):
        if old.get("class_name") != new.get("class_name"):
            return what, old.get("class_name"), new.get("class_name")
        inner = [
            (what if key == "config" else f"{what} {key}", old[key], new[key])
            for key in new
            # Another Keras may know other keys; and a notebook counts the names of its layers on.
            if key in old and (key != "name" or what.endswith("dtype"))
        ]
    elif what == "layers":
        kinds = [", ".join(layer["class_name"] for layer in layers) for layers in (old, new)]
        if kinds[0] != kinds[1]:
            return what, *kinds
        inner = [(layer["class_name"], layer, other) for layer, other in zip(old, new, strict=True)]
    else:
        return None if old == new else (what, old, new)
    return next((found for part in inner if (found := _first_difference(*part))), None)


def restore(path: Path, model: keras.Model, facts: dict[str, object]) -> None:
    """Give the compiled model the weights, the optimizer and the random state that are kept there.

    Args:
        path: the file.
        model: fits it, as `difference` says.
        facts: what `read` returned.

    Raises:
        ValueError, OSError, KeyError: if the file is damaged.
    """
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    for variable, value in zip(_random_variables(model), facts["random state"], strict=True):
        variable.assign(value)


def _random_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the variables from which the layers draw their random numbers."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]
