"""How a wheel is packed: templates and static files go into meshline/site/, where settings look."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("templates", "static")


class BuildPy(build_py):
    """Packs what lies beside the packages too; an editable install finds it where it lies."""

    def run(self) -> None:
        """Copy the packages, then the folders beside them."""
        super().run()
        if self.editable_mode:
            return
        for name in BESIDE:
            target = Path(self.build_lib) / "meshline" / "site" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / name, target)
