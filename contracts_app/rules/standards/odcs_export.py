"""A contract document as ODCS 3.1, with everything in it, and everything it once came with.

What ODCS has no field for, or says less exactly, stands in customProperties under
`meshline.<key>`, the JSON Schema always. What another tool wrote and a contract has no place for
was kept under `x-odcs`; each such field goes out as it came, as long as it says nothing else than
the contract does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts_app.rules.standards.loose import entries, mapping, text
from contracts_app.rules.standards.odcs_fields import OURS, own_properties, read, written
from contracts_app.rules.standards.odcs_schema import key_of
from meshline.core.pointers import MISSING

KEPT = "x-odcs"
WITHOUT = "without"  # names keys that ODCS implies and the contract leaves out
_CUSTOM = "customProperties"


def to_odcs(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checked contract document as an ODCS 3.1 document."""
    kept = mapping(document.get(KEPT))
    own = {key: value for key, value in document.items() if key != KEPT}
    odcs = _with_kept(written(own), kept, own)
    told = read(odcs)
    rest = {
        key: value
        for key, value in own.items()
        if key == "schema" or told.get(key, MISSING) != value
    }
    implied = sorted(told.keys() - own.keys())
    if implied:
        rest[WITHOUT] = implied
    foreign = [] if not isinstance(kept.get(_CUSTOM), list) else kept[_CUSTOM]
    odcs[_CUSTOM] = [*foreign, *(_custom(key, value) for key, value in rest.items())]
    if KEPT in document and from_odcs(odcs).get(KEPT, MISSING) != document[KEPT]:
        odcs[_CUSTOM].append(_custom(KEPT, document[KEPT]))
    return odcs


def from_odcs(odcs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contract document that an ODCS document holds; parts may be missing."""
    told = read(odcs)
    own = dict(own_properties(odcs))
    for key in own.pop(WITHOUT, None) or ():
        told.pop(key, None)
    document = {**told, **own}
    if KEPT in own:
        return document
    kept = _unsaid(odcs, document)
    return {**document, KEPT: kept} if kept else document


def _unsaid(odcs: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an ODCS document that the contract would not write in the same way."""
    again = written(document) if is_writable(document) else {}
    kept = {key: value for key, value in odcs.items() if again.get(key, MISSING) != value}
    if isinstance(kept.pop(_CUSTOM, None), list):
        foreign = [one for one in odcs[_CUSTOM] if not _is_own(one)]
        kept |= {_CUSTOM: foreign} if foreign else {}
    elif _CUSTOM in odcs:
        kept[_CUSTOM] = odcs[_CUSTOM]
    return kept


def is_writable(document: Mapping[str, Any]) -> bool:
    """Whether a document, perhaps half of one, has what every ODCS document must say."""
    return all(text(document.get(key)) for key in ("name", "version", "status"))


def _with_kept(
    odcs: dict[str, Any], kept: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    for key, value in kept.items():
        for candidate in (value, _added(key, odcs.get(key), value)):
            changed = {**odcs, key: candidate}
            if key != _CUSTOM and _is_as_true(read(changed), read(odcs), own, _unsaid_by(changed)):
                odcs = changed
                break
    return odcs


def _unsaid_by(odcs: Mapping[str, Any]) -> frozenset[str]:
    """Return what a schema leaves open: customProperties say it, and the schema stays as it is."""
    head = next(entries(odcs.get("schema")), {})
    said = {"title": head.get("businessName"), "identity": key_of(head.get("properties"))}
    return frozenset(key for key, value in said.items() if not value)


def _is_as_true(
    told: Mapping[str, Any],
    before: Mapping[str, Any],
    own: Mapping[str, Any],
    unsaid: frozenset[str],
) -> bool:
    """Whether what is told now differs from before only where it says what the contract says."""
    return all(
        told.get(key, MISSING) in (before.get(key, MISSING), own.get(key, MISSING))
        for key in (told.keys() | before.keys()) - unsaid
    )


def _added(key: str, ours: Any, theirs: Any) -> Any:
    """Return ours with what theirs has beside it."""
    if key == "schema" and isinstance(ours, list) and isinstance(theirs, list):
        return [*ours, *theirs[1:]]  # the first object is the one that the contract describes
    return _joined(ours, theirs)


def _joined(ours: Any, theirs: Any) -> Any:
    """Return both sides in one: objects by key, lists one after the other; ours wins."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {
            **theirs,
            **{key: _joined(value, theirs.get(key)) for key, value in ours.items()},
        }
    if isinstance(ours, list) and isinstance(theirs, list):
        return [*ours, *(one for one in theirs if one not in ours)]
    return theirs if ours is None else ours


def _custom(key: str, value: Any) -> dict[str, Any]:
    return {"property": OURS + key, "value": value}


def _is_own(one: Any) -> bool:
    return any(text(found.get("property")).startswith(OURS) for found in entries([one]))
