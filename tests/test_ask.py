"""Asking a network: the answers, the pictures, and what may be wrong with the texts."""

import functools
import io
import os
import re
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.image import imread

from common import ask, checkpoint
from common.arrays import pad
from tests.conftest import ROOT, SCRIPTS, Finished
from tests.tiny import build

DULL = "The plot was dull, but the acting was superb."
POSIX = pytest.mark.skipif(os.name != "posix", reason="has other pipes and terminals")
Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True, scope="module")
def opened_once() -> Iterator[None]:
    """Open each network once, in a session, whose streams and signals are left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.ps1", ">>> ", raising=False)
        patch.setattr(ask, "open_network", functools.cache(ask.open_network))
        yield


@pytest.fixture(scope="module")
def networks(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network of each script, with such weights that the answers differ."""
    directory = tmp_path_factory.mktemp("networks")
    files = {script: directory / f"{script}.keras" for script in SCRIPTS}
    for script, file in files.items():
        left = finished.out / f"{script}-sample.keras"
        model = keras.models.load_model(left)
        model.set_weights([8 * weight for weight in model.get_weights()])
        checkpoint.save(file, model, checkpoint.read(left))
    return files


@pytest.fixture
def imdb(networks: dict[str, Path]) -> Path:
    return networks["imdb_cnn_lstm"]


@pytest.fixture
def ask_it(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Call the program, and return its exit status, standard output and standard error."""

    def call(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ask", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            ask.main()
        code = ended.value.code
        if isinstance(code, str):  # what Python does with it
            print(code, file=sys.stderr)
            code = 1
        return code or 0, *capfd.readouterr()

    return call


def probabilities(network: Path, words: list[str]) -> np.ndarray:
    """What Keras by itself says about the words, those unknown too."""
    vocabulary = checkpoint.read(network)["words"]
    numbers = [1, *(vocabulary.index(word) if word in vocabulary else 2 for word in words)]
    found = keras.models.load_model(network, compile=False).predict(pad([numbers], 100), verbose=0)[0]
    return np.array([1 - found[0], found[0]]) if len(found) == 1 else found


@pytest.mark.parametrize(
    ("script", "text", "most"), [("imdb_cnn_lstm", DULL, 1), ("reuters_lstm", "This report is about wheat!", 3)]
)
def test_the_likeliest_labels(script: str, text: str, most: int, networks: dict[str, Path], ask_it: Ask) -> None:
    words = re.sub("[,.!]", "", text.lower())
    expected = probabilities(networks[script], words.split())
    labels = {"imdb_cnn_lstm": ("negative", "positive"), "reuters_lstm": keras.datasets.reuters.get_label_names()}
    verdict = ", ".join(f"{labels[script][n]} {expected[n]:.4f}" for n in np.argsort(-expected)[:most])
    assert ask_it(networks[script], text) == (0, f"{verdict}\t{words}\n", "")


def test_unknown_words_stand_in_brackets(imdb: Path, ask_it: Ask) -> None:
    _, said, _ = ask_it(imdb, "Conan\u2019s PLOT was\tdull 한글!", "a\x1b[2Jplot plot", os.fsdecode(b"plot \xe9"))
    assert [line.split("\t")[1] for line in said.splitlines()] == [
        "[conan's] plot was dull [한] [글]",
        "a [2jplot] plot",  # nothing that would move the cursor
        "plot",  # a byte that is no UTF-8 parts words, as a symbol
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


def test_no_text_and_no_known_word(imdb: Path, ask_it: Ask) -> None:
    assert ask_it(imdb, stdin=b"\n\n") == (1, "", "There is no text on standard input.\n")
    assert ask_it(imdb, "zzz")[0] == 1
    code, said, errors = ask_it(imdb, "zzz qqq", DULL, "...", "plot " + "zzz " * 100)  # of what it reads
    assert code == 0
    assert [line.split()[0] == "unknown" for line in said.splitlines()] == [True, False, True, True]
    assert said.splitlines()[0] == "unknown\t[zzz] [qqq]"
    assert errors.startswith("The network knows no word of '[zzz] [qqq]'\nThe network knows no word of ''\n")


def test_lines_of_standard_input(imdb: Path, ask_it: Ask) -> None:
    """Each as by itself and in their order, however they are cut into batches, and a long one within a letter."""
    texts = ["the " + "\xe9" * 45_000, "the acting was superb", "a dull \ufffd film", "it was a moving film"]
    lines = "\r\n \n\n".join([*texts, *texts[1:] * 200]).replace("\ufffd", "\udcff")
    code, said, errors = ask_it(imdb, stdin=b"\xef\xbb\xbf" + lines.encode(errors="surrogateescape"))
    assert (code, errors) == (0, "")
    one_by_one = [ask_it(imdb, text)[1] for text in texts]
    expected = [line.rstrip().split("\t") for line in [*one_by_one, *one_by_one[1:] * 200]]
    found = [line.split("\t") for line in said.splitlines()]
    assert [text for _, text in found] == [text for _, text in expected]
    numbers = [[float(verdict.split()[1]) for verdict, _ in answers] for answers in (found, expected)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4)  # the last digit may hang on who else is in the batch


def test_a_missing_network_names_those_that_are_there(networks: dict[str, Path], imdb: Path, ask_it: Ask) -> None:
    missing = imdb.with_name("imdb.keras")
    there = ", ".join(sorted(network.name for network in networks.values()))
    assert ask_it(missing, "dull") == (1, "", f"Cannot ask: there is no {missing}, only {there}\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_on_standard_input_is_said_in_one_line(encoding: str, imdb: Path, ask_it: Ask) -> None:
    """As PowerShell 5.1 writes it."""
    code, said, errors = ask_it(imdb, stdin="어제 주가가 어때?\r\n".encode(encoding))
    assert (code, said) == (1, "")
    assert re.fullmatch("Standard input is not UTF-8 but UTF-16. .*OutputEncoding.*\n", errors)


def test_mistakes_are_answered_before_keras_is_imported() -> None:
    program = """
import sys
from common import ask
for arguments in (["--help"], [], ["x.keras", "--out", "x.png"], ["x.keras", "--output", "x.jpg"],
                  ["결과\u3000일.keras"], ["README.md"]):
    sys.argv[1:] = arguments
    try:
        ask.main()
    except SystemExit as ended:
        print("\\nended:", ended.code, {"keras", "tensorflow", "matplotlib"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("ended: ")] == [
        "ended: 0 set()",
        *["ended: 2 set()"] * 3,
        "ended: Cannot ask: there is no 결과\\u3000일.keras set()",
        "ended: Cannot ask README.md: it is no Keras file set()",
    ]
    reasons = ("required: NETWORK.keras", "unrecognized arguments: --out", "must end in .png, not 'x.jpg'")
    errors = [line for line in done.stderr.splitlines() if ": error: " in line]
    for reason, line in zip(reasons, errors, strict=True):
        assert reason in line


@pytest.mark.parametrize(
    ("script", "variant"),
    [
        ("imdb_cnn_lstm", ["--recurrent", "simple_rnn"]),
        ("imdb_cnn_lstm", ["--recurrent", "none", "--no-conv"]),  # which masks the padding
        ("reuters_lstm", ["--recurrent", "gru"]),
    ],
)
def test_variants_can_be_asked(script: str, variant: list, networks: dict, tmp_path: Path, ask_it: Ask) -> None:
    model, facts = build(script, *variant), checkpoint.read(networks[script])
    facts["description"] = {"input shape": [100], **checkpoint.describe(model)}
    checkpoint.save(tmp_path / "it.keras", model, facts)
    expected = probabilities(tmp_path / "it.keras", ["the", "plot"]).max()
    code, said, errors = ask_it(tmp_path / "it.keras", "the plot")
    assert (code, errors) == (0, "")
    assert float(re.search(r"\d\.\d{4}", said)[0]) == pytest.approx(float(expected), abs=1e-4)


def test_the_picture(imdb: Path, tmp_path: Path, ask_it: Ask) -> None:
    output = tmp_path / "new" / "it.png"
    code, said, _ = ask_it(imdb, DULL, "zzz", *["a film"] * 9, "--output", output)
    assert (code, len(said.splitlines())) == (0, 11)
    height, width, _ = imread(output).shape
    assert (width, height) == (1800, 8 * 540)  # 8 at most, and none without a verdict
    output.unlink()
    output.mkdir()
    code, said, errors = ask_it(imdb, DULL, "--output", output)
    assert (code, len(said.splitlines())) == (1, 1)
    assert re.fullmatch(r"Could not write .+\n", errors)


@pytest.mark.parametrize(("script", "length"), [("reuters_lstm", 12), ("imdb_cnn_lstm", 1), ("imdb_cnn_lstm", 130)])
def test_the_picture_shows_each_beginning(script: str, length: int, networks: dict[str, Path]) -> None:
    network = ask.open_network(networks[script])
    words = ["this", "report", "is", "about", "z" * 30] * 30
    (found,) = ask.answer(network, [" ".join(words[:length])])
    (axes,) = ask.draw_answers(network, [found]).axes
    shown = min(length, 100)
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == [f"{word[:19]}\u2026" if "z" in word else word for word in found.words]
    assert len(names) == shown
    assert axes.get_title() == f"Answer: {found.verdict}"
    verdicts = [verdict.split() for verdict in found.verdict.split(", ")]
    curves = axes.get_lines()[: len(verdicts)]
    assert [curve.get_label() for curve in curves] == [label for label, _ in verdicts]
    middle = axes.get_lines()[len(verdicts) :]  # where one of two labels passes the other
    assert [set(line.get_ydata()) for line in middle] == ([{0.5}] if len(network.labels) == 2 else [])
    for curve, (_, number) in zip(curves, verdicts, strict=True):
        assert len(curve.get_ydata()) == shown
        assert curve.get_ydata()[-1] == pytest.approx(float(number), abs=1e-4)
    # Over a word stands the answer to what was read up to there.
    for place in {0, shown // 2, shown - 1}:
        expected = probabilities(networks[script], words[: length - shown + place + 1])
        assert curves[0].get_ydata()[place] == pytest.approx(expected[network.labels.index(verdicts[0][0])], abs=1e-4)


def test_a_picture_without_latex(imdb: Path, tmp_path: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A matplotlibrc may ask for it, but it is not installed; and in labels and words nothing is its code."""
    network, output = tmp_path / "it.keras", tmp_path / "it.png"
    facts = checkpoint.read(imdb) | {"labels": ["$\\bad$", "$\\worse{$"]}
    checkpoint.save(network, keras.models.load_model(imdb), facts)
    monkeypatch.setenv("PATH", "")
    with rc_context({"text.usetex": True}):
        code, said, errors = ask_it(network, "plot_ 100 % $", DULL, "--output", output)
    assert (code, errors, len(said.splitlines())) == (0, "", 2)
    assert imread(output).shape[:2] == (2 * 540, 1800)


@pytest.mark.parametrize("script", ["reuters_lstm", pytest.param("imdb_cnn_lstm", marks=pytest.mark.slow)])
def test_the_last_line_of_a_run_asks_its_network(script: str, finished: Finished, tmp_path: Path) -> None:
    console = finished.console[script].stdout
    example = shlex.split(console.splitlines()[-1])[-1]
    options = {"shell": True, "cwd": tmp_path, "capture_output": True, "text": True}  # in another directory
    asked = subprocess.run(console.splitlines()[-1], **options)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.endswith(f"\t{example}\n")  # all of its words are known
    assert len(example.split()) == 8


def read(stream: io.BufferedReader, end: str) -> str:
    """Read up to this end, or fail if nothing comes for a minute."""
    said = b""
    while not said.endswith(end.encode()):
        assert select.select([stream], [], [], 60)[0], said
        said += os.read(stream.fileno(), 1000)
    return said.decode()


@POSIX
def test_each_text_is_answered_when_it_comes_through_a_pipe(imdb: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-m", "common.ask", imdb], cwd=ROOT, **pipes) as program:
        for text in ("the plot", "the music"):
            program.stdin.write(f"{text}\n".encode())
            program.stdin.flush()
            assert read(program.stdout, "\n").endswith(f"\t{text}\n")
        program.stdin.close()
    assert program.returncode == 0


@pytest.mark.slow
@POSIX
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
    assert re.fullmatch("Write a text and press Enter; Ctrl-D ends it, .*\n> ", read(program.stderr, "> "))
    for text in ("The plot!", "The music."):
        os.write(terminal, f"{text}\n".encode())
        assert read(program.stdout, "\n").endswith(f"\t{text[:-1].lower()}\n")
        assert read(program.stderr, "> ") == "> "
    os.write(terminal, b"\x03")
    said, errors = program.communicate(timeout=60)
    os.close(terminal)
    assert (program.returncode, said, errors) == (-signal.SIGINT, b"", b"")


def test_a_pipe_whose_reader_has_gone(imdb: Path, ask_it: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `| true`: it ends without a word, also when Python closes the stream at its end."""
    outlet, inlet = os.pipe()
    os.close(outlet)
    with open(inlet, "w", buffering=1, encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert ask_it(imdb, stdin=b"the plot was dull\n" * 5000) == (0, "", "")


@pytest.mark.slow
@POSIX
def test_standard_input_that_is_closed(imdb: Path) -> None:
    begun = f"{sys.executable} -m common.ask {imdb} '{DULL}' <&-"
    done = subprocess.run(begun, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
