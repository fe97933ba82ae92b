"""What surrounds the training in both scripts: a run that is stopped, killed or fails loses no finished epoch.

Keras's own callbacks leave a gap each: `CSVLogger` truncates the old file first, `BackupAndRestore` writes weights and
epoch number one after the other over the old ones. Here all goes into one file that is replaced as a whole, and a run
that is resumed on the same machine gives the same numbers, to the last digit, as one that nobody stopped.
"""

import csv
import hashlib
import math
import os
import shlex
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from common import checkpoint, variants
from common.curve import draw_curve, save_figure, show_curve
from common.data import Corpus
from common.files import one_line, write
from common.options import PROJECT, in_session
from common.words import printable

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
KINDS = {"keras": "Network", "csv": "History", "png": "Curve"}  # the files, and how the console calls them
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]  # not on Windows
SHELL = shlex.join if os.name == "posix" else subprocess.list2cmdline  # a command as the user's shell takes it


class Run(keras.callbacks.Callback):
    """Callback that keeps each finished epoch on the disk and stops the training in good order at a signal.

    With `--resume` the compiled model gets the kept state, if the arrays, x and y of training and test, are the same.
    `history` has the numbers of all finished epochs, the `initial_epoch` resumed ones included.
    """

    def __init__(self, options: Namespace, corpus: Corpus, model: keras.Model, *arrays: np.ndarray) -> None:
        super().__init__()
        model.build((None, *arrays[0].shape[1:]))  # as the first batch would, where a script has no `keras.Input`
        self.options, self.title = options, variants.title(options, corpus.name)
        stem = options.output_dir / variants.file_name(options, corpus.source)
        self.files = {kind: Path(f"{stem}.{kind}") for kind in KINDS}
        words = [corpus.words if corpus.source != "keras" else [], corpus.labels]  # the real ones may be missing
        digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays) + repr(words).encode()).hexdigest()[:16]
        description = {"seed": options.seed, "batch size": options.batch_size, "training texts": len(arrays[0])}
        description |= {"test texts": len(arrays[2]), "texts and labels": digest} | checkpoint.describe(model)
        self.history = {column: [] for column in COLUMNS}
        self.facts = {"description": description, "history": self.history}
        self.facts |= {"words": corpus.words, "labels": corpus.labels}
        if options.resume:
            _resume(self.files["keras"], model, self.facts, options)
        elif any(path.exists() for path in self.files.values()):
            print(f"{stem}.* is there already: after the first epoch it becomes {stem.name}.previous.*")
        self.initial_epoch = len(self.history["loss"])
        self.signals, self.handlers, self.is_kept = [], {}, options.resume

    def on_train_begin(self, logs: dict | None = None) -> None:  # an exception could hit the middle of anything
        for number in SIGNALS if threading.current_thread() is threading.main_thread() else ():
            if signal.getsignal(number) != signal.SIG_IGN:  # as SIGHUP is under `nohup`
                self.handlers[number] = signal.signal(number, lambda number, frame: self.signals.append(number))

    def on_train_end(self, logs: dict | None = None) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.signals:
            _stop(self)

    on_test_batch_end = on_train_batch_end

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not all(math.isfinite(logs[column]) for column in COLUMNS):
            self.on_train_end()
            sys.exit(f"Stopped: the loss is not a finite number in epoch {epoch + 1}.")
        _set_aside(self.files if not epoch else {})
        for column in COLUMNS:
            self.history[column].append(float(logs[column]))
        self.is_kept |= "keras" in save(self, draw_curve(self.history, self.title))


def save(run: Run, curve: Figure) -> list[str]:
    """Write the network, from which a run goes on, then its numbers and its curve, and return which are written."""
    rows = zip(range(1, len(run.history["loss"]) + 1), *run.history.values(), strict=True)

    def write_history(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([("epoch", *COLUMNS), *rows])

    fill = {"keras": lambda path: checkpoint.save(path, run.model, run.facts), "csv": write_history}
    files = run.files.items()
    return [kind for kind, path in files if (write(path, fill[kind]) if kind in fill else save_figure(path, curve))]


def finish(run: Run, curve: Figure) -> None:
    """Save everything, name the files, and say how to ask the network; exit status 1 if not all could be written."""
    saved = save(run, curve)
    for kind in reversed(saved):
        print(f"{KINDS[kind]:<14} {run.files[kind]}")
    if len(saved) < len(KINDS):
        sys.exit(1)
    here, network = Path.cwd() == PROJECT, run.files["keras"].resolve()  # `common` is in the project's directory
    path = str(network.relative_to(PROJECT) if network.is_relative_to(PROJECT) else network)
    ask = SHELL([sys.orig_argv[0] if here else sys.executable, "-m", "common.ask", path])
    try:
        checkpoint.rebuild(run.facts)
        ask = ask if here else f"cd {SHELL([str(PROJECT)])} && {ask}"
        ask = f'!{ask} "Write your text here."' if in_session() else ask  # a notebook has no prompt
        print(f"\nAsk it about texts of your own:\n{ask}" if run.facts["words"] else "")
    except ValueError as error:
        print(f"\nIt cannot be asked about texts of your own: {error}")
    if run.options.show and not run.signals:
        show_curve(run.history, run.title)


def _stop(run: Run) -> None:
    """End the program, and say how to go on."""
    run.on_train_end()
    epochs, number = len(run.history["loss"]), run.signals[0]
    command = SHELL([*sys.orig_argv, *["--resume"] * ("--resume" not in sys.orig_argv)])
    how = f" To go on: {'run it again with --resume' if in_session() else command}" * run.is_kept
    print(f"\nStopped by {signal.Signals(number).name} after epoch {epochs} of {run.options.epochs}.{how}")
    sys.exit(128 + number)


def _set_aside(files: dict[str, Path]) -> None:
    """Rename what is there to "NAME.previous.csv", over an older one. What cannot be renamed stays, unwritten."""
    for kind, path in [*files.items()]:
        try:
            if path.exists():
                path.replace(path.with_name(f"{path.stem}.previous{path.suffix}"))
        except OSError as error:
            print(f"{path} stays as it is, since it cannot be set aside: {one_line(error)}", file=sys.stderr)
            del files[kind]


def _resume(path: Path, model: keras.Model, facts: dict[str, object], options: Namespace) -> None:
    """Take up the history and give the model its state, or end the program if the run that was kept does not fit."""
    try:
        kept = checkpoint.read(path)
        epochs = len(kept["history"]["loss"])
        reason = checkpoint.difference(kept["description"], facts["description"])
        if not reason and epochs > options.epochs:
            reason = f"{epochs} epochs are done, more than --epochs {options.epochs}"
        if not reason:
            checkpoint.restore(path, model, kept)
            facts["history"].update(kept["history"])
            facts["words"] = facts["words"] or kept["words"]  # where the list cannot be had, the old one
    except FileNotFoundError:
        others = ", ".join(sorted(other.name for other in path.parent.glob(f"{options.script}*.keras")))
        reason = f"there is no {path}" + f", only {others}" * bool(others)
    except Exception as error:  # the file may be damaged in any way
        reason = f"{path} is not what a run leaves: {one_line(error)}"
    if reason:
        print(f"{options.script}.py: cannot resume: {printable(reason)}", file=sys.stderr)
        sys.exit(2)
    print(f"Going on after epoch {epochs}." if epochs < options.epochs else f"No epoch is left: all {epochs} are done.")
