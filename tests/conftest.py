"""What the tests share: the scripts in their own process, small and quick, and the data they may use."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from common.running.process import SIGNALS

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("reuters_lstm", "imdb_cnn_lstm")
REAL_DATA = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"  # before the tests point elsewhere
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
OFFLINE |= {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
# What a test could take from the machine or from the shell that started it, for this process and those it starts.
FROM_OUTSIDE = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONWARNINGS", "MPLBACKEND", "MATPLOTLIBRC", "DISPLAY",
                "COLUMNS", "FORCE_COLOR", "NO_COLOR", "KERAS_BACKEND", "TF_NUM_INTRAOP_THREADS",
                "TF_CPP_MIN_LOG_LEVEL", "PYTHONUNBUFFERED")  # fmt: skip
MATPLOTLIB = tempfile.TemporaryDirectory(prefix="matplotlib-")  # the list of fonts, made once


def pytest_configure(config: pytest.Config) -> None:
    """Begin as on a bare machine, in an own terminal: a background job and `nohup` ignore signals."""
    for name in FROM_OUTSIDE:
        os.environ.pop(name, None)
    os.environ |= {"LC_ALL": "C.UTF-8", "TZ": "UTC", "MPLCONFIGDIR": MATPLOTLIB.name}
    os.umask(0o022)
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes, too")
    parser.addoption("--upstream", action="store_true", help="run the tests that show faults of the libraries, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the marked tests that nobody has asked for, and those that cannot be had here."""

    def left_out(item: pytest.Item) -> bool:
        needed = [REAL_DATA / file for mark in item.iter_markers("real_data") for file in mark.args]
        asked_for = all(config.getoption(f"--{mark}") or mark not in item.keywords for mark in ("slow", "upstream"))
        cannot = any(mark.args[0] for mark in item.iter_markers("skipif"))
        return not asked_for or cannot or not all(path.exists() for path in needed)

    config.hook.pytest_deselected(items=[item for item in items if left_out(item)])
    items[:] = [item for item in items if not left_out(item)]


@pytest.fixture(autouse=True)
def own_keras_home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A proxy that refuses, and an empty cache, but where real data are asked for: no test reaches the network."""
    needs_real = request.node.get_closest_marker("real_data")
    home = REAL_DATA.parent if needs_real else tmp_path_factory.mktemp("keras")
    if "keras" in sys.modules:  # which has looked at the environment when it was imported
        monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(home))
    for name, value in (OFFLINE | {"KERAS_HOME": str(home)}).items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def moments() -> random.Random:
    """Random moments, the same again from the seed that a failed test prints: `MOMENTS=seed python -m pytest ...`."""
    seed = os.environ.get("MOMENTS", str(random.SystemRandom().randrange(10**6)))
    print(f"The random moments are those of MOMENTS={seed}.")
    return random.Random(seed)


def command(script: str, *arguments: str | Path, tiny: bool = False) -> list[str]:
    """The command that runs the script; `tiny` on a hundredth of the sample corpus, an epoch in a tenth of a second."""
    runner = [str(ROOT / "tests" / "tiny.py")] if tiny else []
    return [sys.executable, *runner, str(ROOT / f"{script}.py"), *map(str, arguments)]


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a script to its end in its own process, from a directory that is not the project's."""

    def run(script: str, *arguments: str | Path, tiny: bool = False, **options) -> subprocess.CompletedProcess:
        options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 170} | options
        return subprocess.run(command(script, *arguments, tiny=tiny), text=True, **options)

    return run


class Finished(NamedTuple):
    """One finished run of each script: the directory with its files, which nobody may change, and its console."""

    out: Path
    console: dict[str, subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Three epochs of each script on the tiny sample, in batches of 20, once for all tests: to be copied."""
    out = tmp_path_factory.mktemp("finished") / "with spaces 그리고 한글"
    options = ["--data", "sample", "--epochs", "3", "--batch-size", "20", "--output-dir", out, "--show"]
    environment = os.environ | OFFLINE | {"KERAS_HOME": str(out.parent / "keras"), "MPLBACKEND": "agg"}

    def run(script: str) -> subprocess.CompletedProcess:
        arguments = command(script, *options, tiny=True)
        return subprocess.run(arguments, cwd=out.parent, env=environment, capture_output=True, text=True)

    with ThreadPoolExecutor() as pool:  # both at once
        return Finished(out, dict(zip(SCRIPTS, pool.map(run, SCRIPTS), strict=True)))


def contents(out: Path, name: str) -> dict[str, bytes]:
    """What a run has left: curve and history, weights and optimizer, and what is known about the run."""
    with zipfile.ZipFile(out / f"{name}.keras") as archive:
        read = {part: archive.read(part) for part in ("model.weights.h5", "run.json")}
    return read | {kind: (out / f"{name}.{kind}").read_bytes() for kind in ("csv", "png")}
