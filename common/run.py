"""What surrounds the training in both scripts: a run that is stopped, killed or fails loses nothing."""

import csv
import json
import math
import shlex
import signal
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import keras
from matplotlib.figure import Figure

from common.curve import draw_curve, show_curve
from common.files import replacing

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
STATE = "run.json"  # added to the saved model: the epochs so far and the settings they were trained with


class Run(keras.callbacks.Callback):
    """Callback that keeps each finished epoch on the disk and ends the training in good order.

    Keras's own callbacks leave a gap each. `CSVLogger` truncates the old file first and counts epochs from 0;
    `BackupAndRestore` writes the weights and the epoch number one after the other over the old ones, so that a
    process killed in between resumes with weights and a number that do not belong together, and knows nothing of
    the history. Here the model, its optimizer and the history go into one file that is replaced as a whole.

    Args:
        options: the command line, from `read_options`.
        name: stem of the files' names, "reuters_lstm-sample".
        title: the curve's title.

    Attributes:
        history: for each of `COLUMNS` the numbers of the finished epochs, the resumed ones included.
        epochs_done: how many epochs are finished.
    """

    def __init__(self, options: Namespace, name: str, title: str) -> None:
        super().__init__()
        self.options, self.title = options, title
        self.curve_path = options.output_dir / f"{name}.png"
        self.history_path = options.output_dir / f"{name}.csv"
        self.resume_path = options.output_dir / f"{name}.resume.keras"
        self.settings = {"seed": options.seed, "batch size": options.batch_size}
        self.history: dict[str, list[float]] = {column: [] for column in COLUMNS}
        self.failed = False
        self.signal: int | None = None
        if options.resume:
            self._read_state()
        elif self.resume_path.exists():
            print(f"An interrupted run is at {self.resume_path}; this one starts anew (--resume would go on with it).")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note_signal)

    @property
    def epochs_done(self) -> int:
        return len(self.history["loss"])

    def _note_signal(self, number: int, frame: object) -> None:
        self.signal = number  # acted upon after the batch: an exception here could hit the middle of a write

    def _read_state(self) -> None:
        """Take over the interrupted run's history, or end the program if it does not fit."""
        try:
            with zipfile.ZipFile(self.resume_path) as archive:
                state = json.loads(archive.read(STATE))
        except FileNotFoundError:
            _refuse(f"nothing to resume: there is no {self.resume_path}")
        except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
            _refuse(f"cannot resume from {self.resume_path}: {error}")
        for setting, value in self.settings.items():
            if state["settings"].get(setting) != value:
                before = state["settings"].get(setting)
                _refuse(f"cannot resume: the interrupted run had {setting} {before}, this one has {value}")
        self.history = state["history"]
        if self.epochs_done > self.options.epochs:
            _refuse(f"cannot resume: {self.epochs_done} epochs are done, more than --epochs {self.options.epochs}")
        print(f"Going on after epoch {self.epochs_done} of the interrupted run.")

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Give the model the weights, and the optimizer the state, of the last finished epoch."""
        if self.epochs_done:
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.load_weights(self.resume_path)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop here if there was a signal."""
        if self.signal:
            self._stop()

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop here too."""
        self.on_train_batch_end(batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch: first what resuming needs, then the row in the CSV."""
        for column in COLUMNS:
            self.history[column].append(float(logs[column]))
        finite = all(math.isfinite(logs[column]) for column in COLUMNS)
        if finite:
            self._write(self.resume_path, self._save_state)
        self._write(self.history_path, self._save_history)
        if not finite:
            self._save_curve(f"stopped: the loss is not finite in epoch {self.epochs_done}")
            print(f"Stopped: the loss is not a finite number in epoch {self.epochs_done}.", file=sys.stderr)
            sys.exit(1)

    def _stop(self) -> NoReturn:
        """Save the curve of the finished epochs, say how to go on, and end the program."""
        if self.epochs_done:
            self._save_curve(f"stopped after epoch {self.epochs_done} of {self.options.epochs}")
        arguments = [argument for argument in sys.argv if argument != "--resume"]
        again = shlex.join(["python", *arguments, *(["--resume"] if self.epochs_done else [])])
        print(
            f"\nStopped by {signal.Signals(self.signal).name} after epoch {self.epochs_done} of {self.options.epochs}. "
            f"To {'go on' if self.epochs_done else 'start anew'}: {again}"
        )
        sys.exit(128 + self.signal)

    def finish(self, curve: Figure, test_loss: float, test_accuracy: float) -> None:
        """Save the curve, the history and, with `--save-model`, the model, and print the result.

        What cannot be written is named, and the program then ends with exit status 1.
        """
        files = {"Curve": (self.curve_path, curve.savefig), "History": (self.history_path, self._save_history)}
        if self.options.save_model:
            files["Model"] = (self.options.save_model, self.model.save)
        written = {label: path for label, (path, write) in files.items() if self._write(path, write)}
        self.resume_path.unlink(missing_ok=True)

        print(f"\nTest loss      {test_loss:.4f}\nTest accuracy  {test_accuracy:.4f}")
        for label, path in written.items():
            print(f"{label:<14} {path}")
        if self.failed:
            sys.exit(1)
        if self.options.show:
            show_curve(self.history, self.title)

    def _write(self, path: Path, write: Callable[[Path], object]) -> bool:
        """Write the file, or say that it could not be written and remember it."""
        try:
            with replacing(path) as part:
                write(part)
        except OSError as error:
            print(f"Could not write {path}: {error.strerror or error}", file=sys.stderr)
            self.failed = True
            return False
        return True

    def _save_history(self, path: Path) -> None:
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("epoch", *COLUMNS))
            writer.writerows(zip(range(1, self.epochs_done + 1), *self.history.values(), strict=True))

    def _save_state(self, path: Path) -> None:
        self.model.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(STATE, json.dumps({"settings": self.settings, "history": self.history}))

    def _save_curve(self, remark: str) -> None:
        self._write(self.curve_path, draw_curve(self.history, f"{self.title}\n{remark}").savefig)


def _refuse(message: str) -> NoReturn:
    """End the program as for any other wrong use of the command line."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(2)
