"""Is a unique id kept? One example is taken in twice, as real deliveries are, and nothing stays.

The events go all the way that a delivery goes once its sender is proved: mapped, judged, stored,
deduplicated, started. All of it happens in a transaction that is rolled back, so no list, figure,
promise or run ever holds them, and whatever would wake a worker or tell a flow is gone with it. A
source of their own, which no row describes, keeps their keys apart from those of real events even
for the moment that they stand there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from contracts_app.models import ContractVersion, Source
from contracts_app.queries.registry import spec_of
from contracts_app.queries.standing import Standing
from contracts_app.rules.contract_spec import ContractSpec, Example
from contracts_app.rules.contract_tests import Sent
from meshline.core import canonical
from meshline.core.errors import Conflict, MeshlineError
from meshline.core.pointers import parse
from meshline.core.safejson import Json
from orchestration.models import Event
from orchestration.services import intake
from orchestration.services.storing import Receipt

SOURCE = "contract-test"
ADDED = "meshline-contract-test"


@dataclass(frozen=True)
class _Rehearsal(Standing):
    """The registry as it would stand with one version in service; it remembers nothing."""

    tried: ContractVersion | None = None

    def published_version(self, name: str, version_range: str = "*") -> ContractVersion:
        """Return the version that is tried for its own contract, whatever state it is in."""
        if self.tried is not None and name == self.tried.contract.name:
            return self.tried
        return super().published_version(name, version_range)


def send_twice(version: ContractVersion, example: Example, now: datetime) -> Sent:
    """Take an example in twice, then changed under the same id, and say what came of it.

    Nothing that it stores is kept; rows of a real subject that the example names are locked for
    the milliseconds that this takes.
    """
    source = source_for(spec_of(version), example.payload)
    standing = _Rehearsal(now, None, version)
    with transaction.atomic():
        try:
            return _sent(source, standing, example.payload)
        except MeshlineError as error:
            return Sent(trouble=error.message)
        finally:
            transaction.set_rollback(True)


def _sent(source: Source, standing: Standing, payload: Json) -> Sent:
    first = take_in(source, standing, payload)
    second = take_in(source, standing, payload)
    events = Event.objects.filter(pk__in={first.event_id, second.event_id}).count()
    known = second.duplicate and second.event_id == first.event_id
    return Sent(events, known, _conflicts(source, standing, payload))


def _conflicts(source: Source, standing: Standing, payload: Json) -> bool | None:
    if not isinstance(payload, dict):
        return None
    try:
        take_in(source, standing, {**payload, ADDED: "another body"})
    except Conflict:
        return True
    return False


def take_in(source: Source, standing: Standing, payload: Json) -> Receipt:
    """Take a payload in as a delivery is, in the caller's transaction, which rolls it back."""
    return intake.accept_event(
        source=source,
        headers={"content-type": "application/json"},
        raw=canonical.text(payload).encode(),
        body=payload,
        delivery_id="",
        standing=standing,
    )


def source_for(spec: ContractSpec, payload: Json) -> Source:
    """Return a source whose senders speak the contract's own words; no row describes it."""
    body: dict[str, Any] = {
        "meshline": "source/v1",
        "name": SOURCE,
        "system": spec.producer.system,
        "scheme": "internal",
        "external_id": f"= body{_steps(spec.identity.event_id, payload)}",
        "kind": f"= '{spec.name}'",
        "on_violation": "hold",
        "own_writes": "= false",
        "events": [{"contract": spec.name, "version": "*", "payload": "= body"}],
    }
    return Source(
        name=SOURCE,
        scheme="internal",
        on_violation="hold",
        text="",
        body=body,
        digest=canonical.digest(body),
    )


def _steps(pointer: str, payload: Json) -> str:
    """A pointer as the steps of an expression: ["data"]["id"]."""
    steps, at = "", payload
    for name in parse(pointer):
        if isinstance(at, list):
            steps, at = f"{steps}[{int(name)}]", at[int(name)]
        else:
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            steps, at = f"{steps}['{quoted}']", at[name] if isinstance(at, dict) else None
    return steps
