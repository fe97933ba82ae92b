"""The rooms: what a script imports, what stands behind it, each module on top of those before it, and nothing long."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, SCRIPTS

# A module imports, at whatever moment, only what stands before it: so there can be no cycle.
ORDER = ["texts.words", "texts.corpus", "texts.sample", "running.files", "running.answers", "running.checkpoint"]
ORDER += ["running.process", "running.options", "running.kernel", "texts.file", "arrays", "curve", "data"]
ORDER += ["running.keeper", "run", "ask"]
COMMON = ROOT / "common"
MODULES = {
    ".".join(path.relative_to(COMMON).with_suffix("").parts): path
    for path in sorted(COMMON.rglob("*.py"))
    if path.stem != "__init__"
}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Yield what is imported anywhere in the module, in its functions too: `common.curve`, `keras.layers`."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name.removeprefix("common.") in MODULES else node.module for name in names)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    names = set(imported(MODULES[module]))
    below = {name.removeprefix("common.") for name in names if name.startswith("common.")}
    assert below <= set(ORDER[: ORDER.index(module)])
    assert {name.partition(".")[0] for name in names} & {"plots", "tests", *SCRIPTS} == set()


def test_no_function_is_long() -> None:
    for module, path in MODULES.items():
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 45, f"{module}: {node.name}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_runs_from_top_to_bottom(script: str) -> None:
    """As the article's programs do: no function, no class, no `if __name__`. It imports what `ls common` shows."""
    path = ROOT / f"{script}.py"
    nodes = list(ast.walk(parse(path)))
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "__name__" not in {node.id for node in nodes if isinstance(node, ast.Name)}
    assert set(imported(path)) - {"keras"} <= {f"common.{path.stem}" for path in COMMON.glob("*.py")}
