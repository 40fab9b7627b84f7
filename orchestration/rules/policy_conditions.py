"""Check the conditions of an SLA policy against the events that they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts_app.rules.shape import with_lines
from contracts_app.rules.sla_policy_spec import EVENT_KEYS
from meshline.core.findings import Finding
from meshline.core.yaml12 import Document
from orchestration.rules.contract_lookup import ContractLookup
from orchestration.rules.expression_checks import Scope


def condition_findings(document: Document, contracts: ContractLookup | None) -> list[Finding]:
    """Return what is wrong with a well-shaped policy's conditions, sorted by line.

    With `contracts` they are also held against the events' schemas.
    """
    found = [
        finding
        for index, metric in enumerate(document.value["metrics"])
        for key in EVENT_KEYS
        for at, rule in _rules(metric.get(key), f"/metrics/{index}/{key}")
        if "when" in rule
        for finding in _scope(rule, contracts).condition(rule["when"], f"{at}/when")
    ]
    return with_lines(found, document)


def _rules(entry: Any, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(entry, list):
        for index, rule in enumerate(entry):
            yield f"{at}/{index}", rule
    elif entry is not None:
        yield at, entry


def _scope(rule: Mapping[str, Any], contracts: ContractLookup | None) -> Scope:
    spec = contracts.find(rule["contract"]) if contracts and "contract" in rule else None
    event = spec.schema if spec is not None else True
    return Scope("any", {"event": event, "effect": True})
