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
from argparse import Namespace
from contextlib import ExitStack, suppress
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from common import checkpoint, process, variants
from common.corpus import Corpus
from common.curve import draw_curve, save_figure, show_curve
from common.files import one_line, write
from common.options import PROJECT
from common.words import FIRST_WORD, printable

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
KINDS = {"keras": "Network", "csv": "History", "png": "Curve"}  # the files, and how the console calls them


class Run(keras.callbacks.Callback):
    """Callback that keeps each finished epoch on the disk, and with which `fit` stops in good order at a signal.

    `with run:` around `fit` catches the signals, and draws the curve of the finished epochs if `fit` is stopped or
    fails. With `--resume` the compiled model gets the kept state, if it and the arrays are the same. `history` has the
    numbers of all finished epochs, the `initial_epoch` resumed ones included.
    """

    def __init__(
        self,
        options: Namespace,
        corpus: Corpus,
        model: keras.Model,
        x_train: np.ndarray,
        y_train: np.ndarray,
        x_test: np.ndarray,
        y_test: np.ndarray,
    ) -> None:
        super().__init__()
        if not model.built:
            model.build((None, *x_train.shape[1:]))  # as the first batch would, where a script has no `keras.Input`
        self.options = options
        self.title = variants.title(options, corpus.name)
        self.stem = options.output_dir / variants.file_name(options, corpus)
        self.files = {kind: Path(f"{self.stem}.{kind}") for kind in KINDS}
        self.words, self.labels = corpus.words, corpus.labels
        self.first_test_text = x_test[0]
        self.history = {column: [] for column in COLUMNS}
        self.description = {
            "seed": options.seed,
            "batch size": options.batch_size,
            "training texts": len(x_train),
            "test texts": len(x_test),
            "input shape": list(x_train.shape[1:]),
            "texts and labels": _digest(corpus, (x_train, y_train, x_test, y_test)),
            **checkpoint.describe(model),
        }
        self.is_kept = False  # whether there is a network from which this run can go on
        if options.resume:
            self._resume(model)
        elif any(path.exists() for path in self.files.values()):
            print(f"{self.stem}.* is there already: after the first epoch it becomes {self.stem.name}.previous.*")
        self.initial_epoch = len(self.history["loss"])
        self.signal = None  # the one that has come

    def __enter__(self) -> "Run":
        self.signal = None  # a notebook's cell may run twice
        self.initial_epoch = len(self.history["loss"])
        self._catching = ExitStack()
        self._catching.enter_context(process.signals_to(self._note))  # an exception could hit the middle of anything
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        self._catching.close()
        if kind is None and self.signal is None:
            return
        if self.history["loss"] and "png" in self.files:
            save_figure(self.files["png"], draw_curve(self.history, self.title))
        if kind is None:  # the signal came after the last batch
            self._stop(self.signal)

    def _note(self, number: int, frame: object) -> None:
        self.signal = self.signal or number

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.signal:
            self._stop(self.signal)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for column in COLUMNS:
            if column not in logs:
                sys.exit(f'Stopped: fit gives no "{column}", which needs metrics=["accuracy"] and validation_data.')
            if not math.isfinite(logs[column]):
                sys.exit(f"Stopped: the loss is not a finite number in epoch {epoch + 1}.")
        if epoch == 0:
            self._set_aside()
        for column in COLUMNS:
            self.history[column].append(float(logs[column]))
        if "keras" in self._save():
            self.is_kept = True

    def _stop(self, number: int) -> None:
        """End the program, and say how to go on."""
        print(f"\nStopped by {signal.Signals(number).name} after epoch {len(self.history['loss'])} of "
              f"{self.options.epochs}.", end="")  # fmt: skip
        if self.is_kept:
            print(f" To go on: {_resume_command()}", end="")
        print()
        sys.exit(128 + number)

    def _set_aside(self) -> None:
        """Rename what another run has left to "NAME.previous.csv" and so on, in place of all that is older.

        What cannot be renamed stays, unwritten.
        """
        if not any(path.exists() for path in self.files.values()):
            return
        for kind, path in list(self.files.items()):
            previous = path.with_name(f"{path.stem}.previous{path.suffix}")
            if not path.exists():
                with suppress(OSError):  # there is none, or it is no file
                    previous.unlink()
                continue
            try:
                path.replace(previous)
            except OSError as error:
                print(f"{path} stays as it is, since it cannot be set aside: {one_line(error)}", file=sys.stderr)
                del self.files[kind]

    def _facts(self) -> dict[str, object]:
        """Return what the network's file has to hold."""
        return {
            "description": self.description,
            "history": self.history,
            "words": self.words,
            "labels": self.labels,
        }

    def _write_network(self, path: Path) -> None:
        checkpoint.save(path, self.model, self._facts())

    def _write_history(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(["epoch", *COLUMNS])
            for epoch, numbers in enumerate(zip(*self.history.values(), strict=True), start=1):
                table.writerow([epoch, *numbers])

    def _save(self) -> list[str]:
        """Write the network, from which a run goes on, then its numbers, and return which of the two are written."""
        fillers = {"keras": self._write_network, "csv": self._write_history}
        return [kind for kind, fill in fillers.items() if kind in self.files and write(self.files[kind], fill)]

    def finish(self, curve: Figure) -> None:
        """Save everything, name the files, and say how to ask the network; exit status 1 if one is not written."""
        saved = self._save()
        if "png" in self.files and save_figure(self.files["png"], curve):
            saved.append("png")
        for kind in reversed(saved):
            print(f"{KINDS[kind]:<14} {self.files[kind]}")
        val_loss = self.history["val_loss"]
        best, last = val_loss.index(min(val_loss)) + 1, len(val_loss)
        kept = f"; the network kept is that of epoch {last}" if "keras" in saved else ""
        print(f"Lowest test loss {min(val_loss):.4f}, in epoch {best}{kept}")
        if "keras" in saved and self.words:
            self._say_how_to_ask()
        if self.options.show:
            show_curve(self.history, self.title)
        if len(saved) < len(KINDS):
            sys.exit(1)

    def _say_how_to_ask(self) -> None:
        try:
            checkpoint.rebuild(self._facts())
        except ValueError as error:
            print(f"\nIt cannot be asked about texts of your own: {error}")
            return
        command = _ask_command(self.files["keras"].resolve(), self._example())
        print(f"\nAsk it about texts of your own:\n{command}")

    def _example(self) -> str:
        """Return the last words of the test's first text, as something to ask."""
        words = [self.words[number] for number in self.first_test_text if number >= FIRST_WORD]
        return " ".join(word for word in words[-8:] if word.isprintable()) or "Write your text here."

    def _resume(self, model: keras.Model) -> None:
        """Take up the history and give the model its state, or end the program if the kept run does not fit."""
        path = self.files["keras"]
        try:
            kept = checkpoint.read(path)
            epochs = len(kept["history"]["loss"])
            reason = checkpoint.difference(kept["description"], self.description)
            if reason is None and epochs > self.options.epochs:
                reason = f"{epochs} epochs are done, more than --epochs {self.options.epochs}"
            if reason is None:
                checkpoint.restore(path, model, kept)
        except FileNotFoundError as error:
            reason = str(error)
        except Exception as error:  # the file may be damaged in any way
            reason = f"{path} is not what a run leaves: {one_line(error)}"
        if reason is not None:
            print(f"{self.options.script}.py: cannot resume: {printable(reason)}", file=sys.stderr)
            sys.exit(2)
        self.history = kept["history"]
        self.words = self.words or kept["words"]  # where the list cannot be had, the old one
        self.is_kept = True
        if epochs < self.options.epochs:
            print(f"Going on after epoch {epochs}.")
        else:
            print(f"No epoch is left: all {epochs} are done.")


def _digest(corpus: Corpus, arrays: tuple[np.ndarray, ...]) -> str:
    """Return what is the same for the same texts and labels only."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    words = [] if corpus.kind == "keras" else corpus.words  # the real ones may be missing
    digest.update(repr([words, corpus.labels]).encode())
    return digest.hexdigest()[:16]


def _shell_command(arguments: list[str]) -> str:
    """Return the command as the user's shell takes it."""
    return shlex.join(arguments) if os.name == "posix" else subprocess.list2cmdline(arguments)


def _resume_command() -> str:
    if process.in_session():
        return "run it again with --resume"
    if "--resume" in sys.orig_argv:
        return _shell_command(sys.orig_argv)
    return _shell_command([*sys.orig_argv, "--resume"])


def _ask_command(network: Path, example: str) -> str:
    """Return the command that asks the network about an example, from the directory that is current."""
    path = network.relative_to(PROJECT) if network.is_relative_to(PROJECT) else network
    is_in_project = Path.cwd() == PROJECT  # where `common` is
    python = sys.orig_argv[0] if is_in_project else sys.executable
    command = _shell_command([python, "-m", "common.ask", str(path), example])
    if not is_in_project:
        command = f"cd {_shell_command([str(PROJECT)])} && {command}"
    return f"!{command}" if process.in_session() else command
