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
    process killed in between resumes with weights and a number that do not belong together; and no Keras file holds
    the random state of a dropout layer, which starts again from the seed. Here the model, its optimizer, the random
    state and the history go into one file that is replaced as a whole, and a resumed run gives the same numbers, to
    the last digit, as one that nobody stopped (`python -m pytest -k stopped_run` shows it).

    Args:
        options: the command line, from `read_options`.
        script: "reuters_lstm" or "imdb_cnn_lstm"; the files' names begin with it.
        source: "keras" or "sample", as from the loader.
        corpus: what is trained on, for the curve's title.

    Attributes:
        title: the curve's title, "LSTM on Reuters news".
        history: for each of `COLUMNS` the numbers of the finished epochs, the resumed ones included.
        epochs_done: how many epochs are finished.
    """

    def __init__(self, options: Namespace, script: str, source: str, corpus: str) -> None:
        super().__init__()
        self.options, self.title = options, _title(options, corpus)
        name = _name(options, script, source)
        self.curve_path = options.output_dir / f"{name}.png"
        self.history_path = options.output_dir / f"{name}.csv"
        self.resume_path = options.output_dir / f"{name}.resume.keras"
        self.settings = {"name": name, "seed": options.seed, "batch size": options.batch_size}
        self.history: dict[str, list[float]] = {column: [] for column in COLUMNS}
        self.signal: int | None = None
        if options.resume:
            self._read_state(script)
        elif self.resume_path.exists():
            print(f"Starting anew. (A run that did not finish is in {self.resume_path}: --resume goes on with it.)")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note_signal)

    @property
    def epochs_done(self) -> int:
        return len(self.history["loss"])

    def _note_signal(self, number: int, frame: object) -> None:
        self.signal = number  # acted upon after the batch: an exception here could hit the middle of a write

    def _read_state(self, script: str) -> None:
        """Take over the interrupted run's history, or end the program if it does not fit."""
        try:
            with zipfile.ZipFile(self.resume_path) as archive:
                state = json.loads(archive.read(STATE))
            self.history, settings, self.random_state = state["history"], state["settings"], state["random state"]
        except FileNotFoundError:
            others = [path.name for path in self.resume_path.parent.glob(f"{script}*.resume.keras")]
            _refuse(f"nothing to resume: there is no {self.resume_path}" + f", only {', '.join(others)}" * bool(others))
        except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            _refuse(f"cannot resume from {self.resume_path}: {error}")
        for setting, value in self.settings.items():
            if settings.get(setting) != value:
                _refuse(
                    f"cannot resume: the interrupted run had {setting} {settings.get(setting)}, this one has {value}"
                )
        if self.epochs_done > self.options.epochs:
            _refuse(f"cannot resume: {self.epochs_done} epochs are done, more than --epochs {self.options.epochs}")
        print(f"Going on after epoch {self.epochs_done} of the interrupted run.")

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Give the model the weights, and the optimizer the state, of the last finished epoch."""
        if self.epochs_done:
            self.model.optimizer.build(self.model.trainable_variables)
            try:
                self.model.load_weights(self.resume_path)
            except ValueError:
                _refuse(f"cannot resume: the model in {self.resume_path} has other layers")
            for variable, value in zip(_random_variables(self.model), self.random_state, strict=True):
                variable.assign(value)

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
        resumable = self.epochs_done > 0 and self.resume_path.exists()
        arguments = [argument for argument in sys.argv if argument != "--resume"] + ["--resume"] * resumable
        print(
            f"\nStopped by {signal.Signals(self.signal).name} after epoch {self.epochs_done} of {self.options.epochs}. "
            f"To {'go on' if resumable else 'start anew'}: {shlex.join(['python', *arguments])}"
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
        if len(written) == len(files):
            self.resume_path.unlink(missing_ok=True)

        print(f"\nTest loss      {test_loss:.4f}\nTest accuracy  {test_accuracy:.4f}")
        for label, path in written.items():
            print(f"{label:<14} {path}")
        if len(written) < len(files):
            if self.resume_path.exists():
                print("The training itself is kept: once there is room, --resume writes the files.", file=sys.stderr)
            sys.exit(1)
        if self.options.show:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # everything is saved: Ctrl-C may close the window
            show_curve(self.history, self.title)

    def _write(self, path: Path, write: Callable[[Path], object]) -> bool:
        """Write the file, or say that it could not be written."""
        try:
            with replacing(path) as part:
                write(part)
        except OSError as error:
            print(f"Could not write {path}: {error.strerror or error}", file=sys.stderr)
            return False
        return True

    def _save_history(self, path: Path) -> None:
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("epoch", *COLUMNS))
            writer.writerows(zip(range(1, self.epochs_done + 1), *self.history.values(), strict=True))

    def _save_state(self, path: Path) -> None:
        self.model.save(path)
        state = {
            "settings": self.settings,
            "history": self.history,
            "random state": [variable.numpy().tolist() for variable in _random_variables(self.model)],
        }
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(STATE, json.dumps(state))

    def _save_curve(self, remark: str) -> None:
        self._write(self.curve_path, draw_curve(self.history, f"{self.title}\n{remark}").savefig)


def _name(options: Namespace, script: str, source: str) -> str:
    """Return the stem of the files' names: "reuters_lstm", "reuters_lstm-gru-shuffled", "reuters_lstm-sample"."""
    parts = {
        options.recurrent: options.recurrent != "lstm",
        "no_conv": options.conv is False,
        "shuffled": options.shuffle_words,
        "sample": source == "sample",
    }
    return "-".join([script, *(part for part, named in parts.items() if named)])


def _title(options: Namespace, corpus: str) -> str:
    """Return what is trained on what."""
    layer = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "Simple RNN", "none": "Averaging"}[options.recurrent]
    network = f"CNN and {layer}" if options.conv else layer
    return f"{network} on {corpus}" + ", words shuffled" * options.shuffle_words


def _random_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the variables from which the layers draw their random numbers."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def _refuse(message: str) -> NoReturn:
    """End the program as for any other wrong use of the command line."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(2)
