"""The sweep: find due work of every kind, in bounded batches; what recovers after any loss."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Min

from contracts_app.services.inventory import assess_anew
from orchestration.models import Heartbeat, Run, TimerAlarm
from orchestration.queries.health import PARTITIONS
from orchestration.services import alarms, drift_watch, smoke

log = logging.getLogger(__name__)

LOCK = 7002
PARTITIONS_EVERY = timedelta(hours=6)
PARTITIONS_AGAIN = timedelta(minutes=5)
MONTHS_AHEAD = 3
BEAT_EVERY = timedelta(seconds=1)
FORGOTTEN_AFTER = timedelta(days=1)

# Rooms above this one add their due work here when they start (backfills): fn(now, batch) -> count.
DUE_WORK: list[Callable[[datetime, int], int]] = []

# A process that is frozen in the middle of a sweep must not hold the lock for ever: the server
# ends its session, whether it stood in a transaction or between two.
_LOCK = "SELECT pg_try_advisory_lock(%s)"
_BOUND = "SET idle_session_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s'"
_UNLOCK = (
    "SELECT pg_advisory_unlock(%s);"
    " RESET idle_session_timeout; RESET idle_in_transaction_session_timeout"
)
# A default partition that has pages holds rows of months that have no partition of their own.
_STRAYED = """
SELECT d.relname FROM pg_partitioned_table p JOIN pg_class d ON d.oid = p.partdefid
 WHERE d.relnamespace = current_schema()::regnamespace AND pg_relation_size(d.oid) > 0
 ORDER BY d.relname
"""


@dataclass(frozen=True)
class Swept:
    """What a sweep found: `held` is False if another process was sweeping.

    `failed` counts the kinds of work that broke; the others were done all the same. `due_since`
    is the moment from which the first of the due runs waits for a worker, None if none is due.
    """

    held: bool
    alarms: int = 0
    other: int = 0
    failed: int = 0
    due_since: datetime | None = None

    @property
    def runs_due(self) -> bool:
        """Whether a run waits for a worker: due, or its lease has lapsed."""
        return self.due_since is not None

    def neglected_for(self, now: datetime) -> timedelta:
        """For how long nobody has taken up the first of the due runs."""
        return now - self.due_since if self.due_since else timedelta(0)


def sweep(*, now: datetime, batch: int = 200) -> Swept:
    """Fire due timers and other due work, and say whether runs are due.

    An advisory lock of the session keeps sweeps one at a time; it ends with its session. One kind
    of work that breaks stops no other.
    """
    with _one_at_a_time() as held:
        if not held:
            return Swept(held=False, due_since=_due_since(now))
        fired, *kept = [
            _guarded(work, now, batch)
            for work in (_fire_alarms, _keep_house, drift_watch.look, smoke.look, assess_anew)
        ]
        done = [_guarded(work, now, batch) for work in DUE_WORK]
        _beat(now)
        failed = sum(count is None for count in (fired, *kept, *done))
        other = sum(count or 0 for count in done)
        return Swept(True, fired or 0, other, failed, due_since=_due_since(now))


def _fire_alarms(now: datetime, batch: int) -> int:
    return alarms.fire_due(now=now, batch=batch)


def _guarded(work: Callable[[datetime, int], int], now: datetime, batch: int) -> int | None:
    try:
        return work(now, batch)
    except Exception:
        log.exception("%s broke; the rest of the sweep goes on", work.__name__)
        return None


def _due_since(now: datetime) -> datetime | None:
    first = min(_first_runs(), default=None)
    return first if first is not None and first <= now else None


def _first_runs() -> Iterator[datetime]:
    """When the first waiting run becomes due, and when the first lease lapses."""
    waiting = Run.objects.filter(state__in=["ready", "waiting"], wake_at__isnull=False)
    for found in (
        waiting.aggregate(at=Min("wake_at"))["at"],
        Run.objects.filter(state="running").aggregate(at=Min("lease_until"))["at"],
    ):
        if found is not None:
            yield found


def next_due() -> datetime | None:
    """When the next thing becomes due, as far as is known now."""
    alarm = TimerAlarm.objects.filter(fired_at=None, due_at__isnull=False)
    first = alarm.aggregate(at=Min("due_at"))["at"]
    return min([*_first_runs(), *([first] if first else [])], default=None)


@contextmanager
def _one_at_a_time() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [LOCK])
        row = cursor.fetchone()
        held = bool(row and row[0])
        if held:
            cursor.execute(_BOUND)
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute(_UNLOCK, [LOCK])


def _keep_house(now: datetime, _batch: int) -> int:
    """Make the months' partitions ahead of time, doubt strayed rows, forget dead workers."""
    last = Heartbeat.objects.filter(pk=PARTITIONS).first()
    if last is not None:
        trouble = last.detail.get("error") or last.detail.get("strayed")
        if now - last.at < (PARTITIONS_AGAIN if trouble else PARTITIONS_EVERY):
            return 0
    Heartbeat.objects.filter(kind="worker", at__lt=now - FORGOTTEN_AFTER).delete()
    detail = _keep_partitions()
    if detail:
        log.error("the months' partitions are in trouble: %s", detail)
    beat(PARTITIONS, "sweeper", now=now, detail=detail)
    return 1


def _keep_partitions() -> dict[str, Any]:
    """Make them; returns what is wrong: an error, default partitions that hold rows."""
    detail: dict[str, Any] = {}
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SELECT meshline_make_partitions(%s)", [MONTHS_AHEAD])
        except Exception as error:
            log.exception("the next months have no partitions")
            detail["error"] = type(error.__cause__ or error).__name__
        cursor.execute(_STRAYED)
        strayed = [name for (name,) in cursor.fetchall()]
    return {**detail, "strayed": strayed} if strayed else detail


def _beat(now: datetime) -> None:
    if not Heartbeat.objects.filter(pk="sweep", at__gt=now - BEAT_EVERY).exists():
        beat("sweep", "sweeper", now=now)


def beat(
    name: str,
    kind: str,
    *,
    now: datetime,
    skew_ms: int = 0,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Leave a sign of life."""
    Heartbeat.objects.update_or_create(
        name=name[:120],
        defaults={"kind": kind, "at": now, "skew_ms": skew_ms, "detail": dict(detail or {})},
    )
