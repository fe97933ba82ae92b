"""Where the data come from: the cache, the download, the sample; and what may go wrong on the way."""

import hashlib
import shutil
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
    threading.Thread(target=server.serve_forever, daemon=True).start()
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


def test_the_loaders_read_files_in_the_format_of_keras(reuters_file: bytes, own_keras_home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, serving(sends(reuters_file)) as address:
        patch.setattr(data, "ADDRESS", address)
        (x_train, y_train), (x_test, y_test), source = load_reuters("keras", 1000, 0.2)
    assert source == "keras"
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
    monkeypatch.setattr(data, "_fetch", lambda file: content)
    compare_with_keras(name)


@pytest.mark.parametrize("name", ["reuters", "imdb"])
def test_it_loads_what_keras_loads_from_the_real_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (REAL_DATA / f"{name}.npz").exists():
        pytest.skip(f"{name}.npz is not in Keras's cache")
    monkeypatch.setenv("KERAS_HOME", str(REAL_DATA.parent))
    compare_with_keras(name)


def compare_with_keras(name: str) -> None:
    arguments = {"num_words": 1000, "test_split": 0.2} if name == "reuters" else {"num_words": 5000}
    *halves, source = {"reuters": load_reuters, "imdb": load_imdb}[name]("keras", **arguments)
    assert source == "keras"
    for (x, y), (x_keras, y_keras) in zip(halves, getattr(keras.datasets, name).load_data(**arguments), strict=True):
        assert [text.tolist() for text in x] == x_keras.tolist()
        np.testing.assert_array_equal(y, y_keras, strict=True)


def test_a_file_in_the_cache_is_not_downloaded_again(reuters_file: bytes, own_keras_home: Path) -> None:
    (own_keras_home / "datasets").mkdir()
    (own_keras_home / "datasets" / "reuters.npz").write_bytes(reuters_file)
    assert load_reuters("keras", 1000, 0.2)[2] == "keras"  # the network of the tests refuses


def test_the_download_is_whole_and_leaves_nothing_else(
    reuters_file: bytes, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(sends(reuters_file)) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        data._fetch("reuters.npz")
    assert f"Kept for the next run at {own_keras_home / 'datasets' / 'reuters.npz'}\n" in capsys.readouterr().out
    assert [path.name for path in (own_keras_home / "datasets").iterdir()] == ["reuters.npz"]
    assert (own_keras_home / "datasets" / "reuters.npz").read_bytes() == reuters_file
    assert socket.getdefaulttimeout() is None


def test_sample_asks_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    (x, _labels), _test, source = load_reuters("sample", 1000, 0.2)
    assert source == "sample"
    assert all(map(np.array_equal, x, sample.load_news(1000, 0.2)[0][0]))
    assert load_imdb("sample", 5000)[2] == "sample"
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
    "nothing": (hangs, "timed out"),
    "half, then nothing": (stops_in_the_middle, "timed out"),
    "half, then closed": (sends(b"PK half of it", 100_000), "retrieval incomplete"),
    "no HTTP": (lambda request: request.wfile.write(b"what?\r\n"), "what?"),
    "closed at once": (lambda request: None, "closed connection without response"),
    "another file": (sends(b"PK something else"), "Incomplete or corrupted file detected"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_misbehaves(
    failure: str, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, reason = FAILURES[failure]
    monkeypatch.setattr(data, "SILENCE", 1)
    with serving(answer) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        check_both_ways(reason, own_keras_home, address, capsys)


def check_both_ways(reason: str, home: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With "auto" the reason and the sample follow, with "keras" the reason and exit status 1."""
    before = time.monotonic()
    source = load_reuters("auto", 1000, 0.2)[2]
    assert time.monotonic() - before < data.SILENCE + 10
    assert source == "sample"
    said = capsys.readouterr().err
    assert "goes on with the built-in SAMPLE corpus" in said
    (line,) = (line for line in said.splitlines() if line.startswith("The real data could not be had: "))
    assert reason in line

    with pytest.raises(SystemExit) as ended:
        load_reuters("keras", 1000, 0.2)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert reason in said
    assert f"{address}/reuters.npz" in said
    assert str(home / "datasets" / "reuters.npz") in said
    assert "SAMPLE" not in said
    assert list((home / "datasets").iterdir()) == []


def test_a_name_that_cannot_be_looked_up(
    own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(data, "ADDRESS", "http://no-such-host.invalid")
    check_both_ways("Errno", own_keras_home, "http://no-such-host.invalid", capsys)


def test_a_refused_connection(
    own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "ADDRESS", "http://127.0.0.1:9")
    check_both_ways("Connection refused", own_keras_home, "http://127.0.0.1:9", capsys)


def test_a_proxy_that_refuses(
    own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("urllib.request._opener", None)  # it has read the environment already
    with serving(with_status(407)) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        check_both_ways("Tunnel connection failed: 407", own_keras_home, data.ADDRESS, capsys)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_that_nobody_signed(
    tmp_path: Path, own_keras_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = tmp_path / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-keyout", pem, "-out", tmp_path / "certificate.pem"], check=True, capture_output=True,
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
    own_keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    other = write_npz(tmp_path / "other.npz", x=[[1]], y=[0])
    broken = {"cut off": reuters_file[: len(reuters_file) // 2], "no zip": b"not a zip", "other": other}[damage]
    directory = own_keras_home / "datasets"
    directory.mkdir()
    (directory / "reuters.npz").write_bytes(broken)
    (directory / "reuters.npz.broken-1").write_bytes(b"an older one")
    with serving(sends(reuters_file) if online else with_status(500)) as address:
        monkeypatch.setattr(data, "ADDRESS", address)
        source = load_reuters("auto", 1000, 0.2)[2]
    assert source == ("keras" if online else "sample")
    assert (directory / "reuters.npz.broken-2").read_bytes() == broken
    assert (directory / "reuters.npz.broken-1").read_bytes() == b"an older one"
    assert "it is now reuters.npz.broken-2" in capsys.readouterr().out


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_a_crafted_file_runs_nothing(tmp_path: Path, own_keras_home: Path) -> None:
    target = own_keras_home / "datasets" / "reuters.npz"
    target.parent.mkdir()
    write_npz(target, x=[Bomb(tmp_path / "exploded"), [5]], y=[0, 1])
    assert load_reuters("auto", 1000, 0.2)[2] == "sample"
    assert not (tmp_path / "exploded").exists()
    np.load(target.with_name("reuters.npz.broken-1"), allow_pickle=True)["x"]
    assert (tmp_path / "exploded").exists()  # the file would have done it


def test_keras_alone_deletes_the_broken_file(tmp_path: Path) -> None:
    """The first fault that `_fetch` is there for. When this fails, Keras has mended it."""
    (tmp_path / "reuters.npz").write_bytes(b"the user's own file")
    with serving(with_status(500)) as address, pytest.raises(Exception, match="500"):
        keras.utils.get_file(
            "reuters.npz", f"{address}/reuters.npz", file_hash="0" * 64, cache_dir=tmp_path, cache_subdir=""
        )
    assert not (tmp_path / "reuters.npz").exists()


def test_keras_alone_sets_no_time_limit(tmp_path: Path) -> None:
    """The second: a server that is silent for 4 seconds is waited for, and would be for ever."""
    before = time.monotonic()
    with serving(hangs) as address, pytest.raises(Exception, match="closed connection"):
        keras.utils.get_file("reuters.npz", f"{address}/reuters.npz", cache_dir=tmp_path, cache_subdir="")
    assert time.monotonic() - before > 3.5


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
