"""The drift watch: look at what came in under each contract since the last look, a little a time.

Nothing happens at ingest. Each look reads the newest events behind the contract's own mark by the
index of contract and id, folds what they hold beside the schema, and moves the mark in the same
transaction: a worker that dies has looked at nothing. Of more events than one look takes, the
older ones are passed over: drift shows in any part of the traffic.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Length

from contracts_app.models import Contract, DriftWatch, Source
from contracts_app.queries.drift import newest_serving
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.drift.bodies import known_of, mentioned, names_in
from contracts_app.rules.drift.evidence import Seen
from contracts_app.rules.drift.habits import habits_of, named_in
from contracts_app.rules.drift.sightings import Sighting, sightings
from contracts_app.services import drift
from contracts_app.services.drift import Noticed
from meshline.core import redact, safejson
from meshline.core.errors import MeshlineError
from meshline.core.ids import instant_of, uuid7_floor
from meshline.core.safejson import Json
from orchestration.models import Event, EventBody, EventState

log = logging.getLogger(__name__)

EVENTS = 200  # in one look
LONGEST_S = 0.1  # in one sweep
# Ids are made before their commit: what is younger may still be followed by an older one.
SETTLES_IN = timedelta(seconds=5)
SOONEST, LATEST = timedelta(seconds=10), timedelta(minutes=5)
LOOK_BACK = timedelta(days=7)
MOST_BYTES = 64 * 1024  # of one body
SOURCES = 5  # of one contract whose bodies are known
OURS = "meshline"  # our own events have no vendor
_HELD = (EventState.HELD, EventState.DISCARDED)


class Bodies:
    """What the sources of one look are known to send, and how; kept with the watch."""

    def __init__(self, watch: DriftWatch, sources: Collection[str]) -> None:
        self._watch, self._learned = watch, False
        told = {**watch.known.get("sources", {})}
        self._known = {
            name: known_of(told.get(name)) for name in sorted({*told, *sources})[:SOURCES]
        }
        texts = Source.objects.filter(name__in=self._known).values_list("name", "text")
        self._mentioned = {name: mentioned(text) for name, text in texts if name != OURS}
        kept = watch.known.get("habits", {})
        self._habits = {
            name: habits_of(kept.get(name)) for name in sorted({*kept, *sources})[:SOURCES]
        }
        self.back: set[str] = set()

    @property
    def taken(self) -> frozenset[str]:
        """Every word of their mappings."""
        return frozenset().union(*self._mentioned.values())

    def new_in(self, source: str, raw: bytes, payload: Json, *, held: bool) -> list[Sighting]:
        """Return what no body of the source had before; a first body is learned."""
        known = self._known.get(source)
        if known is None or source not in self._mentioned or not raw:
            return []
        try:
            body = safejson.loads(raw)
        except MeshlineError:
            return []
        if not known.learned:
            known.learn(body)
            self._learned = True
            return []
        return known.new_in(body, self._mentioned[source] | names_in(payload), held=held)

    def forget_types(self) -> None:
        """Another version is in service."""
        for habits in self._habits.values():
            habits.forget_types()

    def other_types(self, paths: Sequence[str], payload: Json, seen: Seen) -> list[Sighting]:
        """Take a payload in; return the named fields that came in another type than ever."""
        habits = self._habits.get(seen.source)
        if habits is None:
            return []
        self._learned = True
        found = habits.look(paths, payload, seen)
        self.back |= habits.back
        return found

    def gone(self, sources: Collection[str], at: datetime) -> Iterator[Noticed]:
        """Yield which fields have stayed away from what these sources send."""
        for name in sorted(self._habits.keys() & set(sources)):
            for last, sighting in self._habits[name].gone(at):
                yield Noticed(replace(last, source=name), [sighting])

    def keep(self) -> list[str]:
        """Put what was learned into the watch's row; returns its changed columns."""
        if not self._learned:
            return []
        self._watch.known = {
            "sources": {name: one.stored() for name, one in self._known.items()},
            "habits": {name: one.stored() for name, one in self._habits.items()},
            "spec": self._watch.known.get("spec", ""),
        }
        return ["known"]


def look(now: datetime, _batch: int = 0) -> int:
    """Look at the contracts whose turn has come, for a moment; returns at how many."""
    drift.begin_watching(now=now)
    until, looked = time.monotonic() + LONGEST_S, 0
    while time.monotonic() < until:
        watch = _look_at_next(now)
        if watch is None:
            break
        if drift.has_open(watch.contract):
            drift.open_draft(contract=watch.contract, now=now)
        looked += 1
    return looked


@transaction.atomic
def _look_at_next(now: datetime) -> DriftWatch | None:
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
    events = _fresh(watch, now)
    fields = ["seen_through", "events", "passed_over", "looked_at", "next_look_at", "judged_by"]
    # Most looks are at a contract that was silent: they read nothing more.
    newest = newest_serving(watch.contract) if events or drift.has_open(watch.contract) else None
    if newest is not None:
        bodies = Bodies(watch, {event.source for event in events[:EVENTS]})
        spec = spec_of(newest)
        if watch.known.get("spec") != spec.digest:
            bodies.forget_types()
            watch.known = {**watch.known, "spec": spec.digest}
        noticed = list(_noticed(watch.contract, events, bodies))
        drift.note(watch=watch, spec=spec, noticed=noticed, taken=bodies.taken, back=bodies.back)
        fields += bodies.keep()
    if events:
        watch.seen_through = events[0].pk
        watch.events += min(len(events), EVENTS)
        watch.passed_over += len(events) > EVENTS
    elif watch.seen_through is None:
        watch.seen_through = uuid7_floor(now - SETTLES_IN)
    watch.looked_at, watch.next_look_at = now, now + _pause(watch.seen_through, now)
    watch.save(update_fields=fields)
    return watch


def _pause(newest: UUID, now: datetime) -> timedelta:
    """Until the next look: the longer a contract has been silent, the longer."""
    silent = now - instant_of(newest)
    return min(max(silent / 4, SOONEST), LATEST)


def _fresh(watch: DriftWatch, now: datetime) -> list[Event]:
    """The newest events behind the mark, newest first; one more than is looked at."""
    after = watch.seen_through or uuid7_floor(now - LOOK_BACK)
    rows = Event.objects.filter(
        contract=watch.contract.name, pk__gt=after, pk__lt=uuid7_floor(now - SETTLES_IN)
    )
    columns = ("id", "source", "state", "contract_version", "received_at")
    return list(rows.order_by("-id").only(*columns)[: EVENTS + 1])


def _noticed(contract: Contract, events: Sequence[Event], bodies: Bodies) -> Iterator[Noticed]:
    """What the contract's versions do not name of these events, the oldest first."""
    looked_at = list(reversed(events[:EVENTS]))
    if not looked_at:
        return
    specs = {
        row.version: spec_of(row)
        for row in contract.versions.filter(state__in=SERVING).select_related("contract")
    }
    marks = {number: redact.marks_for(one.schema, one.risk.pii) for number, one in specs.items()}
    paths = {number: named_in(one.schema) for number, one in specs.items()}
    stored = _stored(looked_at)
    until = time.monotonic() + LONGEST_S
    for event in looked_at:
        if time.monotonic() > until:
            log.info("%s: the look took too long, the rest is passed over", contract.name)
            return
        spec: ContractSpec | None = specs.get(event.contract_version)
        if spec is None or event.pk not in stored:
            continue
        payload, raw = stored[event.pk]
        found = sightings(spec.schema, payload, marks[spec.version]) if payload else []
        held = event.state in _HELD
        found += bodies.new_in(event.source, raw, payload, held=held)
        seen = Seen(str(event.pk), event.source, event.received_at, held)
        if payload:
            found += bodies.other_types(paths[spec.version], payload, seen)
        if found:
            yield Noticed(seen, found)
    yield from bodies.gone({event.source for event in looked_at}, looked_at[-1].received_at)


def _stored(events: Sequence[Event]) -> dict[UUID, tuple[Json, bytes]]:
    """The payloads and bodies of events; those of big ones stay where they are."""
    rows = EventBody.objects.filter(pk__in=[one.pk for one in events])
    small = rows.annotate(size=Length("raw")).filter(Q(size__lte=MOST_BYTES) | Q(raw=None))
    columns = small.values_list("pk", "payload", "raw")
    return {pk: (payload, bytes(raw or b"")) for pk, payload, raw in columns}
