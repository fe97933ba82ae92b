"""What a run costs: `python -m tests.benchmark`, and against the article's programs with `--baseline DIRECTORY`.

Each script runs as it is, at its defaults, in a process of its own; this module only looks at the clock where the
script goes from one stage to the next. A single time on a shared machine means little, so there are several rounds,
the baseline in turn with the script (A B A B), the medians are printed, and only the ratios of one benchmark count.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

STAGES = ("import", "load", "pad", "build", "first step", "one epoch", "evaluate", "plot and save")
ROOT = Path(__file__).resolve().parent.parent
BASELINES = {"reuters_lstm": "reuters.py", "imdb_cnn_lstm": "imdb.py"}


def main() -> None:
    """Run the benchmark and print its tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__.splitlines()[0])
    parser.add_argument(
        "scripts", nargs="*", default=list(BASELINES), help="reuters_lstm, imdb_cnn_lstm (default: both)"
    )
    parser.add_argument(
        "--data", choices=("keras", "sample"), default="keras", help="default: %(default)s, the real data"
    )
    parser.add_argument("--rounds", type=int, default=2, help="runs of each program (default: %(default)s)")
    parser.add_argument(
        "--baseline", type=Path, metavar="DIRECTORY", help="where the article's reuters.py and imdb.py are"
    )
    parser.add_argument(
        "--texts", type=int, metavar="N", help="only read, number and pad a file of so many made-up texts of one's own"
    )
    options = parser.parse_args()
    if options.texts:
        print_texts(options.texts)
        return
    if set(options.scripts) - set(BASELINES) or options.rounds < 1:
        parser.error("the scripts are reuters_lstm and imdb_cnn_lstm, the rounds 1 or more")
    if options.baseline and (options.data == "sample" or not (options.baseline / "imdb.py").exists()):
        parser.error("--baseline needs the real data, and the directory of the article's reuters.py and imdb.py")

    for script in options.scripts:
        ours, theirs = [], []
        with tempfile.TemporaryDirectory() as out:
            for _ in range(options.rounds):
                ours.append(_run(script, ["-m", "tests.benchmark", "--stages", out, script, "--data", options.data]))
                ours[-1] |= json.loads(Path(out, "stages.json").read_text())
                if options.baseline:
                    theirs.append(_run(script, [str(options.baseline.resolve() / BASELINES[script])]))
        print(f"\n{script}, {'real data' if options.data == 'keras' else 'sample'}, {options.rounds} rounds, {cpu()}\n")
        print_tables(script, ours, theirs)


def print_texts(number: int) -> None:
    """Print what it costs to read a made-up file of 10 to 100 words a text, from the import of Keras on."""
    rng = random.Random(1)
    words = [
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz가나다라마바사", k=rng.randint(2, 9))) for _ in range(60_000)
    ]
    drawn = rng.choices(words, [1 / (rank + 10) for rank in range(len(words))], k=1_000_000)
    with tempfile.TemporaryDirectory() as directory:
        with Path(directory, "own.csv").open("w", encoding="utf-8") as stream:
            stream.write("text,label\n")
            for _ in range(number):
                start = rng.randrange(len(drawn) - 100)
                stream.write(" ".join(drawn[start : start + rng.randint(10, 100)]) + f",{rng.choice('ab')}\n")
        code = (
            "import sys, time, resource\n"
            "from common.options import set_up_process\n"
            "set_up_process()\n"
            "from common.arrays import pad\n"
            "from common.data import load_imdb\n"
            "start = time.perf_counter()\n"
            "(x, _), (x_test, _), _ = load_imdb((sys.argv[1], None, 'text,label'), 5000)\n"
            "pad(x, 100), pad(x_test, 100)\n"
            "memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)\n"
            "print(f'{time.perf_counter() - start:.1f} s, {memory / 1e6:.0f} MB with Keras')\n"
        )
        command = [sys.executable, "-c", code, str(Path(directory, "own.csv"))]
        print(f"{cpu()}\n{subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout}")


def cpu() -> str:
    """Return the processor's name where Linux tells it, or its architecture, and how many cores there are."""
    name = platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return f"{name}, {os.cpu_count()} cores"


def print_tables(script: str, ours: list[dict], theirs: list[dict]) -> None:
    """Print what the rounds gave: the stages, the whole run, and how near an epoch is to its multiplications."""
    print("| stage | wall s | processor s |\n| --- | --- | --- |")
    for stage in [stage for stage in STAGES if stage in ours[0]]:  # only Reuters evaluates after the last epoch
        wall, processor = (statistics.median(run[stage][column] for run in ours) for column in (0, 1))
        print(f"| {stage} | {wall:.2f} | {processor:.2f} |")
    epochs = [epoch for run in ours for epoch in run["epochs"]]
    print(f"\nSlowest epoch after the first / fastest: {max(epochs) / min(epochs):.2f}\n")
    epoch = statistics.median(run["one epoch"][1] for run in ours)
    alone = seconds_of(multiplications(script, *ours[0]["texts"]))
    print(f"Its multiplications alone, by NumPy on one thread: {alone:.2f} s. An epoch / that: {epoch / alone:.2f}\n")
    print("| whole run | wall s | processor s | peak memory MB |\n| --- | --- | --- | --- |")
    for name, runs in ((f"{script}.py", ours), ("the article's program", theirs)):
        if runs:
            print(f"| {name} | " + " | ".join(f"{_median(runs, what):.1f}" for what in MEASURED) + " |")
    if theirs:
        ratios = (_median(ours, what) / _median(theirs, what) for what in MEASURED)
        print("| ratio | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")


def multiplications(script: str, training: tuple[int, int], test: tuple[int, int]) -> list[tuple[int, int, int, float]]:
    """Return the matrix products of an epoch with its validation: rows, inner length, columns, and how often.

    Training and test set are given as the number of texts and the size of a batch.

    Of a layer's product (n, k) by (k, m) the training needs two more: (k, n) by (n, m) for the weights' gradient, and
    (n, m) by (m, k) for the input's.
    """
    steps, inputs = (100, 100) if script == "reuters_lstm" else (24, 64)
    products = []
    for (texts, batch), learns in ((training, True), (test, False)):
        layers = [(batch, inputs, 400, steps), (batch, 100, 400, steps)]  # the LSTM's: of its input, of its state
        if script == "imdb_cnn_lstm":
            layers.append((96 * batch, 5 * 100, 64, 1))  # the convolution's
        for n, k, m, often in layers:
            for shape in ((n, k, m), (k, n, m), (n, m, k))[: 3 if learns else 1]:
                products.append((*shape, often * texts / batch))
    return products


def seconds_of(products: list[tuple[int, int, int, float]]) -> float:
    """Return how long NumPy takes for the products with one thread."""
    code = (
        "import json, sys, time, numpy as np\n"
        "total = 0\n"
        "for n, k, m, often in json.loads(sys.argv[1]):\n"
        "    a, b, c = (np.ones(shape, np.float32) for shape in ((n, k), (k, m), (n, m)))\n"
        "    np.matmul(a, b, c)\n"
        "    start, times = time.process_time(), 0\n"
        "    while time.process_time() < start + 0.5:\n"
        "        np.matmul(a, b, c)\n"
        "        times += 1\n"
        "    total += often * (time.process_time() - start) / times\n"
        "print(total)\n"
    )
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
    arguments = [sys.executable, "-c", code, json.dumps(products)]
    return float(subprocess.run(arguments, env=os.environ | one, check=True, capture_output=True).stdout)


MEASURED = ("wall", "processor", "memory")


def _median(runs: list[dict], what: str) -> float:
    return statistics.median(run[what] for run in runs)


def _run(script: str, arguments: list[str]) -> dict[str, float]:
    """Run a program to its end, and return its seconds on the wall and of the processors, and its megabytes."""
    print(f"{time.strftime('%H:%M:%S')} {script}: {Path(arguments[0]).name}", file=sys.stderr)
    start = time.perf_counter()
    with tempfile.TemporaryFile() as console:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=console, stderr=console)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            console.seek(0)
            sys.exit(f"{arguments} failed:\n{console.read().decode()[-2000:]}")
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    seconds = time.perf_counter() - start
    return {"wall": seconds, "processor": usage.ru_utime + usage.ru_stime, "memory": memory}


def measure_stages(out: str, script: str, arguments: list[str]) -> None:
    """Run the script in this process, and write down when it goes from one stage to the next."""
    stages: dict[str, list[float]] = {}

    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def add(stage: str, since: tuple[float, float]) -> None:
        before = stages.get(stage, [0.0, 0.0])
        stages[stage] = [old + new - start for old, new, start in zip(before, now(), since, strict=True)]

    def timed(stage: str, function: Callable) -> Callable:
        def run(*arguments: object, **options: object) -> object:
            since = now()
            try:
                return function(*arguments, **options)
            finally:
                add(stage, since)

        return run

    since = now()
    import keras

    from common import arrays, curve, data, run

    add("import", since)

    walls: list[float] = []
    processors: list[float] = []

    class Epochs(keras.callbacks.Callback):
        def on_train_begin(self, logs: object = None) -> None:
            self.start = now()

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            if batch == 0 and "first step" not in stages:
                add("first step", self.start)

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            if epoch:  # from one beginning to the next: whatever stalls at the end of an epoch is in it
                self.note()
            self.since = now()

        def on_train_end(self, logs: object = None) -> None:
            self.note()

        def note(self) -> None:
            for values, new, old in zip((walls, processors), now(), self.since, strict=True):
                values.append(new - old)

    data.load_reuters, data.load_imdb = timed("load", data.load_reuters), timed("load", data.load_imdb)
    arrays.pad, arrays.one_hot = timed("pad", arrays.pad), timed("pad", arrays.one_hot)
    sequential = keras.Sequential
    keras.Sequential = timed("build", sequential)
    curve.draw_curve = timed("plot and save", curve.draw_curve)
    run.finish = timed("plot and save", run.finish)
    fit = sequential.fit

    def fit_and_look(model: keras.Model, *positional: object, callbacks: list, **options: object) -> object:
        history = fit(model, *positional, callbacks=[*callbacks, Epochs()], **options)
        sequential.evaluate = timed("evaluate", sequential.evaluate)  # not the one within `fit`
        return history

    sequential.fit = fit_and_look
    sys.argv = [f"{script}.py", *arguments, "--output-dir", out]
    runpy.run_path(str(ROOT / f"{script}.py"), run_name="__main__")
    stages["one epoch"] = [statistics.median(walls[1:]), statistics.median(processors[1:])]  # the first one compiles
    with zipfile.ZipFile(next(Path(out).glob("*.keras"))) as archive:
        settings = json.loads(archive.read("run.json"))["description"]
    stages["texts"] = [
        (settings["training texts"], settings["batch size"]),
        (settings["test texts"], arrays.EVALUATION_BATCH_SIZE),
    ]
    Path(out, "stages.json").write_text(json.dumps(stages | {"epochs": walls[1:]}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stages"]:
        measure_stages(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        main()
