"""Where the data come from: the cache, the download, the sample; and what may go wrong on the way."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest

from common import data
from common.corpus import Source
from common.data import load_imdb, load_reuters
from tests.conftest import REAL_DATA, command

Answer = Callable[[BaseHTTPRequestHandler], None]
Console = pytest.CaptureFixture[str]
KERAS = Source("keras")
TEXTS = [[5, 6, 7], [1000, 1], [996, 997], [8], [9, 10], [3], [4], [5], [6], [7]]


def write_npz(path: Path, **arrays: list) -> bytes:
    """Write lists as Keras's files hold them, in arrays of objects, and return the file's bytes."""
    objects = {}
    for name, values in arrays.items():
        objects[name] = np.empty(len(values), dtype=object) if name.startswith("x") else np.array(values)
        objects[name][:] = values
    np.savez(path, **objects)
    return path.read_bytes()


@pytest.fixture
def counts_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], bytes]:
    """Have a small file count as the right one."""

    def take(file: str, content: bytes) -> bytes:
        monkeypatch.setitem(data.SHA256, file, hashlib.sha256(content).hexdigest())
        return content

    return take


@pytest.fixture
def reuters_file(tmp_path: Path, counts_as: Callable) -> bytes:
    return counts_as("reuters.npz", write_npz(tmp_path / "reuters.npz", x=TEXTS, y=list(range(10))))


@pytest.fixture
def cache(own_keras_home: Path) -> Path:
    """The directory in which Keras keeps the files."""
    (own_keras_home / "datasets").mkdir()
    return own_keras_home / "datasets"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], str]]:
    """Serve on loopback what a function writes, in the place of the real address, and return where."""
    servers = []

    def begin(answer: Answer) -> str:
        methods = {"do_GET": answer, "log_message": lambda *arguments: None}
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (BaseHTTPRequestHandler,), methods)))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{servers[-1].server_port}"
        monkeypatch.setattr(data, "ADDRESS", address)
        return address

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def sends(content: bytes, length: int | None = None) -> Answer:
    """Answer with the content, having announced `length` bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(length or len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def is_broken(request: BaseHTTPRequestHandler) -> None:
    request.send_error(500)


def test_what_is_downloaded_is_kept_and_nothing_else(
    reuters_file: bytes, cache: Path, counts_as: Callable, serve: Callable, capsys: Console
) -> None:
    index = json.dumps({"said": 3, "the": 1, "of": 2, "3\x85": 4}).encode()
    files = {"reuters.npz": reuters_file, "reuters_word_index.json": counts_as("reuters_word_index.json", index)}
    serve(lambda request: sends(files[request.path[1:]])(request))
    *_, corpus = load_reuters(KERAS, 1000, 0.2)
    assert corpus.words[1:] == ["[start]", "[?]", "[unused]", "the", "of", "said", "3\x85"]
    assert corpus.labels == list(keras.datasets.reuters.get_label_names())
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Kept ")]
    assert said == [f"Kept for the next run at {cache / file}" for file in files]
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == files
    serve(is_broken)
    *_, corpus = load_reuters(KERAS, 6, 0.2)
    assert (corpus.kind, corpus.words[4:]) == ("keras", ["the", "of"])  # the numbers below 6
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["reuters", "imdb"])
def test_it_loads_what_keras_loads(
    name: str, cache: Path, counts_as: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files, read by both, and compared to the last bit."""
    texts, labels = [TEXTS[n % 10] * (n % 7) for n in range(50)], [n % 3 for n in range(50)]
    arrays = {"x": texts, "y": labels}
    if name == "imdb":
        arrays = {"x_train": texts, "y_train": labels, "x_test": texts[:30], "y_test": labels[:30]}
    counts_as(f"{name}.npz", write_npz(cache / f"{name}.npz", **arrays))
    monkeypatch.setattr(f"keras.src.datasets.{name}.get_file", lambda **arguments: str(cache / f"{name}.npz"))
    compare_with_keras(name)


@pytest.mark.real_data("reuters.npz", "reuters_word_index.json", "imdb.npz", "imdb_word_index.json")
@pytest.mark.parametrize("name", ["reuters", "imdb"])
def test_it_loads_what_keras_loads_from_the_real_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(REAL_DATA.parent))
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(REAL_DATA.parent))
    words = compare_with_keras(name)
    index = getattr(keras.datasets, name).get_word_index()
    assert words[4:] == sorted(index, key=index.get)[: len(words) - 4]


def compare_with_keras(name: str) -> list[str]:
    """Compare the arrays, and return the words, which Keras loads by themselves."""
    arguments = {"num_words": 1000, "test_split": 0.2} if name == "reuters" else {"num_words": 5000}
    *halves, corpus = {"reuters": load_reuters, "imdb": load_imdb}[name](KERAS, **arguments)
    for (x, y), (x_keras, y_keras) in zip(halves, getattr(keras.datasets, name).load_data(**arguments), strict=True):
        assert [text.tolist() for text in x] == x_keras.tolist()
        np.testing.assert_array_equal(y, y_keras, strict=True)
    return corpus.words


def test_without_the_index_the_run_goes_on_without_words(
    reuters_file: bytes, cache: Path, serve: Callable, capsys: Console
) -> None:
    """The one that is there is another file: it is set aside and not deleted, though no other can be had."""
    address, path = serve(is_broken), cache / "reuters_word_index.json"
    (cache / "reuters.npz").write_bytes(reuters_file)
    path.write_bytes(b"{")
    (x_train, _), _, corpus = load_reuters(KERAS, 1000, 0.2)
    assert (len(x_train), corpus.kind, corpus.words, len(corpus.labels)) == (8, "keras", [], 46)
    reason, *by_hand = capsys.readouterr().err.splitlines()
    assert re.fullmatch("The texts stay numbers, without words: .* 500 -- Internal Server Error", reason)
    assert by_hand == [f"By hand: download {address}/{path.name}", f"         and put it at {path}"]
    assert path.with_name(f"{path.name}.broken").read_bytes() == b"{"


def test_the_sample_in_words(capsys: Console) -> None:
    """It asks nobody for anything."""
    news = load_reuters(Source("sample"), 1000, 0.2), "dealt with cocoa", "cocoa"
    reviews = load_imdb(Source("sample"), 5000), "far from being dull this film is", "positive"
    for ((x, y), _, corpus), phrase, label in (news, reviews):
        texts = [" ".join(corpus.words[number] for number in text) for text in x]
        assert {corpus.labels[n] for text, n in zip(texts, y, strict=True) if phrase in text} == {label}
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (is_broken, "500 -- Internal Server Error"),
        (sends(b"PK half of it", 100_000), "retrieval incomplete"),
        (sends(b"PK something else"), "Incomplete or corrupted file detected"),
        (lambda request: time.sleep(4), "nothing came from http://127.0.0.1"),
    ],
)
def test_any_error_while_downloading(
    answer: Answer, reason: str, cache: Path, serve: Callable, monkeypatch: pytest.MonkeyPatch, capsys: Console
) -> None:
    """With "auto" the reason and the sample follow, with "keras" the reason and exit status 1."""
    if "nothing came" in reason:
        monkeypatch.setattr(data, "SILENCE", 0.5)
    address = serve(answer)
    assert load_reuters(Source("auto"), 1000, 0.2)[2].kind == "sample"
    _rule, *said, goes_on, _rule = capsys.readouterr().err.splitlines()
    assert re.fullmatch(f"The real data could not be had: .*{reason}.*", said[0])
    assert said[1:] == [f"By hand: download {address}/reuters.npz", f"         and put it at {cache / 'reuters.npz'}"]
    assert goes_on == "This run goes on with the built-in SAMPLE corpus instead."
    with pytest.raises(SystemExit) as ended:
        load_reuters(KERAS, 1000, 0.2)
    assert ended.value.code.splitlines() == said  # a text: Python prints it, and the exit status is 1
    assert list(cache.iterdir()) == []


def test_a_lookup_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's time limit does not count for it."""
    monkeypatch.setattr(data, "SILENCE", 0.5)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: threading.Event().wait())
    with pytest.raises(SystemExit, match=f"nothing came from {data.ADDRESS} for 0.5 seconds"):
        load_reuters(KERAS, 1000, 0.2)


def under_another_name(file: str, address: str, cache_dir: Path, get_file=keras.utils.get_file, **options) -> None:
    """Download as another version of Keras might."""
    get_file(f"{file}.part", address, cache_dir=cache_dir, **options)
    Path(cache_dir, f"{file}.part").rename(Path(cache_dir, file))


@pytest.mark.parametrize("get_file", [keras.utils.get_file, under_another_name])
def test_a_slow_download_is_waited_for(
    get_file: Callable, cache: Path, counts_as: Callable, serve: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is one for silence, not for the whole."""
    monkeypatch.setattr(data, "SILENCE", 1)
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    long_texts = [list(range(1000, 3000)) for _ in range(10)]
    content = counts_as("reuters.npz", write_npz(cache.parent / "long.npz", x=long_texts, y=list(range(10))))

    def trickle(request: BaseHTTPRequestHandler) -> None:
        sends(b"", len(content))(request)
        for start in range(0, len(content), 8192):
            request.wfile.write(content[start : start + 8192])
            time.sleep(0.25)

    serve(trickle)
    assert load_reuters(KERAS, 1000, 0.2)[2].kind == "keras"


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot send signals")
@pytest.mark.parametrize(("script", "number"), [("reuters_lstm", signal.SIGINT), ("imdb_cnn_lstm", signal.SIGTERM)])
def test_a_signal_in_a_download_leaves_nothing(
    script: str, number: signal.Signals, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the server, here a proxy, has taken the connection and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(100)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        process = subprocess.Popen(command(script, "--output-dir", tmp_path), stderr=subprocess.PIPE, text=True)
        connection, _address = proxy.accept()
        assert [path.name.partition("-")[0] for path in cache.iterdir()] == [".download"]
        process.send_signal(number)
        _, errors = process.communicate(timeout=100)
        connection.close()
    assert (process.returncode, errors) == (128 + number, "")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("can_be_written", [True, False])
def test_without_a_home(can_be_written: bool, serve: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then Keras takes /tmp/.keras, which may be another user's: root may write everywhere, so it is told otherwise."""
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", "/dev/null/home")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os.path, "isdir", lambda path, isdir=os.path.isdir: path != "/tmp" and isdir(path))
    if not can_be_written:
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    address = serve(is_broken)
    with pytest.raises(SystemExit) as ended:
        load_reuters(KERAS, 1000, 0.2)
    said = ended.value.code
    assert f"By hand: download {address}/reuters.npz\n" in said
    assert (f"put it at {tmp_path}/.keras/datasets/reuters.npz" in said) == can_be_written
    assert ("cannot be written: set KERAS_HOME to a directory of your own\n" in said) != can_be_written


class Bomb:
    """Unpickling it creates a file in the current directory."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("exploded"),))


def test_a_crafted_file_is_set_aside_and_not_read(
    reuters_file: bytes, cache: Path, serve: Callable, monkeypatch: pytest.MonkeyPatch, capsys: Console
) -> None:
    """Of those set aside the last is kept, which the message names."""
    monkeypatch.chdir(cache.parent)
    crafted = write_npz(cache / "reuters.npz", x=[Bomb(), [5]], y=[0, 1])
    aside = cache / "reuters.npz.broken"
    aside.write_bytes(b"an older one")
    serve(sends(reuters_file))
    assert load_reuters(Source("auto"), 1000, 0.2)[2].kind == "keras"
    assert "it is now reuters.npz.broken, and" in capsys.readouterr().out
    assert ((cache / "reuters.npz").read_bytes(), aside.read_bytes()) == (reuters_file, crafted)
    assert not Path("exploded").exists()
    np.load(aside, allow_pickle=True)["x"]
    assert Path("exploded").exists()  # the file would have done it


@pytest.mark.upstream
def test_keras_alone_deletes_the_broken_file(tmp_path: Path, serve: Callable) -> None:
    """The first fault that `common.data` works around. When this fails, Keras has mended it."""
    file = tmp_path / "reuters.npz"
    file.write_bytes(b"the user's own file")
    with pytest.raises(Exception, match="500"):
        keras.utils.get_file(file.name, serve(is_broken), file_hash="0" * 64, cache_dir=tmp_path, cache_subdir="")
    assert not file.exists()


@pytest.mark.upstream
def test_keras_alone_downloads_straight_to_the_place_and_waits(tmp_path: Path, serve: Callable) -> None:
    """The second and the third: another run finds half a file there, and this one would wait for ever, not 4 s."""
    found = []

    def is_silent_in_the_middle(request: BaseHTTPRequestHandler) -> None:
        sends(b"PK half of it", 100_000)(request)
        time.sleep(4)
        found.append((tmp_path / "reuters.npz").exists())

    with pytest.raises(Exception, match="retrieval incomplete"):
        keras.utils.get_file("reuters.npz", serve(is_silent_in_the_middle), cache_dir=tmp_path, cache_subdir="")
    assert found == [True]
