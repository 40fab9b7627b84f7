"""Judge a part of a document by a schema of its own, so that findings name what is meant."""

from __future__ import annotations

from typing import Any

from contracts_app.rules.shape import shape_findings
from meshline.core.findings import Finding
from meshline.core.pointers import get
from meshline.core.yaml12 import Document


def part(document: Document, pointer: str) -> Document:
    """Return what stands at `pointer` as a document of its own, with its lines."""
    lines = {
        path.removeprefix(pointer): line
        for path, line in document.lines.items()
        if path == pointer or path.startswith(f"{pointer}/")
    }
    return Document(get(document.value, pointer), document.text, document.name, lines)


def part_findings(shape: dict[str, Any], document: Document, pointer: str) -> list[Finding]:
    """Return where the part at `pointer` departs from a shape; paths are those of the whole."""
    return [
        Finding(pointer + found.path, found.line, found.message, found.remedy, found.severity)
        for found in shape_findings(shape, part(document, pointer))
    ]


def one_of_the_kinds(
    document: Document, pointer: str, kinds: dict[str, dict[str, Any]], thing: str
) -> list[Finding]:
    """Check a part that must be exactly one of several kinds, told by a key of the kind's name."""
    value = get(document.value, pointer)
    named = [kind for kind in kinds if isinstance(value, dict) and kind in value]
    if len(named) == 1:
        return part_findings(kinds[named[0]], document, pointer)
    choices = ", ".join(kinds)
    if not named:
        message = f"This {thing} says nothing of what it does."
    else:
        message = f"This {thing} is both {' and '.join(named)}."
    return [document.finding(pointer, message, f"Give it exactly one of: {choices}.")]
