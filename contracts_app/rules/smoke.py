"""The smoke tests that a contract declares: what is tried while it is in service, and how often.

`shadow` sends a valid example all the way in and keeps nothing of it; `read_only` asks an outside
system one question of the catalog and looks at the answer. Neither changes anything anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim, CronSimError

from contracts_app.rules import schema_safety
from contracts_app.rules.shape import closed
from contracts_app.rules.validate import Schema, violations
from meshline.core import canonical
from meshline.core.findings import Finding
from meshline.core.safejson import Json
from meshline.core.zones import zone

SHADOW, READ_ONLY = "shadow", "read_only"
MODES = (SHADOW, READ_ONLY)
ALERT_AFTER = 2  # failures in a row
LONGEST = 400

_SLUG = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"}
_SMOKE = closed(
    "schedule",
    name=_SLUG,
    schedule={"type": "string", "minLength": 9, "maxLength": 100},
    mode={"enum": MODES},
    payload=_SLUG,
    operation={"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"},
    **{"with": {"type": "object"}},
    expect=closed(
        "",
        outcome={"enum": ["done", "refused"]},
        result={"type": ["object", "boolean"]},
    ),
    alert_after={"type": "integer", "minimum": 1, "maximum": 20},
)
# One test, or several.
SMOKE_SHAPE: dict[str, Any] = {
    "if": {"type": "array"},
    "then": {"type": "array", "items": _SMOKE, "maxItems": 10},
    "else": _SMOKE,
}


@dataclass(frozen=True)
class SmokeTest:
    """One smoke test; `schedule` is a cron line, read in the contract's own time zone.

    `example` names the payload of a shadow test; the rest is what a read-only one asks, and what
    the answer must be. `alert_after`: so many failures in a row are an alert.
    """

    name: str
    mode: str
    schedule: str
    example: str = ""
    operation: str = ""
    arguments: Mapping[str, Json] | None = None
    outcome: str = "done"
    result: Schema = True
    alert_after: int = ALERT_AFTER

    @property
    def digest(self) -> str:
        """Tells one definition from another of the same name."""
        return canonical.digest({key: value for key, value in vars(self).items() if value})


@dataclass(frozen=True)
class Smoked:
    """What one smoke test came to: passed, failed or skipped, and why."""

    outcome: str
    sentence: str


def smoke_tests(document: Mapping[str, Any]) -> tuple[SmokeTest, ...]:
    """Return the smoke tests of a checked contract document, in its order."""
    return tuple(_test(entry) for _, entry in _entries(document))


def smoke_findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with a document's smoke tests, whose shape is right. Lines are 0."""
    examples = {one["name"] for one in document["examples"]["valid"]}
    names: set[str] = set()
    for at, entry in _entries(document):
        test = _test(entry)
        try:
            next_run(test.schedule, "UTC", after=datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError:
            yield Finding(
                f"{at}/schedule", 0, f"{test.schedule!r} is no schedule.",
                "Write five fields: minute, hour, day, month, weekday, as in */15 * * * *.",
            )  # fmt: skip
        if test.name in names:
            yield Finding(
                f"{at}/name", 0, f"Two smoke tests are called {test.name}.",
                "Give each a name of its own.",
            )  # fmt: skip
        names.add(test.name)
        if test.mode == SHADOW and test.example not in examples:
            yield Finding(
                f"{at}/payload", 0, f"No valid example is called {test.example!r}.",
                f"Name one of {', '.join(sorted(examples))}.",
            )  # fmt: skip
        if test.mode == READ_ONLY and not test.operation:
            yield Finding(
                at, 0, "A read-only smoke test asks nothing.",
                "Name what it asks, as in operation: billing.get_refund.",
            )  # fmt: skip
        if test.result is not True:
            yield from schema_safety.schema_findings(
                test.result, dialect="2020-12", at=f"{at}/expect/result"
            )


def next_run(schedule: str, zone_name: str, *, after: datetime) -> datetime:
    """Return when a schedule comes round next, in UTC. Raises: CronSimError for one that is none.

    Minutes that a change of the clock leaves out or repeats are handled as Debian's cron does.
    """
    return next(CronSim(schedule, after.astimezone(zone(zone_name)))).astimezone(UTC)


def judged(test: SmokeTest, outcome: str, answer: Json) -> Smoked:
    """Return what an outside system's answer means; `outcome` is done, refused, transient..."""
    said = outcome if not isinstance(answer, str) or not answer else f"{outcome}: {answer}"
    if outcome != test.outcome:
        return Smoked("failed", f"{test.operation} came to {said}, not {test.outcome}."[:LONGEST])
    if outcome == "done" and (found := violations(test.result, answer)):
        return Smoked("failed", f"The answer is another one: {found[0].sentence}."[:LONGEST])
    return Smoked("passed", f"{test.operation} answered as expected."[:LONGEST])


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    told = document.get("tests", {}).get("smoke")
    if isinstance(told, list):
        yield from ((f"/tests/smoke/{place}", entry) for place, entry in enumerate(told))
    elif told:
        yield "/tests/smoke", told


def _test(entry: Mapping[str, Any]) -> SmokeTest:
    mode = entry.get("mode", SHADOW)
    expect = entry.get("expect", {})
    return SmokeTest(
        name=entry.get("name", mode),
        mode=mode,
        schedule=entry["schedule"],
        example=entry.get("payload", ""),
        operation=entry.get("operation", ""),
        arguments=entry.get("with", {}),
        outcome=expect.get("outcome", "done"),
        result=expect.get("result", True),
        alert_after=entry.get("alert_after", ALERT_AFTER),
    )
