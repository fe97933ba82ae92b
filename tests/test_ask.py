"""Asking a network: the answers, the pictures, and what may be wrong with the texts."""

import contextlib
import functools
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.image import imread

from common import ask
from common.arrays import pad
from common.running import checkpoint
from tests.conftest import ROOT, SCRIPTS, Finished

DULL = "The plot was dull, but the acting was superb."
POSIX = pytest.mark.skipif(os.name != "posix", reason="has other terminals and streams")
open_once = functools.cache(ask.open_network)


def ask_here(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
    """Call the program in the tests' own process, and return its exit status, standard output and standard error."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as said,
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        patch.setattr("sys.ps1", ">>> ", raising=False)  # a session: leave the tests' streams and signals alone
        patch.setattr("sys.argv", ["ask", *map(str, arguments)])
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patch.setattr(ask, "open_network", open_once)
        with pytest.raises(SystemExit) as ended:
            ask.main()
    code = ended.value.code
    if isinstance(code, str):  # what Python does with it
        return 1, said.getvalue(), f"{code}\n"
    return code, said.getvalue(), errors.getvalue()


@pytest.fixture(scope="module")
def networks(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network of each script, with such weights that the answers differ."""
    files = {}
    for script in SCRIPTS:
        left = finished.out / f"{script}-sample.keras"
        model = keras.models.load_model(left)
        model.set_weights([8 * weight for weight in model.get_weights()])
        files[script] = tmp_path_factory.mktemp("network") / f"{script}.keras"
        checkpoint.save(files[script], model, checkpoint.read(left))
    return files


@pytest.fixture
def imdb(networks: dict[str, Path]) -> Path:
    return networks["imdb_cnn_lstm"]


def keras_says(network: Path, words: list[str]) -> np.ndarray:
    """The probabilities of all labels, by Keras alone; the words may be unknown ones."""
    vocabulary = checkpoint.read(network)["words"]
    numbers = [1, *(vocabulary.index(word) if word in vocabulary else 2 for word in words)]
    found = keras.models.load_model(network, compile=False).predict(pad([numbers], 100), verbose=0)[0]
    return np.array([1 - found[0], found[0]]) if len(found) == 1 else found


@pytest.mark.parametrize(
    ("script", "text", "most"), [("imdb_cnn_lstm", DULL, 1), ("reuters_lstm", "This report is about wheat!", 3)]
)
def test_the_likeliest_labels(script: str, text: str, most: int, networks: dict[str, Path]) -> None:
    """In a line whose fields are parted by tabs; and in Python, where the path may be a string, with all others."""
    words = re.sub("[,.!]", "", text.lower()).split()
    expected = dict(zip(checkpoint.read(networks[script])["labels"], keras_says(networks[script], words), strict=True))
    best = sorted(expected, key=expected.get, reverse=True)[:most]
    first, *others = [f"{label}\t{expected[label]:.4f}" for label in best]
    line = "\t".join([first, " ".join(words), *others])
    assert ask_here(networks[script], text) == (0, f"{line}\n", "")

    (found,) = ask.answer(ask.open_network(str(networks[script])), [text])
    assert (found.label, found.probability) == found.likeliest[0]
    assert [label for label, _ in found.likeliest] == best
    assert found.probabilities == pytest.approx(expected, abs=1e-6)
    assert found.words == words


def test_unknown_words_stand_in_brackets(imdb: Path) -> None:
    _, said, _ = ask_here(imdb, "Conan\u2019s PLOT was\tdull 한글!", "a\x1b[2Jplot plot", os.fsdecode(b"plot \xe9"))
    assert [line.split("\t")[2] for line in said.splitlines()] == [
        "[conan's] plot was dull [한] [글]",
        "a [2jplot] plot",  # nothing that would move the cursor
        "plot",  # a byte that is no UTF-8 parts words, as a symbol
    ]


@pytest.mark.parametrize("length", [99, 100, 130])
def test_only_the_last_words_count(length: int, imdb: Path) -> None:
    """100 with the start: it reads 99 words with it, and the last 100 of a longer text without it."""
    words = (["superb"] * 30 + ["the", "plot", "was", "dull", "but"] * 20)[-length:]
    _, said, _ = ask_here(imdb, " ".join(words), " ".join(["moving", *words]))
    first, second = said.splitlines()
    assert first.split("\t")[2] == " ".join(words[-100:])
    assert second.split("\t")[2] == " ".join(["moving", *words][-100:])
    assert (first == second) == (length >= 100)  # then nothing of the word in front is read


def test_no_text_and_no_known_word(imdb: Path) -> None:
    assert ask_here(imdb) == (1, "", "There is no text on standard input.\n")
    unknown = "The network knows no word of '[zzz] [qqq]'\n"
    assert ask_here(imdb, "zzz qqq") == (1, "unknown\t\t[zzz] [qqq]\n", unknown)
    (found,) = ask.answer(open_once(imdb), ["plot " + "zzz " * 100])  # of what it reads
    assert found.label is None
    code, _, errors = ask_here(imdb, stdin="어제 주가가 어때?\r\n".encode("utf-16"))  # as PowerShell 5.1 writes it
    assert code == 1
    assert re.fullmatch("Standard input is not UTF-8 but UTF-16. .*OutputEncoding.*\n", errors)


def test_each_line_of_standard_input_is_answered(imdb: Path) -> None:
    """The empty ones too, in their order and each as by itself, however they are cut into batches."""
    texts = ["the acting was superb", "", "a dull \ufffd film", "zzz", " "] * 110 + ["it was a moving film"]
    content = "\ufeff" + "\r\n".join(texts).replace("\ufffd", "\udcff")  # a byte that is no UTF-8
    code, said, errors = ask_here(imdb, stdin=content.encode(errors="surrogateescape"))
    assert code == 0
    assert errors.startswith("Standard input is not UTF-8, first in line 3: what is not parts words.\n")
    assert "''" not in errors  # of an empty line there is nothing to say
    by_itself = {text: ask_here(imdb, text)[1].rstrip("\n").split("\t") for text in set(texts)}
    for text, line in zip(texts, said.splitlines(), strict=True):
        label, probability, read = line.split("\t")
        assert [label, read] == by_itself[text][::2]
        if label != "unknown":  # the last digit may hang on who else is in the batch
            assert float(probability) == pytest.approx(float(by_itself[text][1]), abs=1e-4)


def test_a_text_that_is_the_name_of_a_file(imdb: Path) -> None:
    """It is asked about all the same."""
    code, said, errors = ask_here(imdb, __file__, "the plot")
    assert (code, len(said.splitlines())) == (0, 2)
    assert "There is a file of this name" not in errors
    errors = ask_here(imdb, __file__)[2]
    assert errors.startswith(f"There is a file of this name; to ask about its lines: < {__file__}\n")


def test_asking_from_python(imdb: Path) -> None:
    """As the README shows it: label, probability and those of all labels, and the process stays as it was."""
    before = signal.getsignal(signal.SIGINT), sys.excepthook, sys.stdout, dict(os.environ)
    network = ask.open_network(str(imdb))
    known, unknown = ask.answer(network, [DULL, "zzz"])
    assert (signal.getsignal(signal.SIGINT), sys.excepthook, sys.stdout, dict(os.environ)) == before
    negative, positive = keras_says(imdb, re.sub("[,.]", "", DULL.lower()).split())
    assert known.probabilities == {"negative": pytest.approx(negative), "positive": pytest.approx(positive)}
    assert known.probability == max(known.probabilities.values()) == known.probabilities[known.label]
    assert unknown.label is None
    assert ask.answer(network, DULL) == [known]
    assert ask.answer(network, []) == []


def test_what_is_no_network(imdb: Path) -> None:
    """Where one is missing, those that are there are named."""
    missing = f"Cannot ask: there is no {imdb.parent}/결과\\u3000일.keras, only {imdb.name}\n"
    assert ask_here(imdb.with_name("결과\u3000일.keras"), "dull") == (1, "", missing)
    assert ask_here(imdb.parent, "dull") == (1, "", f"Cannot ask {imdb.parent}: Is a directory\n")


@pytest.mark.slow
def test_mistakes_are_answered_before_keras_is_imported() -> None:
    program = """
import sys
from common import ask
codes = []
for arguments in (["--help"], ["x.keras", "--output", "x.jpg"], ["README.md", "dull"]):
    sys.argv[1:] = arguments
    try:
        ask.main()
    except SystemExit as ended:
        codes.append(ended.code)
print(codes, {"keras", "tensorflow", "matplotlib"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("[0, 2, 'Cannot ask README.md: it is no Keras file'] set()\n")
    assert "argument --output: must end in .png, not 'x.jpg'" in done.stderr


def test_the_last_line_of_a_run_asks_its_network(finished: Finished) -> None:
    last = finished.console["reuters_lstm"].stdout.splitlines()[-1]
    python, module, name, *arguments = shlex.split(last.removeprefix("Ask it: "))
    assert (python, module, name) == ("python", "-m", "common.ask")
    code, said, errors = ask_here(*arguments)
    assert (code, errors) == (0, "")
    assert said.split("\t")[2] == "a text of [your] [own]"


def test_the_picture(imdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """8 texts at most, and none without an answer. Nothing in labels and words is LaTeX's code: it is not installed."""
    network, output = tmp_path / "it.keras", tmp_path / "new" / "it.png"
    facts = checkpoint.read(imdb) | {"labels": ["$\\bad$", "$\\worse{$"]}
    checkpoint.save(network, keras.models.load_model(imdb), facts)
    monkeypatch.setenv("PATH", "")
    with rc_context({"text.usetex": True}):  # as a matplotlibrc may ask for
        code, said, _ = ask_here(network, "plot_ 100 % $", "zzz", *["a film"] * 9, "--output", output)
    assert (code, len(said.splitlines())) == (0, 11)
    assert imread(output).shape[:2] == (8 * 540, 1800)
    assert ask_here(imdb, "zzz", DULL, "--output", output)[0] == 0
    assert imread(output).shape[:2] == (540, 1800)
    output.unlink()
    output.mkdir()
    code, said, errors = ask_here(imdb, DULL, "--output", output)
    assert (code, len(said.splitlines())) == (1, 1)
    assert re.fullmatch(r"Could not write .+\n", errors)


@pytest.mark.parametrize(("script", "length"), [("reuters_lstm", 12), ("imdb_cnn_lstm", 1), ("imdb_cnn_lstm", 130)])
def test_the_picture_shows_each_beginning(script: str, length: int, networks: dict[str, Path]) -> None:
    """Over a word stands the answer to what was read up to there."""
    network = open_once(networks[script])
    words = (["this", "report", "is", "about", "z" * 30] * 30)[:length]
    (found,) = ask.answer(network, [" ".join(words)])
    (axes,) = ask.draw_answers(network, [found]).axes
    shown = min(length, 100)
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == [f"[{'z' * 18}\u2026" if "z" in word else word for word in found.words]
    assert axes.get_title().startswith(f"Answer: {found.label} {found.probability:.4f}")
    places = [0, shown // 2, shown - 1]
    expected = np.array([keras_says(networks[script], words[: length - shown + place + 1]) for place in places])
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    if len(network.labels) == 2:
        curve, middle = lines.values()
        np.testing.assert_allclose(np.take(curve, places), expected[:, 1], atol=1e-4)
        assert axes.get_ylabel() == "Probability of positive"
        assert set(middle) == {0.5}
        return
    assert len(lines) == len(network.labels)
    leaders = {network.labels[label] for label in expected.argmax(axis=1)}
    named = {text.get_text() for text in axes.get_legend().get_texts()}
    assert leaders <= named < set(network.labels)
    for name in named:
        np.testing.assert_allclose(
            np.take(lines[name], places), expected[:, network.labels.index(name)], atol=1e-4, err_msg=name
        )
    highest = np.max([*lines.values()], axis=0)  # at each word
    for line in axes.get_lines():
        label = line.get_label()
        assert (line.get_color() == "lightgrey") == (label not in named)
        assert (label in named) == (np.any(line.get_ydata() == highest) or label in dict(found.likeliest))


def test_labels_that_begin_with_a_line_are_in_the_legend(networks: dict[str, Path]) -> None:
    """As fastText's: Matplotlib leaves such names out."""
    network = open_once(networks["reuters_lstm"])
    network = network._replace(labels=[f"__label__{label}" for label in network.labels])
    (axes,) = ask.draw_answers(network, ask.answer(network, ["this report is about wheat"])).axes
    names = {text.get_text().strip() for text in axes.get_legend().get_texts()}
    assert names
    assert names <= set(network.labels)


@pytest.mark.slow
@POSIX
def test_the_prompt(imdb: Path) -> None:
    """It answers line by line, until Ctrl-C ends it without a word."""
    import pty

    terminal, device = pty.openpty()
    command = [sys.executable, "-m", "common.ask", imdb]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, stdin=device, **pipes) as program:
        late = threading.Timer(60, program.kill)
        late.start()
        for text in ("The plot!", "The music.", "\udcff The plot!"):  # a byte that is no UTF-8
            os.write(terminal, f"{text}\n".encode(errors="surrogateescape"))
            assert program.stdout.readline().decode().endswith(f"\t{text[:-1].lower().lstrip(chr(0xDCFF) + ' ')}\n")
        late.cancel()
        program.send_signal(signal.SIGINT)
    assert program.returncode == -signal.SIGINT


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize(
    ("closed", "code", "said"),
    [("dull <&-", 0, ""), ("<&-", 1, "There is no text on standard input.\n"), ("dull | true", 0, "")],  # `true`'s
)
def test_streams_that_are_closed(
    closed: str, code: int, said: str, imdb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # without it, Python writes to a broken pipe at its end again
    begun = f"{sys.executable} -m common.ask {imdb} {closed}"
    done = subprocess.run(begun, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, said)
