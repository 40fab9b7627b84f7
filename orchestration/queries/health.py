"""Whether the parts that nobody sees are at work: the sweep that watches deadlines, the workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from orchestration.models import Heartbeat, Run, RunState

SWEEP = "sweep"
PARTITIONS = "partitions"
# The sweep looks every second; a worker that died and was started again is back within this time.
STALE_AFTER = timedelta(seconds=15)
BEATS_EVERY = timedelta(seconds=5)
OVERDUE_AFTER = timedelta(seconds=30)
MOST = 1000


@dataclass(frozen=True)
class Part:
    """One part as the sign-in page shows it; `seen_at` is its last sign of life."""

    title: str
    ok: bool
    note: str = ""
    seen_at: datetime | None = None


def unwatched_since(now: datetime) -> timedelta | None:
    """Return for how long nobody has watched the deadlines, or None while somebody does.

    A negative span never occurs; `timedelta.max` means that nobody ever has.
    """
    seen = Heartbeat.objects.filter(pk=SWEEP).values_list("at", flat=True).first()
    if seen is None:
        return timedelta.max
    return now - seen if now - seen > STALE_AFTER else None


def parts(now: datetime) -> list[Part]:
    """Return the parts; that this can be asked at all says that events are taken in."""
    beats = dict(Heartbeat.objects.filter(kind="worker").values_list("name", "at"))
    last_worker = max(beats.values(), default=None)
    working = last_worker is not None and now - last_worker <= STALE_AFTER + BEATS_EVERY
    overdue = overdue_runs(now)
    watched = unwatched_since(now)
    swept = Heartbeat.objects.filter(pk=SWEEP).values_list("at", flat=True).first()
    said = f"{overdue} overdue" if overdue else "nothing overdue"
    found = [
        Part("Taking in events", True, "the database answers"),
        Part("Working on runs", working and not overdue, said if working else "no worker answers"),
        Part("Watching promises", watched is None, "" if swept else "not yet", swept),
    ]
    trouble = partition_trouble()
    return [*found, Part("Room for the months to come", False, trouble)] if trouble else found


def partition_trouble() -> str:
    """Return what is wrong with the months' partitions, as the last sweep found it; else empty."""
    rows = Heartbeat.objects.filter(pk=PARTITIONS)
    detail = rows.values_list("detail", flat=True).first() or {}
    strayed = ", ".join(detail.get("strayed", ()))
    if strayed:
        return f"rows without a month of their own in {strayed}"
    return f"could not be made: {detail['error']}" if "error" in detail else ""


def overdue_runs(now: datetime) -> int:
    """Return how many runs a worker should have looked at a while ago; counted up to MOST."""
    limit = now - OVERDUE_AFTER
    forgotten = Q(state__in=[RunState.READY, RunState.WAITING], wake_at__lt=limit)
    lapsed = Q(state=RunState.RUNNING, lease_until__lt=limit)
    return Run.objects.filter(forgotten | lapsed).order_by()[:MOST].count()
