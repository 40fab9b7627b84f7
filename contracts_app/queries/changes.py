"""What a proposed text would change: judged against the versions in service."""

from __future__ import annotations

from contracts_app.models import ContractState, ContractVersion
from contracts_app.queries.registry import serving_specs, spec_of
from contracts_app.queries.remembered import Remembered
from contracts_app.rules.consumer_impact import Impact, impacts
from contracts_app.rules.contract_change import ContractChange, judge_change
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.signoff import required, untouched

_LOOK_S = 0.3
_impacts: Remembered[str, tuple[Impact, ...]] = Remembered(limit=128)
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


def doubted_of(version: ContractVersion, spec: ContractSpec) -> tuple[str, ...]:
    """Return the consumers that are not proved to get what they expect of a version.

    A proposal is compared with what is in service; one that is in service stands for itself, and
    a short look is enough for it.
    """
    if version.state in (ContractState.DRAFT, ContractState.IN_REVIEW):
        return tuple(one.system for one in change_of(spec).hurt)
    found = _impacts.get(spec.digest, lambda: impacts(spec, None, budget_s=_LOOK_S))
    return tuple(one.system for one in found if one.state in ("hurt", "unknown"))


def roles_to_sign(version: ContractVersion) -> tuple[str, ...]:
    """Return the roles whose yes a version needs; a proposal that breaks needs more of them.

    A consumer that a proposal leaves untouched is not asked. Of a version that was published it is
    known who was asked; nobody was, if it came in as a file.
    """
    spec = spec_of(version)
    if version.state in (ContractState.DRAFT, ContractState.IN_REVIEW):
        return asked_by(spec, change_of(spec))
    asked = {one.role for one in version.asks.all() if one.digest == version.digest}
    wanted = required(spec)
    return tuple(
        role for role in (*wanted, *sorted(asked - {*wanted})) if not asked or role in asked
    )


def asked_by(spec: ContractSpec, change: ContractChange) -> tuple[str, ...]:
    """Return the roles that a proposal has to ask, given what its change means."""
    newest = change.newest.version if change.newest else None
    before = next((one for one in serving_specs(spec.name) if one.version == newest), None)
    spared = untouched(change, spec, before)
    return required(spec, breaks=change.counts_as_break, untouched=spared)
