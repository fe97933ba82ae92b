"""What a run costs: `python -m tests.benchmark`, and against the article's programs with `--baseline DIRECTORY`.

Each script runs as it is, at its defaults, in a process of its own; this module only looks at the clock where the
script goes from one stage to the next. A single time on a shared machine means little, so there are several rounds,
the baseline in turn with the script (A B A B), the medians are printed, and only the ratios of one benchmark count.
"""

import argparse
import contextlib
import itertools
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
from pathlib import Path

STAGES = ("import", "load", "pad", "build", "first step", "one epoch", "evaluate", "report", "plot and save")
MEASURED = ("wall", "processor", "memory")
ROOT = Path(__file__).resolve().parent.parent
BASELINES = {"reuters_lstm": "reuters.py", "imdb_cnn_lstm": "imdb.py"}
BYTES = 1 if sys.platform == "darwin" else 1024  # that the operating system counts as one, of a process's memory

LOAD_TEXTS = f"""
import resource, sys, time
from common.process import set_up_process
set_up_process()
from common.arrays import pad
from common.corpus import Source
from common.data import load_imdb
start = time.perf_counter()
(x, _), (x_test, _), _ = load_imdb(Source("own", sys.argv[1]), 5000)
pad(x, 100), pad(x_test, 100)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * {BYTES}
print(f"{{time.perf_counter() - start:.1f}} s, {{memory / 1e6:.0f}} MB with Keras")
"""

MULTIPLY = """
import json, sys, time, timeit, numpy as np
total = 0
for n, k, m, often in json.loads(sys.argv[1]):
    a, b, c = (np.ones(shape, np.float32) for shape in ((n, k), (k, m), (n, m)))
    times, seconds = timeit.Timer(lambda: np.matmul(a, b, c), timer=time.process_time).autorange()
    total += often * seconds / times
print(total)
"""


def main() -> None:
    """Run the benchmark and print its tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__.splitlines()[0])
    option = parser.add_argument
    option("scripts", nargs="*", default=list(BASELINES), help="reuters_lstm, imdb_cnn_lstm (default: both)")
    option("--data", choices=("keras", "sample"), default="keras", help="default: %(default)s, the real data")
    option("--rounds", type=int, default=2, help="runs of each program (default: %(default)s)")
    option("--baseline", type=Path, metavar="DIRECTORY", help="where the article's reuters.py and imdb.py are")
    option("--texts", type=int, metavar="N", help="only read, number and pad a file of so many made-up texts")
    options = parser.parse_args()
    if options.texts:
        print_texts(options.texts)
        return
    if set(options.scripts) - set(BASELINES) or options.rounds < 1:
        parser.error("the scripts are reuters_lstm and imdb_cnn_lstm, the rounds 1 or more")
    if options.baseline and (options.data == "sample" or not (options.baseline / "imdb.py").exists()):
        parser.error("--baseline needs the real data, and the directory of the article's reuters.py and imdb.py")
    for script in options.scripts:
        compare(script, options)


def compare(script: str, options: argparse.Namespace) -> None:
    """Run the script in turn with the article's program, if that is there, and print the tables."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as out:
        for _ in range(options.rounds):
            run = _run(f"{script}.py", ["-m", "tests.benchmark", "--stages", out, script, "--data", options.data])
            ours.append(run | json.loads(Path(out, "stages.json").read_text()))
            if options.baseline:
                theirs.append(_run("the article's program", [str(options.baseline.resolve() / BASELINES[script])]))
    data = "real data" if options.data == "keras" else "sample"
    print(f"\n{script}, {data}, {options.rounds} rounds, {cpu()}\n")
    print_tables(script, ours, theirs)


def print_texts(number: int) -> None:
    """Print what it costs to read a made-up file of 10 to 100 words a text, from the import of Keras on."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz가나다라마바사"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(60_000)]
    drawn = rng.choices(words, [1 / (rank + 10) for rank in range(len(words))], k=1_000_000)
    print(cpu(), flush=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".csv") as stream:
        stream.write("text,label\n")
        for _ in range(number):
            start = rng.randrange(len(drawn) - 100)
            text = " ".join(drawn[start : start + rng.randint(10, 100)])
            stream.write(f"{text},{rng.choice('ab')}\n")
        stream.flush()
        subprocess.run([sys.executable, "-c", LOAD_TEXTS, stream.name], cwd=ROOT, check=True)


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
    for stage in STAGES:
        if stage in ours[0]:  # only Reuters evaluates after the last epoch
            wall, processor = (statistics.median(run[stage][column] for run in ours) for column in (0, 1))
            print(f"| {stage} | {wall:.2f} | {processor:.2f} |")
    epochs = [epoch for run in ours for epoch in run["epochs"]]
    print(f"\nSlowest epoch after the first / fastest: {max(epochs) / min(epochs):.2f}\n")
    epoch = statistics.median(run["one epoch"][1] for run in ours)
    alone = seconds_of(multiplications(script, *ours[0]["texts"]))
    print(f"Its multiplications alone, by NumPy on one thread: {alone:.2f} s. An epoch / that: {epoch / alone:.2f}\n")
    print("| whole run | wall s | processor s | peak memory MB |\n| --- | --- | --- | --- |")
    mine = [statistics.median(run[what] for run in ours) for what in MEASURED]
    print(f"| {script}.py | {mine[0]:.1f} | {mine[1]:.1f} | {mine[2]:.1f} |")
    if theirs:
        others = [statistics.median(run[what] for run in theirs) for what in MEASURED]
        print(f"| the article's program | {others[0]:.1f} | {others[1]:.1f} | {others[2]:.1f} |")
        print(f"| ratio | {mine[0] / others[0]:.2f} | {mine[1] / others[1]:.2f} | {mine[2] / others[2]:.2f} |")


def multiplications(script: str, training: tuple[int, int], test: tuple[int, int]) -> list[tuple[int, int, int, float]]:
    """Return the matrix products of an epoch with its validation: rows, inner length, columns, and how often.

    Training and test set are given as the number of texts and the size of a batch. Beside a layer's product (n, k) by
    (k, m) the training needs (k, n) by (n, m) for the weights' gradient, and (n, m) by (m, k) for the input's.
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
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
    command = [sys.executable, "-c", MULTIPLY, json.dumps(products)]
    return float(subprocess.check_output(command, env=os.environ | one))


def _run(name: str, arguments: list[str]) -> dict[str, float]:
    """Run a program to its end, and return its seconds on the wall and of the processors, and its megabytes."""
    print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr)
    start = time.perf_counter()
    with tempfile.TemporaryFile() as console:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=console, stderr=console)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            console.seek(0)
            sys.exit(f"{name} failed:\n{console.read().decode()[-2000:]}")
    wall, processor = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return {"wall": wall, "processor": processor, "memory": usage.ru_maxrss * BYTES / 1e6}


Seconds = tuple[float, float]  # on the wall, of the processors
stages: dict[str, Seconds] = {}  # what each stage has taken so far, of the script that runs in this process


def now() -> Seconds:
    return time.perf_counter(), time.process_time()


def add(stage: str, start: Seconds) -> None:
    """Add the time since the start to the stage."""
    wall, processor = stages.get(stage, (0, 0))
    end = now()
    stages[stage] = (wall + end[0] - start[0], processor + end[1] - start[1])


def time_calls(stage: str, owner: object, name: str) -> None:
    """Have each call of the owner's function added to the stage."""
    function = getattr(owner, name)

    def timed(*arguments: object, **options: object) -> object:
        start = now()
        try:
            return function(*arguments, **options)
        finally:
            add(stage, start)

    setattr(owner, name, timed)


def measure_stages(out: str, script: str, arguments: list[str]) -> None:
    """Run the script in this process, and write down when it goes from one stage to the next."""
    start = now()
    import keras

    from common import arrays, checkpoint, curve, data, run

    add("import", start)
    build, fit = keras.Sequential.add, keras.Sequential.fit
    marks: list[Seconds] = []  # from one epoch's beginning to the next: whatever stalls at its end is in it

    def note_first_step(batch: int, logs: object) -> None:
        if "first step" not in stages:
            add("first step", marks[0])

    look = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: marks.append(now()),
        on_train_batch_end=note_first_step,
        on_train_end=lambda logs: marks.append(now()),
    )

    def fit_and_look(model: keras.Model, *positional: object, callbacks: list, **options: object) -> None:
        keras.Sequential.add = build  # `finish` builds the network once more, to see whether it can be asked
        fit(model, *positional, callbacks=[*callbacks, look], **options)
        time_calls("evaluate", keras.Sequential, "evaluate")  # not the one within `fit`
        time_calls("report", keras.Sequential, "predict")

    keras.Sequential.fit = fit_and_look
    time_calls("build", keras.Sequential, "add")
    time_calls("load", data, "load_reuters")
    time_calls("load", data, "load_imdb")
    time_calls("pad", arrays, "pad")
    time_calls("pad", arrays, "one_hot")
    time_calls("plot and save", curve, "draw_curve")
    time_calls("plot and save", run.Run, "finish")
    sys.argv = [f"{script}.py", *arguments, "--output-dir", out]
    runpy.run_path(str(ROOT / f"{script}.py"), run_name="__main__")
    epochs = list(itertools.pairwise(marks))[1:]  # the first one compiles
    walls = [end[0] - start[0] for start, end in epochs]
    processors = [end[1] - start[1] for start, end in epochs]
    stages["one epoch"] = (statistics.median(walls), statistics.median(processors))
    settings = checkpoint.read(next(Path(out).glob("*.keras")))["description"]
    training = (settings["training texts"], settings["batch size"])
    test = (settings["test texts"], arrays.EVALUATION_BATCH_SIZE)
    Path(out, "stages.json").write_text(json.dumps(stages | {"epochs": walls, "texts": [training, test]}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stages"]:
        measure_stages(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        main()
