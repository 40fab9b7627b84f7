"""Parse and check a business calendar (calendar/v1): zone, weekly hours, holidays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts_app.rules.business_time import WEEKDAYS, Calendar, parse_date, parse_row
from contracts_app.rules.shape import closed, refuse_if, shape_findings, with_lines
from meshline.core import canonical
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, refusals
from meshline.core.yaml12 import Document
from meshline.core.zones import is_zone

_ROWS = {
    "type": "array",
    "maxItems": 24,
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
}
CALENDAR_SHAPE: dict[str, Any] = closed(
    "meshline name zone",
    meshline={"const": "calendar/v1"},
    name={"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"},
    version={"type": "string", "pattern": "^[0-9]{1,6}$"},
    title={"type": "string", "maxLength": 120},
    zone={"type": "string"},
    always={"type": "boolean"},
    weekly_hours=closed("", **dict.fromkeys(WEEKDAYS, _ROWS)),
    holidays={"type": "array", "maxItems": 2_000, "items": {"type": "string"}},
) | {"patternProperties": {"^x-": True}}


@dataclass(frozen=True)
class CalendarSpec:
    """One version of a calendar."""

    name: str
    version: int
    title: str
    calendar: Calendar
    digest: str


def parse_calendar(document: Document) -> CalendarSpec:
    """Return the calendar in a document. Raises DocumentRefused with every finding."""
    refuse_if(check_calendar(document), document, "calendar")
    value = document.value
    return CalendarSpec(
        name=value["name"],
        version=int(value.get("version", "1")),
        title=value.get("title", value["name"]),
        calendar=calendar_of(value),
        digest=canonical.digest(value),
    )


def check_calendar(document: Document) -> list[Finding]:
    """Return everything that is wrong with a calendar document, sorted by line."""
    findings = shape_findings(CALENDAR_SHAPE, document)
    return findings if refusals(findings) else with_lines([*_checks(document.value)], document)


def calendar_of(value: Mapping[str, Any]) -> Calendar:
    """Build the Calendar of a checked document's value, as stored with its version."""
    if value.get("always"):
        return Calendar.always(value["zone"])
    return Calendar.of(value["zone"], value["weekly_hours"], value.get("holidays", ()))


def _checks(value: Mapping[str, Any]) -> Iterator[Finding]:
    if not is_zone(value["zone"]):
        yield Finding("/zone", 0, f"{value['zone']!r} is no time zone.", "Write Europe/Berlin.")
    if value.get("always"):
        for key in ("weekly_hours", "holidays"):
            if value.get(key):
                message = f"A calendar that is always open has no {key}."
                yield Finding(f"/{key}", 0, message, "Remove one of the two.")
        return
    hours = value.get("weekly_hours", {})
    if not any(hours.values()):
        message = "The calendar is never open, so no promise would ever be due."
        yield Finding("/weekly_hours", 0, message, "Give hours, or write always: true.")
    for day, rows in hours.items():
        for index, row in enumerate(rows):
            try:
                parse_row(row)
            except BadValue as error:
                path = f"/weekly_hours/{day}/{index}"
                yield Finding(path, 0, error.message, error.remedy)
    for index, text in enumerate(value.get("holidays", ())):
        try:
            parse_date(text)
        except BadValue as error:
            yield Finding(f"/holidays/{index}", 0, error.message, error.remedy)
