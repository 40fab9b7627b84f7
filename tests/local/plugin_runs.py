"""pytest sessions of somebody else's project, each a process of its own with our plugin."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.rules.test_change_check import PILOT

ROOT = Path(__file__).resolve().parents[2]
NAME = "billing.refund.completed"


@dataclass(frozen=True)
class Session:
    """How a session ended and what it printed."""

    code: int
    out: str


@dataclass
class Project:
    """A project with tests of its own, which know nothing of ours."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / name).write_text(text)

    def run(self, *words: str, contracts: bool = True, **environment: str) -> Session:
        """Run its tests. Other plugins are named one by one: `-p xdist`."""
        folder = [f"--meshline-contracts={PILOT}"] if contracts else []
        command = [sys.executable, "-m", "pytest", "-p", "meshline.testing.plugin", *folder, *words]
        plain = {
            "PATH": "",
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # a file written twice in a second has the same age
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**plain, **environment},
        )
        return Session(done.returncode, done.stdout + done.stderr)


def given_project(folder: Path, tests: str, ini: str = "") -> Project:
    """A project with one file of tests and an ini file of its own."""
    project = Project(folder)
    project.write("pytest.ini", f"[pytest]\n{ini}")
    project.write("test_contracts.py", tests)
    return project
