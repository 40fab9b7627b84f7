"""Parse and check a contract document (contract/v1) into a ContractSpec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from jsonschema_rs import Validator

from contracts_app.rules.contract_checks import contract_findings
from contracts_app.rules.contract_shape import CONTRACT_SHAPE, ON_UNKNOWN
from contracts_app.rules.identifiers import parse_identity
from contracts_app.rules.identity import IdentityPointers
from contracts_app.rules.identity_checks import with_identifiers, with_remedies
from contracts_app.rules.schema_walk import mapped
from contracts_app.rules.shape import refuse_if, shape_findings, with_lines
from contracts_app.rules.states import StateMachine, parse_states
from contracts_app.rules.validate import (
    ADDRESSES,
    Schema,
    Violation,
    compile_schema,
    departures,
    dialect_of,
)
from meshline.core import canonical
from meshline.core.durations import in_words, parse_duration
from meshline.core.findings import Finding, refusals
from meshline.core.safejson import Json
from meshline.core.yaml12 import Document

# What the registry itself writes is no part of what owners sign.
NOT_SIGNED = (
    "/status",
    "/signoff/records",
    "/lifecycle/deprecated_on",
    "/lifecycle/sunset_on",
    "/lifecycle/replaced_by",
)


@dataclass(frozen=True)
class Risk:
    """How much a failure hurts and why; `pii` are JSON pointers of personal data."""

    risk_class: str
    reasons: tuple[str, ...]
    pii: tuple[str, ...]
    retention_days: int


@dataclass(frozen=True)
class Producer:
    """The system that sends the event."""

    system: str
    team: str
    channel: Mapping[str, Json]


@dataclass(frozen=True)
class Consumer:
    """A system that uses the event and what it expects of it."""

    system: str
    team: str
    status: str
    pinned: str
    until: str | None
    expects: Mapping[str, Json]


@dataclass(frozen=True)
class Compatibility:
    """Which changes the contract allows, and what becomes of one that nobody can decide."""

    mode: str
    policy: str
    on_unknown: str


@dataclass(frozen=True)
class Example:
    """A named payload; `violates` are the pointers at which an invalid one must be refused."""

    name: str
    payload: Json
    violates: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnerRef:
    """Who holds a role: a group, a person's address, a rota to page."""

    group: str
    person: str
    oncall: str
    deputy: str = ""


@dataclass(frozen=True)
class Promise:
    """The contract's own times: the acknowledgement's deadline and when silence escalates."""

    timezone: str
    ack_within: timedelta | None
    escalate_after: timedelta | None

    def named(self, after: str) -> timedelta | None:
        """Return the duration that `after` names ("ack_within") or is ("PT5M")."""
        named = {"ack_within": self.ack_within, "escalate_after": self.escalate_after}
        return named[after] if after in named else parse_duration(after)


@dataclass(frozen=True)
class Slo:
    """One objective; `target` is a share between 0 and 1 as written ("0.999")."""

    name: str
    sli: str
    threshold: timedelta | None
    target: str | None
    window: timedelta | None
    active_hours: str | None

    @property
    def title(self) -> str:
        """The name as a person reads it: "Refunded in time"."""
        return self.name.replace("_", " ").capitalize()

    @property
    def in_words(self) -> str:
        """What is promised: "99.9 % done within 5 s"."""
        share = f"{(Decimal(self.target or 1) * 100).normalize():f} %"
        if self.sli == "valid_share":
            return f"{share} keep the contract"
        span = in_words(self.threshold) if self.threshold is not None else ""
        if self.sli == "latency" and span:
            return f"{share} done within {span}"
        if self.sli == "max_gap" and span:
            return f"never silent for {span}"
        return " ".join(word for word in (share, self.sli, span and f"within {span}") if word)


@dataclass(frozen=True)
class Fallback:
    """How people do by hand what automation cannot."""

    runbook: str
    executable: bool
    max_use_per_month: int | None
    retire_by: str | None


@dataclass(frozen=True)
class ContractSpec:
    """One version of a contract, checked. `digest` binds sign-offs to what was read."""

    name: str
    version: str
    title: str
    description: str
    status: str
    kind: str
    domain: str
    tags: tuple[str, ...]
    risk: Risk
    producer: Producer
    consumers: tuple[Consumer, ...]
    compatibility: Compatibility
    identity: IdentityPointers
    schema: Schema
    dialect: str
    formats: bool
    examples_valid: tuple[Example, ...]
    examples_invalid: tuple[Example, ...]
    owners: Mapping[str, OwnerRef]
    signoff_required: tuple[str, ...]
    sla: Promise
    slo: tuple[Slo, ...]
    states: StateMachine | None
    exception_route: Mapping[str, Json]
    manual_fallback: Fallback | None
    runbooks: tuple[str, ...]
    supersedes: str | None
    document: Mapping[str, Json]
    digest: str
    warnings: tuple[Finding, ...] = ()

    @property
    def full_schema(self) -> Schema:
        """The payload's schema, complete in itself: it names its dialect, and what is asserted."""
        if not isinstance(self.schema, dict):
            return self.schema
        schema = self.schema if self.formats else mapped(self.schema, _without_format)
        return {"$schema": ADDRESSES[self.dialect], **schema}

    def violations(self, payload: Json) -> list[Violation]:
        """Return where a payload departs from this version, sorted by path.

        From its schema, and where an identifier stands that nobody can read.
        """
        found = departures(self._validator, payload)
        return with_identifiers(found, self.identity, payload)

    @cached_property
    def _validator(self) -> Validator:
        return compile_schema(self.schema, dialect=self.dialect, formats=self.formats)


def parse_contract(document: Document) -> ContractSpec:
    """Return the contract in a document.

    Raises: DocumentRefused with every finding (path, line, message, remedy).
    """
    findings = check_contract(document)
    refuse_if(findings, document, "contract")
    return _build(document.value, tuple(findings))


def check_contract(document: Document) -> list[Finding]:
    """Return everything that is wrong or doubtful with a contract document, sorted by line."""
    findings = with_remedies(shape_findings(CONTRACT_SHAPE, document))
    if refusals(findings):
        return findings  # the other checks rely on the shape
    return with_lines(contract_findings(document.value), document)


def _build(value: Mapping[str, Any], warnings: tuple[Finding, ...]) -> ContractSpec:
    schema = value["schema"]["payload"]
    compatibility = value.get("compatibility", {})
    return ContractSpec(
        name=value["name"],
        version=value["version"],
        title=value["title"],
        description=value.get("description", ""),
        status=value["status"],
        kind=value["kind"],
        domain=value.get("domain", value["name"].partition(".")[0]),
        tags=tuple(value.get("tags", ())),
        risk=_risk(value["risk"]),
        producer=_producer(value["producer"]),
        consumers=tuple(_consumer(entry) for entry in value.get("consumers", ())),
        compatibility=Compatibility(
            compatibility.get("mode", "full_transitive"),
            compatibility.get("policy", "tolerant_reader"),
            compatibility.get("on_unknown", ON_UNKNOWN[0]),
        ),
        identity=IdentityPointers(**parse_identity(value["identity"])),
        schema=schema,
        dialect=dialect_of(schema, value["schema"].get("dialect", "2020-12")),
        formats=compatibility.get("formats", "assert") == "assert",
        examples_valid=tuple(_example(entry) for entry in value["examples"]["valid"]),
        examples_invalid=tuple(_example(entry) for entry in value["examples"]["invalid"]),
        owners={role: _owner(entry) for role, entry in value["owners"].items()},
        signoff_required=tuple(value.get("signoff", {}).get("required", value["owners"])),
        sla=_promise(value.get("sla", {})),
        slo=tuple(_slo(entry) for entry in value.get("slo", ())),
        states=parse_states(value["states"]) if "states" in value else None,
        exception_route=value.get("exception_route", {}),
        manual_fallback=_fallback(value.get("manual_fallback")),
        runbooks=tuple(value.get("runbooks", ())),
        supersedes=value.get("lifecycle", {}).get("supersedes"),
        document=value,
        digest=canonical.digest(value, without=NOT_SIGNED),
        warnings=warnings,
    )


def _without_format(node: dict[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in node.items() if keyword != "format"}


def _risk(entry: Mapping[str, Any]) -> Risk:
    data = entry.get("data", {})
    return Risk(
        entry["class"],
        tuple(entry.get("reasons", ())),
        tuple(data.get("pii", ())),
        data.get("retention_days", 90),
    )


def _producer(entry: Mapping[str, Any]) -> Producer:
    return Producer(entry["system"], entry.get("team", ""), entry.get("channel", {}))


def _consumer(entry: Mapping[str, Any]) -> Consumer:
    return Consumer(
        system=entry["system"],
        team=entry.get("team", ""),
        status=entry.get("status", "live"),
        pinned=entry.get("pinned", "*"),
        until=entry.get("until"),
        expects=entry.get("expects", {}),
    )


def _example(entry: Mapping[str, Any]) -> Example:
    return Example(entry["name"], entry["payload"], tuple(entry.get("violates", ())))


def _owner(entry: Mapping[str, str]) -> OwnerRef:
    return OwnerRef(*(entry.get(key, "") for key in ("group", "person", "oncall", "deputy")))


def _promise(entry: Mapping[str, str]) -> Promise:
    return Promise(
        entry.get("timezone", "UTC"),
        _duration(entry.get("ack_within")),
        _duration(entry.get("escalate_after")),
    )


def _slo(entry: Mapping[str, Any]) -> Slo:
    return Slo(
        name=entry["name"],
        sli=entry["sli"],
        threshold=_duration(entry.get("threshold")),
        target=str(entry["target"]) if "target" in entry else None,
        window=_duration(entry.get("window")),
        active_hours=entry.get("active_hours"),
    )


def _fallback(entry: Mapping[str, Any] | None) -> Fallback | None:
    if entry is None:
        return None
    return Fallback(
        entry["runbook"],
        entry.get("executable", False),
        entry.get("max_use_per_month"),
        entry.get("retire_by"),
    )


def _duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)
