"""The gates of one contract version, from what the registry and the engine know of it."""

from __future__ import annotations

from dataclasses import replace

from contracts_app.models import (
    AuditEntry,
    Contract,
    ContractVersion,
    GateEvidence,
    Owner,
    Ownership,
    Rota,
    SlaPolicy,
    Source,
    System,
)
from contracts_app.queries.changes import doubted_of
from contracts_app.queries.contract_tests import failing
from contracts_app.queries.documents import all_published, policy_spec_of, published_names
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.rules import facts
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.golive import ROLES, Answering, Evidence, Gate, GateFacts, gaps, gates

PUBLISHED_RUNBOOKS = "runbooks.published_names"
FLOWS_OF = "orchestration.flows_of_contract"


def gates_of(version: ContractVersion, spec: ContractSpec) -> tuple[Gate, ...]:
    """Return every gate of a version; a fixed number of queries, for one contract's page."""
    return gates(spec, _facts(version, spec))


def gaps_of(version: ContractVersion, spec: ContractSpec) -> tuple[Gate, ...]:
    """Return what keeps a version from going live: what the one in service does not lack too."""
    known = _facts(version, spec)
    serving = version.contract.versions.filter(state__in=SERVING).exclude(pk=version.pk)
    before = serving.order_by("-published_at", "-id").first()
    already: tuple[Gate, ...] = ()
    if before is not None:
        already = gates(spec_of(before), replace(known, failing=failing(before)))
    return gaps(gates(spec, known), known=already)


def evidence_of(contract: Contract) -> dict[str, GateEvidence]:
    """Return the evidence that counts, by gate."""
    rows = GateEvidence.objects.filter(contract=contract, withdrawn_at=None)
    return {row.gate: row for row in rows.select_related("given_by")}


def _facts(version: ContractVersion, spec: ContractSpec) -> GateFacts:
    contract = version.contract
    named = {spec.producer.system, *(one.system for one in spec.consumers)}
    policies = (policy_spec_of(row) for row in all_published(SlaPolicy))
    on, off = _sources(spec.name)
    return GateFacts(
        owners=_owners(contract, spec),
        systems=frozenset(System.objects.filter(name__in=named).values_list("name", flat=True)),
        runbooks=facts.ask(PUBLISHED_RUNBOOKS, default=frozenset[str]()),
        flows=tuple(facts.ask(FLOWS_OF, spec.name, default=[])),
        sources=on,
        sources_off=off,
        served=contract.versions.filter(state__in=SERVING).exists(),
        doubted=doubted_of(version, spec),
        failing=failing(version),
        promised=any(one.contract == spec.name for one in policies),
        audited=AuditEntry.objects.filter(contract=contract.name).exists(),
        evidence={gate: _evidence(row) for gate, row in evidence_of(contract).items()},
    )


def _sources(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sources that map deliveries to a contract: those switched on, and those switched off."""
    rows = Source.objects.filter(body__events__contains=[{"contract": name}]).order_by("name")
    listed = list(rows.values_list("name", "enabled"))
    return (
        tuple(source for source, enabled in listed if enabled),
        tuple(source for source, enabled in listed if not enabled),
    )


def _owners(contract: Contract, spec: ContractSpec) -> dict[str, Answering]:
    """The contact matrix; before a version served, the owners that the text names."""
    rows = Ownership.objects.filter(contract=contract)
    seats = {row.role: row for row in rows.select_related("owner__person", "deputy")}
    groups = [ref.group for ref in spec.owners.values()]
    teams = {
        row.name: row for row in Owner.objects.filter(name__in=groups).select_related("person")
    }
    rotas = published_names(Rota)
    found = {}
    for role in ROLES:
        seat, ref = seats.get(role), spec.owners.get(role)
        owner = seat.owner if seat else teams.get(ref.group) if ref else None
        if owner is None:
            continue
        person = owner.person if owner.person and owner.person.is_active else None
        rota = owner.rota or (ref.oncall if ref else "")
        found[role] = Answering(
            owner=owner.title,
            person=(person.get_full_name() or person.get_username()) if person else "",
            rota=rota if rota in rotas else "",
            deputy=seat.deputy.title if seat and seat.deputy else ref.deputy if ref else "",
        )
    return found


def _evidence(row: GateEvidence) -> Evidence:
    name = row.given_by.get_full_name() or row.given_by.get_username()
    return Evidence(row.statement, name, row.done_on)
