"""A run from its command line to its last line, in the tests' own process, on a network that trains in no time."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from keras.callbacks import EarlyStopping, LambdaCallback
from matplotlib.image import imread

from common import ask
from common.curve import draw_curve
from common.run import Run
from common.running import checkpoint
from common.running.keeper import title
from common.running.process import SIGNALS
from common.texts.corpus import Corpus
from tests.conftest import contents
from tests.tiny import build

WORDS = ["[padding]", "[start]", "[?]", "[unused]", "good", "bad"]
CORPUS = Corpus("news", "keras", WORDS, ["negative", "positive"])
TRAINING = np.array([[0, 0, 0, 1, 4, 4], [0, 0, 1, 5, 5, 5]] * 2, "int32"), np.array([1, 0] * 2)
TEST = np.resize(TRAINING[0], (300, 6)), np.resize(TRAINING[1], 300)  # two batches
ANY_LENGTH = [keras.Input((None,), dtype="int32")]
ASK_IT = 'Ask it: python -m common.ask "plots/a.keras" "a text of your own"\n'
Begin = Callable[..., Run]
Console = pytest.CaptureFixture[str]


@pytest.fixture
def plots(tmp_path: Path) -> Path:
    return tmp_path / "plots"


@pytest.fixture
def begin(plots: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begin a run of a.py, whose files go to `plots`; it leaves the tests' streams alone."""
    monkeypatch.setattr("common.running.process.set_up_console", lambda: None)
    monkeypatch.setattr("common.running.keeper.PROJECT", plots.parent)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")  # which the run sets, so that it is put back
    before = handlers()
    signal.signal(signal.SIGTERM, end)

    def begin(*options: str) -> Run:
        keras.utils.clear_session(free_memory=False)  # as in a process of its own: layers count on, "dense_1"
        monkeypatch.setattr("sys.argv", ["a.py", "--output-dir", str(plots), *options])
        return Run("given", "A run.", epochs=2, batch_size=2)

    yield begin
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


def network(*middle: keras.Layer, metric: str = "accuracy", first: Sequence = ANY_LENGTH) -> keras.Model:
    """A network that reads six words, with other layers in the middle if asked."""
    middle = middle or (layers.Dropout(0.5), layers.GlobalAveragePooling1D())
    model = keras.Sequential([*first, layers.Embedding(9, 3), *middle])
    model.add(layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=[metric], run_eagerly=True)
    return model


def train(run: Run, *callbacks: keras.callbacks.Callback, model: keras.Model | None = None, corpus: Corpus = CORPUS):
    """Train as the scripts do, and return the history."""
    options = {"epochs": run.epochs, "batch_size": run.batch_size, "validation_data": TEST, "corpus": corpus}
    return run.fit(model or network(), *TRAINING, callbacks=callbacks, **options)


def finish(run: Run, history: dict[str, list[float]]) -> int:
    """Finish it as the scripts do, and return the exit status."""
    try:
        run.finish(draw_curve(history, run.title))
    except SystemExit as end:
        return end.code
    return 0


def in_epoch_2(act: Callable[[], object]) -> LambdaCallback:
    """A callback that does something when the second epoch begins."""
    return LambdaCallback(on_epoch_begin=lambda epoch, logs: act() if epoch == 1 else None)


def kept(plots: Path) -> dict[str, list[float]]:
    """The history in the network's file, which is that of the CSV."""
    history = checkpoint.read(plots / "a.keras")["history"]
    table = np.loadtxt(plots / "a.csv", delimiter=",", skiprows=1, ndmin=2)
    np.testing.assert_array_equal(table[:, 1:], np.transpose(list(history.values())))
    return history


def handlers() -> list:
    """What the signals do."""
    return [signal.getsignal(number) for number in SIGNALS]


def terminate(*arguments: object) -> None:
    signal.raise_signal(signal.SIGTERM)


class Ended(Exception):
    """What SIGTERM does where no run takes it."""


def end(number: int, frame: object) -> None:
    raise Ended


def test_a_run_trains_once_and_takes_one_callback_or_several(begin: Begin, plots: Path) -> None:
    """A second training would take the first one's files for another run's."""
    heard = []
    run = begin("--epochs", "1")
    options = {"epochs": 1, "batch_size": 2, "validation_data": TEST, "corpus": CORPUS}
    run.fit(network(), *TRAINING, callbacks=LambdaCallback(on_train_end=heard.append), **options)
    assert len(heard) == 1
    with pytest.raises(SystemExit, match="trained already: begin again with `run = Run"):
        train(run)
    assert not list(plots.glob("*.previous.*"))


def test_early_stopping_that_restores_the_best_weights(begin: Begin, plots: Path, capsys: Console) -> None:
    """The file holds the last epoch as it was, and a run that goes on from it is the one that nobody stopped."""
    run = begin("--epochs", "3")
    finish(run, train(run))
    assert "weights changed" not in capsys.readouterr().out
    whole = contents(plots, "a")

    run = begin("--epochs", "3")
    stopping = EarlyStopping("val_loss", mode="max", patience=1, restore_best_weights=True)  # the best is the first
    assert finish(run, train(run, stopping)) == 0
    said = capsys.readouterr().out
    assert "; the network kept is that of epoch 2\n" in said
    assert "\nThe weights changed after epoch 2, as by restore_best_weights: the table is theirs.\n" in said
    assert len(kept(plots)["loss"]) == 2

    run = begin("--epochs", "3", "--resume")
    finish(run, train(run))
    assert contents(plots, "a") == whole


def test_a_run_sets_aside_what_it_finds(begin: Begin, plots: Path, capsys: Console) -> None:
    """One generation, of one run: where somebody has deleted a picture, that of an older run goes too."""
    for seed in ("1", "2", "3"):
        if seed == "3":
            (plots / "a.png").unlink()
        found = {path.suffix: path.read_bytes() for path in plots.glob("a.*") if "previous" not in path.name}
        run = begin("--seed", seed, "--epochs", "1")
        assert finish(run, train(run)) == 0
        said = f"{plots}/a.* is there already: after the first epoch it becomes a.previous.*\n"
        assert (said in capsys.readouterr().out) == (seed != "1")
        assert {path.suffix: path.read_bytes() for path in plots.glob("a.previous.*")} == found


def test_a_network_that_cannot_be_set_aside(begin: Begin, plots: Path, capfd: Console) -> None:
    """It stays, the other files are written, and nobody is told to go on from it or to ask it."""
    (plots / "a.previous.keras").mkdir(parents=True)
    for name in ("a.csv", "a.keras", "a.png"):
        (plots / name).write_text("the old one")
    run = begin("--epochs", "1")
    history = train(run)
    said = f"{plots}/a.keras stays as it is, since it cannot be set aside: Is a directory\n"
    assert capfd.readouterr().err == said
    with pytest.raises(SystemExit, match="143"):
        terminate()
    assert capfd.readouterr().out == "\nStopped by SIGTERM after epoch 1 of 1.\n"
    assert finish(run, history) == 1
    files = f"\nCurve          {plots}/a.png\nHistory        {plots}/a.csv\n"
    assert capfd.readouterr().out.endswith(f"{files}Lowest test loss {history['val_loss'][0]:.4f}, in epoch 1\n")
    for name in ("a.keras", "a.previous.csv", "a.previous.png"):
        assert (plots / name).read_text() == "the old one"
    imread(plots / "a.png")


def test_a_network_that_cannot_be_written(
    begin: Begin, plots: Path, capfd: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a board whose clock stands before 1980, which a zip file cannot hold."""
    run = begin()
    history = train(run, in_epoch_2(lambda: monkeypatch.setattr(time, "time", lambda: 60.0)))
    said = f"Could not write {plots}/a.keras: ZIP does not support timestamps before 1980\n"
    assert capfd.readouterr().err == said
    assert finish(run, history) == 1
    files = f"\nCurve          {plots}/a.png\nHistory        {plots}/a.csv\n"
    lowest = f"Lowest test loss {min(history['val_loss']):.4f}, in epoch 2; the network kept is that of epoch 1\n"
    assert capfd.readouterr().out.endswith(files + lowest)
    assert checkpoint.read(plots / "a.keras")["history"]["loss"] == history["loss"][:1]


def spoil(model: keras.Model) -> None:
    model.set_weights([weight * np.nan for weight in model.get_weights()])


def fail(model: keras.Model) -> None:
    raise RuntimeError("this is the second epoch")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (spoil, SystemExit, r"Stopped: the loss is not a finite number in epoch 2\."),
        (fail, RuntimeError, "this is the second epoch"),
    ],
)
def test_an_epoch_that_fails(begin: Begin, plots: Path, harm: Callable, error: type, message: str) -> None:
    """The epochs before it and their curve are there, and the signals do what they did before."""
    before = handlers()
    model = network()
    with pytest.raises(error, match=f"^{message}$"):
        train(begin(), in_epoch_2(lambda: harm(model)), model=model)
    assert handlers() == before
    assert len(kept(plots)["loss"]) == 1
    imread(plots / "a.png")


def test_another_metric(begin: Begin, plots: Path) -> None:
    """One line says what is missing, an older run's files stay, and the signals do what they did before."""
    before = handlers()
    run = begin()
    older = plots / "a.csv"
    older.write_text("the old one")
    with pytest.raises(SystemExit) as end:
        train(run, model=network(metric="mae"))
    assert end.value.code == 'Stopped: fit gives no "accuracy", which needs metrics=["accuracy"] and validation_data.'
    assert list(plots.iterdir()) == [older]
    assert handlers() == before


@pytest.mark.parametrize(
    ("moment", "time_in_it", "epoch"),
    [
        ("on_train_batch_begin", 3, 1),  # there are two batches in an epoch
        ("on_test_batch_begin", 3, 1),  # and in its validation, which may take a minute
        ("on_train_end", 1, 2),
        ("evaluation", 1, 2),
        ("drawing", 1, 2),
    ],
)
def test_a_signal(moment: str, time_in_it: int, epoch: int, begin: Begin, plots: Path, capfd: Console) -> None:
    """It stops the run, in `fit` at the end of the batch, with the finished epochs and their curve."""
    before = handlers()
    times = []

    def send(*arguments: object, **logs: object) -> None:
        times.append(moment)
        if len(times) == time_in_it:
            terminate()

    def go_through() -> None:
        run = begin()
        history = train(run, LambdaCallback(**{moment: send}))
        if moment == "evaluation":
            send()
        curve = draw_curve(history, run.title)
        curve.savefig = send
        run.finish(curve)

    with pytest.raises(SystemExit, match="143"):
        go_through()
    assert len(times) == time_in_it
    said = capfd.readouterr()
    line = f"\nStopped by SIGTERM after epoch {epoch} of 2. The same command with --resume goes on.\n"
    assert said.out.endswith(line)
    assert said.err == "\nStopping ...\n"
    assert len(kept(plots)["loss"]) == epoch
    imread(plots / "a.png")
    assert handlers() == before


def test_a_second_signal_does_what_it_did_before(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the program there and then, in a batch or while the curve of the stopped run is drawn."""

    def send_twice(logs: dict) -> None:
        terminate()
        terminate()

    with pytest.raises(Ended):
        train(begin(), LambdaCallback(on_train_begin=send_twice))
    train(begin("--epochs", "1"))
    monkeypatch.setattr("common.running.keeper.draw_curve", terminate)
    with pytest.raises(Ended):
        terminate()


def test_a_signal_that_is_ignored(begin: Begin, plots: Path) -> None:
    """As SIGHUP is under `nohup`, and SIGINT in the background of a shell script: it stays so."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    history = train(begin(), LambdaCallback(on_train_begin=terminate))
    assert kept(plots) == history


def test_signals_count_until_a_script_has_finished(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """They close the curve's window as any other."""
    shown = []
    monkeypatch.setattr("common.running.keeper.show_curve", lambda *arguments: shown.append(handlers()))
    before = handlers()
    run = begin("--epochs", "1", "--show")
    history = train(run)
    assert handlers() != before
    finish(run, history)
    assert shown == [before]


def test_in_a_session(begin: Begin, plots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next cell may never come to `finish`: it has its signals back after `fit`. And the name given counts."""
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "a.py", raising=False)  # as `%run a.py` does
    before = handlers()
    train(begin("--epochs", "1"))
    assert handlers() == before
    assert {path.name for path in plots.iterdir()} == {"given.csv", "given.keras"}


def test_a_run_in_a_thread(begin: Begin, plots: Path) -> None:
    """Python lets only the main thread catch signals."""
    with ThreadPoolExecutor() as pool:
        history = pool.submit(train, begin("--epochs", "1")).result()
    assert kept(plots) == history


def test_words_that_were_missing_come_with_resume(begin: Begin, plots: Path, capsys: Console) -> None:
    """And those that are there stay where their list cannot be had; without words the network cannot be asked."""
    for options, words, then in (((), [], []), (("--resume",), WORDS, WORDS), (("--resume",), [], WORDS)):
        run = begin("--epochs", "1", *options)
        assert finish(run, train(run, corpus=CORPUS._replace(words=words))) == 0
        assert checkpoint.read(plots / "a.keras")["words"] == then
        assert (ASK_IT in capsys.readouterr().out) == bool(then)


def test_an_edited_network_trains_is_resumed_and_can_be_asked(begin: Begin, plots: Path) -> None:
    """Of whatever layers of Keras, and without an input, as in the article."""

    def model() -> keras.Model:
        return network(layers.LayerNormalization(), layers.Bidirectional(layers.SimpleRNN(2, "gelu")), first=())

    train(begin("--epochs", "1"), model=model())
    run = begin("--resume")
    trained = model()
    train(run, model=trained)
    assert run.title == "LayerNormalization, Bidirectional on news"
    (found,) = ask.answer(ask.open_network(plots / "a.keras"), ["good"])
    positive = float(trained.predict_on_batch(np.array([[0, 0, 0, 0, 1, 4]]))[0, 0])
    assert found.probabilities == {"negative": pytest.approx(1 - positive), "positive": pytest.approx(positive)}


def test_the_title_names_the_layers() -> None:
    assert title(build("reuters_lstm"), CORPUS) == "LSTM on news"
    assert title(build("imdb_cnn_lstm"), CORPUS) == "Conv1D, MaxPooling1D, LSTM on news"
