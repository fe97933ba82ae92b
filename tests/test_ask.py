"""Asking a network: the answers, the pictures, and what may be wrong with the texts."""

import functools
import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.image import imread

from common import ask, checkpoint, run
from common.arrays import pad
from common.curve import draw_curve
from common.data import Corpus
from common.variants import RECURRENT, vary
from tests.conftest import ROOT, SCRIPTS, Finished
from tests.test_checkpoint import build, keep, rewritten

DULL = "The plot was dull, but the acting was superb."
Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True, scope="module")
def opened_once() -> Iterator[None]:
    """Open each network once, and leave the tests' own streams and signals alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.options.in_session", lambda: True)
        patch.setattr(ask, "open_network", functools.cache(ask.open_network))
        yield


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained network of each script, with the sample's words, as a run leaves it."""
    directory = tmp_path_factory.mktemp("networks")
    return {script: keep(script, directory / f"{script}.keras") for script in SCRIPTS}


@pytest.fixture
def imdb(networks: dict[str, Path]) -> Path:
    return networks["imdb_cnn_lstm"]


@pytest.fixture
def ask_it(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Call the program, and return its exit status, standard output and standard error."""

    def call(*arguments: str | Path, stdin: bytes | io.TextIOWrapper = b"") -> tuple[int, str, str]:
        stream = io.TextIOWrapper(io.BytesIO(stdin), newline="\n") if isinstance(stdin, bytes) else stdin
        monkeypatch.setattr(sys, "argv", ["ask", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", stream)  # as Python opens it
        with pytest.raises(SystemExit) as ended:
            ask.main()
        code = ended.value.code
        if isinstance(code, str):  # what Python does with it
            print(code, file=sys.stderr)
            code = 1
        return code or 0, *capfd.readouterr()

    return call


def probabilities(network: Path, text: str) -> np.ndarray:
    """What Keras by itself says about the words, all known."""
    with zipfile.ZipFile(network) as archive:
        words = json.loads(archive.read("run.json"))["words"]
    numbers = [1, *(words.index(word) for word in text.split())]
    return keras.models.load_model(network).predict(pad([numbers], 100), verbose=0)[0]


def test_reviews_get_the_likelier_label(imdb: Path, ask_it: Ask) -> None:
    words = DULL.lower().replace(",", "").replace(".", "")
    positive = float(probabilities(imdb, words)[0])
    verdict = f"positive {positive:.4f}" if positive > 0.5 else f"negative {1 - positive:.4f}"
    assert ask_it(imdb, DULL) == (0, f"{verdict}\t{words}\n", "")


def test_news_get_the_three_likeliest_topics(networks: dict[str, Path], ask_it: Ask) -> None:
    network, words = networks["reuters_lstm"], "this report is about wheat"
    expected = probabilities(network, words)
    labels = keras.datasets.reuters.get_label_names()
    verdict = ", ".join(f"{labels[n]} {expected[n]:.4f}" for n in np.argsort(-expected)[:3])
    assert ask_it(network, words) == (0, f"{verdict}\t{words}\n", "")


def test_unknown_words_stand_in_brackets(imdb: Path, ask_it: Ask) -> None:
    _, said, _ = ask_it(imdb, "Conan\u2019s PLOT was\tdull \ud55c\uae00!", "a\x1b[2Jplot plot")
    assert [line.split("\t")[1] for line in said.splitlines()] == [
        "[conan's] plot was dull [\ud55c\uae00]",
        "a [2jplot] plot",  # nothing that would move the cursor
    ]


@pytest.mark.parametrize("length", [99, 100, 130])
def test_only_the_last_words_count(length: int, imdb: Path, ask_it: Ask) -> None:
    """100 with the start: it reads 99 words with it, and the last 100 of a longer text without it."""
    words = (["superb"] * 30 + ["the", "plot", "was", "dull", "but"] * 20)[-length:]
    read = words[-100:]
    lines = ask_it(imdb, " ".join(words), " ".join(["moving", *words]))[1].splitlines()
    assert lines[0].split("\t")[1] == " ".join(read)
    assert lines[1].split("\t")[1] == " ".join(["moving", *read][-100:])
    if length >= 100:  # nothing of the word in front is read
        assert lines[0] == lines[1]


def test_lines_of_standard_input_in_batches(imdb: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the plot", "the acting was superb", "", "a dull film \xff", "  ", "the music\r", "it was a moving film"]
    one_by_one = [ask_it(imdb, text)[1] for text in ("the plot", "the acting was superb", "a dull film \ufffd")]
    one_by_one += [ask_it(imdb, text)[1] for text in ("the music", "it was a moving film")]
    monkeypatch.setattr(ask, "BATCH_SIZE", 2)
    ask.open_network.cache_clear()
    batches, answer = [], ask.answer
    monkeypatch.setattr(ask, "answer", lambda network, texts: batches.append(len(texts)) or answer(network, texts))
    code, said, errors = ask_it(imdb, stdin=b"\xef\xbb\xbf" + "\n".join(texts).encode("latin-1"))
    assert (code, errors) == (0, "")
    assert batches == [1, 2, 2, 1]  # the first is the trial of the file
    assert [line.split("\t")[1] for line in said.splitlines()] == [line.split("\t")[1][:-1] for line in one_by_one]
    numbers = [[float(line.split("\t")[0].split()[1]) for line in lines] for lines in (said.splitlines(), one_by_one)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4)  # the last digit may hang on who else is in the batch


def test_bytes_that_are_not_utf_8_as_an_argument(imdb: Path, ask_it: Ask) -> None:
    assert ask_it(imdb, os.fsdecode(b"plot \xe9"))[1].endswith("\tplot\n")  # it parts words, as a symbol


@pytest.mark.parametrize(
    "text",
    [
        "The \u201cplot\u201d was dull\u2014but the acting was superb\u2026",
        "The \u00ab\u00a0plot\u00a0\u00bb was\u00a0dull \u2013 but\u2003the acting was superb\u2026\u200b",
        "The plot was dull,\rbut the acting\r\nwas superb.\r",
        "\ufeffThe \u201eplot\u201c was dull\u2028but the \uff41\uff43\uff54\uff49\uff4e\uff47\u3000was superb\uff01",
    ],
    ids=["quotes, dash, ellipsis", "other quotes, dash, spaces", "line ends", "mark, line separator, wide letters"],
)
def test_a_sentence_as_people_write_it_is_answered_as_in_ascii(text: str, imdb: Path, ask_it: Ask) -> None:
    expected = ask_it(imdb, DULL)
    assert expected[1].endswith("\tthe plot was dull but the acting was superb\n")
    assert ask_it(imdb, text) == expected
    if "\r" not in text:  # there it ends a line
        assert ask_it(imdb, stdin=f"{text}\n".encode()) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [DULL, "\uc5b4\uc81c \uc8fc\uac00\uac00 \uc5b4\ub54c?"])
def test_utf_16_on_standard_input_is_said_in_one_line(encoding: str, text: str, imdb: Path, ask_it: Ask) -> None:
    """As PowerShell 5.1 writes it."""
    code, said, errors = ask_it(imdb, stdin=f"{text}\r\n{text}\r\n".encode(encoding))
    assert (code, said) == (1, "")
    assert re.fullmatch("Standard input is not UTF-8 but UTF-16. .*OutputEncoding.*\n", errors)


def test_a_text_without_a_known_word(imdb: Path, ask_it: Ask) -> None:
    code, said, errors = ask_it(imdb, "zzz qqq", DULL, "...")
    assert code == 0
    assert [line.split("\t")[0].split()[0] for line in said.splitlines()][::2] == ["unknown", "unknown"]
    assert said.splitlines()[0] == "unknown\t[zzz] [qqq]"
    assert errors == "The network knows no word of '[zzz] [qqq]'\nThe network knows no word of ''\n"
    assert ask_it(imdb, "zzz")[0] == 1
    assert ask_it(imdb, "plot " + "zzz " * 100)[1].startswith("unknown\t[zzz] [zzz]")  # of what it reads


def test_no_text_at_all(imdb: Path, ask_it: Ask) -> None:
    assert ask_it(imdb, stdin=b"\n\n") == (1, "", "There is no text on standard input.\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required: NETWORK.keras"),
        (["{}", "--out", "x.png"], "unrecognized arguments"),
        (["{}", "--output"], "expected one argument"),
        (["{}", DULL, "--output", "x.jpg"], "must end in .png, not 'x.jpg'"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], reason: str, imdb: Path, ask_it: Ask) -> None:
    code, said, errors = ask_it(*(argument.format(imdb) for argument in arguments))
    assert (code, said) == (2, "")
    usage, line = errors.split("\npython -m common.ask: error: ")
    assert usage.startswith("usage: python -m common.ask [-h]")
    assert reason in line
    assert line.count("\n") == 1


def test_mistakes_are_answered_before_keras_is_imported() -> None:
    program = """
import sys
from common import ask
for arguments in (["--help"], ["x.keras", "--output", "x"], ["x.keras"], [ask.__file__]):
    sys.argv[1:] = arguments
    try:
        ask.main()
    except SystemExit as ended:
        print("\\nended:", ended.code, {"keras", "tensorflow", "matplotlib"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("ended: ")] == [
        "ended: 0 set()",
        "ended: 2 set()",
        "ended: Cannot ask x.keras: No such file or directory set()",
        f"ended: Cannot ask {ask.__file__}: it is no Keras file set()",
    ]
    assert (done.stderr.count("error:"), done.returncode) == (1, 0)


@pytest.mark.parametrize(
    ("script", "recurrent", "conv"),
    [
        *(("imdb_cnn_lstm", recurrent, conv) for recurrent in RECURRENT for conv in (True, False)),
        *(pytest.param("reuters_lstm", recurrent, None, marks=pytest.mark.slow) for recurrent in RECURRENT),
    ],
)
def test_every_variant_can_be_asked(script: str, recurrent: str, conv: bool, networks: dict, tmp_path: Path) -> None:
    options = Namespace(recurrent=recurrent, conv=conv, shuffle_words=False, seed=1)
    model = vary(build(script), None, None, options)[0]
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    facts = checkpoint.read(networks[script]) | {"description": checkpoint.describe(model)}
    checkpoint.save(tmp_path / "it.keras", model, facts)
    network = ask.open_network(tmp_path / "it.keras")
    assert network.length == 100
    (found,) = ask.answer(network, ["the plot was dull" if script == "imdb_cnn_lstm" else "the report is about wheat"])
    text = "the plot was dull" if script == "imdb_cnn_lstm" else "the report is about wheat"
    numbers = pad([[1, *(network.numbers[word] for word in text.split())]], 100)
    expected = np.asarray(model(numbers))[0]
    likeliest = max(expected.max(), 1 - expected[0]) if script == "imdb_cnn_lstm" else expected.max()
    assert float(found.verdict.split(", ")[0].split()[1]) == pytest.approx(float(likeliest), abs=1e-4)


def test_the_picture(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    output = tmp_path / "new" / "it.png"
    texts = [DULL, "zzz", *["a film"] * 9]
    code, said, _ = ask_it(imdb, *texts, "--output", output)
    assert code == 0
    assert len(said.splitlines()) == 11
    height, width, _ = imread(output).shape
    assert (width, height) == (1800, 8 * 540)  # 8 at most, and none without a verdict


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("length", [1, 12, 130])
def test_the_picture_shows_each_beginning(script: str, length: int, networks: dict[str, Path]) -> None:
    network = ask.open_network(networks[script])
    text = " ".join((["this", "report", "is", "about", "wheat", "zzz"] * 30)[:length])
    (found,) = ask.answer(network, [text])
    (axes,) = ask.draw_answers(network, [found]).axes
    shown = min(length, 100)
    assert [label.get_text() for label in axes.get_xticklabels()] == found.words
    assert len(found.words) == shown
    assert axes.get_title() == f"Answer: {found.verdict}"
    verdicts = [verdict.split() for verdict in found.verdict.split(", ")]
    curves = axes.get_lines()[: len(verdicts)]
    assert all(len(curve.get_ydata()) == shown for curve in curves)
    assert [curve.get_label() for curve in curves] == [label for label, _ in verdicts]
    assert [text.get_text() for text in axes.get_legend().texts] == [label for label, _ in verdicts]
    final = [curve.get_ydata()[-1] for curve in curves]
    assert final == pytest.approx([float(number) for _, number in verdicts], abs=1e-4)
    middle = axes.get_lines()[len(verdicts) :]  # where one of two labels passes the other
    assert [set(line.get_ydata()) for line in middle] == ([{0.5}] if len(network.labels) == 2 else [])
    label = network.labels.index(curves[0].get_label())
    for word in range(shown):  # over a word stands the answer to what was read up to there
        read = text.split()[: length - shown + word + 1][-100:]
        numbers = [1, *(network.numbers.get(name, 2) for name in read)][-100:]
        expected = ask._predict(network, [numbers])[0, label]
        assert curves[0].get_ydata()[word] == pytest.approx(expected, abs=1e-4)


def test_a_picture_that_cannot_be_written(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    (tmp_path / "file").touch()
    code, said, errors = ask_it(imdb, "--output", tmp_path / "file" / "it.png", DULL)
    assert code == 1
    assert said.endswith("\tthe plot was dull but the acting was superb\n")
    assert re.fullmatch(r"Could not write .+\n", errors)

    (tmp_path / "it.png").mkdir()
    code, said, errors = ask_it(imdb, DULL, "--output", tmp_path / "it.png")
    assert code == 1
    assert said.endswith("\tthe plot was dull but the acting was superb\n")
    assert re.fullmatch(r"Could not write .+\n", errors)


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot send signals")
def test_ctrl_c_while_keras_is_imported(imdb: Path) -> None:
    """It ends without a word."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "common.ask", imdb, DULL],  # says what is imported
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    lines = iter(process.stderr.readline, "")
    assert any("| common.options" in line for line in lines)  # the last of its own; then it reads the file
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=20)
    assert (process.returncode, said) == (-signal.SIGINT, "")
    assert [line for line in errors.splitlines() if not line.startswith("import time:")] == []


@pytest.mark.slow
@pytest.mark.parametrize("output", [["| true"], [">/dev/null", "<&-"], [">/dev/null", "2>&-"]], ids=" ".join)
def test_streams_that_are_closed(imdb: Path, output: list[str]) -> None:
    begun = " ".join([sys.executable, "-m common.ask", str(imdb), f"'{DULL}'", *output])
    done = subprocess.run(["bash", "-c", f"{begun}; exit ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_dollar_signs_in_labels(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    rewritten(imdb, tmp_path / "it.keras", {"labels": ["$\\bad$", "$\\worse{$"]})
    code, _, errors = ask_it(tmp_path / "it.keras", DULL, "--output", tmp_path / "it.png")
    assert (code, errors) == (0, "")


def test_a_picture_without_latex(imdb: Path, tmp_path: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A matplotlibrc may ask for it, but it is not installed."""
    monkeypatch.setenv("PATH", "")
    with rc_context({"text.usetex": True}):
        code, said, errors = ask_it(imdb, "plot_ 100 % $", DULL, "--output", tmp_path / "it.png")
    assert (code, errors) == (0, "")
    assert len(said.splitlines()) == 2
    assert imread(tmp_path / "it.png").shape[:2] == (2 * 540, 1800)


def test_a_long_word_leaves_room_for_the_curves(imdb: Path) -> None:
    network = ask.open_network(imdb)
    (axes,) = ask.draw_answers(network, ask.answer(network, ["plot " + "z" * 300])).axes
    assert [label.get_text() for label in axes.get_xticklabels()][1] == "[" + "z" * 18 + "\u2026"


@pytest.mark.parametrize("script", ["reuters_lstm", pytest.param("imdb_cnn_lstm", marks=pytest.mark.slow)])
def test_the_last_line_of_a_run_asks_its_network(script: str, finished: Finished, tmp_path: Path, ask_it: Ask) -> None:
    """As it stands there, from another directory; and a moved file gives the same answer."""
    console = finished.console[script].stdout
    (first,) = (line for line in console.splitlines() if line.startswith("In words: "))
    assert first.startswith("In words: [start] ")
    label = re.search(r"^(?:Its topic|It is): (\d+), (\S+)$", console, re.MULTILINE)
    names = keras.datasets.reuters.get_label_names() if script == "reuters_lstm" else ("negative", "positive")
    assert names[int(label[1])] == label[2]
    line = console.splitlines()[-1]
    text = first.removeprefix("In words: [start] ")
    asked = subprocess.run(line, shell=True, input=text, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert asked.returncode == 0, asked.stderr
    assert asked.stderr == ""
    assert asked.stdout.endswith(f"\t{text}\n")

    moved = tmp_path / "moved.keras"
    moved.write_bytes((finished.out / f"{script}-sample.keras").read_bytes())
    assert ask_it(moved, text) == (0, asked.stdout, "")


def test_words_that_were_missing_come_with_resume(tmp_path: Path) -> None:
    """And those that are there stay where their list cannot be had."""
    words = ["[padding]", "[start]", "[?]", "[unused]", "good"]
    options = {"script": "a", "seed": 1, "batch_size": 100, "epochs": 1, "output_dir": tmp_path, "show": False}
    options |= {"recurrent": "lstm", "conv": None, "shuffle_words": False}
    texts = np.zeros((2, 9), "int32"), np.zeros(2), np.zeros((1, 9), "int32"), np.zeros(1)

    def begin(found: list[str], resume: bool) -> run.Run:
        layers = keras.layers.Embedding(5, 2), keras.layers.LSTM(2), keras.layers.Dense(1, "sigmoid")
        model = keras.Sequential([keras.Input((9,), dtype="int32"), *layers])
        model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
        model.optimizer.build(model.trainable_variables)
        corpus = Corpus("reviews", "keras", found, ["negative", "positive"])
        begun = run.Run(Namespace(**options, resume=resume), corpus, model, *texts)
        begun.set_model(model)
        return begun

    begin([], resume=False).on_epoch_end(0, dict.fromkeys(run.COLUMNS, 0.5))
    for found, expected in (([], []), (words, words), ([], words)):
        resumed = begin(found, resume=True)
        run.finish(resumed, draw_curve(resumed.history, resumed.title))
        assert checkpoint.read(tmp_path / "a.keras")["words"] == expected


@pytest.mark.parametrize("lines", [0, 1])
def test_a_pipe_whose_reader_has_gone(lines: int, imdb: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `| true` and `| head -1`: it ends without a word, also when Python closes the stream at its end."""
    outlet, inlet = os.pipe()
    read = []

    def head() -> None:
        with open(outlet, encoding="utf-8") as stream:
            read.extend(stream.readline() for _ in range(lines))

    reader = threading.Thread(target=head)
    reader.start()
    if not lines:
        reader.join()
    with open(inlet, "w", buffering=1, encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert ask_it(imdb, stdin=b"the plot was dull\n" * 5000) == (0, "", "")
    reader.join()
    assert all(line.endswith("\tthe plot was dull\n") for line in read)
    assert len(read) == lines


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_the_prompt(imdb: Path) -> None:
    """It answers line by line, until Ctrl-C ends it without a word."""
    import pty

    terminal, device = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "common.ask", imdb],
        cwd=ROOT, stdin=device, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(device)

    def read(stream: io.BufferedReader, end: str) -> str:
        said = b""
        while not said.endswith(end.encode()):
            assert select.select([stream], [], [], 60)[0], said
            said += os.read(stream.fileno(), 1000)
        return said.decode()

    assert read(program.stderr, "> ") == "> "
    for text in ("The plot!", "The music."):
        os.write(terminal, f"{text}\n".encode())
        assert read(program.stdout, "\n").endswith(f"\t{text[:-1].lower()}\n")
        assert read(program.stderr, "> ") == "> "
    os.write(terminal, b"\x03")
    said, errors = program.communicate(timeout=60)
    os.close(terminal)
    assert (program.returncode, said, errors) == (-signal.SIGINT, b"", b"")
