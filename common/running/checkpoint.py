"""The file that keeps a network: `NAME.keras`, which Keras opens as it is and from which a run goes on.

It is what `model.save` writes and `run.json`: the epochs so far, a description of network and experiment, words and
labels, and what no Keras file holds, the random state of a dropout layer.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

RUN = "run.json"  # the entry of the zip file that a Keras file is
RANDOM = "seed_generator_state"  # how the path of a layer's random state ends
COMPILED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")  # what `compile` is given


def save(path: Path, model, facts: dict[str, object]) -> None:
    """Save the compiled model and what is to be known about it: what JSON can hold, for `read` to return."""
    model.save(path)
    state = [variable.numpy().tolist() for variable in _random_states(model)]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(RUN, json.dumps(facts | {"random state": state}))


def read(path: Path) -> dict[str, object]:
    """Return the facts that `save` was given; an Exception, of whatever kind, if it has not written the file.

    FileNotFoundError says which networks are there instead.
    """
    if not path.exists():
        others = sorted(other.name for other in path.parent.glob("*.keras"))
        raise FileNotFoundError(f"there is no {path}" + (f", only {', '.join(others)}" if others else ""))
    with path.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise ValueError("it is no Keras file")
        archive = zipfile.ZipFile(stream)
        if archive.testzip():  # from Python 3.12 on a damaged part is not noticed when h5py reads it
            raise ValueError("it is damaged")
        if RUN not in archive.namelist():
            raise ValueError("it is none that a run of these scripts has left")
        return json.loads(archive.read(RUN))


def restore(path: Path, model, facts: dict[str, object]) -> None:
    """Give the compiled model, which the file's description fits, the weights, the optimizer and the random state."""
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    for variable, value in zip(_random_states(model), facts["random state"], strict=True):
        variable.assign(value)


def _random_states(model) -> list:
    return [variable for variable in model.variables if variable.path.endswith(RANDOM)]


def describe(model) -> dict[str, object]:
    """Return what the compiled model is, in a flat dictionary: `{"3 Conv1D filters": 64, "optimizer": "Adam", ...}`."""
    settings = {"layers": ", ".join(type(layer).__name__ for layer in model.layers)}
    for number, layer in enumerate(model.layers, start=1):
        settings[f"{number} {type(layer).__name__}"] = layer.get_config()
    compiled = model.get_compile_config() or {}  # not compiled: `fit` says so
    for key in COMPILED:
        settings[key] = compiled.get(key)
    return json.loads(json.dumps(dict(_flat(settings)), default=str))


def _flat(settings: dict[str, object], start: str = "") -> Iterator[tuple[str, object]]:
    """Yield each setting; of an object, as Keras keeps it, first its kind and then its own settings."""
    for key, value in settings.items():
        if key == "name" and not start.endswith("dtype "):  # a layer's: a notebook counts on, "lstm_1"; not float32's
            continue
        if isinstance(value, list) and any(isinstance(part, dict) for part in value):
            value = {str(number): part for number, part in enumerate(value, start=1)}
        if isinstance(value, dict) and "class_name" in value:
            yield start + key, value["class_name"]
            value = value["config"] if isinstance(value["config"], dict) else {"is": value["config"]}
        if isinstance(value, dict):
            yield from _flat(value, f"{start}{key} ")
        else:
            yield start + key, value


def difference(old: dict[str, object], new: dict[str, object]) -> str | None:
    """Say in what the run with the old description was another experiment than the new one; None if in nothing.

    A setting that only one of the two has is a difference, but for one that is None.
    """
    for key in new | old:
        if old.get(key) != new.get(key):
            return f"that run had {key} {_brief(old.get(key))}, this one has {_brief(new.get(key))}"
    return None


def _brief(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value!s:.200}"
