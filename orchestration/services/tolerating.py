"""Let an event through that breaks its contract where a temporary tolerance allows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from contracts_app.models import ContractVersion
from contracts_app.queries import registry
from contracts_app.queries.standing import Standing
from contracts_app.queries.temporary_tolerances import guarded_in, running
from contracts_app.rules.temporary_tolerance import lets_through, places_of
from contracts_app.rules.validate import Violation, tells_all
from meshline.core.safejson import Json
from orchestration.models import Event, ToleratedEvent
from orchestration.services import tallies


def tolerances_for(
    contract: str,
    version: ContractVersion,
    payload: Json,
    found: Sequence[Violation],
    standing: Standing,
) -> tuple[int, ...]:
    """Return the tolerances that together let these departures through; empty if they do not.

    Called only for an event that breaks its contract: one query more for it, none for others. Of a
    payload that is too big for all its departures to be told, none is let through.
    """
    rows = running(contract, standing.now)
    if not rows or not tells_all(payload):
        return ()
    spec = registry.spec_of(version)
    guarded = standing.ask(("guarded", spec.digest), partial(guarded_in, spec))
    allowed = {one: row.pk for row in rows for one in row.allowed}
    if not lets_through(found, allowed.keys(), spec, guarded):
        return ()
    return tuple(sorted({allowed[one] for problem in found for one in places_of(problem)}))


def mark(event: Event, tolerances: Sequence[int], found: Sequence[Violation]) -> None:
    """Write down what let the event through; in the transaction that accepts it."""
    departures = [[one.path, one.rule] for one in found]
    rows = [
        ToleratedEvent(
            event_id=event.pk, tolerance_id=pk, departures=departures, at=event.received_at
        )
        for pk in tolerances
    ]
    ToleratedEvent.objects.bulk_create(rows, ignore_conflicts=True)
    tallies.count("tolerated", now=event.received_at, contract=event.contract, source=event.source)
