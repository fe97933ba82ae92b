"""The scripts in a notebook: a real IPython kernel, which lives on after them."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from tests.conftest import ROOT, SCRIPTS

pytestmark = pytest.mark.slow
BOTH = pytest.mark.parametrize("script", SCRIPTS)
PREPARE = """
import signal, socket, sys
from common.texts import sample
sample.REVIEW_PAIRS, sample.NEWS_PAIRS = (100, 25), 125

def state():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    return sys.stdout, sys.stderr, handlers, socket.getdefaulttimeout()

before = state()
"""


class Notebook:
    """A kernel, and what its cells have put out: all text, and the types of what they have shown."""

    def __init__(self, directory: Path) -> None:
        self.manager, self.client = start_new_kernel(cwd=directory)
        self.run(PREPARE)

    def run(self, code: str, look: Callable[[str], object] = lambda text: None) -> tuple[str, list[str]]:
        """Run a cell to its end; `look` gets all text so far whenever there is more of it."""
        texts, shown = [], []

        def hear(message: dict) -> None:
            content = message["content"]
            shown.extend(content.get("data", {}))
            texts.append(content.get("text", "") + "\n".join(content.get("traceback", [])))
            look("".join(texts))

        self.client.execute_interactive(code, timeout=150, output_hook=hear)
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(texts)), shown


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    """A notebook that lies beside copies of the scripts, which have other names."""
    for script in SCRIPTS:
        shutil.copy(ROOT / f"{script}.py", tmp_path / f"my_{script}.py")
    shutil.copytree(ROOT / "common", tmp_path / "common", ignore=shutil.ignore_patterns("__pycache__"))
    notebook = Notebook(tmp_path)
    yield notebook
    notebook.client.stop_channels()
    notebook.manager.shutdown_kernel(now=True)


@BOTH
def test_it_runs_to_the_end_and_shows_the_curve(notebook: Notebook, tmp_path: Path, script: str) -> None:
    """And the files are named as the script says, whatever the copy is called."""
    run = f"%run my_{script}.py --data sample --epochs 2"
    text, shown = notebook.run(f"{run} --show")
    assert f"Network        {tmp_path}/plots/{script}-sample.keras\n" in text
    assert "image/png" in shown
    assert "Traceback" not in text
    assert notebook.run("print(state() == before)")[0] == "True\n"
    text, shown = notebook.run(f"{run} --resume --epochs 3")  # the same session again: layers have other names there
    assert "Going on after epoch 2." in text
    assert "image/png" not in shown


@BOTH
def test_interrupting_it_stops_the_run_and_not_the_kernel(notebook: Notebook, script: str) -> None:
    sent = []

    def interrupt(text: str) -> None:
        if "Epoch 3/" in text and not sent:
            sent.append(True)
            notebook.manager.interrupt_kernel()

    run = f"%run my_{script}.py --data sample --batch-size 20 --epochs"
    text, _ = notebook.run(f"{run} 500", interrupt)
    (line,) = (line for line in text.splitlines() if line.startswith("Stopped by SIGINT after epoch "))
    assert line.endswith(" of 500. The same command with --resume goes on.")
    assert "Traceback" not in text
    assert notebook.run("print(state() == before)")[0] == "True\n"
    text, _ = notebook.run(f"{run} 4 --resume")
    assert "Going on after epoch" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(("script", "file"), [("reuters_lstm", None), ("imdb_cnn_lstm", "an_editor_sets_it.py")])
def test_pasted_into_cells(notebook: Notebook, tmp_path: Path, script: str, file: str | None) -> None:
    """It takes no options there, so this one gets another setting; and signals count while the cell with `fit` runs."""
    text = (ROOT / f"{script}.py").read_text(encoding="utf-8")
    text = re.sub(r"^EPOCHS = \d+", "EPOCHS = 1", text, flags=re.MULTILINE)
    training, plot, finishing = text.partition("# Plot ")
    if file:
        notebook.run(f"__file__ = '{file}'")
    said, _ = notebook.run(training)
    assert "\nTest accuracy  " in said
    assert notebook.run("print(state() == before)")[0] == "True\n"
    said, _ = notebook.run(plot + finishing)
    assert f"Network        {tmp_path}/plots/{script}-sample.keras\n" in said
    assert "Traceback" not in said
