"""What kind of document a text says it is, and what it calls itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from meshline.core.yaml12 import Document

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "system/v1": "system",
        "source/v1": "source",
        "contract/v1": "contract",
        "flow/v1": "flow",
        "runbook/v1": "runbook",
        "calendar/v1": "calendar",
        "sla-policy/v1": "policy",
        "rota/v1": "rota",
        "people/v1": "address book",
    }
)


def kind_of(document: Document) -> str | None:
    """Return the kind of a document by its `meshline:` line, or None if it is none of ours."""
    value: Any = document.value
    return KINDS.get(str(value.get("meshline"))) if isinstance(value, dict) else None


def name_of(document: Document) -> str | None:
    """Return the name that a document gives itself."""
    name = document.value.get("name") if isinstance(document.value, dict) else None
    return name if isinstance(name, str) else None
