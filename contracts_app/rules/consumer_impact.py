"""Does a consumer still get what it expects of a contract? One answer for each consumer.

A consumer is safe when everything that the contract allows is something that it expects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

from contracts_app.rules.compat import Counterexample
from contracts_app.rules.contract_spec import Consumer, ContractSpec
from contracts_app.rules.inclusion import included
from contracts_app.rules.schema_walk import followed, local_target, mapped
from contracts_app.rules.splicing import ABSENT
from contracts_app.rules.validate import Schema, violations
from contracts_app.rules.versions import matches
from meshline.core.pointers import parse

_BY_NAME = ("$schema", "$defs", "definitions")
State = Literal["safe", "hurt", "unknown", "apart"]


@dataclass(frozen=True)
class Impact:
    """What a version means for one consumer: "apart" is one whom it does not reach.

    `counterexample` is a payload that the version allows and the consumer does not expect.
    """

    system: str
    team: str
    state: State
    sentence: str
    counterexample: Counterexample | None = None


def impacts(
    proposed: ContractSpec,
    before: ContractSpec | None,
    *,
    budget_s: float = 0.5,
    total_s: float | None = None,
) -> tuple[Impact, ...]:
    """Judge a version for each of its consumers, in the order of the document.

    `before` is the version in service; what a consumer reads of single fields is compared with it.
    `budget_s` bounds the search for each consumer, in seconds; `total_s` that for all of them: who
    is not reached in time is "unknown".
    """
    if total_s is None:
        return tuple(_impact(one, proposed, before, budget_s) for one in proposed.consumers)
    ends = perf_counter() + total_s
    found = []
    for place, one in enumerate(proposed.consumers):
        # A consumer may be searched for twice: by its schema and by the fields that it reads.
        share = (ends - perf_counter()) / (len(proposed.consumers) - place) / 2
        found.append(
            _impact(one, proposed, before, min(share, budget_s)) if share > 0 else _unasked(one)
        )
    return tuple(found)


def _unasked(consumer: Consumer) -> Impact:
    sentence = f"{consumer.system} was not looked at: there was no time left for it."
    return Impact(consumer.system, consumer.team, "unknown", sentence)


def _impact(
    consumer: Consumer, proposed: ContractSpec, before: ContractSpec | None, budget_s: float
) -> Impact:
    name = consumer.system
    away = apart(consumer, proposed.version)
    if away:
        return Impact(name, consumer.team, "apart", away)
    expected = expectations(consumer, before)
    if not expected:
        return Impact(name, consumer.team, "safe", f"{name} has written down no expectation.")
    examples = [one.payload for one in proposed.examples_valid]
    unsure = ""
    for schema in expected:
        found = included(proposed.full_schema, schema, examples=examples, budget_s=budget_s)
        if found.verdict == "breaking":
            return _hurt(consumer, schema, found.witness)
        unsure = unsure or (found.why if found.verdict == "unknown" else "")
    if unsure:
        return Impact(name, consumer.team, "unknown", f"{name} may be hurt: {unsure}")
    return Impact(name, consumer.team, "safe", f"{name} gets what it expects.")


def apart(consumer: Consumer, version: str) -> str:
    """Return why a version does not reach a consumer, in a sentence; "" if it does."""
    if consumer.status != "live":
        return f"{consumer.system} is {consumer.status}."
    if not matches(consumer.pinned, version):
        return f"{consumer.system} is pinned to {consumer.pinned} and does not get this version."
    return ""


def expectations(consumer: Consumer, before: ContractSpec | None) -> list[Schema]:
    """Return the schemas that a consumer expects every payload to fit.

    Its own schema, and for the fields that it reads what `before` says of them.
    """
    found: list[Schema] = []
    schema = consumer.expects.get("schema")
    if isinstance(schema, dict | bool):
        ignores = consumer.expects.get("unknown_enum") == "ignore"
        found.append(mapped(schema, _without_choices) if ignores else schema)
    fields = consumer.expects.get("fields")
    if isinstance(fields, list) and before is not None:
        found.append(_only(before.full_schema, [parse(str(field)) for field in fields]))
    return found


def _hurt(consumer: Consumer, schema: Schema, witness: Any) -> Impact:
    name = consumer.system
    if witness is ABSENT:
        sentence = f"{name} would get payloads that it does not expect."
        return Impact(name, consumer.team, "hurt", sentence)
    told = tuple(violations(schema, witness))
    sentence = f"{name} would get payloads that it does not expect: {told[0].sentence}."
    return Impact(name, consumer.team, "hurt", sentence, Counterexample(witness, "new", told))


def _without_choices(node: dict[str, Any]) -> dict[str, Any]:
    """A consumer that ignores values it does not know expects any value of that type."""
    return {keyword: value for keyword, value in node.items() if keyword != "enum"}


def _only(schema: Schema, fields: Sequence[tuple[str, ...]]) -> Schema:
    """Return what a schema says of some fields, and nothing of the others."""
    if not isinstance(schema, dict):
        return schema
    narrowed = _narrowed(schema, schema, fields, 0)
    return narrowed | {key: schema[key] for key in schema if key in _BY_NAME}


def _narrowed(
    node: Any, root: Schema, fields: Sequence[tuple[str, ...]], depth: int
) -> dict[str, Any]:
    node = followed(root, node)
    if not isinstance(node, dict) or depth > 20:
        return {}
    if () in fields:
        return {key: value for key, value in node.items() if key not in ("$defs", "definitions")}
    known = node.get("properties", {})
    names = {field[0] for field in fields}
    needed = [name for name in node.get("required", ()) if name in names]
    told = {
        name: _narrowed(known[name], root, [f[1:] for f in fields if f[0] == name], depth + 1)
        for name in sorted(names & known.keys())
    }
    parts = [*node.get("allOf", ()), *_beside(node, root)]
    narrowed: dict[str, Any] = {"type": "object", "properties": told, "required": needed}
    if parts:
        narrowed["allOf"] = [_narrowed(part, root, fields, depth + 1) for part in parts]
    return narrowed


def _beside(node: dict[str, Any], root: Schema) -> list[Any]:
    """Return what a reference leads to that has more words beside it."""
    target = local_target(root, node["$ref"]) if isinstance(node.get("$ref"), str) else None
    return [] if target is None else [target]
