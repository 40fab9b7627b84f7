"""Migrations are complete, named for what they do, and stand on their own."""

from __future__ import annotations

import ast
import re
from io import StringIO

import pytest
from django.core.management import call_command

from tests.architecture.source_files import PACKAGES, own_files

MIGRATIONS = [p for p in own_files(".py", below=PACKAGES) if p.parent.name == "migrations"]
# The migration files of another app may lay down plain data that its tables need.
NUMBERED = [p for p in MIGRATIONS if re.match(r"\d{4}_", p.name)]


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    said = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=said)
    assert "No changes" in said.getvalue()


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_migration_imports_nothing_of_the_product(path: object) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    ours = {
        name for name in imported if name.split(".")[0] in PACKAGES and ".migrations" not in name
    }
    assert ours == set()


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_migration_is_named_for_its_change(path: object) -> None:
    assert "_auto_" not in path.name  # type: ignore[attr-defined]
