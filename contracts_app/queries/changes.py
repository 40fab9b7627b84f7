"""What a proposed text would change: judged against the versions in service."""

from __future__ import annotations

from contracts_app.models import ContractState, ContractVersion
from contracts_app.queries.registry import serving_specs, spec_of
from contracts_app.queries.remembered import Remembered
from contracts_app.rules.contract_change import ContractChange, judge_change
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.signoff import required

# A verdict follows from the texts and from how long was searched: a short look binds no other.
_judged: Remembered[tuple[str, ...], ContractChange] = Remembered(limit=128)


def change_of(spec: ContractSpec, *, budget_s: float = 2.0) -> ContractChange:
    """Return what a proposal means for the versions in service and for its consumers.

    A version of the same number is left out: it is the proposal itself. `budget_s` bounds each
    comparison, in seconds.
    """
    serving = [one for one in serving_specs(spec.name) if one.version != spec.version]
    key = (str(budget_s), spec.digest, *sorted(one.digest for one in serving))
    return _judged.get(key, lambda: judge_change(spec, serving, budget_s=budget_s))


def roles_to_sign(version: ContractVersion) -> tuple[str, ...]:
    """Return the roles whose yes a version needs; a proposal that breaks needs more of them."""
    spec = spec_of(version)
    open_states = (ContractState.DRAFT, ContractState.IN_REVIEW)
    breaks = version.state in open_states and change_of(spec).verdict != "compatible"
    return required(spec, breaks=breaks)
