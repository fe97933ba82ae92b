"""A training that is stopped, killed or fails loses no finished epoch.

Keras's own callbacks leave a gap each: `CSVLogger` truncates the old file first, `BackupAndRestore` writes weights and
epoch number one after the other over the old ones. Here all goes into one file that is replaced as a whole, and a run
that is resumed on the same machine gives the same numbers, to the last digit, as one that nobody stopped. (Only further
callbacks that count epochs, as `EarlyStopping` does, begin to count anew.)
"""

import csv
import hashlib
import math
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from common.curve import draw_curve, save_figure, show_curve
from common.running import checkpoint
from common.running.answers import gives_probabilities
from common.running.files import clear, one_line, printable, write
from common.running.options import PROJECT
from common.running.process import in_cell, in_session, signals_to
from common.texts.corpus import Corpus

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
KINDS = {"png": "Curve", "csv": "History", "keras": "Network"}  # the files, and how the console calls them
NOT_IN_TITLES = ("InputLayer", "Embedding", "Dropout", "Dense", "Activation")  # layers that nearly every network has


class Keeper(keras.callbacks.Callback):
    """Callback that keeps each finished epoch on the disk, and with which `fit` stops in good order at a signal.

    Inside `with keeper:` a signal counts at the end of the batch, of the training or of the test; after it, until
    `finish` is done, at once (but not in a session, where a next cell may never come to `finish`). With `--resume` the
    compiled model gets the kept state, if it and the arrays are the same. `history` has the numbers of all finished
    epochs, the `initial_epoch` resumed ones included.
    """

    def __init__(
        self,
        options: Namespace,
        epochs: int,
        batch_size: int,
        corpus: Corpus,
        model: keras.Model,
        arrays: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """`options` are those of `read_options`; `arrays` are x and y of the training, x and y of the test."""
        super().__init__()
        x_train, _, x_test, _ = arrays
        if not model.built:
            model.build((None, *x_train.shape[1:]))  # as the first batch would, where a script has no `keras.Input`
        self.set_model(model)
        self.options = options
        self.epochs = epochs
        self.title = title(model, corpus)
        self.stem = options.output_dir / file_name(options.script, corpus)
        self.files = {kind: Path(f"{self.stem}.{kind}") for kind in KINDS}
        for path in self.files.values():
            clear(path)
        self.saved: dict[str, int] = {}  # the epoch that each kind's file holds
        self.saved_weights: list[np.ndarray] = []  # those in the network's file
        self.in_the_way: set[str] = set()  # kinds of which an older file could not be set aside
        self.history = {column: [] for column in COLUMNS}
        self.words, self.labels = corpus.words, corpus.labels
        self.description = {
            "seed": options.seed,
            "batch size": batch_size,
            "training texts": len(x_train),
            "test texts": len(x_test),
            "input shape": list(x_train.shape[1:]),
            "texts and labels": _digest(corpus, arrays),
            **checkpoint.describe(model),
        }
        if options.resume:
            self._resume()
        elif any(path.exists() for path in self.files.values()):
            print(f"{self.stem}.* is there already: after the first epoch it becomes {self.stem.name}.previous.*")
        self.initial_epoch = len(self.history["loss"])
        self.is_training = False
        self.signal: int | None = None  # the one that has come while it was training
        self._catching = ExitStack()

    def __enter__(self) -> "Keeper":
        self.is_training = True
        self._catching.enter_context(signals_to(self._note))
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        self.is_training = False
        has_failed = kind is not None  # or was stopped
        if has_failed or in_session():
            self._catching.close()
        if has_failed or self.signal:
            self._save_curve_so_far()
        if not has_failed and self.signal:  # it came after the last batch
            self._stop(self.signal)

    def _note(self, number: int, frame: object) -> None:
        """Take a signal; a second one ends the program there and then."""
        self._catching.close()
        with suppress(OSError):  # standard error may be closed
            os.write(2, b"\nStopping ...\n")  # not `print`, which the signal may have interrupted
        if self.is_training:
            self.signal = number  # an exception could hit the middle of anything
        else:
            self._save_curve_so_far()
            self._stop(number)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.signal:
            self._stop(self.signal)

    on_test_batch_end = on_train_batch_end

    def _stop(self, number: int) -> None:
        """End the program, and say how to go on."""
        done = len(self.history["loss"])
        can_go_on = "keras" in self.saved and not in_cell()  # a cell takes no options
        how = " The same command with --resume goes on." if can_go_on else ""
        print(f"\nStopped by {signal.Signals(number).name} after epoch {done} of {self.epochs}.{how}")
        sys.exit(128 + number)

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
        self._save_epoch()

    def _set_aside(self) -> None:
        """Rename what another run has left to "NAME.previous.csv" and so on, in place of all that is older.

        What cannot be renamed stays, and this run writes no file of that kind.
        """
        if not any(path.exists() for path in self.files.values()):
            return
        for kind, path in self.files.items():
            previous = path.with_name(f"{path.stem}.previous{path.suffix}")
            try:
                if path.exists():
                    path.replace(previous)
                else:
                    previous.unlink(missing_ok=True)
            except OSError as error:
                print(f"{path} stays as it is, since it cannot be set aside: {one_line(error)}", file=sys.stderr)
                self.in_the_way.add(kind)

    def _save(self, kind: str, save: Callable[[Path, object], bool], content: object) -> None:
        if kind not in self.in_the_way and save(self.files[kind], content):
            self.saved[kind] = len(self.history["loss"])

    def _save_epoch(self) -> None:
        """Write the network, from which a run goes on, then the numbers."""
        self._save("keras", write, self._write_network)
        self._save("csv", write, self._write_history)
        self.saved_weights = self.model.get_weights()

    def _save_curve_so_far(self) -> None:
        if self.history["loss"]:
            self._save("png", save_figure, draw_curve(self.history, self.title))

    def _write_network(self, path: Path) -> None:
        facts = {
            "description": self.description,
            "history": self.history,
            "words": self.words,
            "labels": self.labels,
        }
        checkpoint.save(path, self.model, facts)

    def _write_history(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(["epoch", *COLUMNS])
            for epoch, numbers in enumerate(zip(*self.history.values(), strict=True), start=1):
                table.writerow([epoch, *numbers])

    def finish(self, curve: Figure) -> None:
        """Save the curve, name the files, and say how to ask the network; exit status 1 if one is not written."""
        self._save("png", save_figure, curve)
        val_loss = self.history["val_loss"]
        best, last = val_loss.index(min(val_loss)) + 1, len(val_loss)
        written = [kind for kind in KINDS if self.saved.get(kind) == last]
        for kind in written:
            print(f"{KINDS[kind]:<14} {self.files[kind]}")
        kept = f"; the network kept is that of epoch {self.saved['keras']}" if "keras" in self.saved else ""
        print(f"Lowest test loss {min(val_loss):.4f}, in epoch {best}{kept}")
        for now, saved in zip(self.model.get_weights(), self.saved_weights, strict=True):
            if not np.array_equal(now, saved):
                print(f"The weights changed after epoch {last}, as by restore_best_weights: the table is theirs.")
                break
        if "keras" in written and self.words and gives_probabilities(self.model, len(self.labels)):
            path = self.files["keras"].resolve()
            path = path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
            print(f'Ask it: python -m common.ask "{path}" "a text of your own"')
        self._catching.close()
        if self.options.show:
            show_curve(self.history, self.title)
        if len(written) < len(KINDS):
            sys.exit(1)

    def _resume(self) -> None:
        """Take up the history and give the model its state, or end the program if the kept run does not fit."""
        path = self.files["keras"]
        try:
            kept = checkpoint.read(path)
            epochs = len(kept["history"]["loss"])
            reason = checkpoint.difference(kept["description"], self.description)
            if reason is None and epochs > self.epochs:
                reason = f"{epochs} epochs are done, more than --epochs {self.epochs}"
            if reason is None:
                checkpoint.restore(path, self.model, kept)
        except FileNotFoundError as error:
            reason = str(error)
        except Exception as error:  # the file may be damaged in any way
            reason = f"{path} is not what a run leaves: {one_line(error)}"
        if reason is not None:
            print(f"{self.options.script}.py: cannot resume: {printable(reason)}", file=sys.stderr)
            sys.exit(2)
        self.history = kept["history"]
        self.words = self.words or kept["words"]  # where the list cannot be had, the old one
        self.saved["keras"] = epochs
        if epochs < self.epochs:
            print(f"Going on after epoch {epochs}.")
        else:
            print(f"No epoch is left: all {epochs} are done.")
            self._save_epoch()  # what of it was lost, and words that were missing


def file_name(script: str, corpus: Corpus) -> str:
    """Return the stem of the files' names: "reuters_lstm", "reuters_lstm-sample", "reuters_lstm-reviews"."""
    if corpus.kind == "keras":
        return script
    if corpus.kind == "sample":
        return f"{script}-sample"
    stem = str(Path(corpus.name).with_suffix("")).replace("/", "-")
    name = f"{script}-{stem}_" if stem == "sample" else f"{script}-{stem}"
    return name.encode()[:200].decode(errors="ignore")  # with what stands around it, a file's name can have 255 bytes


def title(model: keras.Model, corpus: Corpus) -> str:
    """Return what is trained on what: "Conv1D, MaxPooling1D, LSTM on IMDB reviews"."""
    kinds = [type(layer).__name__ for layer in model.layers]
    named = [kind for kind in kinds if kind not in NOT_IN_TITLES] or kinds
    return f"{', '.join(named)} on {corpus.name}"


def _digest(corpus: Corpus, arrays: tuple[np.ndarray, ...]) -> str:
    """Return what is the same for the same texts and labels only."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    words = [] if corpus.kind == "keras" else corpus.words  # the real ones may be missing
    digest.update(repr([words, corpus.labels]).encode())
    return digest.hexdigest()[:16]
