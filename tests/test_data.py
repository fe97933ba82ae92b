"""Where the data come from: the cache, the download, the sample; and what may go wrong on the way."""

import _thread
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest

from common import data, sample
from common.data import load_imdb, load_reuters
from tests.conftest import REAL_DATA

REAL = [pytest.param(name, marks=pytest.mark.real_data(f"{name}.npz")) for name in ("reuters", "imdb")]
INDEX = [pytest.param(name, marks=pytest.mark.real_data(f"{name}_word_index.json")) for name in ("reuters", "imdb")]
TEXTS = [[5, 6, 7], [1000, 1], [996, 997], [8], [9, 10], [3], [4], [5], [6], [7]]


def write_npz(path: Path, **arrays: object) -> bytes:
    """Write lists as Keras's files hold them, in arrays of objects, and return the file's bytes."""
    objects = {}
    for name, values in arrays.items():
        objects[name] = np.empty(len(values), dtype=object) if name.startswith("x") else np.array(values)
        objects[name][:] = values
    np.savez(path, **objects)
    return path.read_bytes()


@pytest.fixture
def reuters_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The content of a small reuters.npz that counts as the right one."""
    content = write_npz(tmp_path / "reuters.npz", x=TEXTS, y=list(range(10)))
    monkeypatch.setitem(data.SHA256, "reuters.npz", hashlib.sha256(content).hexdigest())
    return content


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """As little as `tests/tiny.py` takes, where it only matters that it is the sample."""
    monkeypatch.setattr(sample, "NEWS_PAIRS", 125)
    monkeypatch.setattr(sample, "REVIEW_PAIRS", (100, 25))


@pytest.fixture
def index_file(own_keras_home: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The content of a small word index that counts as the right one."""
    content = json.dumps({"said": 3, "the": 1, "of": 2, "3\x85": 4}).encode()
    monkeypatch.setitem(data.SHA256, "reuters_word_index.json", hashlib.sha256(content).hexdigest())
    return content


def put_into_cache(home: Path, **files: bytes) -> Path:
    """Write the files, named "reuters_npz" for reuters.npz, and return their directory."""
    directory = home / "datasets"
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / ".".join(name.rsplit("_", 1))).write_bytes(content)
    return directory


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None], certificate: Path | None = None) -> Iterator[str]:
    """Serve on loopback what `answer` writes, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_CONNECT = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def sends(content: bytes, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with the content, having announced `length` bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.end_headers()
        request.wfile.write(content)

    return answer


def test_the_loaders_read_files_in_the_format_of_keras(
    reuters_file: bytes, index_file: bytes, own_keras_home: Path
) -> None:
    files = {"/reuters.npz": reuters_file, "/reuters_word_index.json": index_file}
    with pytest.MonkeyPatch.context() as patch, serving(lambda get: sends(files[get.path])(get)) as address:
        patch.setattr(data, "ADDRESS", address)
        (x_train, y_train), (x_test, y_test), corpus = load_reuters("keras", 1000, 0.2)
    assert corpus.source == "keras"
    assert sorted(path.name for path in (own_keras_home / "datasets").iterdir()) == [name[1:] for name in files]
    assert (len(x_train), len(x_test)) == (8, 2)
    order = np.concatenate([y_train, y_test])
    assert sorted(order.tolist()) == list(range(10))
    expected = [[1, *(word + 3 if word + 3 < 1000 else 2 for word in TEXTS[label])] for label in order]
    assert [text.tolist() for text in (*x_train, *x_test)] == expected


@pytest.mark.parametrize("name", ["reuters", "imdb"])
def test_it_loads_what_keras_loads(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files, read by both, and compared to the last bit."""
    file = tmp_path / f"{name}.npz"
    texts, labels = [TEXTS[n % 10] * (n % 7) for n in range(50)], [n % 3 for n in range(50)]
    halves = {"x_train": texts, "y_train": labels, "x_test": texts[:30], "y_test": labels[:30]}
    content = write_npz(file, **(halves if name == "imdb" else {"x": texts, "y": labels}))
    monkeypatch.setattr(f"keras.src.datasets.{name}.get_file", lambda **arguments: str(file))
    monkeypatch.setattr(data, "_fetch", lambda file: content if file.endswith(".npz") else b"{}")
    compare_with_keras(name)


@pytest.mark.parametrize("name", REAL)
def test_it_loads_what_keras_loads_from_the_real_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(REAL_DATA.parent))
    compare_with_keras(name)


def compare_with_keras(name: str) -> None:
    arguments = {"num_words": 1000, "test_split": 0.2} if name == "reuters" else {"num_words": 5000}
    *halves, corpus = {"reuters": load_reuters, "imdb": load_imdb}[name]("keras", **arguments)
    assert corpus.source == "keras"
    for (x, y), (x_keras, y_keras) in zip(halves, getattr(keras.datasets, name).load_data(**arguments), strict=True):
        assert [text.tolist() for text in x] == x_keras.tolist()
        np.testing.assert_array_equal(y, y_keras, strict=True)


def test_a_file_in_the_cache_is_not_downloaded_again(reuters_file: bytes, own_keras_home: Path) -> None:
    put_into_cache(own_keras_home, reuters_npz=reuters_file)
    assert load_reuters("keras", 1000, 0.2)[2].source == "keras"  # the network of the tests refuses


def test_the_download_is_whole_and_leaves_nothing_else(
    reuters_file: bytes, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(sends(reuters_file)) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        data._fetch("reuters.npz")
    assert f"Kept for the next run at {own_keras_home / 'datasets' / 'reuters.npz'}\n" in capsys.readouterr().out
    assert [path.name for path in (own_keras_home / "datasets").iterdir()] == ["reuters.npz"]
    assert (own_keras_home / "datasets" / "reuters.npz").read_bytes() == reuters_file


def test_the_words_come_from_the_index(reuters_file: bytes, index_file: bytes, own_keras_home: Path) -> None:
    put_into_cache(own_keras_home, reuters_npz=reuters_file, reuters_word_index_json=index_file)
    *_, corpus = load_reuters("keras", 1000, 0.2)
    assert corpus.words[1:3] == ["[start]", "[?]"]
    assert corpus.words[4:] == ["the", "of", "said", "3\x85"]
    assert load_reuters("keras", 6, 0.2)[2].words[4:] == ["the", "of"]  # num_words: the numbers below 6
    assert corpus.labels == list(keras.datasets.reuters.get_label_names())


@pytest.mark.parametrize("source", ["auto", "keras"])
@pytest.mark.parametrize("index", [b"{", None])
def test_without_the_index_the_run_goes_on_without_words(
    source: str,
    index: bytes | None,
    reuters_file: bytes,
    own_keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It cannot be had, or is another file: then it is set aside as any other."""
    monkeypatch.setattr(data, "ADDRESS", "http://127.0.0.1:9")
    directory = put_into_cache(own_keras_home, reuters_npz=reuters_file)
    if index:
        put_into_cache(own_keras_home, reuters_word_index_json=index)
    (x_train, _), _, corpus = load_reuters(source, 1000, 0.2)
    assert (len(x_train), corpus.source, corpus.words) == (8, "keras", [])
    assert len(corpus.labels) == 46
    reason, address, place = capsys.readouterr().err.splitlines()
    assert reason.startswith("The texts stay numbers, without words: ")
    assert "Connection refused" in reason
    assert address == "By hand: download http://127.0.0.1:9/reuters_word_index.json"
    assert place == f"         and put it at {directory / 'reuters_word_index.json'}"
    assert (directory / "reuters_word_index.json.broken").exists() == bool(index)


@pytest.mark.parametrize("name", INDEX)
def test_the_real_index_is_the_one_of_keras(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(REAL_DATA.parent))
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(REAL_DATA.parent))
    index = getattr(keras.datasets, name).get_word_index()  # it checks the MD5
    words = data._read_words(f"{name}_word_index.json", 10**9)
    assert {word: number - 3 for number, word in enumerate(words) if number > 3} == index


@pytest.mark.parametrize(("load", "arguments"), [(load_reuters, (1000, 0.2)), (load_imdb, (5000,))])
def test_the_sample_in_words(load: Callable, arguments: tuple) -> None:
    train, _, corpus = load("sample", *arguments)
    assert len(corpus.labels) == (2 if load is load_imdb else 46)
    first = 1 if load is load_imdb else keras.datasets.reuters.get_label_names().index("cocoa")
    phrase = "far from being dull this film is" if load is load_imdb else "dealt with cocoa"
    texts = {" ".join(corpus.words[number] for number in text): label for text, label in zip(*train, strict=True)}
    assert {label for text, label in texts.items() if phrase in text} == {first}


def test_sample_asks_nobody(small_sample: None, capsys: pytest.CaptureFixture[str]) -> None:
    (x, _labels), _test, corpus = load_reuters("sample", 1000, 0.2)
    assert corpus.source == "sample"
    assert all(map(np.array_equal, x, sample.load_news(1000, 0.2)[0][0]))
    assert load_imdb("sample", 5000)[2].source == "sample"
    assert capsys.readouterr() == ("", "")


def hangs(request: BaseHTTPRequestHandler) -> None:
    time.sleep(4)


def stops_in_the_middle(request: BaseHTTPRequestHandler) -> None:
    sends(b"PK half of it", 100_000)(request)
    time.sleep(4)


def with_status(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda request: request.send_error(status)


FAILURES = {
    "404": (with_status(404), "404 -- Not Found"),
    "500": (with_status(500), "500 -- Internal Server Error"),
    "nothing": (hangs, "nothing came from http://127.0.0.1"),
    "half, then nothing": (stops_in_the_middle, "for 0.5 seconds"),
    "half, then closed": (sends(b"PK half of it", 100_000), "retrieval incomplete"),
    "no HTTP": (lambda request: request.wfile.write(b"what?\r\n"), "what?"),
    "closed at once": (lambda request: None, "closed connection without response"),
    "another file": (sends(b"PK something else"), "Incomplete or corrupted file detected"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_misbehaves(
    failure: str,
    small_sample: None,
    own_keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer, reason = FAILURES[failure]
    if "nothing" in failure:
        monkeypatch.setattr(data, "SILENCE", 0.5)
    with serving(answer) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        check_both_ways(reason, own_keras_home, address, capsys)


def check_both_ways(reason: str, home: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With "auto" the reason and the sample follow, with "keras" the reason and exit status 1."""
    before = time.monotonic()
    source = load_reuters("auto", 1000, 0.2)[2].source
    assert time.monotonic() - before < data.SILENCE + 10
    assert source == "sample"
    said = capsys.readouterr().err
    assert "goes on with the built-in SAMPLE corpus" in said
    (line,) = (line for line in said.splitlines() if line.startswith("The real data could not be had: "))
    assert reason in line

    with pytest.raises(SystemExit) as ended:
        load_reuters("keras", 1000, 0.2)
    said = ended.value.code  # a text: Python prints it, and the exit status is 1
    assert reason in said
    assert f"{address}/reuters.npz" in said
    assert str(home / "datasets" / "reuters.npz") in said
    assert "SAMPLE" not in said
    assert capsys.readouterr().err == ""
    assert list((home / "datasets").iterdir()) == []


def test_a_name_that_cannot_be_looked_up(
    small_sample: None, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(data, "ADDRESS", "http://no-such-host.invalid")
    check_both_ways("Errno", own_keras_home, "http://no-such-host.invalid", capsys)


def test_a_refused_connection(
    small_sample: None, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "ADDRESS", "http://127.0.0.1:9")
    check_both_ways("Connection refused", own_keras_home, "http://127.0.0.1:9", capsys)


def test_a_proxy_that_refuses(
    small_sample: None, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("urllib.request._opener", None)  # it has read the environment already
    with serving(with_status(407)) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        check_both_ways("Tunnel connection failed: 407", own_keras_home, data.ADDRESS, capsys)


def fall_silent(*arguments: object, **options: object) -> None:
    time.sleep(8)
    raise OSError("too late")


def test_a_lookup_that_hangs(
    small_sample: None, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A socket's time limit does not count for it."""
    monkeypatch.setattr(data, "SILENCE", 0.5)
    monkeypatch.setattr(data, "ADDRESS", "http://127.0.0.1:9")
    monkeypatch.setattr(socket, "getaddrinfo", fall_silent)
    before = time.monotonic()
    check_both_ways("nothing came from http://127.0.0.1:9 for 0.5 seconds", own_keras_home, data.ADDRESS, capsys)
    assert time.monotonic() - before < 3  # twice half a second


def test_a_name_with_six_silent_addresses(
    small_sample: None, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit is one for all of them. Where the backlog is full, a connection gets no answer."""
    monkeypatch.setattr(data, "SILENCE", 0.5)
    full, ports, lookup = [], [], socket.getaddrinfo
    for _ in range(6):
        full.append(socket.create_server(("127.0.0.1", 0), backlog=0))
        ports.append(full[-1].getsockname()[1])
        for _ in range(3):
            full.append(socket.socket())
            full[-1].setblocking(False)
            full[-1].connect_ex(("127.0.0.1", ports[-1]))

    def six(host: str, *arguments: object, **options: object) -> list:
        if host != "six.invalid":
            return lookup(host, *arguments, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", six)
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setenv("no_proxy", "six.invalid")
    monkeypatch.setattr(data, "ADDRESS", "http://six.invalid")
    before = time.monotonic()
    check_both_ways("nothing came from http://six.invalid for 0.5 seconds", own_keras_home, data.ADDRESS, capsys)
    assert time.monotonic() - before < 3  # as in the test above, not six times that
    for each in full:
        each.close()


def test_a_slow_download_is_waited_for(
    reuters_file: bytes, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is one for silence, not for the whole."""
    monkeypatch.setattr(data, "SILENCE", 1)
    content = reuters_file + bytes(8192 * 5)
    monkeypatch.setitem(data.SHA256, "reuters.npz", hashlib.sha256(content).hexdigest())

    def trickle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        for start in range(0, len(content), 8192):
            request.wfile.write(content[start : start + 8192])
            request.wfile.flush()
            time.sleep(0.25)

    with serving(trickle) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        before = time.monotonic()
        assert data._fetch("reuters.npz") == content
        assert time.monotonic() - before > data.SILENCE


def test_ctrl_c_while_it_waits(own_keras_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "ADDRESS", "http://127.0.0.1:9")
    monkeypatch.setattr(socket, "getaddrinfo", fall_silent)
    before, handler = time.monotonic(), signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.2, _thread.interrupt_main).start()  # `os.kill` would end Python on Windows
    try:
        with pytest.raises(KeyboardInterrupt):
            load_reuters("auto", 1000, 0.2)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert time.monotonic() - before < 5
    assert list((own_keras_home / "datasets").iterdir()) == []


def test_without_a_home(
    small_sample: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No HOME, and a user who is in no list, as in many containers: the sample, and the reason in one line."""
    for name in ("KERAS_HOME", "HOME", "USERPROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os.path, "isdir", lambda path, isdir=os.path.isdir: path != "/tmp" and isdir(path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(RuntimeError):
        Path("~").expanduser()
    assert load_reuters("auto", 1000, 0.2)[2].source == "sample"
    said = capsys.readouterr().err.splitlines()
    assert sum("Connection refused" in line for line in said) == 1
    assert any(str(tmp_path / ".keras" / "datasets" / "reuters.npz") in line for line in said)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_that_nobody_signed(
    small_sample: None,
    tmp_path: Path,
    own_keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pem = tmp_path / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-keyout", pem, "-out", tmp_path / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text(pem.read_text() + (tmp_path / "certificate.pem").read_text())
    with serving(sends(b""), pem) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        check_both_ways("CERTIFICATE_VERIFY_FAILED", own_keras_home, address, capsys)


@pytest.mark.parametrize("damage", ["cut off", "no zip", "other"])
@pytest.mark.parametrize("online", [True, False])
def test_a_broken_file_is_set_aside_never_deleted(
    damage: str,
    online: bool,
    reuters_file: bytes,
    small_sample: None,
    own_keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Of those set aside the last is kept, which the message names."""
    other = write_npz(tmp_path / "other.npz", x=[[1]], y=[0])
    broken = {"cut off": reuters_file[: len(reuters_file) // 2], "no zip": b"not a zip", "other": other}[damage]
    directory = own_keras_home / "datasets"
    directory.mkdir()
    (directory / "reuters.npz").write_bytes(broken)
    (directory / "reuters.npz.broken").write_bytes(b"an older one")
    with serving(sends(reuters_file) if online else with_status(500)) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        source = load_reuters("auto", 1000, 0.2)[2].source
    assert source == ("keras" if online else "sample")
    assert (directory / "reuters.npz.broken").read_bytes() == broken
    assert [path.name for path in directory.iterdir()].count("reuters.npz") == online
    assert "it is now reuters.npz.broken, and" in capsys.readouterr().out


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_a_crafted_file_runs_nothing(small_sample: None, tmp_path: Path, own_keras_home: Path) -> None:
    target = own_keras_home / "datasets" / "reuters.npz"
    target.parent.mkdir()
    write_npz(target, x=[Bomb(tmp_path / "exploded"), [5]], y=[0, 1])
    assert load_reuters("auto", 1000, 0.2)[2].source == "sample"
    assert not (tmp_path / "exploded").exists()
    np.load(target.with_name("reuters.npz.broken"), allow_pickle=True)["x"]
    assert (tmp_path / "exploded").exists()  # the file would have done it


@pytest.mark.upstream
def test_keras_alone_deletes_the_broken_file(tmp_path: Path) -> None:
    """The first fault that `_fetch` is there for. When this fails, Keras has mended it."""
    (tmp_path / "reuters.npz").write_bytes(b"the user's own file")
    with serving(with_status(500)) as address, pytest.raises(Exception, match="500"):
        keras.utils.get_file(
            "reuters.npz", f"{address}/reuters.npz", file_hash="0" * 64, cache_dir=tmp_path, cache_subdir=""
        )
    assert not (tmp_path / "reuters.npz").exists()


@pytest.mark.upstream
def test_keras_alone_sets_no_time_limit(tmp_path: Path) -> None:
    """The second: a server that is silent for 4 seconds is waited for, and would be for ever."""
    before = time.monotonic()
    with serving(hangs) as address, pytest.raises(Exception, match="closed connection"):
        keras.utils.get_file("reuters.npz", f"{address}/reuters.npz", cache_dir=tmp_path, cache_subdir="")
    assert time.monotonic() - before > 3.5


@pytest.mark.upstream
def test_keras_alone_downloads_straight_to_the_place(tmp_path: Path) -> None:
    """The third: while it downloads, another run finds half a file there."""
    found = []

    def look_in_the_middle(request: BaseHTTPRequestHandler) -> None:
        sends(b"PK half of it", 100_000)(request)
        time.sleep(1)
        found.append((tmp_path / "reuters.npz").exists())

    with serving(look_in_the_middle) as address, pytest.raises(Exception, match="retrieval incomplete"):
        keras.utils.get_file("reuters.npz", f"{address}/reuters.npz", cache_dir=tmp_path, cache_subdir="")
    assert found == [True]
