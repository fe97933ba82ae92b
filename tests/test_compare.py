"""Comparing runs: which belong together, the table, the figure, and files that are no runs."""

import io
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from plots.compare import draw_comparison, group_runs, label, main, read_run, table
from tests.conftest import ROOT

HEADER = "epoch,loss,accuracy,val_loss,val_accuracy\n"
TWO_SEEDS = {"seed1/lstm": ([0.9, 0.5, 0.7], [0.1, 0.6, 0.6]), "seed2/lstm": ([0.9, 0.6, 0.4], [0.1, 0.6, 0.8])}


def groups_of(runs: dict[str, tuple[list[float], list[float]]]) -> dict[str, list[dict[str, list[float]]]]:
    return group_runs(
        {
            Path(f"{name}.csv"): {"epoch": [*range(1, len(loss) + 1)], "val_loss": loss, "val_accuracy": accuracy}
            for name, (loss, accuracy) in runs.items()
        }
    )


def write_run(path: Path, losses: list[float]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(f"{epoch},0.5,0.5,{loss},0.75\n" for epoch, loss in enumerate(losses, 1)))
    return path


def compare(monkeypatch: pytest.MonkeyPatch, directory: Path, *arguments: str | Path) -> int:
    """Run the command in this process, and return its exit status."""
    monkeypatch.chdir(directory)
    monkeypatch.setattr("sys.argv", ["compare", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return end.code
    return 0


def test_a_row_for_each_run() -> None:
    rows = table(groups_of({"lstm": ([0.9, 0.5, 0.7], [0.1, 0.7, 0.6]), "gru": ([0.25], [0.75])})).splitlines()
    assert rows[0] == "| run | epochs | final test loss | final test accuracy | lowest test loss | in epoch |"
    assert rows[2:] == [
        "| lstm | 3 | 0.7000 | 0.6000 | 0.5000 | 2 |",
        "| gru | 1 | 0.2500 | 0.7500 | 0.2500 | 1 |",
    ]


def test_runs_that_differ_in_their_seed_are_one_row() -> None:
    (row,) = table(groups_of(TWO_SEEDS)).splitlines()[2:]  # standard deviation of 0.7 and 0.4: 0.3 / sqrt(2)
    assert row == "| lstm, 2 runs | 3 | 0.5500 ± 0.2121 | 0.7000 ± 0.1414 | 0.4500 ± 0.0707 | 2 to 3 |"


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["seed1/a", "seed2/a", "seed10/a"], ["a"]),
        (["a-seed1", "a-seed2"], ["a-seed*"]),
        (["a-seed1", "b"], ["a-seed1", "b"]),
        (["lstm", "lstm.previous"], ["lstm", "lstm.previous"]),
        (["run-1/a", "run-2/a", "b"], ["a", "b"]),
        (["batch50/a", "batch100/a"], ["batch50/a", "batch100/a"]),
        (["x/seed1/a", "x/seed2/a", "y/seed1/a"], ["x/seed*/a", "y/seed1/a"]),
    ],
)
def test_what_belongs_together(names: list[str], labels: list[str]) -> None:
    assert list(groups_of(dict.fromkeys(names, ([0.5], [0.5])))) == labels


def test_readable_names_where_all_runs_are_of_one_script() -> None:
    run = ([0.5], [0.5])
    names = ["reuters_lstm", "seed1/reuters_lstm-gru", "seed2/reuters_lstm-gru", "reuters_lstm-none-shuffled-sample"]
    labels = ["LSTM", "GRU", "averaged, no order, words shuffled, on the sample"]
    assert list(groups_of(dict.fromkeys(names, run))) == labels
    names = ["reuters_lstm", "reuters_lstm-gru", "imdb_cnn_lstm"]
    assert list(groups_of(dict.fromkeys(names, run))) == names
    paths = ["batch50/reuters_lstm", "batch100/reuters_lstm"]
    assert list(groups_of(dict.fromkeys(paths, run))) == paths
    figure = draw_comparison(groups_of(dict.fromkeys(["reuters_lstm", "reuters_lstm-sample"], run)))
    assert [[line.get_label() for line in axes.lines] for axes in figure.axes] == [["LSTM"], ["LSTM"]]


def test_runs_of_different_length_have_no_mean() -> None:
    one, two = ([0.5], [0.5]), ([0.5] * 2, [0.5] * 2)
    assert list(groups_of({"seed1/a": one, "seed2/a": two})) == ["seed1/a", "seed2/a"]
    groups = groups_of({"seed1/a": one, "seed2/a": two, "seed3/a": one, "seed4/a": two})
    assert list(groups) == ["seed*/a, 1 epochs", "seed*/a, 2 epochs"]
    assert [len(runs) for runs in groups.values()] == [2, 2]


def test_the_curves_are_means_and_the_bands_ranges() -> None:
    figure = draw_comparison(groups_of(TWO_SEEDS | {"gru": ([0.8, 0.2], [0.5, 0.5])}))
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == [text.get_text() for text in figure.legends[0].texts] == ["lstm", "gru"]
    assert list(lines["lstm"].get_xdata()) == [1, 2, 3]
    np.testing.assert_allclose(lines["lstm"].get_ydata(), [0.9, 0.55, 0.55])
    np.testing.assert_allclose(lines["gru"].get_ydata(), [0.8, 0.2])
    corners = {(x, round(y, 6)) for x, y in axes.collections[0].get_paths()[0].vertices}
    assert {(2, 0.5), (2, 0.6), (3, 0.4), (3, 0.7)} <= corners
    assert lines["lstm"].get_color() != lines["gru"].get_color()
    assert (axes.get_xlabel(), axes.get_title()) == ("Epoch", "Test loss")


def test_the_sample_has_axes_of_its_own() -> None:
    run = ([0.5], [0.5])
    figure = draw_comparison(groups_of(dict.fromkeys(["a-gru", "a", "a-sample", "a-gru-sample", "b-sample"], run)))
    assert [[line.get_label() for line in axes.lines] for axes in figure.axes] == [["a-gru", "a"], ["a", "a-gru", "b"]]
    assert [text.get_text() for text in figure.legends[0].texts] == ["a-gru", "a", "b"]
    assert [axes.get_title() for axes in figure.axes] == ["Test loss", "Test loss on the built-in sample"]
    gru, plain, plain_sample, gru_sample, other = (line.get_color() for axes in figure.axes for line in axes.lines)
    assert gru == gru_sample != plain == plain_sample != other != gru


@pytest.mark.parametrize("name", ["imdb_cnn_lstm-simple_rnn-no_conv", "plots/imdb_cnn_lstm-simple_rnn-no_conv-sample"])
def test_the_legend_fits_the_figure(name: str) -> None:
    names = [f"batch{size}/{name}" for size in (10, 50, 100, 200)]
    figure = draw_comparison(groups_of(dict.fromkeys(names, ([0.5], [0.5]))))
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0 < legend.y1 < figure.axes[0].get_window_extent().y0


def test_a_dozen_runs_are_told_apart() -> None:
    (axes,) = draw_comparison(groups_of({f"a{number}": ([0.5], [0.5]) for number in range(12)})).axes
    assert len({(to_rgb(line.get_color()), line.get_linestyle()) for line in axes.lines}) == 12


def test_losses_that_are_not_finite() -> None:
    groups = groups_of({"a": ([math.nan, 0.5], [0.5, 0.5]), "b": ([math.nan], [0.5]), "c": ([math.inf], [0.5])})
    assert [row.split("| ")[3:6:2] for row in table(groups).splitlines()[2:]] == [
        ["0.5000 ", "0.5000 "], ["nan ", "nan "], ["inf ", "inf "],
    ]  # fmt: skip
    draw_comparison(groups).draw_without_rendering()


def test_the_command(tmp_path: Path) -> None:
    """In a process of its own, from a directory that is not the project's."""
    write_run(tmp_path / "seed1" / "lstm.csv", [0.9, 0.5])
    write_run(tmp_path / "seed2" / "lstm.csv", [0.9, 0.6])
    (tmp_path / "gru.csv").write_bytes(b"val_accuracy,val_loss,epoch\r\n0.5,0.7,1\r\n")  # other columns, other lines
    arguments = ["seed1/lstm.csv", "seed2/lstm.csv", "gru.csv", "--output", "new/runs.png"]
    done = subprocess.run(
        [sys.executable, "-m", "plots.compare", *arguments],
        cwd=tmp_path, capture_output=True, encoding="utf-8", env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "| lstm, 2 runs | 2 | 0.5500 ± 0.0707 | 0.7500 ± 0.0000 |" in done.stdout
    assert "| gru | 1 | 0.7000 | 0.5000 | 0.7000 | 1 |" in done.stdout
    picture = imread(tmp_path / "new" / "runs.png")[:, :, :3]
    assert picture.shape[:2] == (720, 960)
    for colour in ((31, 119, 180), (255, 127, 14)):  # C0, C1
        assert (abs(picture - np.array(colour) / 255).max(axis=2) < 0.02).sum() > 50
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["runs.png"]


def test_an_ascii_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [write_run(tmp_path / f"seed{seed}" / "lstm.csv", [0.5]) for seed in (1, 2)]
    console = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(console, encoding="ascii", write_through=True))
    assert compare(monkeypatch, tmp_path, *runs, "--output", "runs.png") == 0
    assert rb"0.5000 \xb1 0.0000" in console.getvalue()


def test_matplotlibrc_asks_for_latex_and_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn without, and a $ in a name is one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    runs = [write_run(tmp_path / f"{name}.csv", [0.5]) for name in ("costs_$5_$-seed1", "costs_$5_$-seed2", "a-sample")]
    with rc_context({"text.usetex": True}):
        assert compare(monkeypatch, tmp_path, *runs, "--output", "runs.png") == 0
    assert imread(tmp_path / "runs.png").shape[:2] == (720, 1320)


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: b"\xef\xbb\xbf" + text,  # a byte-order mark
        lambda text: text + b"\n",  # an empty last line
        lambda text: text + b",,,,\n\n",
        lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n") + b"\r\n",
        lambda text: b'\xef\xbb\xbf"' + text.replace(b",", b'","').replace(b"\n", b'"\r\n"') + b'"\r\n',
    ],
    ids=["mark", "empty line", "empty cells", "mark, line ends, empty line", "mark, quotes"],
)
def test_a_run_as_a_spreadsheet_saves_it(tmp_path: Path, saved: Callable[[bytes], bytes]) -> None:
    path = write_run(tmp_path / "lstm.csv", [0.9, 0.5])
    run = read_run(path)
    path.write_bytes(saved(path.read_bytes()))
    assert read_run(path) == run == {"epoch": [1, 2], "val_loss": [0.9, 0.5], "val_accuracy": [0.75, 0.75]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read bad.csv: No such file or directory"),
        (b"", "bad.csv is empty"),
        (b"\xef\xbb\xbf\r\n", "bad.csv is empty"),
        (HEADER.encode(), "bad.csv has no epoch yet"),
        (b"\x89PNG\r\n\x1a\n\0\0", "bad.csv is not the CSV of a run: it is not a text file"),
        (b"name,price\nbread,3\n", "bad.csv is not the CSV of a run: it has no column epoch, val_loss, val_accuracy"),
        (b"epoch,val_loss\n1,0.5\n", "bad.csv is not the CSV of a run: it has no column val_accuracy"),
        (HEADER.encode() + b"1,0.5,0.5,half,0.5\n", "not the CSV of a run: a number is missing or is none"),
        (HEADER.encode() + b"1,0.5,0.5,0.5\n", "not the CSV of a run: a number is missing or is none"),
        (HEADER.encode() + b"0,0.5,0.5,0.5,0.5\n", "not the CSV of a run: its epochs do not count 1, 2, 3"),
    ],
)
def test_a_file_that_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("bad.csv").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_run(Path("bad.csv"))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["good.csv"], 2, "the following arguments are required: --output"),
        (["--output", "runs.png"], 2, "the following arguments are required: CSV"),
        (["good.csv", "--output", "runs.pdf"], 2, "argument --output: must end in .png, not 'runs.pdf'"),
        (["good.csv", "empty.csv", "--output", "runs.png"], 2, "python -m plots.compare: error: empty.csv is empty"),
        ([".", "--output", "runs.png"], 2, "cannot read .: Is a directory"),
        (["good.csv", "--output", "good.csv/runs.png"], 1, "Could not write good.csv/runs.png: "),
        (["good.csv", "--output", "directory.png"], 1, "Could not write directory.png: Is a directory"),
    ],
)
def test_wrong_use(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    write_run(tmp_path / "good.csv", [0.5])
    (tmp_path / "empty.csv").touch()
    (tmp_path / "directory.png").mkdir()
    assert compare(monkeypatch, tmp_path, *arguments) == status
    out, err = capsys.readouterr()
    usage, _, said = err.rpartition("python -m plots.compare: error: ") if status == 2 else ("", "", err)
    assert (out, said.count("\n"), usage.startswith("usage: python -m plots.compare ")) == ("", 1, status == 2)
    assert message in err
    assert not (tmp_path / "runs.png").exists()


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("reuters_lstm", "LSTM"),
        ("reuters_lstm-simple_rnn-sample", "simple RNN, on the sample"),
        ("reuters_lstm-none", "averaged, no order"),
        ("imdb_cnn_lstm", "CNN and LSTM"),
        ("imdb_cnn_lstm-gru-shuffled", "CNN and GRU, words shuffled"),
        ("imdb_cnn_lstm-none", "CNN, averaged"),  # the convolution sees the order of five words
        ("imdb_cnn_lstm-no_conv", "LSTM, without convolution"),
        ("imdb_cnn_lstm-none-no_conv-shuffled-sample", "averaged, no order, without convolution, words shuffled, "
         "on the sample"),
        ("reuters_lstm-none-60_epochs-sample", "averaged, no order, 60 epochs, on the sample"),
        ("reuters_lstm.previous", "reuters_lstm.previous"),
        ("my_lstm-gru", "my_lstm-gru"),
    ],
)  # fmt: skip
def test_what_a_reader_calls_a_variant(name: str, called: str) -> None:
    assert label(name) == called
