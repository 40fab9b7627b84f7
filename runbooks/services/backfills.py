"""Work off backfills: start runs at their pace, pause, go on, stop."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.services import audit
from meshline.core.errors import IllegalTransition, MeshlineError
from orchestration.models import Handoff, HandoffState, Run
from orchestration.services import handoffs, runs
from runbooks.models import Backfill, BackfillItem

log = logging.getLogger(__name__)

SECOND = timedelta(seconds=1)
# Stands for the run of an event that has none any more: the list goes on without it.
GONE = UUID(int=0)
MOVES = {"pause": ("running", "paused"), "go_on": ("paused", "running"), "stop": (None, "stopped")}


def run_due(now: datetime, batch: int) -> int:
    """Start the next runs of every backfill that is due; what the sweep calls."""
    due = Backfill.objects.filter(state="running", wake_at__lte=now).order_by("wake_at")
    return sum(_turn(pk, now, batch) for pk in list(due.values_list("pk", flat=True)[:20]))


def _turn(pk: int, now: datetime, batch: int) -> int:
    # Each event in a transaction of its own: no turn holds the runs of many at once, and what a
    # worker that dies has not begun is still in the list.
    return sum(_start(item, now) for item in _next_items(pk, now, batch))


@transaction.atomic
def _next_items(pk: int, now: datetime, batch: int) -> list[int]:
    backfill = (
        Backfill.objects.select_for_update(skip_locked=True)
        .filter(pk=pk, state="running", wake_at__lte=now)
        .first()
    )
    if backfill is None:
        return []
    pace = min(backfill.per_second, batch)
    left = backfill.items.filter(run_id=None).order_by("position")
    waiting = list(left.values_list("pk", flat=True)[:pace])
    if not waiting and not _under_way(backfill):
        backfill.state, backfill.finished_at, backfill.wake_at = "done", now, None
        _record(backfill, "backfill.done", audit.ENGINE, now)
    else:
        backfill.wake_at = now + SECOND
    backfill.save(update_fields=["state", "finished_at", "wake_at"])
    return waiting


@transaction.atomic
def _start(pk: int, now: datetime) -> int:
    """Replay one event; one that somebody else has taken up meanwhile is left alone."""
    item = (
        BackfillItem.objects.select_for_update(skip_locked=True, of=["self"])
        .select_related("backfill__intervention__actor")
        .filter(pk=pk, run_id=None, backfill__state="running")
        .first()
    )
    if item is None:
        return 0
    runs_of_event = Run.objects.filter(event_id=item.event_id, flow=item.backfill.flow)
    last = runs_of_event.select_for_update().order_by("-ordinal").first()
    handoff = Handoff.objects.select_for_update().filter(pk=item.handoff_id or 0).first()
    item.run_id = last.pk if last is not None else GONE
    if last is not None and handoff is not None and _is_ours(handoff, item.backfill):
        by = item.backfill.intervention.actor
        try:
            with transaction.atomic():
                fresh = runs.replay(run=last, now=now)
                handoffs.follow(handoff=handoff, run=fresh, by=by, now=now)
                item.run_id = fresh.pk
        except MeshlineError as error:
            log.warning("%s leaves out one event: %s", item.backfill.reference, error)
    item.save(update_fields=["run_id"])
    return 1


def _is_ours(handoff: Handoff, backfill: Backfill) -> bool:
    """Nobody has it in hand, or it is the one on which the backfill was pressed."""
    if handoff.state == HandoffState.CLAIMED:
        return handoff.pk == backfill.intervention.handoff_id
    return handoff.state in (HandoffState.OPEN, HandoffState.SNOOZED)


def _under_way(backfill: Backfill) -> bool:
    started = backfill.items.exclude(run_id=None).values_list("run_id", flat=True)
    going = ["ready", "running", "waiting"]
    return Run.objects.filter(pk__in=list(started), state__in=going).exists()


@transaction.atomic
def steer(*, backfill: Backfill, move: str, by: User, reason: str, now: datetime) -> Backfill:
    """Pause, go on or stop (`move`). Raises: IllegalTransition if its state does not allow it."""
    locked = Backfill.objects.select_for_update().get(pk=backfill.pk)
    needed, to = MOVES[move]
    if locked.state in ("done", "stopped") or (needed and locked.state != needed):
        raise IllegalTransition(
            f"{locked.reference} is {locked.state}; it cannot {move.replace('_', ' ')}.",
            remedy="Load the page again.",
        )
    locked.state = to
    locked.wake_at = now if to == "running" else None
    locked.finished_at = now if to == "stopped" else None
    locked.save(update_fields=["state", "wake_at", "finished_at"])
    _record(locked, f"backfill.{move}", by, now, reason)
    return locked


def _record(
    backfill: Backfill, action: str, actor: User | str, now: datetime, reason: str = ""
) -> None:
    audit.record(
        action=action,
        actor=actor,
        object_type="backfill",
        object_id=backfill.reference,
        contract=backfill.contract,
        ticket=backfill.ticket,
        reason=reason,
        detail={"total": backfill.total, "state": backfill.state},
        now=now,
    )
