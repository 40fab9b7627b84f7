"""The project's own files, as the architecture tests read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("meshline", "contracts_app", "orchestration", "runbooks")
# Written by others, or made: not ours to keep short.
_FOREIGN = {"vendor", "var", "staticfiles", "node_modules", "__pycache__", "fixtures", "payloads"}


def own_files(*suffixes: str, below: tuple[str, ...] = (".",)) -> Iterator[Path]:
    """Every file of ours with one of `suffixes` under the folders `below`, hidden ones left out."""
    for folder in below:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            hidden = any(part.startswith(".") for part in parts)
            if path.suffix in suffixes and not hidden and not _FOREIGN & set(parts):
                yield path


def product_modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the product with its syntax tree; tests and tools are not the product."""
    for path in own_files(".py", below=PACKAGES):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            before = dotted(value)
            return f"{before}.{attribute}" if before else ""
        case _:
            return ""
