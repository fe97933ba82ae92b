"""What the article's programs do not do: a command line, and a training that loses nothing when it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.running.options import read_options
from common.running.process import set_up_process

if TYPE_CHECKING:  # nothing that takes time is imported before the command line is read
    import keras
    import numpy as np
    from matplotlib.figure import Figure

    from common.texts.corpus import Corpus


class Run:
    """One run of a script: it reads the command line, trains with `fit`, and saves with `finish`.

    At first, read `run.fit` as `model.fit`. `data`, `epochs`, `batch_size` and `seed` are what the command line says;
    `title`, there after `fit`, says what was trained on what.
    """

    def __init__(self, script: str, description: str, epochs: int, batch_size: int) -> None:
        """Read the command line, before anything is imported that takes time; then import Keras, and set the seed.

        The seed determines the first weights, the dropout and the order of the batches. `script` is how the files are
        called where no file runs, as in a notebook; `epochs` and `batch_size` are defaults.
        """
        self._keeper = None
        self._options = read_options(script, description, epochs, batch_size)
        self.data = self._options.data
        self.epochs = self._options.epochs
        self.batch_size = self._options.batch_size
        self.seed = self._options.seed
        print(f"Runs on: {set_up_process()}")
        import keras

        keras.utils.set_random_seed(self.seed)

    def fit(
        self,
        model: keras.Model,
        x_train: np.ndarray,
        y_train: np.ndarray,
        *,
        epochs: int,
        batch_size: int,
        validation_data: tuple[np.ndarray, np.ndarray],
        corpus: Corpus,
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback = (),
    ) -> dict[str, list[float]]:
        """Do what `model.fit` does, and return its history: "loss", "accuracy", "val_loss", "val_accuracy".

        Each epoch has another order of the texts, which the seed determines (see `batches`), and an LSTM is as quick as
        the processor allows (see `quicken`). Each finished epoch is kept on the disk, and a signal stops the training
        in good order (see `Keeper`). With `--resume` it goes on where a run was stopped, and the history begins with
        that run's epochs.
        """
        if self._keeper is not None:
            sys.exit("run.fit has trained already: begin again with `run = Run(...)`, also for another training.")
        from common.arrays import batches
        from common.running.answers import report
        from common.running.keeper import Keeper
        from common.running.kernel import quicken

        quicken(model)
        x_test, y_test = validation_data
        test_batches = batches(x_test, y_test)
        keeper = Keeper(self._options, epochs, batch_size, corpus, model, (x_train, y_train, x_test, y_test))
        with keeper:
            model.fit(
                batches(x_train, y_train, batch_size, self.seed, skip=keeper.initial_epoch),
                epochs=epochs,
                initial_epoch=keeper.initial_epoch,
                validation_data=test_batches,
                callbacks=[callbacks, keeper],  # the last one: it keeps what the others make of an epoch
                shuffle=False,  # `batches` has done it
                verbose=self._options.verbose,
            )
        self.title = keeper.title
        self._keeper = keeper
        self._report = lambda: report(model.predict(test_batches, verbose=0), y_train, y_test, corpus.labels)
        return keeper.history

    def finish(self, curve: Figure) -> None:
        """Print how good the answers are, label by label, save the curve, and say what is where.

        Exit status 1 if one of the run's three files could not be written.
        """
        print(self._report())
        self._keeper.finish(curve)
