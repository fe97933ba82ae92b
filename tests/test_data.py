"""Where the data come from: the cache and the download; and what may go wrong on the way."""

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest

from common import data
from common.data import load_imdb, load_reuters
from common.texts.corpus import Source
from tests.conftest import REAL_DATA

Answer = Callable[[BaseHTTPRequestHandler], None]
Console = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch
KERAS = Source("keras")
TEXTS = [words * (number % 7) for number, words in enumerate([[5, 6, 7], [1000, 1], [996, 997], [8], [3]] * 10)]
LABELS = [number % 3 for number in range(50)]


def write_npz(path: Path, **arrays: list) -> bytes:
    """Write lists as Keras's files hold them, in arrays of objects, and return the file's bytes."""
    objects = {}
    for name, values in arrays.items():
        objects[name] = np.empty(len(values), dtype=object) if name.startswith("x") else np.array(values)
        objects[name][:] = values
    np.savez(path, **objects)
    return path.read_bytes()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: Patch) -> dict[str, bytes]:
    """Small files that count as the right ones."""
    imdb = {"x_train": TEXTS, "y_train": LABELS, "x_test": TEXTS[:30], "y_test": LABELS[:30]}
    files = {
        "reuters.npz": write_npz(tmp_path / "reuters.npz", x=TEXTS, y=LABELS),
        "reuters_word_index.json": json.dumps({"said": 3, "the": 1, "of": 2, "3\x85": 4}).encode(),
        "imdb.npz": write_npz(tmp_path / "imdb.npz", **imdb),
    }
    for name, content in files.items():
        monkeypatch.setitem(data.SHA256, name, hashlib.sha256(content).hexdigest())
    return files


@pytest.fixture
def cache(own_keras_home: Path) -> Path:
    """The directory in which Keras keeps the files."""
    (own_keras_home / "datasets").mkdir()
    return own_keras_home / "datasets"


@pytest.fixture
def server(monkeypatch: Patch) -> Iterator[ThreadingHTTPServer]:
    """A server on loopback, in the place of the real one, that does what its `answer` does."""
    methods = {"do_GET": lambda request: request.server.answer(request), "log_message": lambda *arguments: None}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (BaseHTTPRequestHandler,), methods))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(data, "ADDRESS", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def sends(content: bytes, length: int | None = None, silence: float = 0) -> Answer:
    """Answer with the content, having announced `length` bytes, and then be silent for so many seconds."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(length or len(content)))
        request.end_headers()
        request.wfile.write(content)
        time.sleep(silence)

    return answer


def advice(path: Path) -> list[str]:
    return [f"By hand: download {data.ADDRESS}/{path.name}", f"         and put it at {path}"]


def is_broken(request: BaseHTTPRequestHandler) -> None:
    request.send_error(500)


def test_what_is_downloaded_is_kept(files: dict, cache: Path, server: ThreadingHTTPServer, capsys: Console) -> None:
    """And takes the place of another file, half or crafted, which is not read."""
    (cache / "reuters.npz").write_bytes(files["imdb.npz"])
    server.answer = lambda request: sends(files[request.path[1:]])(request)
    *_, corpus = load_reuters(KERAS, 1000, 0.2)
    assert corpus.words[1:] == ["[start]", "[?]", "[unused]", "the", "of", "said", "3\x85"]
    assert corpus.labels == list(keras.datasets.reuters.get_label_names())
    server.answer = is_broken
    capsys.readouterr()
    *_, corpus = load_reuters(KERAS, 6, 0.2)
    assert (corpus.kind, corpus.words[4:]) == ("keras", ["the", "of"])  # the numbers below 6
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["reuters", "imdb"])
def test_it_loads_what_keras_loads(name: str, files: dict, cache: Path, monkeypatch: Patch) -> None:
    """Of small files, which Keras's loaders take for the right ones too."""
    path = cache / f"{name}.npz"
    path.write_bytes(files[path.name])
    monkeypatch.setattr(f"keras.src.datasets.{name}.get_file", lambda **arguments: str(path))
    compare_with_keras(name)


@pytest.mark.real_data("reuters.npz", "reuters_word_index.json", "imdb.npz", "imdb_word_index.json")
@pytest.mark.parametrize("name", ["reuters", pytest.param("imdb", marks=pytest.mark.slow)])
def test_it_loads_what_keras_loads_from_the_real_files(name: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(REAL_DATA.parent))
    words = compare_with_keras(name)
    index = getattr(keras.datasets, name).get_word_index()
    assert words[4:] == sorted(index, key=index.get)[: len(words) - 4]


def compare_with_keras(name: str) -> list[str]:
    """Compare the arrays to the last bit, and return the words, which Keras loads by themselves."""
    arguments = {"num_words": 1000, "test_split": 0.2} if name == "reuters" else {"num_words": 5000}
    *halves, corpus = {"reuters": load_reuters, "imdb": load_imdb}[name](KERAS, **arguments)
    for (x, y), (x_keras, y_keras) in zip(halves, getattr(keras.datasets, name).load_data(**arguments), strict=True):
        assert [text.tolist() for text in x] == x_keras.tolist()
        np.testing.assert_array_equal(y, y_keras, strict=True)
    return corpus.words


def test_without_the_index_the_run_goes_on_without_words(files: dict, cache: Path, capsys: Console) -> None:
    (cache / "reuters.npz").write_bytes(files["reuters.npz"])
    (x_train, _), _, corpus = load_reuters(KERAS, 1000, 0.2)
    assert (len(x_train), corpus.kind, corpus.words, len(corpus.labels)) == (40, "keras", [], 46)
    reason, *by_hand = capsys.readouterr().err.splitlines()
    assert re.fullmatch("The texts stay numbers, without words: URL fetch failure .*", reason)
    assert by_hand == advice(cache / "reuters_word_index.json")


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("500 -- Internal Server Error", is_broken),
        ("retrieval incomplete", sends(b"PK half of it", 100_000)),
        ("Incomplete or corrupted file detected", sends(b"PK something else")),
        ("timed out", sends(b"PK half of it", 100_000, silence=4)),
    ],
)
def test_any_error_while_downloading(
    reason: str, answer: Answer, files: dict, cache: Path, server: ThreadingHTTPServer, capsys: Console,
    monkeypatch: Patch,
) -> None:  # fmt: skip
    """With "auto" the reason and the sample follow, with "keras" the reason and exit status 1; and then it goes."""
    server.answer = answer
    with monkeypatch.context() as patch:
        patch.setattr(data, "SILENCE", 0.5 if reason == "timed out" else 30)
        assert load_reuters(Source("auto"), 1000, 0.2)[2].kind == "sample"
        with pytest.raises(SystemExit) as ended:
            load_reuters(KERAS, 1000, 0.2)
    _rule, *said, goes_on, _rule = capsys.readouterr().err.splitlines()
    assert re.fullmatch(f"The real data could not be had: .*{reason}.*", said[0])
    assert said[1:] == advice(cache / "reuters.npz")
    assert goes_on == "This run goes on with the built-in SAMPLE corpus instead."
    assert ended.value.code.splitlines() == said  # a text: Python prints it, and the exit status is 1
    assert socket.getdefaulttimeout() is None
    server.answer = sends(files["reuters.npz"])
    assert load_reuters(KERAS, 1000, 0.2)[2].kind == "keras"


def test_a_directory_that_cannot_be_written(cache: Path, monkeypatch: Patch) -> None:
    """Keras leaves it, and what may lie in it: root may write everywhere, so it is told otherwise."""
    monkeypatch.setattr(keras.utils, "get_file", refuse)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    said = f"Set KERAS_HOME to a directory that you can write, instead of {cache.parent}"
    with pytest.raises(SystemExit, match=said):
        load_reuters(KERAS, 1000, 0.2)


def refuse(*arguments: object, **options: object) -> None:
    raise OSError("refused")
