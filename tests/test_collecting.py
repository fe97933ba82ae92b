"""The tests themselves, where there is no POSIX."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

WINDOWS = """
import signal, sys
for name in ("resource", "fcntl", "pty", "termios", "pwd"):
    sys.modules[name] = None
del signal.SIGKILL, signal.SIGHUP
import pytest
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"]))
"""


@pytest.mark.slow
def test_they_can_be_collected_on_windows() -> None:
    done = subprocess.run([sys.executable, "-c", WINDOWS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
