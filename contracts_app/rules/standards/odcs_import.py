"""An ODCS file as a contract: the same one if Meshline wrote it, else a draft and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from contracts_app.rules.contract_shape import CONTRACT_SHAPE, OWNER_ROLES
from contracts_app.rules.contract_spec import check_contract
from contracts_app.rules.standards.loose import entries, mapping, text
from contracts_app.rules.standards.odcs_export import KEPT, from_odcs, to_odcs
from contracts_app.rules.standards.odcs_fields import is_ours, read
from meshline.core import yaml_text
from meshline.core.errors import DocumentUnreadable
from meshline.core.findings import Finding, Severity
from meshline.core.pointers import MISSING
from meshline.core.yaml12 import MAX_BYTES, Document, load

READ_VERSIONS = ("v3.0.", "v3.1.")
_MISSING = {
    "name": "ODCS gives no name that a contract can have; write one like billing.refund.completed.",
    "version": "ODCS gives no version number; write one like 1.0.0.",
    "title": "Give it a title that a person understands.",
    "risk": "ODCS knows no risk: say its class (critical, high, medium, low) and the reasons.",
    "producer": "ODCS knows no producing system: name it, as in {system: billing}.",
    "identity": "Say where an event's own id stands in the payload, as in {event_id: /id}.",
    "schema": "ODCS describes no fields here: write the payload's JSON Schema under payload.",
    "examples": "Give at least one valid example and one invalid, with what it violates.",
    "owners": "Name the owners: contract, runtime and product.",
}


@dataclass(frozen=True)
class Imported:
    """A contract as text to be saved, and everything to be mended or known about it."""

    document: dict[str, Any]
    text: str
    findings: tuple[Finding, ...]


def import_odcs(document: Document) -> Imported:
    """Return the contract that an ODCS file holds; what it lacks is told by findings.

    The findings' lines are those of the new text. Raises: DocumentUnreadable if it is no ODCS 3.
    """
    odcs = _require_odcs(document)
    found = from_odcs(odcs)
    if not is_ours(odcs):
        found |= {"meshline": "contract/v1", "status": "draft", "kind": "event"}
    found = _in_order(found)
    written = yaml_text.dump(found)
    told = load(written, name=document.name, max_bytes=2 * MAX_BYTES)
    findings = [*_lacking(found), *_judged(told, found), *_notes(odcs, found)]
    return Imported(found, written, tuple(sorted(findings, key=lambda one: one.line)))


def _require_odcs(document: Document) -> dict[str, Any]:
    value = document.value
    if not isinstance(value, dict) or value.get("kind") != "DataContract":
        message = "This is no ODCS document: it does not say kind: DataContract."
        _refuse(document, "/kind", message)
    version = text(value.get("apiVersion"))
    if not version.startswith(READ_VERSIONS):
        message = f"ODCS {version[:20] or 'without an apiVersion'} is not read here."
        _refuse(document, "/apiVersion", message, "Bring the file to apiVersion v3.1.0 or v3.0.2.")
    return value


def _refuse(document: Document, path: str, message: str, remedy: str = "") -> NoReturn:
    finding = document.finding(path, message, remedy)
    raise DocumentUnreadable(f"{document.name}: {finding}", findings=[finding], remedy=remedy)


def _in_order(found: dict[str, Any]) -> dict[str, Any]:
    order = list(CONTRACT_SHAPE["properties"])
    known = {key: found[key] for key in order if key in found}
    return known | {key: value for key, value in found.items() if key not in known}


def _lacking(found: dict[str, Any]) -> Iterator[Finding]:
    for key, remedy in _MISSING.items():
        if key not in found:
            yield Finding(f"/{key}", 0, f"The contract lacks {key}.", remedy)
    roles = mapping(found.get("owners"))
    for role in OWNER_ROLES:
        if "owners" in found and role not in roles:
            remedy = "Name a group, a person or a rota; ODCS calls it team member with that role."
            yield Finding(f"/owners/{role}", 0, f"The contract lacks a {role} owner.", remedy)


def _judged(told: Document, found: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with what is there; what is missing has been told in better words."""
    for finding in check_contract(told):
        is_gap = finding.path in ("", "/owners") and " is missing" in finding.message
        if not is_gap:
            yield finding


def _notes(odcs: dict[str, Any], found: dict[str, Any]) -> Iterator[Finding]:
    for key, ours, theirs in _changed(odcs, found):
        message = f"The file says {key} {theirs[:80]!r}; the contract says {ours!r}."
        yield Finding(f"/{key}", 0, message, "Mend it if another is meant.", Severity.WARNING)
    objects = len(list(entries(odcs.get("schema"))))
    if objects > 1:
        message = (
            f"The file describes {objects} objects and a contract one event: the first is read."
        )
        remedy = f"The others are kept under {KEPT}; import each from a file of its own."
        yield Finding("/schema", 0, message, remedy, Severity.WARNING)
    yield from _overruled(odcs, found)


def _changed(odcs: dict[str, Any], found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in ("name", "version", "domain"):
        ours, theirs = text(found.get(key)), text(odcs.get(key))
        if ours and theirs and ours != theirs:
            yield key, ours, theirs


def _overruled(odcs: dict[str, Any], found: dict[str, Any]) -> Iterator[Finding]:
    """Yield fields of our own file that were changed where the contract says it more exactly."""
    if not is_ours(odcs) or any(key not in found for key in CONTRACT_SHAPE["required"]):
        return
    again = to_odcs(found)
    for key in ("schema", "slaProperties", "team", "status"):
        if read({**again, key: odcs.get(key, MISSING)}) != read(again):
            message = f"{key} was changed in the file, but customProperties say it exactly."
            remedy = "Their word was taken: change it there, or in the contract."
            yield Finding(f"/{KEPT}", 0, message, remedy, Severity.WARNING)
