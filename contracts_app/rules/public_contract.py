"""What of a published contract everybody may read: an allow-list, so that new fields stay private.

A partner needs the event itself: its schema and examples, how it is found, how fast it is handled,
which team answers. Persons, addresses, routes, runbooks, reasons and evidence stay with us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from contracts_app.rules.contract_spec import Consumer, ContractSpec, OwnerRef, Producer, Risk
from contracts_app.rules.states import StateMachine

WHOLE = (
    *("meshline", "name", "version", "title", "description", "kind", "domain", "tags"),
    *("compatibility", "identity", "schema", "examples", "slo"),
)
# Of these, only the named parts; a list's entries each.
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "producer": ("system", "team"),
        "consumers": ("system", "team", "status", "pinned", "until"),
        "sla": ("timezone", "ack_within"),
        "states": ("subject", "initial", "final", "terminal_for_ticket", "transitions"),
        "lifecycle": ("deprecated_on", "sunset_on"),
    }
)


def public_document(document: Mapping[str, Any], *, state: str) -> dict[str, Any]:
    """Return the public part of a contract document; `state` is what the registry says it is in."""
    public = {key: document[key] for key in WHOLE if key in document}
    public |= {key: _part(document[key], names) for key, names in PARTS.items() if key in document}
    if "transitions" in public.get("states", {}):
        # How a person or a deadline moves a state is ours; that one does is not.
        moves = _part(document["states"]["transitions"], ("from", "to", "by", "when"))
        public["states"] = {**public["states"], "transitions": moves}
    risk = document.get("risk", {})
    owners = document.get("owners", {})
    return public | {
        "status": state,
        "risk": _part(risk, ("data",)),
        "owners": {role: _part(owner, ("group",)) for role, owner in owners.items()},
    }


def public_spec(spec: ContractSpec, *, state: str) -> ContractSpec:
    """Return a version that knows nothing but what is public, whatever is made of it."""
    return replace(
        spec,
        status=state,
        risk=Risk("", (), spec.risk.pii, spec.risk.retention_days),
        producer=Producer(spec.producer.system, spec.producer.team, {}),
        consumers=tuple(
            Consumer(one.system, one.team, one.status, one.pinned, one.until, {})
            for one in spec.consumers
        ),
        owners={role: OwnerRef(owner.group, "", "") for role, owner in spec.owners.items()},
        signoff_required=(),
        sla=replace(spec.sla, escalate_after=None),
        states=_states(spec.states),
        exception_route={},
        manual_fallback=None,
        runbooks=(),
        supersedes=None,
        document=public_document(spec.document, state=state),
        warnings=(),
    )


def _states(states: StateMachine | None) -> StateMachine | None:
    if states is None:
        return None
    moves = tuple(replace(move, action=None, after=None) for move in states.moves)
    return replace(states, moves=moves)


def _part(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_part(one, names) for one in value]
    return {name: value[name] for name in names if name in value}
