"""What a well-shaped contract can still get wrong: examples, pointers, times, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts_app.rules import schema_safety
from contracts_app.rules.identifiers import parse_identity
from contracts_app.rules.identity import IdentityPointers
from contracts_app.rules.identity_checks import (
    identity_findings,
    reference_findings,
    with_identifiers,
)
from contracts_app.rules.smoke import smoke_findings
from contracts_app.rules.states import parse_states, state_findings
from contracts_app.rules.validate import Schema, Violation, violations
from contracts_app.rules.versions import parse_version
from meshline.core.durations import parse_duration
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, Severity, refusals
from meshline.core.pointers import MISSING, get
from meshline.core.zones import is_zone

_Value = Mapping[str, Any]


def contract_findings(value: _Value) -> list[Finding]:
    """Return the findings of a contract whose shape is right. Their lines are 0."""
    found = [*_schema(value), *_times(value), *_names(value), *_states(value)]
    found += reference_findings(value)
    if not refusals(found):
        found += [*_valid_examples(value), *_invalid_examples(value), *_consumers(value)]
        found += [*identity_findings(value), *smoke_findings(value)]
    return found


def _schema(value: _Value) -> Iterator[Finding]:
    block = value["schema"]
    yield from schema_safety.schema_findings(
        block["payload"], dialect=block.get("dialect", "2020-12"), at="/schema/payload"
    )


def _judge(value: _Value, payload: Any) -> list[Violation]:
    formats = value.get("compatibility", {}).get("formats", "assert") == "assert"
    dialect = value["schema"].get("dialect", "2020-12")
    schema: Schema = value["schema"]["payload"]
    found = violations(schema, payload, dialect=dialect, formats=formats)
    identity = IdentityPointers(**parse_identity(value["identity"]))
    return with_identifiers(found, identity, payload)


def _valid_examples(value: _Value) -> Iterator[Finding]:
    for index, example in enumerate(value["examples"]["valid"]):
        for violation in _judge(value, example["payload"]):
            yield Finding(
                f"/examples/valid/{index}/payload{violation.path}",
                0,
                f"The valid example {example['name']!r} is refused: {violation.sentence}.",
                "Mend the example, or the schema if the example is right.",
            )


def _invalid_examples(value: _Value) -> Iterator[Finding]:
    for index, example in enumerate(value["examples"]["invalid"]):
        found = _judge(value, example["payload"])
        for number, pointer in enumerate(example["violates"]):
            if not any(is_at(violation, pointer, example["payload"]) for violation in found):
                told = ", ".join(sorted({v.path or "the whole" for v in found})) or "nothing"
                yield Finding(
                    f"/examples/invalid/{index}/violates/{number}",
                    0,
                    f"The invalid example {example['name']!r} is not refused at {pointer!r} "
                    f"(refused: {told}).",
                    "Name the place that is refused, or make the schema refuse it.",
                )


def is_at(violation: Violation, pointer: str, payload: Any) -> bool:
    """Say whether a payload is refused at a place; what is missing is told of what lacks it."""
    if violation.path == pointer:
        return True
    parent = pointer.rpartition("/")[0]
    if violation.path != parent:
        return False
    missing = get(payload, pointer, MISSING) is MISSING
    closed = violation.rule in ("additionalProperties", "unevaluatedProperties")
    return (violation.rule == "required" and missing) or (closed and not missing)


def _times(value: _Value) -> Iterator[Finding]:
    zone = value.get("sla", {}).get("timezone", "UTC")
    if not is_zone(zone):
        message = f"{zone!r} is no time zone."
        yield Finding("/sla/timezone", 0, message, "Write it like Europe/Berlin.")
    for path, text in _durations(value):
        yield from _duration(path, text)


def _durations(value: _Value) -> Iterator[tuple[str, str]]:
    """Yield every duration with its pointer; `after` may name one of the sla block instead."""
    sla = value.get("sla", {})
    yield from ((f"/sla/{key}", sla[key]) for key in ("ack_within", "escalate_after") if key in sla)
    for index, slo in enumerate(value.get("slo", ())):
        keys = (key for key in ("threshold", "window") if key in slo)
        yield from ((f"/slo/{index}/{key}", slo[key]) for key in keys)
    holders = {
        f"/exception_route/{name}": route
        for name, route in value.get("exception_route", {}).items()
        if isinstance(route, dict)
    }
    for index, move in enumerate(value.get("states", {}).get("transitions", ())):
        holders[f"/states/transitions/{index}"] = move
    for path, holder in holders.items():
        if "after" in holder and holder["after"] not in sla:
            yield f"{path}/after", holder["after"]


def _duration(path: str, text: str) -> Iterator[Finding]:
    try:
        parse_duration(text)
    except BadValue as error:
        hint = " Or name one of the sla block's times." if path.endswith("/after") else ""
        yield Finding(path, 0, error.message, f"{error.remedy}{hint}")


def _names(value: _Value) -> Iterator[Finding]:
    for kind in ("valid", "invalid"):
        seen: set[str] = set()
        for index, example in enumerate(value["examples"][kind]):
            if example["name"] in seen:
                message = f"Two {kind} examples are named {example['name']!r}."
                yield Finding(f"/examples/{kind}/{index}/name", 0, message, "Rename one.")
            seen.add(example["name"])
    yield from _runbooks(value)
    supersedes = value.get("lifecycle", {}).get("supersedes")
    try:
        own, old = parse_version(value["version"]), parse_version(supersedes or "0")
    except BadValue as error:
        yield Finding("/lifecycle/supersedes", 0, error.message, error.remedy)
        return
    if supersedes and old >= own:
        message = f"Version {own} cannot supersede {old}, which is not older."
        yield Finding("/lifecycle/supersedes", 0, message, "Name the version before this one.")


def _runbooks(value: _Value) -> Iterator[Finding]:
    listed = value.get("runbooks", ())
    named = {"/manual_fallback/runbook": value.get("manual_fallback", {}).get("runbook")}
    for name, route in value.get("exception_route", {}).items():
        if isinstance(route, dict):
            named[f"/exception_route/{name}/runbook"] = route.get("runbook")
    for path, runbook in named.items():
        if runbook and runbook not in listed:
            message = f"The runbook {runbook!r} is not in the contract's list of runbooks."
            yield Finding(path, 0, message, "Add it under runbooks.")
    if not listed and value["risk"]["class"] in ("critical", "high"):
        message = f"A contract of {value['risk']['class']} risk names no runbook."
        yield Finding("/risk", 0, message, "Name the runbooks under runbooks.", Severity.WARNING)


def _states(value: _Value) -> Iterator[Finding]:
    if "states" in value:
        yield from state_findings(parse_states(value["states"]))


def _consumers(value: _Value) -> Iterator[Finding]:
    dialect = value["schema"].get("dialect", "2020-12")
    for index, consumer in enumerate(value.get("consumers", ())):
        schema = consumer.get("expects", {}).get("schema")
        if schema is None:
            continue
        at = f"/consumers/{index}/expects/schema"
        yield from schema_safety.schema_findings(schema, dialect=dialect, at=at)
