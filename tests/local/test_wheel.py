"""A wheel holds everything that the product needs, and works where there is no checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from contracts_app.models import ContractVersion
from tests.architecture.source_files import PACKAGES, ROOT

BESIDE = ("templates", "static")
BUILD = "from setuptools import build_meta; print(build_meta.build_wheel('out'))"
# What the web server needs of the files: a page's frame, an icon, a style sheet, the pilot's texts.
LOOK = """
import meshline
from django.contrib.staticfiles import finders
from django.template.loader import get_template
from meshline.console.ui.icons import icon
get_template("base.html"), get_template("console/contracts/page.html"), icon("search")
assert finders.find("css/base.css"), "no style sheets"
print(meshline.__path__[0])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy: a build leaves files behind."""
    source = tmp_path_factory.mktemp("source")
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in (*PACKAGES, *BESIDE, "tools"):
        shutil.copytree(ROOT / folder, source / folder, ignore=unwanted)
    for file in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / file, source / file)
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = (source / "out").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files, as an installation lays them out."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def test_wheel_holds_every_file_of_the_product(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        held = set(packed.namelist())
    needed = set()
    for package in PACKAGES:
        needed |= {one.relative_to(ROOT).as_posix() for one in (ROOT / package).rglob("*.*")}
    for folder in BESIDE:
        files = (one for one in (ROOT / folder).rglob("*") if one.is_file())
        needed |= {f"meshline/site/{one.relative_to(ROOT).as_posix()}" for one in files}
    needed = {one for one in needed if "__pycache__" not in one and (ROOT / one).suffix != ".pyc"}
    folders = {one for one in needed if (ROOT / one).is_dir()}

    assert needed - folders - held == set()
    assert {one.partition("/")[0] for one in held} <= {*PACKAGES, f"{_stem(wheel)}.dist-info"}


def test_installed_wheel_checks_the_pilot_that_it_brings(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "meshline.cli", "check", str(installed / "meshline" / "pilot")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "PYTHONPATH": str(installed)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.django_db(transaction=True)
def test_installed_wheel_loads_the_pilot_and_finds_its_pages(
    installed: Path, process_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = process_environment | {"PYTHONPATH": str(installed)}

    def manage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "meshline.manage", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
        return done.stdout

    json.loads(manage("pilot_load"))

    texts = list((ROOT / "meshline" / "pilot" / "contracts").rglob("*.yaml"))
    assert ContractVersion.objects.count() == len(texts)
    found = manage("shell", "--no-imports", "-c", LOOK).strip().splitlines()[-1]
    assert Path(found) == installed / "meshline"


def _stem(wheel: Path) -> str:
    return "-".join(wheel.name.split("-")[:2])
