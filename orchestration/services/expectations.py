"""Awaited events: open an expectation, match what arrives before or after it, let it expire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from contracts_app.queries.standing import Standing
from contracts_app.rules.normalising import LONGEST
from meshline.core.errors import Unavailable
from orchestration.models import Event, EventState, Expectation, Run, RunState
from orchestration.services import correlation, journal

OPEN = ("open", "fulfilled")
_OPEN_WAITS = """
SELECT id, run_id FROM orchestration_expectation
 WHERE contract = %s AND key = ANY(%s) AND state = 'open'
"""
NEWCOMERS = 5
MOST_AGAIN = 1_000


def lock_keys(contract: str, keys: Iterable[str]) -> None:
    """Make both sides of a match, the wait and the arrival, queue up behind each other.

    One statement for all keys of one side, always in the same order.
    """
    names = sorted({f"await:{contract}:{key}" for key in keys})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) name",
            [names],
        )


class _Wait(NamedTuple):
    """An open expectation and the run whose it is."""

    pk: int
    run: UUID


@dataclass(frozen=True)
class Waiting:
    """The waits that an event may satisfy, with their runs locked until the commit."""

    event: Event
    waits: tuple[_Wait, ...]

    def fulfil(self, *, now: datetime) -> int:
        """Tell every run that waits for the event; return how many."""
        if not self.waits:
            return 0
        runs = [wait.run for wait in self.waits]
        rows = Expectation.objects.filter(pk__in=[wait.pk for wait in self.waits])
        rows.update(state="fulfilled", event_id=self.event.pk)
        # A late answer: the run was handed to a person already, and goes on by itself.
        for run in Run.objects.filter(pk__in=runs, state=RunState.FAILED):
            Run.objects.filter(pk=run.pk).update(state=RunState.WAITING, cancelling=False)
            journal.run_changed(run, "run.resume", now=now, reason="a late answer came")
        poke(runs, now=now)
        return len(runs)


class _Newcomer(Exception):
    """A wait was opened between looking and locking."""


def lock_waiting(event: Event, keys: Sequence[str]) -> Waiting:
    """Lock what waits for this event under any of its keys, before anything else is locked.

    Call it in the event's transaction.
    The order is run, key, expectation, as in a worker's transaction; the other way round the two
    would wait for each other. A wait that is opened meanwhile makes it look once more.
    """
    if not keys:
        return Waiting(event, ())
    for _ in range(NEWCOMERS):
        try:
            with transaction.atomic():
                return Waiting(event, _locked(event, keys))
        except _Newcomer:
            continue
    raise Unavailable(
        f"Waits for {event.contract} {event.correlation} are opened all the time.",
        remedy="Send the event again.",
    )


def _locked(event: Event, keys: Sequence[str]) -> tuple[_Wait, ...]:
    runs = {wait.run for wait in _open_waits(event, keys)}
    if runs:
        list(Run.objects.select_for_update().filter(pk__in=runs).order_by("pk").values_list("pk"))
    lock_keys(event.contract, keys)
    waiting = _open_waits(event, keys)
    if not {wait.run for wait in waiting} <= runs:
        raise _Newcomer
    return waiting


def _open_waits(event: Event, keys: Sequence[str]) -> tuple[_Wait, ...]:
    """Asked twice for every event, mostly in vain: so in plain SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_WAITS, [event.contract, list(keys)])
        return tuple(_Wait(*row) for row in cursor.fetchall())


def poke(runs: Iterable[UUID], *, now: datetime) -> None:
    """Make runs due now; one that is being driven sees by `pokes` that there is news."""
    Run.objects.filter(pk__in=list(runs)).update(pokes=F("pokes") + 1, wake_at=now)


def open_expectation(
    *, run: Run, path: str, contract: str, key: str, due_at: datetime, now: datetime
) -> Expectation:
    """Wait for `key` until `due_at`; an event that came early is matched at once.

    The key is kept in its canonical form, and beside it as given, if that differs. The same wait
    opened again (renewed or retried) keeps its row and what it has judged already.
    """
    standing = Standing.at(now)
    keys = correlation.of_text(contract, key, standing)
    known = correlation.of_wait(contract, keys, standing)
    lock_keys(contract, known)
    expectation = (
        Expectation.objects.select_for_update()
        .filter(run=run, path=path, key__in=keys, state__in=OPEN)
        .first()
    )
    if expectation is None:
        expectation = Expectation.objects.create(
            run=run,
            path=path,
            contract=contract,
            key=keys[0][:LONGEST],
            given=key[:LONGEST] if len(keys) > 1 else "",
            ticket=run.ticket,
            opened_at=now,
            due_at=due_at,
        )
    expectation.due_at = due_at
    if expectation.state == "open":
        early = next_unjudged(expectation, known)
        if early is not None:
            expectation.state, expectation.event_id = "fulfilled", early.pk
    expectation.save(update_fields=["due_at", "state", "event_id"])
    return expectation


def next_unjudged(expectation: Expectation, keys: Sequence[str]) -> Event | None:
    """The oldest stored event under the keys that this expectation has not judged yet."""
    return (
        Event.objects.filter(
            correlation__in=keys,
            contract=expectation.contract,
            state=EventState.ACCEPTED,
            own_write=False,
        )
        .exclude(pk__in=expectation.seen)
        .order_by("pk")
        .first()
    )


def judged(expectation: Expectation, *, satisfied: bool, now: datetime) -> None:
    """Note that the matched event was looked at: it satisfied the wait, or the wait goes on."""
    expectation.seen = [*expectation.seen, str(expectation.event_id)]
    if satisfied:
        expectation.state, expectation.satisfied_at = "consumed", now
    else:
        expectation.state, expectation.event_id = "open", None
        standing = Standing.at(now)
        keys = correlation.of_wait(expectation.contract, expectation.keys, standing)
        following = next_unjudged(expectation, keys)
        if following is not None:
            expectation.state, expectation.event_id = "fulfilled", following.pk
    expectation.save(update_fields=["seen", "state", "event_id", "satisfied_at"])


def look_again(kind: str, names: Sequence[str], *, now: datetime) -> int:
    """Match the open waits under ids that have just become one; return how many found an event.

    In the order of lock_waiting: runs, keys, expectations.
    """
    standing = Standing.at(now)
    rows = Expectation.objects.filter(state="open", key__in=names).order_by("run_id", "pk")
    waits = [
        wait
        for wait in rows[:MOST_AGAIN]
        if correlation.kind_awaited(wait.contract, standing) == kind
    ]
    runs = sorted({wait.run_id for wait in waits})
    list(Run.objects.select_for_update().filter(pk__in=runs).order_by("pk").values_list("pk"))
    for contract in sorted({wait.contract for wait in waits}):
        lock_keys(contract, names)
    found = []
    for wait in Expectation.objects.select_for_update().filter(pk__in=[one.pk for one in waits]):
        early = next_unjudged(wait, (*wait.keys, *names)) if wait.state == "open" else None
        if early is not None:
            wait.state, wait.event_id = "fulfilled", early.pk
            wait.save(update_fields=["state", "event_id"])
            found.append(wait.run_id)
    poke(found, now=now)
    return len(found)


def mark_overdue(*, run: Run, path: str, now: datetime) -> None:
    """Remember that the deadline passed in silence; the wait may still be satisfied late."""
    Expectation.objects.filter(run=run, path=path, state="open", overdue_at=None).update(
        overdue_at=now
    )


def close(*, run: Run, state: str, path: str | None = None) -> None:
    """End the open waits of a run (or of one step): `expired` or `cancelled` or `consumed`."""
    rows = Expectation.objects.filter(run=run, state__in=OPEN)
    if path is not None:
        rows = rows.filter(path=path)
    rows.update(state=state)
