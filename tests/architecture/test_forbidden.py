"""Calls that have one proper place are made nowhere else."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.architecture.source_files import ROOT, dotted, product_modules

# The sandbox and the supervisor are not the product: they keep their own time and read own files.
_OUTSIDE = ("meshline/sandbox/", "meshline/local/")
# env.py reads the file that `meshline up` wrote, before anything else can be imported.
_JSON = {"meshline/core/safejson.py", "meshline/env.py"}
# The loop reads the wall clock to report by how much it is wrong.
_CLOCK = {"contracts_app/queries/clock.py", "orchestration/services/loop.py"}
_TIME = re.compile(r"(^|\.)(timezone\.now|datetime\.(now|utcnow|today)|date\.today|time\.time)$")


def _calls(pattern: re.Pattern[str], allowed: set[str]) -> list[str]:
    return [
        f"{path}:{line} {name}"
        for path, line, name in _every_call()
        if pattern.search(name) and path not in allowed and not path.startswith(_OUTSIDE)
    ]


def _every_call() -> Iterator[tuple[str, int, str]]:
    for path, tree in product_modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield str(path), node.lineno, dotted(node.func)


def test_outside_json_comes_in_by_safejson_only() -> None:
    assert _calls(re.compile(r"(^|\.)json\.loads?$"), _JSON) == []


def test_time_is_the_databases_and_read_in_one_place() -> None:
    assert _calls(_TIME, _CLOCK) == []


def test_schemas_are_judged_by_one_module_without_the_network() -> None:
    found = _calls(re.compile(r"^jsonschema_rs\."), {"contracts_app/rules/validate.py"})
    assert [call for call in found if "rules/" not in call] == []


def test_nothing_is_marked_safe() -> None:
    assert _calls(re.compile(r"(^|\.)(mark_safe|SafeString)$"), set()) == []


def test_celery_is_never_eager_and_nothing_runs_a_shell() -> None:
    assert _calls(re.compile(r"^(os\.system|os\.popen|eval|exec)$"), set()) == []
    shells = [
        f"{path}:{node.lineno}"
        for path, tree in product_modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg in {"shell", "task_always_eager"}
    ]
    assert shells == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"https?://[a-z.-]*(pypi|pythonhosted|npmjs|debian)\.(org|com|net)",
        r"(^|[^A-Za-z0-9_.])/(root|home/[a-z]+)/",
        r"task_always_eager *= *True",
    ],
)
def test_no_committed_file_names_a_registry_or_a_path_of_one_machine(pattern: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-c", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\0")
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix == ".png" or "vendor" in path.parts or path.name == "test_forbidden.py":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        found += [f"{name}: {hit.group()}" for hit in re.finditer(pattern, text)]
    assert found == []
