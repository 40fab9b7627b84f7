"""SourceSpec and Mapped: a source as checked, and what a delivery comes to by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from contracts_app.rules.validate import Violation
from meshline.core.safejson import Json
from orchestration.rules.expressions import compile_expression, expressions_in

Disposition: TypeAlias = Literal["event", "ignored", "unmatched"]


@dataclass(frozen=True)
class EventRule:
    """Which deliveries become an event of which contract, and how."""

    contract: str
    version: str
    payload: Json
    when: str | None = None
    own_writes: str | None = None


@dataclass(frozen=True)
class SourceSpec:
    """One checked source. `headers` are those that its expressions read, in lower case."""

    name: str
    title: str
    system: str
    scheme: str
    external_id: str
    kind: str
    on_violation: str
    events: tuple[EventRule, ...]
    occurred_at: str | None = None
    own_writes: str | None = None
    ignore: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    @property
    def contracts(self) -> tuple[str, ...]:
        """The contracts that its events may belong to."""
        return tuple(dict.fromkeys(rule.contract for rule in self.events))


@dataclass(frozen=True)
class Mapped:
    """What a delivery came to.

    `problems` not empty: the mapping failed at those places; `payload` then holds the rest.
    `external_id` "": the document found none, the scheme's delivery id may serve.
    """

    external_id: str
    kind: str
    occurred_at: datetime | None
    disposition: Disposition
    contract: str = ""
    version_range: str = "*"
    payload: Json = None
    own_write: bool = False
    problems: tuple[Violation, ...] = ()


def source_of(value: Mapping[str, Any]) -> SourceSpec:
    """Return the SourceSpec of a document that was checked before."""
    return SourceSpec(
        name=value["name"],
        title=value.get("title", value["name"]),
        system=value["system"],
        scheme=value["scheme"],
        external_id=value["external_id"],
        kind=value["kind"],
        on_violation=value["on_violation"],
        events=tuple(
            EventRule(
                contract=rule["contract"],
                version=rule.get("version", "*"),
                payload=rule["payload"],
                when=rule.get("when"),
                own_writes=rule.get("own_writes"),
            )
            for rule in value["events"]
        ),
        occurred_at=value.get("occurred_at"),
        own_writes=value.get("own_writes"),
        ignore=tuple(value.get("ignore", ())),
        volatile=tuple(value.get("volatile", ())),
        headers=_headers_read(value),
    )


def _headers_read(value: Mapping[str, Any]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    texts = [text for _, text in expressions_in(value)]
    texts += [rule["when"] for rule in value["events"] if "when" in rule]
    for text in texts:
        names.update(dict.fromkeys(compile_expression(text, context="source").tree.headers))
    return tuple(names)
