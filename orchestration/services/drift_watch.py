"""The drift watch: look at what came in under each contract since the last look, a little a time.

Nothing happens at ingest. Each look reads the newest events behind the contract's own mark by the
index of contract and id, folds what they hold beside the schema, and moves the mark in the same
transaction: a worker that dies has looked at nothing. Of more events than one look takes, the
older ones are passed over: drift shows in any part of the traffic.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from contracts_app.models import Contract, DriftWatch
from contracts_app.queries.drift import newest_serving
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.drift.evidence import Seen
from contracts_app.rules.drift.sightings import sightings
from contracts_app.services import drift
from contracts_app.services.drift import Noticed
from meshline.core import redact
from meshline.core.ids import instant_of, uuid7_floor
from orchestration.models import Event, EventBody, EventState

log = logging.getLogger(__name__)

EVENTS = 200  # in one look
LONGEST_S = 0.15  # in one sweep
# Ids are made before their commit: what is younger may still be followed by an older one.
SETTLES_IN = timedelta(seconds=5)
SOONEST, LATEST = timedelta(seconds=10), timedelta(minutes=5)
LOOK_BACK = timedelta(days=7)
_HELD = (EventState.HELD, EventState.DISCARDED)


def look(now: datetime, _batch: int = 0) -> int:
    """Look at the contracts whose turn has come, for a moment; returns at how many."""
    drift.begin_watching(now=now)
    until, looked = time.monotonic() + LONGEST_S, 0
    while time.monotonic() < until:
        contract = _look_at_next(now)
        if contract is None:
            break
        drift.open_draft(contract=contract, now=now)
        looked += 1
    return looked


@transaction.atomic
def _look_at_next(now: datetime) -> Contract | None:
    """Look at the contract that has waited longest and that no other worker looks at."""
    watch = (
        DriftWatch.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("contract")
        .filter(next_look_at__lte=now)
        .order_by("next_look_at")
        .first()
    )
    if watch is None:
        return None
    newest = newest_serving(watch.contract)
    events = _fresh(watch, now) if newest else []
    if newest is not None:
        drift.note(watch=watch, spec=spec_of(newest), noticed=_noticed(watch.contract, events))
    if events:
        watch.seen_through = events[0].pk
        watch.events += min(len(events), EVENTS)
        watch.passed_over += len(events) > EVENTS
    watch.looked_at, watch.next_look_at = now, now + _pause(watch.seen_through, now)
    watch.save()
    return watch.contract


def _pause(newest: UUID | None, now: datetime) -> timedelta:
    """Until the next look: the longer a contract has been silent, the longer."""
    silent = now - instant_of(newest) if newest else SOONEST * 6
    return min(max(silent / 4, SOONEST), LATEST)


def _fresh(watch: DriftWatch, now: datetime) -> list[Event]:
    """The newest events behind the mark, newest first; one more than is looked at."""
    after = watch.seen_through or uuid7_floor(now - LOOK_BACK)
    rows = Event.objects.filter(
        contract=watch.contract.name, pk__gt=after, pk__lt=uuid7_floor(now - SETTLES_IN)
    )
    columns = ("id", "source", "state", "contract_version", "received_at")
    return list(rows.order_by("-id").only(*columns)[: EVENTS + 1])


def _noticed(contract: Contract, events: Sequence[Event]) -> Iterator[Noticed]:
    """What the contract's versions do not name of these events, the oldest first."""
    looked_at = list(reversed(events[:EVENTS]))
    if not looked_at:
        return
    specs = {
        row.version: spec_of(row)
        for row in contract.versions.filter(state__in=SERVING).select_related("contract")
    }
    marks = {number: redact.marks_for(one.schema, one.risk.pii) for number, one in specs.items()}
    bodies = EventBody.objects.filter(pk__in=[one.pk for one in looked_at], payload__isnull=False)
    payloads = dict(bodies.values_list("pk", "payload"))
    for event in looked_at:
        spec: ContractSpec | None = specs.get(event.contract_version)
        if spec is None or event.pk not in payloads:
            continue
        found = sightings(spec.schema, payloads[event.pk], marks[spec.version])
        if found:
            held = event.state in _HELD
            yield Noticed(Seen(str(event.pk), event.source, event.received_at, held), found)
