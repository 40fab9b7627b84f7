"""What an `identity` block can get wrong, and what a payload's identifiers can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contracts_app.rules.identifiers import FOUND, in_words, is_reference, ways_of
from contracts_app.rules.identity import IdentityPointers, unreadable
from contracts_app.rules.normalising import PLAIN_STEPS
from contracts_app.rules.schema_paths import look_up, names_at
from contracts_app.rules.validate import Violation
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, Severity
from meshline.core.pointers import MISSING, get, parse
from meshline.core.safejson import Json

_Value = Mapping[str, Any]
_HOW = (
    "Write a pointer like /data/email, or {at: /data/email, as: [email]}, or a list of these. The "
    f"steps are {', '.join(PLAIN_STEPS)}, {{strip_prefix: text}} and {{vendor: name}}; correlation "
    "and subject may be {of: customer}, order, ticket or cart."
)


def identifier_violations(pointers: IdentityPointers, payload: Json) -> list[Violation]:
    """Return where a payload holds something that cannot be read as the identifier it should be.

    An identifier that is missing or blank is not told: it may be optional. Values are not quoted.
    """
    if not pointers.ways:
        return []
    return [
        Violation(place, "identifier", f"{place}: the value {why}, so no {one.name} can be read")
        for one in unreadable(pointers, payload)
        for place, why in one.refused
    ]


def with_identifiers(
    found: list[Violation], pointers: IdentityPointers, payload: Json
) -> list[Violation]:
    """Add the identifiers that cannot be read to what a payload breaks; each place once."""
    told = {one.path for one in found}
    more = [one for one in identifier_violations(pointers, payload) if one.path not in told]
    return sorted([*found, *more], key=lambda one: one.path) if more else found


def with_remedies(findings: Sequence[Finding]) -> list[Finding]:
    """Say of what has the wrong shape in `identity` how it is written."""
    return [
        replace(one, remedy=one.remedy or _HOW) if one.path.startswith("/identity/") else one
        for one in findings
    ]


def reference_findings(value: _Value) -> Iterator[Finding]:
    """Yield what is wrong with `identity` for itself."""
    block = value["identity"]
    for name, told in block.items():
        if is_reference(told) and told["of"] not in block:
            message = f"identity.{name} is that of the {told['of']}, which is not named."
            remedy = f"Say where the {told['of']} stands, as identity.{told['of']}."
            yield Finding(f"/identity/{name}/of", 0, message, remedy)
        if not isinstance(told, str) and not is_reference(told):
            yield from _steps(name, told, f"/identity/{name}")


def identity_findings(value: _Value) -> Iterator[Finding]:
    """Yield identifiers that no valid example has, or that the schema lacks or does not ask for."""
    payloads = [example["payload"] for example in value["examples"]["valid"]]
    for name, told in value["identity"].items():
        if is_reference(told):
            continue
        yield from _in_examples(name, [way.pointer for way in ways_of(told)], payloads)
        yield from _in_schema(name, told, value["schema"]["payload"])


def _steps(name: str, told: Any, at: str) -> Iterator[Finding]:
    if isinstance(told, list):
        for index, entry in enumerate(told):
            yield from _steps(name, entry, f"{at}/{index}")
    elif isinstance(told, dict):
        words = [step if isinstance(step, str) else next(iter(step)) for step in told.get("as", ())]
        if "vendor" in words[:-1]:
            message = "The step vendor puts a name in front of the id, and others come after it."
            yield Finding(f"{at}/as/{words.index('vendor')}", 0, message, "Make it the last step.")
        if "gmail_dots" in words and "email" not in words[: words.index("gmail_dots")]:
            message = "The step gmail_dots needs an address in its one spelling."
            yield Finding(
                f"{at}/as/{words.index('gmail_dots')}", 0, message, "Put the step email before it."
            )
        if "email" in words and "digits" in words:
            message = f"No {name} can be an address and a number."
            yield Finding(f"{at}/as", 0, message, "Keep one of email and digits.")


def _in_examples(name: str, places: list[str], payloads: list[Any]) -> Iterator[Finding]:
    found = [any(get(one, at, MISSING) is not MISSING for at in places) for one in payloads]
    # Only the event's own id stands in every payload; the others may be optional.
    if not any(found) or (name == "event_id" and not all(found)):
        refused = name == "event_id"
        yield Finding(
            f"/identity/{name}",
            0,
            f"Nothing stands at {' or '.join(places)} in {'every' if refused else 'any'} valid "
            "example.",
            "Mend the pointer, or add an example that has the value.",
            Severity.REFUSED if refused else Severity.WARNING,
        )


def _in_schema(name: str, told: Any, schema: Any) -> Iterator[Finding]:
    asked = False
    for way in ways_of(told):
        try:
            path = parse(way.pointer)
        except BadValue:
            continue
        found = look_up(schema, path)
        asked = asked or found is None or not found.optional
        if found is None:
            near = ", ".join(names_at(schema, path[:-1])[:10])
            known = f" There are: {near}." if near else ""
            yield Finding(
                f"/identity/{name}",
                0,
                f"The schema has no {way.pointer}, where the {name} is looked for.",
                f"Mend the pointer, or add the property to the schema.{known}",
                Severity.WARNING,
            )
    # Whoever writes a plain pointer knows it; of several ways one should always be there.
    if not asked and name in FOUND and not isinstance(told, str):
        yield Finding(
            f"/identity/{name}",
            0,
            f"The schema asks for none of the places of the {name} ({in_words(ways_of(told))}): "
            "some events will have none.",
            "Make one of them required, or leave it if that is meant.",
            Severity.WARNING,
        )
