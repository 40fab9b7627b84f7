"""Files, functions and templates stay small enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source_files import ROOT, own_files, product_modules

MOST_LINES = 400
MOST_FUNCTION_LINES = 40
MOST_TEMPLATE_LINES = 120


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_every_python_file_is_under_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): _lines(path)
        for path in own_files(".py")
        if "migrations" not in path.parts and _lines(path) > MOST_LINES
    }
    assert long == {}


def test_every_template_is_under_a_hundred_and_twenty_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): _lines(path)
        for path in own_files(".html", below=("templates",))
        if _lines(path) > MOST_TEMPLATE_LINES
    }
    assert long == {}


def test_every_function_of_the_product_is_at_most_forty_lines() -> None:
    long = {}
    for path, tree in product_modules():
        if "migrations" in path.parts:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - _first_line(node) + 1
                if lines > MOST_FUNCTION_LINES:
                    long[f"{path}:{node.name}"] = lines
    assert long == {}


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Where the body begins after its docstring: explaining is not what makes a function long."""
    return node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.lineno


@pytest.mark.parametrize("name", ["helpers.py", "utils.py", "common.py", "misc.py"])
def test_no_file_is_named_after_nothing(name: str) -> None:
    assert [str(path) for path in own_files(".py") if path.name == name] == []


def test_every_module_begins_with_its_duty_and_future_annotations() -> None:
    silent = []
    for path in own_files(".py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if "migrations" in path.parts or not tree.body:
            continue
        future = any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body
        )
        only_exports = path.name == "__init__.py"
        if not ast.get_docstring(tree) or not (future or only_exports):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []
