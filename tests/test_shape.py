"""The design of `common/`: small, in short pieces, each module only on top of those before it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, SCRIPTS

ORDER = ["words", "files", "arrays", "curve", "variants", "options", "sample", "texts", "data", "checkpoint", "run"]
ORDER += ["ask"]
MODULES = sorted(path for path in (ROOT / "common").glob("*.py") if path.stem != "__init__")
OF_EACH_MODULE = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield what is imported anywhere in the module, in its functions too: `common.files`, `common.files.write`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_lines_of_all_modules_together() -> None:
    assert sum(map(count_lines, (ROOT / "common").glob("*.py"))) <= 1_230


@OF_EACH_MODULE
def test_no_function_and_no_class_is_long(path: Path) -> None:
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert {name: length for name, length in lengths.items() if length > 50} == {}


@OF_EACH_MODULE
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    names = [name.split(".") for name in imported(parse(path))]
    below = {name[1] for name in names if name[0] == "common"}
    assert below <= set(ORDER[: ORDER.index(path.stem)])
    assert {name[0] for name in names} & {"plots", "tests", *SCRIPTS} == set()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_short_and_has_no_main(script: str) -> None:
    path = ROOT / f"{script}.py"
    assert count_lines(path) <= 95
    functions = {node.name for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef)}
    assert functions == {"build_model"}
