"""Judge a document by the JSON Schema of its format, as findings with lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

from contracts_app.rules.sentences import sentence_of
from contracts_app.rules.validate import compile_schema
from meshline.core.errors import DocumentRefused
from meshline.core.findings import Finding, refusals
from meshline.core.pointers import build
from meshline.core.yaml12 import Document

_MOST = 200


def format_of(document: Document) -> str:
    """Return what a document says it is at its `meshline` key ("contract/v1"), "" if nothing."""
    named = document.value.get("meshline") if isinstance(document.value, dict) else None
    return named if isinstance(named, str) else ""


def closed(required: str, /, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that knows only these keys; `required` lists names."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def shape_findings(shape: dict[str, Any], document: Document) -> list[Finding]:
    """Return where a document departs from its format's schema, sorted by line."""
    errors = islice(compile_schema(shape).iter_errors(document.value), _MOST)
    return sorted(
        (finding for error in errors for finding in _findings(error, document)),
        key=lambda finding: (finding.line, finding.path),
    )


def refuse_if(findings: Sequence[Finding], document: Document, what: str) -> None:
    """Raise DocumentRefused with all findings if at least one of them refuses the document."""
    refused = refusals(findings)
    if refused:
        count = "1 point" if len(refused) == 1 else f"{len(refused)} points"
        raise DocumentRefused(
            f"{document.name} is no valid {what}: {count}, the first at {refused[0]}",
            findings=findings,
            remedy=refused[0].remedy,
        )


def with_lines(findings: Sequence[Finding], document: Document) -> list[Finding]:
    """Fill in the lines of findings made by rules that know only paths; sorted by line."""
    placed = [
        Finding(f.path, document.line_of(f.path), f.message, f.remedy, f.severity) for f in findings
    ]
    return sorted(placed, key=lambda finding: (finding.line, finding.path))


def _findings(error: ValidationError, document: Document) -> list[Finding]:
    path = build(error.instance_path)
    kind = error.kind
    if isinstance(kind, ValidationErrorKind.AdditionalProperties):
        return [
            document.finding(
                build([*error.instance_path, name]),
                f"The key {name[:80]!r} is not known here.",
                "Mend its spelling or remove it; keys of your own begin with x- at the top.",
            )
            for name in kind.unexpected
        ]
    text = sentence_of(error, path).partition(": ")[2]
    remedy = ""
    if isinstance(kind, ValidationErrorKind.Required):
        where = f"under {path}" if path else "at the top of the document"
        remedy = f"Add the key {str(kind.property)[:80]!r} {where}, or mend its spelling."
    return [document.finding(path, f"{text[:1].upper()}{text[1:]}.", remedy)]
