"""The contract tests of one version: which there are, what each came to, and in which words.

Examples and expectations are judged here. A unique id is promised by whoever sends events and kept
by whoever takes them in, so that test needs the engine: here it is only said what came of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts_app.rules.consumer_impact import apart, expectations
from contracts_app.rules.contract_checks import is_at
from contracts_app.rules.contract_spec import Consumer, ContractSpec, Example
from contracts_app.rules.identity import resolve
from contracts_app.rules.validate import violations
from meshline.core.pointers import MISSING, get

Kind: TypeAlias = Literal["valid", "invalid", "consumer", "unique"]
Outcome: TypeAlias = Literal["passed", "failed", "skipped"]

TITLES: dict[Kind, str] = {
    "valid": "Example that is accepted",
    "invalid": "Example that is refused",
    "consumer": "What a consumer expects",
    "unique": "Unique id",
}
MOST_SENT = 5  # each is taken in three times
LONGEST = 400


@dataclass(frozen=True)
class ContractTest:
    """One test of a version; `sentence` says what came of it, for the contract's owner."""

    kind: Kind
    name: str
    outcome: Outcome
    sentence: str

    def __str__(self) -> str:
        return f"{TITLES[self.kind].lower()} {self.name}: {self.sentence}"


@dataclass(frozen=True)
class Sent:
    """What came of one example that was sent twice, and then changed under the same id.

    `events` is how many there were after the second time, `known` whether the second was told
    that it is here already. `conflict` says whether the changed one was refused as a conflict, None
    if its payload cannot be changed beside its id. `trouble` is what kept it from being sent.
    """

    events: int = 0
    known: bool = False
    conflict: bool | None = None
    trouble: str = ""


def judged(spec: ContractSpec, before: ContractSpec | None) -> tuple[ContractTest, ...]:
    """Return the tests of examples and expectations, in the order of the document.

    `before` is the version in service: what a consumer reads of single fields is compared with it.
    """
    return (
        *(_accepted(spec, one) for one in spec.examples_valid),
        *(_refused(spec, one) for one in spec.examples_invalid),
        *(_expected(spec, one, before or spec) for one in spec.consumers),
    )


def to_send(spec: ContractSpec) -> tuple[Example, ...]:
    """Return the examples by which the promise of a unique id is tested."""
    return spec.examples_valid[:MOST_SENT]


def unique_id(spec: ContractSpec, example: Example, sent: Sent | None) -> ContractTest:
    """Return the test of a unique id; `sent` None: nobody here can take events in."""
    outcome, sentence = _sent(spec, example, sent)
    return ContractTest("unique", example.name, outcome, sentence[:LONGEST])


def promised_id(spec: ContractSpec, example: Example) -> str:
    """Return the id by which an example is told from others; "" if it has none that can serve."""
    return resolve(spec.identity, example.payload).event_id or ""


def failed(tests: tuple[ContractTest, ...]) -> tuple[ContractTest, ...]:
    """Return the tests that failed."""
    return tuple(one for one in tests if one.outcome == "failed")


def _accepted(spec: ContractSpec, example: Example) -> ContractTest:
    found = spec.violations(example.payload)
    if not found:
        return ContractTest("valid", example.name, "passed", "The schema accepts it.")
    more = f" And {len(found) - 1} more." if len(found) > 1 else ""
    return _failed("valid", example.name, f"The schema refuses it: {found[0].sentence}.{more}")


def _refused(spec: ContractSpec, example: Example) -> ContractTest:
    found = spec.violations(example.payload)
    if not found:
        return _failed("invalid", example.name, "The schema accepts it.")
    missed = [
        place
        for place in example.violates
        if not any(is_at(violation, place, example.payload) for violation in found)
    ]
    if missed:
        told = ", ".join(sorted({one.path or "the whole" for one in found}))
        sentence = f"It is refused at {told}, and not where it should be: {', '.join(missed)}."
        return _failed("invalid", example.name, sentence)
    places = ", ".join(place or "the whole" for place in example.violates)
    return ContractTest("invalid", example.name, "passed", f"The schema refuses it at {places}.")


def _expected(spec: ContractSpec, consumer: Consumer, before: ContractSpec) -> ContractTest:
    name = consumer.system
    why = apart(consumer, spec.version)
    if why:
        return ContractTest("consumer", name, "skipped", why)
    for example in spec.examples_valid:
        for schema in expectations(consumer, before):
            found = violations(schema, example.payload, dialect=spec.dialect, formats=spec.formats)
            if found:
                sentence = f"It does not expect the example {example.name}: {found[0].sentence}."
                return _failed("consumer", name, sentence)
    if not expectations(consumer, before):
        nothing = f"{name} has written down no expectation, so nothing can be tested."
        return ContractTest("consumer", name, "skipped", nothing)
    count = len(spec.examples_valid)
    those = "the valid example" if count == 1 else f"all {count} valid examples"
    unseen = ", ".join(_unseen(spec, consumer))
    hint = f" No example shows {unseen}." if unseen else ""
    return ContractTest("consumer", name, "passed", f"It expects {those}.{hint}"[:LONGEST])


def _unseen(spec: ContractSpec, consumer: Consumer) -> Iterator[str]:
    """The fields that a consumer reads and that stand in no valid example."""
    fields = consumer.expects.get("fields")
    for field in fields if isinstance(fields, list) else ():
        shown = (get(one.payload, str(field), MISSING) for one in spec.examples_valid)
        if all(value is MISSING for value in shown):
            yield str(field)


def _sent(spec: ContractSpec, example: Example, sent: Sent | None) -> tuple[Outcome, str]:
    place, own = spec.identity.event_id, promised_id(spec, example)
    if not own:
        return "failed", (
            f"What stands at {place} is neither text nor a whole number, so nothing tells an event"
            " from its repetition."
        )
    if sent is None:
        return "skipped", "Nothing here takes events in, so it was not sent."
    if sent.trouble:
        return "failed", f"It could not be taken in: {sent.trouble}"
    if not sent.known or sent.events != 1:
        return "failed", f"Sent twice under the id {own}, it became {sent.events} events."
    if sent.conflict is False:
        return "failed", f"Another body under the id {own} was taken in as well."
    other = " Another body under that id is refused as a conflict." if sent.conflict else ""
    return "passed", f"Sent twice under the id {own}, it is one event.{other}"


def _failed(kind: Kind, name: str, sentence: str) -> ContractTest:
    return ContractTest(kind, name, "failed", sentence[:LONGEST])
