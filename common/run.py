"""What surrounds the training in both scripts: a run that is stopped, killed or fails loses nothing.

Keras's own callbacks leave a gap each. `CSVLogger` truncates the old file first and counts epochs from 0.
`BackupAndRestore` writes the weights and the epoch number one after the other over the old ones, so that a process
killed in between resumes with weights and a number that do not belong together. And no Keras file holds the random
state of a dropout layer, which starts again from the seed. Here all of it goes into one file that is replaced as a
whole, and a resumed run gives, on the same machine, the same numbers, to the last digit, as one that nobody stopped
(`python -m pytest -k stopped_run` shows it).
"""

import csv
import math
import os
import shlex
import signal
import subprocess
import sys
import uuid
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import keras
from matplotlib.figure import Figure

from common import checkpoint, variants
from common.console import catch_signals, in_session
from common.curve import draw_curve, show_curve
from common.data import Corpus
from common.files import set_aside, write
from common.words import printable

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")


class Run(keras.callbacks.Callback):
    """Callback that keeps each finished epoch on the disk and stops the training in good order at a signal.

    Args:
        options: the command line, from `read_options`.
        corpus: what is trained on, from the loader.
        model: the compiled network; with `--resume` it gets the state that was kept.
        num_texts: how many for training and for the test. With other data it is not the same run.

    Attributes:
        title: the curve's title, "LSTM on Reuters news".
        history: for each of `COLUMNS` the numbers of the finished epochs, the resumed ones included.
        epochs_done: how many epochs are finished.
    """

    def __init__(self, options: Namespace, corpus: Corpus, model: keras.Model, num_texts: tuple[int, int]) -> None:
        super().__init__()
        self.options = options
        self.title = variants.title(options, corpus.name)
        self.source = corpus.source
        stem = options.output_dir / variants.file_name(options, corpus.source)
        self.files = {kind: Path(f"{stem}.{kind}") for kind in ("png", "csv", "keras")}
        self.facts = {
            "id": uuid.uuid4().hex,  # whose file it is, where two runs write into one directory
            "settings": {
                "name": stem.name,
                "seed": options.seed,
                "batch size": options.batch_size,
                "training texts": num_texts[0],
                "test texts": num_texts[1],
            },
            "history": {column: [] for column in COLUMNS},
            "words": corpus.words,  # this and the next is all that asking the network needs
            "labels": corpus.labels,
        }
        self.own = {self.facts["id"]}  # whose files it may replace: its own, and those of the run that it resumes
        self.found = set() if options.resume else set(self.files.values())  # what another run may have left
        self.wordless = False
        if options.resume:
            kept = _resume(self.files["keras"], model, self.facts, options)
            self.own.add(kept["id"])
            self.facts["history"] = kept["history"]
            self.wordless = not kept.get("words")
            self.facts["words"] = corpus.words or kept.get("words", [])  # where the list cannot be had, the old one
        elif any(path.exists() for path in self.files.values()):
            print(f"{stem}.* is there already: after the first epoch it becomes {stem.name}.previous.*")
        self.signals: list[int] = []  # acted upon after the batch: an exception could hit the middle of a write
        catch_signals(lambda number, frame: self.signals.append(number))

    @property
    def history(self) -> dict[str, list[float]]:
        return self.facts["history"]

    @property
    def epochs_done(self) -> int:
        return len(self.history["loss"])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop here if there was a signal."""
        if self.signals:
            _stop(self)

    on_test_batch_end = on_train_batch_end

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch: first the network, from which it goes on, then the row in the CSV."""
        for column in COLUMNS:
            self.history[column].append(float(logs[column]))
        if all(math.isfinite(logs[column]) for column in COLUMNS):
            _write(self, "keras", "csv")
        else:
            remark = f"the loss is not a finite number in epoch {self.epochs_done}"
            _write(self, "csv", "png", curve=draw_curve(self.history, f"{self.title}\nstopped: {remark}"))
            print(f"Stopped: {remark}.", file=sys.stderr)
            sys.exit(1)


def finish(run: Run, curve: Figure) -> None:
    """Save the curve, and what could not be saved before, and name the files.

    What cannot be written is named, and the program then ends with exit status 1.
    """
    unsaved = _epochs_kept(run) < run.epochs_done or run.wordless
    missing = [*(["keras"] if unsaved else []), "csv", "png"]
    failed = set(missing) - set(_write(run, *missing, curve=curve))
    for kind, label in (("png", "Curve"), ("csv", "History"), ("keras", "Network")):
        if kind not in failed:
            print(f"{label:<14} {run.files[kind]}")
    if failed:
        if kept := _epochs_kept(run):
            print(f"Epoch {kept} is kept: once there is room, --resume goes on from it.", file=sys.stderr)
        sys.exit(1)
    if run.facts["words"]:
        print(f"\nAsk it about texts of your own:\n{_ask_command(run.files['keras'])}")
    if run.options.show and not run.signals:  # everything is saved: a signal may close the window
        catch_signals(signal.default_int_handler if in_session() else signal.SIG_DFL)
        show_curve(run.history, run.title)


def _write(run: Run, *kinds: str, curve: Figure | None = None) -> list[str]:
    """Write those of the run's files, and return which are written."""
    fill = {
        "png": lambda part: curve.savefig(part),
        "csv": lambda part: _write_history(part, run.history),
        "keras": lambda part: checkpoint.save(part, run.model, run.facts),
    }
    return [kind for kind in kinds if write(run.files[kind], fill[kind], lambda path: _make_room(run, path))]


def _make_room(run: Run, path: Path) -> None:
    """Set aside what another run has left, before the first file of this one takes its place, and whenever it is back.

    Raises:
        OSError: if what is at `path` has to be set aside and cannot be.
    """
    if _is_anothers(run):
        run.found = set(run.files.values())
    for other in sorted(run.found):
        with suppress(OSError):
            set_aside(other)
            run.found.remove(other)
    if path in run.found:
        raise OSError("the one that is there cannot be set aside")


def _is_anothers(run: Run) -> bool:
    """Return whether the file in which this run keeps its network has meanwhile been written by another run."""
    return checkpoint.owner(run.files["keras"])[0] not in (None, *run.own)


def _epochs_kept(run: Run) -> int:
    """Return how many epochs of this run its file holds: from there `--resume` goes on."""
    owner, epochs = checkpoint.owner(run.files["keras"])
    return epochs if owner in run.own else 0


def _write_history(path: Path, history: dict[str, list[float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("epoch", *COLUMNS))
        writer.writerows((epoch, *row) for epoch, row in enumerate(zip(*history.values(), strict=True), start=1))


def _stop(run: Run) -> NoReturn:
    """Save the curve of the finished epochs, say how to go on, and end the program."""
    number, reached = run.signals[0], f"after epoch {run.epochs_done} of {run.options.epochs}"
    name = run.files["keras"].stem
    if run.epochs_done and _is_anothers(run):  # nothing to write: the other has set aside what this run has kept
        print(f"{name}.* is now another run's. What this one has kept is in {name}.previous.*", file=sys.stderr)
    elif run.epochs_done:
        _write(run, "csv", "png", curve=draw_curve(run.history, f"{run.title}\nstopped {reached}"))
    kept = _epochs_kept(run)
    if 0 < kept < run.epochs_done:
        print(f"Of these epochs only the first {kept} could be kept.", file=sys.stderr)
    command = _command(run.options, run.source, resume=kept > 0)
    print(f"\nStopped by {signal.Signals(number).name} {reached}. To {'go on' if kept else 'start anew'}: {command}")
    sys.exit(128 + number)


def _resume(path: Path, model: keras.Model, facts: dict, options: Namespace) -> dict:
    """Return what is kept of the run and give the model its state, or end the program if it does not fit."""
    try:
        kept = checkpoint.read(path)
        kept["history"] = {column: [float(number) for number in kept["history"][column]] for column in COLUMNS}
        (epochs,) = {len(numbers) for numbers in kept["history"].values()}
        reason = checkpoint.difference(kept, model, facts["settings"])
        if not reason and epochs > options.epochs:
            reason = f"{epochs} epochs are done, more than --epochs {options.epochs}"
        if not reason and kept["id"]:
            checkpoint.check_objects(kept["config"], model)
            checkpoint.restore(path, model, kept)
    except FileNotFoundError:
        others = [other.name for other in sorted(path.parent.glob(f"{options.script}*.keras"))]
        reason = f"there is no {path}" + f", only {', '.join(others)}" * bool(others)
    except Exception as error:  # the file may be damaged in any way
        reason = f"{path} is not what a run leaves: {error}"
    if reason:
        print(f"{options.script}.py: cannot resume: {printable(' '.join(reason.split()))}", file=sys.stderr)
        sys.exit(2)
    print(f"Going on after epoch {epochs}." if epochs < options.epochs else f"No epoch is left: all {epochs} are done.")
    return kept


def _command(options: Namespace, source: str, resume: bool) -> str:
    """Return the command that was run, as the user's shell takes it, to go on or to start anew."""
    given = len(sys.orig_argv) - len(options.arguments)
    start = [_python(), *sys.orig_argv[1:given]]
    if in_session():
        start = ["%run", options.path]
    arguments = [argument for argument in options.arguments if argument != "--resume"]
    if options.data == "auto" and source == "sample":
        arguments += ["--data", "sample"]
    return _join([*start, *arguments, *["--resume"] * resume])


def _ask_command(network: Path) -> str:
    """Return the command that asks the network; it runs in the project's directory, where `common` is."""
    project, path = Path(__file__).resolve().parent.parent, network.resolve()
    path = path.relative_to(project) if path.is_relative_to(project) else path
    here = Path.cwd() == project
    ask = _join([_python() if here else sys.executable, "-m", "common.ask", str(path)])
    ask = ask if here else f"{_join(['cd', str(project)])} && {ask}"
    return f'!{ask} "Write your text here."' if in_session() else ask  # a notebook has no prompt


def _python() -> str:
    """Return how Python was called, where that is known."""
    return sys.orig_argv[0] if os.name == "posix" else sys.executable


def _join(arguments: list[str]) -> str:
    """Return the arguments as the user's shell takes them."""
    return shlex.join(arguments) if os.name == "posix" else subprocess.list2cmdline(arguments)
