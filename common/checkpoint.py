"""The file that keeps a network: `NAME.keras`, which Keras opens as it is and from which a run goes on.

It is what `model.save` writes and `run.json`: the epochs so far, a description of network and experiment, words and
labels, and what no Keras file holds, the random state of a dropout layer.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

RUN, RANDOM = "run.json", "seed_generator_state"  # the entry; the path of a layer's random state ends so
# What a network is rebuilt from: layers, and words in their settings. All other settings are numbers.
LAYERS = ("Embedding", "Dropout", "Conv1D", "MaxPooling1D", "GlobalAveragePooling1D", "LSTM", "GRU", "SimpleRNN",
          "Dense", "Activation")  # fmt: skip
WORDS = ("tanh", "sigmoid", "softmax", "relu", "linear", "valid", "same", "causal", "channels_last")
ONLY_FOR_TRAINING = ("initializer", "regularizer", "constraint", "dtype", "trainable")  # how such settings' names end


def save(path: Path, model, facts: dict[str, object]) -> None:
    """Save the compiled model and what is to be known about it: what JSON can hold, for `read` to return."""
    model.save(path)
    state = [variable.numpy().tolist() for variable in model.variables if variable.path.endswith(RANDOM)]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(RUN, json.dumps(facts | {"random state": state}))


def read(path: Path) -> dict[str, object]:
    """Return the facts that `save` was given; OSError or ValueError if it has not written the file."""
    with path.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise ValueError("it is no Keras file")
        archive = zipfile.ZipFile(stream)
        stored = not any(entry.compress_type for entry in archive.infolist())  # none is larger than the file
        facts = json.loads(archive.read(RUN)) if stored and RUN in archive.namelist() else {}
        if "description" not in facts:
            raise ValueError("it is none that reuters_lstm.py or imdb_cnn_lstm.py has left")
        return facts


def restore(path: Path, model, facts: dict[str, object]) -> None:
    """Give the compiled model, which the file's description fits, the weights, the optimizer and the random state."""
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    variables = [variable for variable in model.variables if variable.path.endswith(RANDOM)]
    for variable, value in zip(variables, facts["random state"], strict=True):
        variable.assign(value)


def describe(model) -> dict[str, object]:
    """Return what the compiled model is, in a flat dictionary: `{"3 Conv1D filters": 64, "optimizer": "Adam", ...}`."""
    parts = {"layers": ", ".join(type(layer).__name__ for layer in model.layers), "input shape": model.input_shape[1:]}
    for number, layer in enumerate(model.layers, start=1):
        parts[f"{number} {type(layer).__name__}"] = layer.get_config()
    parts |= {key: model.get_compile_config()[key] for key in ("optimizer", "loss")}
    return json.loads(json.dumps(dict(_flat(parts)), default=str))


def _flat(parts: dict[str, object], start: str = "") -> Iterator[tuple[str, object]]:
    """Yield each setting; of an object, as Keras keeps it, first its kind and then its own settings."""
    for key, value in parts.items():
        if key == "name" and not start.endswith("dtype "):  # a notebook counts on: "lstm_1"
            continue
        if isinstance(value, dict) and "class_name" in value:
            yield start + key, value["class_name"]
            value = value["config"] if isinstance(value["config"], dict) else {"is": value["config"]}
        if isinstance(value, dict):
            yield from _flat(value, f"{start}{key} ")
        else:
            yield start + key, value


def difference(old: dict[str, object], new: dict[str, object]) -> str | None:
    """Say in what the run with the old description was another experiment than the new one; None if in nothing."""
    for key, value in new.items():
        if old.get(key, value) != value:  # another Keras may know other settings
            one, other = (f"{part:.6g}" if isinstance(part, float) else f"{part!s:.200}" for part in (old[key], value))
            return f"that run had {key} {one}, this one has {other}"
    return None


def rebuild(facts: dict[str, object]):
    """Return the `keras.Sequential` that the facts describe, with new weights, not compiled: to be asked, not trained.

    Keras's safe mode has had holes (CVE-2025-1550, 2025-8747, 2025-9906, 2025-49655, 2026-1462), all by objects that a
    file's configuration names. Here whatever the description names but ten layers and a few words is a ValueError.
    """
    import keras  # not above: a file is read before Keras is imported

    description, labels = facts["description"], facts["labels"]
    model = keras.Sequential([keras.Input(description["input shape"], dtype="int32")])
    for number, kind in enumerate(description["layers"].split(", "), start=1):
        settings = {}
        for key, value in description.items():
            layer, _, name = key.rpartition(" ")
            if layer == f"{number} {kind}" and not name.endswith(ONLY_FOR_TRAINING) and value is not None:
                settings[name] = value
                parts = value if isinstance(value, list) else [value]
                if not all(isinstance(part, int | float) for part in parts) and value not in WORDS:
                    kind = f"{key} {value}"
        if kind not in LAYERS:
            raise ValueError(f"its {kind:.80} is no part of these scripts' networks")
        model.add(getattr(keras.layers, kind)(**settings))
    outputs = {"softmax": len(labels), "sigmoid": 1 if len(labels) == 2 else None}.get(settings.get("activation"))
    if model.output_shape != (None, outputs):
        raise ValueError(f"its last layer gives no probabilities of {len(labels)} labels")
    return model
