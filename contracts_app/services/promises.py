"""Calendars, SLA policies and rotas: what is special about each, for `services.documents`."""

from __future__ import annotations

from collections.abc import Iterator

from contracts_app.models import BusinessCalendar, Rota, SlaPolicy
from contracts_app.queries.documents import published_names
from contracts_app.queries.registry import PublishedContracts
from contracts_app.rules import facts
from contracts_app.rules.calendar_spec import parse_calendar
from contracts_app.rules.rota_spec import parse_rota
from contracts_app.rules.shape import refuse_if
from contracts_app.rules.sla_policy_spec import SlaPolicySpec, parse_sla_policy
from contracts_app.services.documents import Judged, Kind
from meshline.core.findings import Finding
from meshline.core.yaml12 import Document

# Answered by the orchestration app: findings of the conditions in a policy document.
CONDITION_FINDINGS = "sla_policy.condition_findings"
# Answered by it as well: {contract: when its last event came}, for the names given.
LAST_EVENTS = "contracts.last_events"
# And so is: what of the events accepted since a moment a text would have refused.
REFUSED_TRAFFIC = "contracts.refused_traffic"
# And the newest payloads under a contract, or from a source and under none.
NEWEST_PAYLOADS = "contracts.newest_payloads"


def _calendar(document: Document, _references: bool) -> Judged:
    spec = parse_calendar(document)
    return Judged(spec.name, spec.title)


def _rota(document: Document, _references: bool) -> Judged:
    spec = parse_rota(document)
    return Judged(spec.name, spec.title)


def _policy(document: Document, references: bool) -> Judged:
    spec = parse_sla_policy(document)
    contracts = PublishedContracts() if references else None
    findings = list(facts.ask(CONDITION_FINDINGS, document, contracts, default=[]))
    if references:
        findings += _references(document, spec)
    refuse_if(findings, document, "SLA policy")
    return Judged(spec.name, spec.title, contracts=(spec.contract,))


def _references(document: Document, spec: SlaPolicySpec) -> Iterator[Finding]:
    if spec.calendar not in published_names(BusinessCalendar):
        yield document.finding(
            "/calendar",
            f"There is no published calendar {spec.calendar}.",
            "Publish the calendar first, or mend the name.",
        )
    known = set(PublishedContracts().names())
    for name in sorted(spec.contracts | {spec.contract}):
        if name not in known:
            yield document.finding(
                "/metrics", f"There is no published contract {name}.", "Publish it first."
            )
    rotas = published_names(Rota)
    for index, metric in enumerate(spec.metrics):
        if metric.rota is not None and metric.rota not in rotas:
            yield document.finding(
                f"/metrics/{index}/escalate/rota",
                f"There is no published rota {metric.rota}.",
                "Publish the rota first, or mend the name.",
            )


# Calendars and rotas belong to no contract: every contract owner may change them.
_OWNERS = ("runtime_owner", "contract_owner")
CALENDAR: Kind[BusinessCalendar] = Kind("calendar", BusinessCalendar, _calendar, _OWNERS)
ROTA: Kind[Rota] = Kind("rota", Rota, _rota, _OWNERS)
POLICY: Kind[SlaPolicy] = Kind("sla_policy", SlaPolicy, _policy)
