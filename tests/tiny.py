"""Run a script on a hundredth of the sample corpus: `python tests/tiny.py reuters_lstm.py [options]`, or `run_here`.

Nothing else is changed: the same code trains, is stopped and resumes, only in seconds.
"""

import contextlib
import runpy
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAIRS = {"REVIEW_PAIRS": (100, 25), "NEWS_PAIRS": 125}


def run_here(script: str | Path, *arguments: str | Path) -> int:
    """Run a script, by its name or an edited one by its path, in the tests' own process, and return its exit status.

    It is in a session that lives on, with Keras imported: a tenth of a second, or two or three if it trains.
    """
    import pytest

    path = script if isinstance(script, Path) else ROOT / f"{script}.py"
    with pytest.MonkeyPatch.context() as patch:
        for name, pairs in PAIRS.items():
            patch.setattr(f"common.texts.sample.{name}", pairs)
        patch.setattr("sys.ps1", ">>> ", raising=False)  # a session: leave the tests' streams and signals alone
        patch.setenv("TF_NUM_INTRAOP_THREADS", "1")  # which the script sets, so that it is put back
        patch.setattr("sys.argv", [str(path), *map(str, arguments)])
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            return 1 if isinstance(end.code, str) else end.code or 0
    return 0


def edited(script: str, directory: Path, old: str, new: str) -> Path:
    """Return a copy of the script in which a user has replaced something."""
    text = (ROOT / f"{script}.py").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = directory / f"{script}.py"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


class _Built(Exception):
    pass


def build(script: str | Path, *arguments: str | Path):
    """Return the script's network as it is before the training, compiled, with the first weights of its seed."""
    import pytest

    from common.run import Run

    models = []

    def fit(run: Run, model: object, *positional: object, **options: object) -> None:
        models.append(model)
        raise _Built

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as out:
        patch.setattr(Run, "fit", fit)
        with contextlib.suppress(_Built), contextlib.redirect_stdout(None):
            run_here(script, "--data", "sample", "--output-dir", out, *arguments)
    return models[0]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from common.texts import sample

    vars(sample).update(PAIRS)
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
