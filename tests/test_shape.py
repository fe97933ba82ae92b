"""The design of `common/`: each module only on top of those before it, nothing long, and scripts that are read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, SCRIPTS

ORDER = ["words", "files", "corpus", "arrays", "answers", "curve", "variants", "process", "options", "sample", "texts"]
ORDER += ["data", "checkpoint", "run", "ask"]
MODULES = sorted(path for path in (ROOT / "common").glob("*.py") if path.stem != "__init__")
OF_EACH_SCRIPT = pytest.mark.parametrize("script", SCRIPTS)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield what is imported anywhere in the module, in its functions too: `common.files`, `common.files.write`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    names = [name.split(".") for name in imported(parse(path))]
    below = {name[1] for name in names if name[0] == "common"}
    assert below <= set(ORDER[: ORDER.index(path.stem)])
    assert {name[0] for name in names} & {"plots", "tests", *SCRIPTS} == set()


def test_no_function_is_long() -> None:
    for path in MODULES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 45, f"{path.name}: {node.name}"


@OF_EACH_SCRIPT
def test_a_script_runs_from_top_to_bottom(script: str) -> None:
    """As the article's programs do: no function, no class, no `if __name__`."""
    tree = parse(ROOT / f"{script}.py")
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "__name__" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
