"""Parse and check an outside system (system/v1): its name, title, kind and connector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.rules.shape import closed, refuse_if, shape_findings
from meshline.core import canonical
from meshline.core.findings import Finding
from meshline.core.yaml12 import Document

_SLUG = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"}
SYSTEM_SHAPE: dict[str, Any] = closed(
    "meshline name title",
    meshline={"const": "system/v1"},
    name=_SLUG,
    version={"type": "string", "pattern": "^[0-9]{1,6}$"},
    title={"type": "string", "minLength": 1, "maxLength": 120},
    note={"type": "string", "maxLength": 2_000},
    kind=_SLUG,
    connector=_SLUG,
) | {"patternProperties": {"^x-": True}}


@dataclass(frozen=True)
class SystemSpec:
    """An outside application; `connector` is "" for one that Meshline never calls."""

    name: str
    version: int
    title: str
    note: str
    kind: str
    connector: str
    digest: str


def parse_system(document: Document) -> SystemSpec:
    """Return the system in a document. Raises DocumentRefused with every finding."""
    refuse_if(check_system(document), document, "system")
    value = document.value
    return SystemSpec(
        name=value["name"],
        version=int(value.get("version", "1")),
        title=value["title"],
        note=value.get("note", ""),
        kind=value.get("kind", ""),
        connector=value.get("connector", ""),
        digest=canonical.digest(value),
    )


def check_system(document: Document) -> list[Finding]:
    """Return everything that is wrong with a system document, sorted by line."""
    return shape_findings(SYSTEM_SHAPE, document)
