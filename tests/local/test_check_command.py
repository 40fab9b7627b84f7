"""`meshline check --old` as a process: what a CI job sees of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules.test_change_check import NO_FAILED, ONE_MORE, written

ROOT = Path(__file__).resolve().parents[2]


def check(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshline.cli", "check", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": ""}
    )


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return written(tmp_path / "old", "1.2.0").parents[2]


def test_exit_code_tells_safe_breaking_and_unreadable_apart(tmp_path: Path, old: Path) -> None:
    safe = written(tmp_path / "safe", "1.3.0", *ONE_MORE)
    breaking = written(tmp_path / "breaking", "1.3.0", *NO_FAILED)

    done = [check("--old", old, path) for path in (safe, breaking, tmp_path / "none")]

    assert [one.returncode for one in done] == [0, 1, 2]
    assert [one.stderr for one in done] == ["", "", ""]
    assert "enum-value-removed" in done[1].stdout
    assert check("--old", old).returncode == 2


def test_other_formats_serve_the_check_of_documents_too(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text("meshline: flow/v1\nname: some\n")

    annotated = check("--format", "annotations", flow)
    told = json.loads(check("--format", "json", flow).stdout)

    assert annotated.returncode == 1
    assert annotated.stdout.startswith(f"::error file={flow},line=")
    assert (told["exit_code"], told["entries"][0]["outcome"]) == (1, "refused")
