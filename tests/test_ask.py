"""Asking a network: the answers, the pictures, and what may be wrong with the texts and with the network's file."""

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from matplotlib.image import imread

import imdb_cnn_lstm
import reuters_lstm
from common import ask, checkpoint, run
from common.data import Corpus, load_imdb, load_reuters
from common.padding import pad
from common.variants import RECURRENT, vary
from tests.conftest import ROOT, SCRIPTS, command

DULL = "The plot was dull, but the acting was superb."
ONE_LINE = re.compile(r"Cannot ask \S+: .+\n")
Ask = Callable[..., tuple[int, str, str]]


def build(script: str) -> keras.Sequential:
    """Return the script's network, compiled, with an optimizer that has its variables, as after a training."""
    model = {"reuters_lstm": reuters_lstm, "imdb_cnn_lstm": imdb_cnn_lstm}[script].build_model()
    loss = "categorical_crossentropy" if script == "reuters_lstm" else "binary_crossentropy"
    model.compile(loss=loss, optimizer="adam", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained network of each script, with the sample's words, as a run leaves it."""
    paths = {}
    for script in SCRIPTS:
        keras.utils.set_random_seed(1)
        model = build(script)
        model.set_weights([8 * weight for weight in model.get_weights()])  # so that the answers differ
        reuters = script == "reuters_lstm"
        *_, corpus = load_reuters("sample", 1000, 0.2) if reuters else load_imdb("sample", 5000)
        paths[script] = tmp_path_factory.mktemp("networks") / f"{script}.keras"
        facts = {"id": "1", "settings": {}, "history": {column: [1.0] for column in run.COLUMNS}}
        checkpoint.save(paths[script], model, facts | {"words": corpus.words, "labels": corpus.labels})
    return paths


@pytest.fixture
def imdb(networks: dict[str, Path]) -> Path:
    return networks["imdb_cnn_lstm"]


@pytest.fixture
def ask_it(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Call the program, and return its exit status, standard output and standard error."""

    def call(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ask", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), newline="\n"))  # as Python opens it
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.raises(SystemExit) as ended:
                ask.main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        code = ended.value.code
        if isinstance(code, str):  # what Python does with it
            print(code, file=sys.stderr)
            code = 1
        return code or 0, *capfd.readouterr()

    return call


def in_process(*arguments: str | Path, **options) -> subprocess.CompletedProcess:
    """Run the program in a process of its own."""
    options = {"cwd": ROOT, "capture_output": True, "timeout": 120, "text": True} | options
    return subprocess.run([sys.executable, "-m", "common.ask", *map(str, arguments)], **options)


def probabilities(network: Path, text: str) -> np.ndarray:
    """What Keras by itself says about the words, all known."""
    with zipfile.ZipFile(network) as archive:
        words = json.loads(archive.read("run.json"))["words"]
    numbers = [1, *(words.index(word) for word in text.split())]
    return keras.models.load_model(network).predict(pad([numbers], 100), verbose=0)[0]


def test_reviews_get_the_likelier_label(imdb: Path, ask_it: Ask) -> None:
    words = DULL.lower().replace(",", "").replace(".", "")
    positive = float(probabilities(imdb, words)[0])
    verdict = f"positive {positive:.4f}" if positive > 0.5 else f"negative {1 - positive:.4f}"
    assert ask_it(imdb, DULL) == (0, f"{verdict}\t{words}\n", "")


def test_news_get_the_three_likeliest_topics(networks: dict[str, Path], ask_it: Ask) -> None:
    network, words = networks["reuters_lstm"], "this report is about wheat"
    expected = probabilities(network, words)
    labels = keras.datasets.reuters.get_label_names()
    verdict = ", ".join(f"{labels[n]} {expected[n]:.4f}" for n in np.argsort(-expected)[:3])
    assert ask_it(network, words) == (0, f"{verdict}\t{words}\n", "")


def test_unknown_words_stand_in_brackets(imdb: Path, ask_it: Ask) -> None:
    _, said, _ = ask_it(imdb, "Conan\u2019s PLOT was\tdull \ud55c\uae00!", "a\x1b[2Jplot plot")
    assert [line.split("\t")[1] for line in said.splitlines()] == [
        "[conan's] plot was dull [\ud55c\uae00]",
        "[a\\x1b] [2jplot] plot",  # nothing that would move the cursor
    ]


@pytest.mark.parametrize("length", [99, 100, 130])
def test_only_the_last_words_count(length: int, imdb: Path, ask_it: Ask) -> None:
    """100 with the start: it reads 99 words with it, and the last 100 of a longer text without it."""
    words = (["superb"] * 30 + ["the", "plot", "was", "dull", "but"] * 20)[-length:]
    read = words[-100:]
    lines = ask_it(imdb, " ".join(words), " ".join(["moving", *words]))[1].splitlines()
    assert lines[0].split("\t")[1] == " ".join(read)
    assert lines[1].split("\t")[1] == " ".join(["moving", *read][-100:])
    if length >= 100:  # nothing of the word in front is read
        assert lines[0] == lines[1]


def test_lines_of_standard_input_in_batches(imdb: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the plot", "the acting was superb", "", "a dull film \xff", "  ", "the music\r", "it was a moving film"]
    one_by_one = [ask_it(imdb, text)[1] for text in ("the plot", "the acting was superb", "a dull film \ufffd")]
    one_by_one += [ask_it(imdb, text)[1] for text in ("the music", "it was a moving film")]
    monkeypatch.setattr(ask, "BATCH_SIZE", 2)
    batches, answer = [], ask.answer
    monkeypatch.setattr(ask, "answer", lambda network, texts: batches.append(len(texts)) or answer(network, texts))
    code, said, errors = ask_it(imdb, stdin=b"\xef\xbb\xbf" + "\n".join(texts).encode("latin-1"))
    assert (code, errors) == (0, "")
    assert batches == [1, 2, 2, 1]  # the first is the trial of the file
    assert [line.split("\t")[1] for line in said.splitlines()] == [line.split("\t")[1][:-1] for line in one_by_one]
    numbers = [[float(line.split("\t")[0].split()[1]) for line in lines] for lines in (said.splitlines(), one_by_one)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4)  # the last digit may hang on who else is in the batch


def test_bytes_that_are_not_utf_8_as_an_argument(imdb: Path, ask_it: Ask) -> None:
    assert ask_it(imdb, os.fsdecode(b"plot \xe9"))[1].endswith("\tplot [\ufffd]\n")


def test_a_text_without_a_known_word(imdb: Path, ask_it: Ask) -> None:
    code, said, errors = ask_it(imdb, "zzz qqq", DULL, "...")
    assert code == 0
    assert [line.split("\t")[0].split()[0] for line in said.splitlines()][::2] == ["unknown", "unknown"]
    assert said.splitlines()[0] == "unknown\t[zzz] [qqq]"
    assert errors == "The network knows no word of '[zzz] [qqq]'\nThe network knows no word of ''\n"
    assert ask_it(imdb, "zzz")[0] == 1
    assert ask_it(imdb, "plot " + "zzz " * 100)[1].startswith("unknown\t[zzz] [zzz]")  # of what it reads


def test_no_text_at_all(imdb: Path, ask_it: Ask) -> None:
    assert ask_it(imdb, stdin=b"\n\n") == (1, "", "There is no text on standard input.\n")


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


def a_directory(imdb: Path, path: Path) -> None:
    path.mkdir()


def hdf5_under_the_name(imdb: Path, path: Path) -> None:
    model = keras.Sequential([keras.Input((100,)), keras.layers.Lambda(lambda x: x)])
    model.save(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


def compressed(imdb: Path, path: Path) -> None:
    with zipfile.ZipFile(imdb) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))


def without_a_length(imdb: Path, path: Path) -> None:
    """The average of as many words as there are."""
    model = keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(5000, 2)])
    model.add(keras.layers.GlobalAveragePooling1D())
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    facts = {key: value for key, value in checkpoint.read(imdb).items() if key != "config"}
    checkpoint.save(path, model, facts)


def with_a_negative_number(imdb: Path, path: Path) -> None:
    config = json.dumps(checkpoint.read(imdb)["config"]).replace('"input_dim": 5000', '"input_dim": -5')
    rewritten(imdb, path, config_json=config.encode())


def with_linear_output(imdb: Path, path: Path) -> None:
    config = json.dumps(checkpoint.read(imdb)["config"])
    assert config.count('"activation": "sigmoid"') == 1
    rewritten(imdb, path, config_json=config.replace('"activation": "sigmoid"', '"activation": "linear"').encode())


def with_another_policy(imdb: Path, path: Path) -> None:
    config = json.dumps(checkpoint.read(imdb)["config"])
    config = config.replace('"config": {"name": "float32"}', '"config": {"name": "mixed_float16"}')
    rewritten(imdb, path, config_json=config.encode())


BAD_FILES = {
    "nothing there": (lambda imdb, path: None, "No such file"),
    "a directory": (a_directory, "Is a directory"),
    "a text": (lambda imdb, path: path.write_text("hello"), "no Keras file"),
    "an empty file": (lambda imdb, path: path.touch(), "no Keras file"),
    "half of one": (lambda imdb, path: path.write_bytes(imdb.read_bytes()[:100_000]), "no Keras file"),
    "an old HDF5 file": (hdf5_under_the_name, "no Keras file"),
    "another zip": (lambda imdb, path: zipfile.ZipFile(path, "w").close(), "has left, and holds no words"),
    "a Keras file": (lambda imdb, path: keras.models.load_model(imdb).save(path), "has left, and holds no words"),
    "a run without words": (lambda imdb, path: rewritten(imdb, path, {"words": []}), "--resume adds it"),
    "no configuration": (lambda imdb, path: rewritten(imdb, path, config_json=None), "config.json"),
    "half a configuration": (lambda imdb, path: rewritten(imdb, path, config_json=b'{"'), "Unterminated string"),
    "a deep one": (lambda imdb, path: rewritten(imdb, path, config_json=b"[" * 10**6), "recursion"),
    "another entry": (lambda imdb, path: rewritten(imdb, path, evil_py=b"1"), "write no evil.py"),
    "an entry that moves the cursor": (
        lambda imdb, path: rewritten(imdb, path, **{"\x1b[2_py": b"1"}),
        "\\x1b[2.py",
    ),
    "compressed entries": (compressed, "write no metadata.json like the one in it"),
    "no weights": (lambda imdb, path: rewritten(imdb, path, model_weights_h5=None), "model.weights.h5"),
    "broken weights": (lambda imdb, path: rewritten(imdb, path, model_weights_h5=b"HDF"), "file signature"),
    "other labels": (lambda imdb, path: rewritten(imdb, path, {"labels": ["a", "b", "c"]}), "do not fit together"),
    "too many words": (lambda imdb, path: rewritten(imdb, path, {"words": ["a"] * 5001}), "do not fit together"),
    "labels that are none": (lambda imdb, path: rewritten(imdb, path, {"labels": [1, 2]}), "do not fit together"),
    "labels in a dict": (lambda imdb, path: rewritten(imdb, path, {"labels": {"a": 1, "b": 2}}), "do not fit together"),
    "words in one string": (lambda imdb, path: rewritten(imdb, path, {"words": "the plot"}), "do not fit together"),
    "no probabilities": (with_linear_output, "do not fit together"),
    "another policy": (with_another_policy, "its dtype is mixed_float16"),
    "no length": (without_a_length, "NoneType"),
    "a negative number": (with_a_negative_number, "could not be deserialized"),
    "words that are none": (lambda imdb, path: rewritten(imdb, path, {"words": [[]] * 9}), "do not fit together"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_asked(kind: str, imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    make, reason = BAD_FILES[kind]
    make(imdb, tmp_path / "it.keras")
    code, said, errors = ask_it(tmp_path / "it.keras", DULL)
    assert (code, said) == (1, "")
    assert ONE_LINE.fullmatch(errors), errors
    assert reason in errors
    assert len(errors) < 500


def test_a_file_that_keras_would_not_know_by_its_name(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    (tmp_path / "it.zip").write_bytes(imdb.read_bytes())
    assert ask_it(tmp_path / "it.zip", DULL) == (1, "", f"Cannot ask {tmp_path / 'it.zip'}: it is no Keras file\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required: NETWORK.keras (see"),
        (["{}", "--out", "x.png"], "unrecognized arguments"),
        (["{}", "--output"], "expected one argument"),
        (["{}", DULL, "--output", "x.jpg"], "must end in .png, not 'x.jpg'"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], reason: str, imdb: Path, ask_it: Ask) -> None:
    code, said, errors = ask_it(*(argument.format(imdb) for argument in arguments))
    assert (code, said) == (2, "")
    assert re.fullmatch(r"python -m common.ask: .+ \(see --help\)\n", errors)
    assert reason in errors


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--help"], 0), (["x.keras", "--output", "x"], 2), (["x.keras"], 1), ([__file__], 1)],
)
def test_mistakes_are_answered_before_keras_is_imported(arguments: list[str], status: int) -> None:
    program = f"""
import sys
sys.argv[1:] = {arguments}
from common import ask
try:
    ask.main()
finally:
    print(sorted({{"keras", "tensorflow", "matplotlib"}} & {{*sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("[]\n")
    assert "Traceback" not in done.stderr
    assert done.returncode == status


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("recurrent", RECURRENT)
@pytest.mark.parametrize("conv", [True, False])
def test_every_variant_can_be_asked(script: str, recurrent: str, conv: bool, networks: dict, tmp_path: Path) -> None:
    if script == "reuters_lstm" and not conv:
        pytest.skip("it has no convolution")
    options = Namespace(recurrent=recurrent, conv=conv, shuffle_words=False, seed=1)
    model = vary(build(script), None, None, options)[0]
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    facts = {key: value for key, value in checkpoint.read(networks[script]).items() if key != "config"}
    checkpoint.save(tmp_path / "it.keras", model, facts)
    network = ask.open_network(tmp_path / "it.keras")
    assert network.length == 100
    (found,) = ask.answer(network, ["the plot was dull" if script == "imdb_cnn_lstm" else "the report is about wheat"])
    text = "the plot was dull" if script == "imdb_cnn_lstm" else "the report is about wheat"
    numbers = pad([[1, *(network.numbers[word] for word in text.split())]], 100)
    expected = model.predict(numbers, verbose=0)[0]
    likeliest = max(expected.max(), 1 - expected[0]) if script == "imdb_cnn_lstm" else expected.max()
    assert float(found.verdict.split(", ")[0].split()[1]) == pytest.approx(float(likeliest), abs=1e-4)


def test_the_files_are_small(networks: dict[str, Path], tmp_path: Path) -> None:
    """With the optimizer, without which no run goes on, and with as many words as the real data have."""
    for script, num_words, most in (("imdb_cnn_lstm", 5000, 8e6), ("reuters_lstm", 1000, 3e6)):
        words = [f"{number:09}" for number in range(num_words)]
        assert rewritten(networks[script], tmp_path / "it.keras", {"words": words}).stat().st_size < most


# What was published, or is near it: how a file was to have its way, and what ought to be refused.
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
    "in the optimizer": None,
    "under a key that Keras does not know": None,
    "a dead node": None,
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


def with_exploit(imdb: Path, path: Path, exploit: str) -> Path:
    """A network's file with one thing more in its configuration."""
    config = checkpoint.read(imdb)["config"]
    if exploit == "a dead node":
        config |= dead_node(function("set_dtype_policy", "keras.config"), "mixed_float16")
    elif exploit == "in the optimizer":
        config["compile_config"]["optimizer"] = EXPLOITS["CVE-2024-3660, Lambda"]
    elif exploit == "under a key that Keras does not know":
        config["config"]["layers"][1]["more"] = EXPLOITS["an activation that is an object"]
    else:
        config["config"]["layers"].insert(2, EXPLOITS[exploit])
    return rewritten(imdb, path, config_json=json.dumps(config).encode())


def forbid_building(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on Keras must not even be asked to build a thing from a configuration."""

    def touched(*arguments: object, **options: object) -> None:
        pytest.fail("Keras builds what the file names")  # no `except Exception` hides it

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", touched)
    monkeypatch.setattr("keras.src.saving.serialization_lib.deserialize_keras_object", touched)
    monkeypatch.setattr(keras.Sequential, "from_config", touched)


@pytest.mark.parametrize("exploit", EXPLOITS)
def test_exploits_are_refused(
    exploit: str, imdb: Path, tmp_path: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forbid_building(monkeypatch)
    code, said, errors = ask_it(with_exploit(imdb, tmp_path / "it.keras", exploit), DULL)
    assert (code, said) == (1, "")
    assert ONE_LINE.fullmatch(errors)
    assert "which is no part of these scripts' networks" in errors
    assert os.listdir() == ["it.keras"]


@pytest.mark.parametrize("exploit", EXPLOITS)
def test_exploits_do_nothing_to_a_run_that_is_resumed(
    exploit: str,
    imdb: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It builds nothing from the file, and compares the layers with its own."""
    monkeypatch.chdir(tmp_path)
    path = with_exploit(imdb, tmp_path / "it.keras", exploit)
    model, facts = build("imdb_cnn_lstm"), {"settings": {}}
    forbid_building(monkeypatch)
    with pytest.raises(SystemExit) as ended:
        run._resume(path, model, facts, Namespace(script="imdb_cnn_lstm", epochs=5))
    assert ended.value.code == 2
    assert re.fullmatch(r"imdb_cnn_lstm.py: cannot resume: .+\n", capsys.readouterr().err)
    assert os.listdir() == ["it.keras"]


@pytest.mark.upstream
def test_keras_alone_calls_what_a_file_names(imdb: Path, tmp_path: Path) -> None:
    """In its safe mode, 3.15.1: `check_objects` is there for it. When this fails, Keras has mended it."""
    path, before = with_exploit(imdb, tmp_path / "it.keras", "a dead node"), keras.config.dtype_policy()
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


@pytest.fixture
def with_trick(imdb: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A network's file whose bias of the last layer is not in it (CVE-2026-0897, 2026-1669)."""
    with zipfile.ZipFile(imdb) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as weights:
        request.param(weights, "layers/dense/vars/1", tmp_path / "secret")
    content = (tmp_path / "model.weights.h5").read_bytes()
    return rewritten(imdb, tmp_path / "it.keras", model_weights_h5=content)


@pytest.mark.parametrize("with_trick", TRICKS, indirect=True)
def test_weights_from_elsewhere_are_refused(with_trick: Path, ask_it: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    code, said, errors = ask_it(with_trick, DULL)
    assert (code, said) == (1, "")
    assert ONE_LINE.fullmatch(errors), errors
    assert "Not allowed" in errors

    model = build("imdb_cnn_lstm")
    with pytest.raises(SystemExit) as ended:
        run._resume(with_trick, model, {"settings": {}}, Namespace(script="imdb_cnn_lstm", epochs=5))
    assert ended.value.code == 2
    assert re.fullmatch(r"imdb_cnn_lstm.py: cannot resume: .*Not allowed.*\n", capfd.readouterr().err)


def test_the_picture(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    output = tmp_path / "new" / "it.png"
    texts = [DULL, "zzz", *["a film"] * 9]
    code, said, _ = ask_it(imdb, *texts, "--output", output)
    assert code == 0
    assert len(said.splitlines()) == 11
    height, width, _ = imread(output).shape
    assert (width, height) == (1800, 8 * 540)  # 8 at most, and none without a verdict


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("length", [1, 12, 130])
def test_the_picture_shows_each_beginning(script: str, length: int, networks: dict[str, Path]) -> None:
    network = ask.open_network(networks[script])
    text = " ".join((["this", "report", "is", "about", "wheat", "zzz"] * 30)[:length])
    (found,) = ask.answer(network, [text])
    (axes,) = ask.draw_answers(network, [found]).axes
    shown = min(length, 100)
    assert [label.get_text() for label in axes.get_xticklabels()] == found.words
    assert len(found.words) == shown
    assert axes.get_title() == found.verdict
    verdicts = [verdict.split() for verdict in found.verdict.split(", ")]
    curves = axes.get_lines()[: len(verdicts)]
    assert all(len(curve.get_ydata()) == shown for curve in curves)
    final = [curve.get_ydata()[-1] for curve in curves]
    if script == "reuters_lstm":
        assert [curve.get_label() for curve in curves] == [label for label, _ in verdicts]
        assert final == pytest.approx([float(number) for _, number in verdicts], abs=1e-4)
    else:
        (label, number), (middle,) = *verdicts, axes.get_lines()[1:]
        assert final[0] == pytest.approx(float(number) if label == "positive" else 1 - float(number), abs=1e-4)
        assert set(middle.get_ydata()) == {0.5}
        assert "positive" in axes.get_ylabel()
    label = 1 if script == "imdb_cnn_lstm" else network.labels.index(curves[0].get_label())
    for word in range(shown):  # over a word stands the answer to what was read up to there
        read = text.split()[: length - shown + word + 1][-100:]
        numbers = [1, *(network.numbers.get(name, 2) for name in read)][-100:]
        expected = ask._predict(network, [numbers])[0, label]
        assert curves[0].get_ydata()[word] == pytest.approx(expected, abs=1e-4)


def test_a_picture_that_cannot_be_written(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    (tmp_path / "file").touch()
    code, said, errors = ask_it(imdb, "--output", tmp_path / "file" / "it.png", DULL)
    assert code == 1
    assert said.endswith("\tthe plot was dull but the acting was superb\n")
    assert re.fullmatch(r"Could not write .+\n", errors)

    (tmp_path / "it.png").mkdir()
    code, said, errors = ask_it(imdb, DULL, "--output", tmp_path / "it.png")
    assert code == 1
    assert said.endswith("\tthe plot was dull but the acting was superb\n")
    assert re.fullmatch(r"Could not write .+\n", errors)


def test_ctrl_c_while_keras_is_imported(imdb: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "common.ask", imdb, DULL],  # says what is imported
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    lines = iter(process.stderr.readline, "")
    assert any("| common.words" in line for line in lines)  # the last of its own; then it reads the file
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "")
    assert errors.endswith("\nStopped by SIGINT.\n")
    assert "Traceback" not in errors


@pytest.mark.parametrize("output", [["| true"], [">/dev/null", "<&-", "2>&-"]])
def test_streams_that_are_closed(imdb: Path, output: list[str]) -> None:
    begun = " ".join([sys.executable, "-m common.ask", str(imdb), f"'{DULL}'", *output])
    done = subprocess.run(["bash", "-c", f"{begun}; exit ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_dollar_signs_in_labels(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    rewritten(imdb, tmp_path / "it.keras", {"labels": ["$\\bad$", "$\\worse{$"]})
    code, _, errors = ask_it(tmp_path / "it.keras", DULL, "--output", tmp_path / "it.png")
    assert (code, errors) == (0, "")


def test_a_long_word_leaves_room_for_the_curves(imdb: Path) -> None:
    network = ask.open_network(imdb)
    (axes,) = ask.draw_answers(network, ask.answer(network, ["plot " + "z" * 300])).axes
    assert [label.get_text() for label in axes.get_xticklabels()][1] == "[" + "z" * 18 + "\u2026"


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_last_line_of_a_run_asks_its_network(script: str, tmp_path: Path) -> None:
    """As it stands there, from another directory; and then on, from a moved file."""
    arguments = ("--data", "sample", "--epochs", "1", "--output-dir", tmp_path / "a b")
    done = subprocess.run(
        command(script, *arguments, tiny=True), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (first,) = (line for line in done.stdout.splitlines() if line.startswith("In words: "))
    assert first.startswith("In words: [start] ")
    label = re.search(r"^(?:Its topic|It is): (\d+), (\S+)$", done.stdout, re.MULTILINE)
    names = keras.datasets.reuters.get_label_names() if script == "reuters_lstm" else ("negative", "positive")
    assert names[int(label[1])] == label[2]
    line = done.stdout.splitlines()[-1]
    text = first.removeprefix("In words: [start] ")
    asked = subprocess.run(line, shell=True, input=text, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert asked.returncode == 0, asked.stderr
    assert asked.stderr == ""
    assert asked.stdout.endswith(f"\t{text}\n")

    moved = (tmp_path / "a b" / f"{script}-sample.keras").rename(tmp_path / "moved.keras")
    assert in_process(moved, text).stdout == asked.stdout

    # Without words, it is said what to do, and it helps.
    rewritten(moved, tmp_path / "a b" / f"{script}-sample.keras", {"words": []})
    subprocess.run(command(script, *arguments, "--resume", tiny=True), cwd=tmp_path, capture_output=True, check=True)
    assert checkpoint.read(tmp_path / "a b" / f"{script}-sample.keras")["words"]


def test_the_words_stay_where_their_list_cannot_be_had(
    imdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "catch_signals", lambda handler: None)
    path = tmp_path / "a.keras"
    kept = checkpoint.read(imdb)
    settings = {"name": "a", "seed": 1, "batch size": 100, "training texts": 2, "test texts": 1}
    rewritten(imdb, path, {"settings": settings})
    options = {"script": "a", "seed": 1, "batch_size": 100, "epochs": 9, "resume": True, "output_dir": tmp_path}
    options |= {"recurrent": "lstm", "conv": True, "shuffle_words": False}
    corpus = Corpus("reviews", "keras", [], ("negative", "positive"))
    resumed = run.Run(Namespace(**options), corpus, build("imdb_cnn_lstm"), (2, 1))
    assert resumed.facts["words"] == kept["words"]


def test_a_pipe_whose_reader_has_gone(imdb: Path) -> None:
    lines = "the plot was dull\n" * 3000
    with subprocess.Popen(
        [sys.executable, "-m", "common.ask", imdb],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        program.stdin.write(lines[:18_000])
        program.stdin.flush()
        assert program.stdout.readline().endswith("\tthe plot was dull\n")
        program.stdout.close()
        program.stdin.write(lines)
        program.stdin.close()
        assert program.stderr.read() == ""
        assert program.wait(60) == 0


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("end", "code"), [("\x04", 0), ("\x03", 130)])
def test_the_prompt(end: str, code: int, imdb: Path) -> None:
    """It answers line by line, until Ctrl-D or Ctrl-C."""
    import pty

    terminal, device = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "common.ask", imdb],
        cwd=ROOT, stdin=device, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(device)

    def read(stream: io.BufferedReader, end: str) -> str:
        said = b""
        while not said.endswith(end.encode()):
            assert select.select([stream], [], [], 60)[0], said
            said += os.read(stream.fileno(), 1000)
        return said.decode()

    assert read(program.stderr, "> ") == "> "
    for text in ("The plot!", "The music."):
        os.write(terminal, f"{text}\n".encode())
        assert read(program.stdout, "\n").endswith(f"\t{text[:-1].lower()}\n")
        assert read(program.stderr, "> ") == "> "
    os.write(terminal, end.encode())
    said, errors = program.communicate(timeout=60)
    os.close(terminal)
    assert (program.returncode, said) == (code, b"")
    assert errors == (b"\n" if code == 0 else b"\nStopped by SIGINT.\n")
