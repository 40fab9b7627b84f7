"""A contract in the hands of a test: payloads are checked, examples taken, consumers asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from contracts_app.rules.consumer_impact import expectations, impacts
from contracts_app.rules.contract_spec import Consumer, Example
from contracts_app.rules.schema_lines import line_of_place
from contracts_app.rules.validate import Schema, Violation, violations
from meshline.core import safejson
from meshline.core.errors import BadJson
from meshline.testing.library import Loaded

MOST_SHOWN = 2_000  # of a payload in a message
Payload = TypeVar("Payload")
Record = Callable[[], None]


class ContractBroken(AssertionError):
    """A payload does not fit; `violations` says where (path, rule, sentence)."""

    def __init__(self, told: str, found: Sequence[Violation] = ()) -> None:
        super().__init__(told)
        self.violations = tuple(found)


class Contract:
    """One version of a contract. Whatever asks it something counts as a check of the test."""

    def __init__(self, loaded: Loaded, record: Record, system: str = "") -> None:
        self._loaded = loaded
        self._spec = loaded.spec
        self._record = record
        self._system = system

    def __repr__(self) -> str:
        return f"<contract {self.name} {self.version}>"

    @property
    def name(self) -> str:
        """The contract's name."""
        return self._spec.name

    @property
    def version(self) -> str:
        """The version that was taken."""
        return self._spec.version

    @property
    def where(self) -> str:
        """The file, or the registry's address, and the line at which the schema begins."""
        return self._place("")

    @property
    def schema(self) -> Schema:
        """The payload's schema, complete in itself; a copy."""
        return copy.deepcopy(self._spec.full_schema)

    @property
    def examples(self) -> tuple[Example, ...]:
        """The valid examples (name, payload), copies; a consumer's test gives them to its code."""
        self._record()
        return copy.deepcopy(self._spec.examples_valid)

    @property
    def invalid_examples(self) -> tuple[Example, ...]:
        """The examples that must be refused (name, payload, violates), copies; no check."""
        return copy.deepcopy(self._spec.examples_invalid)

    def accepts(self, payload: Any) -> Literal[True]:
        """Assert that a payload fits; bytes are read as JSON. Raises: ContractBroken."""
        __tracebackhide__ = True
        self.check(payload)
        return True

    def check(self, payload: Payload) -> Payload:
        """Assert that a payload fits and return it, to be sent on. Raises: ContractBroken."""
        __tracebackhide__ = True
        self._record()
        value, unread = _read(payload)
        found = unread or self._spec.violations(value)
        if found:
            raise ContractBroken(self._told(value, found), found)
        return payload

    def violations(self, payload: Any) -> list[Violation]:
        """Return where a payload departs from the schema, without asserting; no check."""
        value, unread = _read(payload)
        return unread or self._spec.violations(value)

    def expected_by(self, system: str = "") -> Expectation:
        """Return what a consumer expects of it; without a name the system that is tested.

        Raises: ContractBroken if the contract names no such consumer.
        """
        __tracebackhide__ = True
        wanted = system or self._system
        found = next((one for one in self._spec.consumers if one.system == wanted), None)
        if found is None:
            named = ", ".join(one.system for one in self._spec.consumers) or "none"
            asked = f"no consumer {wanted}" if wanted else "no system; give --meshline-system"
            raise ContractBroken(
                f"{self.name} {self.version} knows {asked}. Its consumers: {named}. ({self.where})"
            )
        return Expectation(self._loaded, found, self._record)

    def _told(self, payload: Any, found: Sequence[Violation]) -> str:
        count = "1 place" if len(found) == 1 else f"{len(found)} places"
        lines = [f"{self.name} {self.version} refuses this payload at {count}:"]
        for one in found[:20]:
            path = one.path or "(the whole)"
            lines.append(f"  {path}  {one.rule}  {one.sentence}")
            lines.append(f"    {self._place(one.path)}")
        lines += [f"  and {len(found) - 20} more"] if len(found) > 20 else []
        return "\n".join([*lines, f"payload: {_shown(payload)}"])

    def _place(self, path: str) -> str:
        document = self._loaded.document
        if not document.lines:
            return document.name  # of a registry's document no lines are known
        line = line_of_place(document.lines, path, schema=self._spec.schema)
        return f"{document.name}:{line}"


class Expectation:
    """What one consumer expects of a contract's payloads."""

    def __init__(self, loaded: Loaded, consumer: Consumer, record: Record) -> None:
        self._loaded = loaded
        self._consumer = consumer
        self._record = record

    @property
    def schemas(self) -> list[Schema]:
        """The schemas that every payload is expected to fit; empty if nothing is written down."""
        return copy.deepcopy(expectations(self._consumer, self._loaded.spec))

    def accepts(self, payload: Any) -> Literal[True]:
        """Assert that a payload is one that the consumer expects. Raises: ContractBroken."""
        __tracebackhide__ = True
        self._record()
        value, unread = _read(payload)
        expected = expectations(self._consumer, self._loaded.spec)
        found = unread or [one for schema in expected for one in violations(schema, value)]
        if found:
            told = [f"{self._title} does not expect this payload:"]
            told += [f"  {one.path or '(the whole)'}  {one.rule}  {one.sentence}" for one in found]
            raise ContractBroken(
                "\n".join([*told, self._where, f"payload: {_shown(value)}"]), found
            )
        return True

    def holds(self) -> Literal[True]:
        """Assert that the consumer expects all that the contract allows.

        One that is planned is judged as if it were there. What is not proved does not hold.
        Raises: ContractBroken, with a payload that shows it where one was found.
        """
        __tracebackhide__ = True
        self._record()
        spec = self._loaded.spec
        asked = replace(self._consumer, status="live")
        (impact,) = impacts(replace(spec, consumers=(asked,)), spec, budget_s=2.0)
        if impact.state == "safe":
            return True
        told = [f"{self._title}: {impact.sentence}", self._where]
        if impact.counterexample is None:
            raise ContractBroken("\n".join(told))
        found = impact.counterexample.violations
        told += [f"  {one.path or '(the whole)'}  {one.rule}  {one.sentence}" for one in found]
        told.append(f"payload: {_shown(impact.counterexample.payload)}")
        raise ContractBroken("\n".join(told), found)

    @property
    def _title(self) -> str:
        spec = self._loaded.spec
        return f"{self._consumer.system}, a consumer of {spec.name} {spec.version},"

    @property
    def _where(self) -> str:
        document, systems = self._loaded.document, self._loaded.spec.consumers
        place = f"/consumers/{systems.index(self._consumer)}/expects"
        line = f":{document.line_of(place)}" if document.lines else ""
        return f"  {document.name}{line}"


def _read(payload: Any) -> tuple[Any, list[Violation]]:
    if not isinstance(payload, bytes | bytearray):
        return payload, []
    try:
        return safejson.loads(bytes(payload)), []
    except BadJson as error:
        return repr(bytes(payload)), [Violation("", "json", str(error))]


def _shown(payload: Any) -> str:
    told = json.dumps(payload, ensure_ascii=False, default=repr)
    return told if len(told) <= MOST_SHOWN else f"{told[:MOST_SHOWN]}… ({len(told)} characters)"
