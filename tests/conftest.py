"""What the tests share: the scripts in their own process, small and quick, and the data they may use."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("reuters_lstm", "imdb_cnn_lstm")
REAL_DATA = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"  # before the tests point elsewhere


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes, too")
    parser.addoption("--upstream", action="store_true", help="run the tests that show faults of the libraries, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for mark, why in (("slow", "takes minutes"), ("upstream", "shows a fault of a library")):
        if not config.getoption(f"--{mark}"):
            for item in items:
                if mark in item.keywords:
                    item.add_marker(pytest.mark.skip(reason=f"{why}: run with --{mark}"))


@pytest.fixture(autouse=True)
def own_keras_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a proxy that refuses: no test reaches the network or the user's own files."""
    home = tmp_path_factory.mktemp("keras")
    monkeypatch.setenv("KERAS_HOME", str(home))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
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
