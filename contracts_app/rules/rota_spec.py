"""Parse and check an on-call rota (rota/v1): zone, handoff, people in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts_app.rules.business_time import DAY_S, parse_date, parse_wall
from contracts_app.rules.rota import Person, Rota
from contracts_app.rules.shape import closed, refuse_if, shape_findings, with_lines
from meshline.core import canonical
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, refusals
from meshline.core.yaml12 import Document
from meshline.core.zones import is_zone

_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
ROTA_SHAPE: dict[str, Any] = closed(
    "meshline name zone handoff people",
    meshline={"const": "rota/v1"},
    name={"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"},
    version={"type": "string", "pattern": "^[0-9]{1,6}$"},
    title={"type": "string", "minLength": 1, "maxLength": 120},
    zone={"type": "string"},
    handoff=closed(
        "time every_days from",
        time={"type": "string"},
        every_days={"type": "integer", "minimum": 1, "maximum": 366},
        **{"from": {"type": "string"}},
    ),
    people={
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": closed(
            "name email", name=_TEXT, email={"type": "string", "format": "email"}, contact=_TEXT
        ),
    },
) | {"patternProperties": {"^x-": True}}


@dataclass(frozen=True)
class RotaSpec:
    """One version of a rota."""

    name: str
    version: int
    title: str
    rota: Rota
    digest: str


def parse_rota(document: Document) -> RotaSpec:
    """Return the rota in a document. Raises DocumentRefused with every finding."""
    refuse_if(check_rota(document), document, "rota")
    value = document.value
    return RotaSpec(
        name=value["name"],
        version=int(value.get("version", "1")),
        title=value.get("title", value["name"]),
        rota=rota_of(value),
        digest=canonical.digest(value),
    )


def check_rota(document: Document) -> list[Finding]:
    """Return everything that is wrong with a rota document, sorted by line."""
    findings = shape_findings(ROTA_SHAPE, document)
    return findings if refusals(findings) else with_lines([*_checks(document.value)], document)


def rota_of(value: Mapping[str, Any]) -> Rota:
    """Build the Rota of a checked document's value, as stored with its version."""
    handoff = value["handoff"]
    return Rota(
        zone=value["zone"],
        handoff_s=parse_wall(handoff["time"]),
        period_days=handoff["every_days"],
        first_day=parse_date(handoff["from"]),
        people=tuple(
            Person(entry["name"], entry["email"], entry.get("contact", ""))
            for entry in value["people"]
        ),
    )


def _checks(value: Mapping[str, Any]) -> Iterator[Finding]:
    if not is_zone(value["zone"]):
        yield Finding("/zone", 0, f"{value['zone']!r} is no time zone.", "Write Europe/Berlin.")
    try:
        if parse_wall(value["handoff"]["time"]) >= DAY_S:
            yield Finding("/handoff/time", 0, "24:00 belongs to the next day.", "Write 00:00.")
    except BadValue as error:
        yield Finding("/handoff/time", 0, error.message, error.remedy)
    try:
        parse_date(value["handoff"]["from"])
    except BadValue as error:
        yield Finding("/handoff/from", 0, error.message, error.remedy)
    seen: set[str] = set()
    for index, person in enumerate(value["people"]):
        if person["email"].lower() in seen:
            message = f"{person['name']} stands twice in the rota."
            yield Finding(f"/people/{index}", 0, message, "List each person once.")
        seen.add(person["email"].lower())
