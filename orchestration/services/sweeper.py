"""The sweep: find due work of every kind, in bounded batches; what recovers after any loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Min, Q

from orchestration.models import Heartbeat, Run, TimerAlarm
from orchestration.services import alarms

LOCK = 7002
PARTITIONS_EVERY = timedelta(hours=6)
MONTHS_AHEAD = 3

# Rooms above this one add their due work here when they start (backfills): fn(now, batch) -> count.
DUE_WORK: list[Callable[[datetime, int], int]] = []


@dataclass(frozen=True)
class Swept:
    """What a sweep found: `held` is False if another process was sweeping."""

    held: bool
    alarms: int = 0
    other: int = 0
    runs_due: bool = False


def sweep(*, now: datetime, batch: int = 200) -> Swept:
    """Fire due timers and other due work, and say whether runs are due.

    An advisory lock of the session keeps sweeps one at a time; it ends with its session.
    """
    with _one_at_a_time() as held:
        if not held:
            return Swept(held=False, runs_due=runs_due(now))
        fired = alarms.fire_due(now=now, batch=batch)
        other = sum(work(now, batch) for work in DUE_WORK)
        _keep_partitions(now)
        _beat(now)
        return Swept(held=True, alarms=fired, other=other, runs_due=runs_due(now))


def runs_due(now: datetime) -> bool:
    """Whether a run waits for a worker: due, or its lease has lapsed."""
    due = Q(state__in=["ready", "waiting"], wake_at__lte=now)
    return Run.objects.filter(due).exists() or (
        Run.objects.filter(state="running", lease_until__lt=now).exists()
    )


def next_due(now: datetime) -> datetime | None:
    """When the next thing becomes due, as far as is known now."""
    found = [
        Run.objects.filter(state__in=["ready", "waiting"]).aggregate(at=Min("wake_at"))["at"],
        Run.objects.filter(state="running").aggregate(at=Min("lease_until"))["at"],
        TimerAlarm.objects.filter(fired_at=None).aggregate(at=Min("due_at"))["at"],
    ]
    return min((at for at in found if at is not None), default=None)


@contextmanager
def _one_at_a_time() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        row = cursor.fetchone()
        held = bool(row and row[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _keep_partitions(now: datetime) -> None:
    last = Heartbeat.objects.filter(pk="partitions").first()
    if last is not None and now - last.at < PARTITIONS_EVERY:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT meshline_make_partitions(%s)", [MONTHS_AHEAD])
    beat("partitions", "sweeper", now=now)


def _beat(now: datetime) -> None:
    beat("sweep", "sweeper", now=now)


def beat(name: str, kind: str, *, now: datetime, skew_ms: int = 0) -> None:
    """Leave a sign of life."""
    Heartbeat.objects.update_or_create(
        name=name[:120], defaults={"kind": kind, "at": now, "skew_ms": skew_ms}
    )
