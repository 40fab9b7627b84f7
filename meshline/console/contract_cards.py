"""Cards of a contract's page that stand by themselves: whom to reach, who reads what, inventory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from contracts_app.models import Contract
from contracts_app.queries.contact_matrix import matrix_of
from contracts_app.queries.inventory import flow_of_contract
from contracts_app.queries.rollout import rollout_of
from contracts_app.rules.contract_spec import ContractSpec


def context(
    contract: Contract,
    spec: ContractSpec | None,
    now: datetime,
    policies: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what these cards show; `policies` are the contract's own, as the page lists them."""
    calendars = [one["spec"].calendar for one in policies]
    return {
        "contacts": matrix_of(contract, spec, now, calendars=calendars),
        "rollout": rollout_of(contract, spec) if spec else None,
        "inventory_flow": flow_of_contract(contract.name),
    }
