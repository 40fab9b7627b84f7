"""Work off backfills: start runs at their pace, pause, go on, stop."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.services import audit
from meshline.core.errors import IllegalTransition, MeshlineError
from orchestration.models import Handoff, HandoffState, Run
from orchestration.services import handoffs, runs
from runbooks.models import Backfill, BackfillItem

SECOND = timedelta(seconds=1)
MOVES = {"pause": ("running", "paused"), "go_on": ("paused", "running"), "stop": (None, "stopped")}


def run_due(now: datetime, batch: int) -> int:
    """Start the next runs of every backfill that is due; what the sweep calls."""
    due = Backfill.objects.filter(state="running", wake_at__lte=now).order_by("wake_at")
    return sum(_turn(pk, now, batch) for pk in list(due.values_list("pk", flat=True)[:20]))


@transaction.atomic
def _turn(pk: int, now: datetime, batch: int) -> int:
    backfill = (
        Backfill.objects.select_for_update(skip_locked=True)
        .select_related("intervention__actor")
        .filter(pk=pk, state="running", wake_at__lte=now)
        .first()
    )
    if backfill is None:
        return 0
    pace = min(backfill.per_second, batch)
    waiting = list(backfill.items.filter(run_id=None).order_by("position")[:pace])
    for item in waiting:
        _start(item, backfill, now)
    if not waiting and not _under_way(backfill):
        backfill.state, backfill.finished_at, backfill.wake_at = "done", now, None
        _record(backfill, "backfill.done", audit.ENGINE, now)
    else:
        backfill.wake_at = now + SECOND
    backfill.save(update_fields=["state", "finished_at", "wake_at"])
    return len(waiting)


def _start(item: BackfillItem, backfill: Backfill, now: datetime) -> None:
    """Replay one event; one that somebody else has taken up meanwhile is left alone."""
    runs_of_event = Run.objects.filter(event_id=item.event_id, flow=backfill.flow)
    last = runs_of_event.select_for_update().order_by("-ordinal")[0]
    handoff = Handoff.objects.select_for_update().get(pk=item.handoff_id or 0)
    item.run_id = last.pk
    if handoff.state in (HandoffState.OPEN, HandoffState.SNOOZED):
        try:
            with transaction.atomic():
                fresh = runs.replay(run=last, now=now)
                handoffs.follow(handoff=handoff, run=fresh, by=backfill.intervention.actor, now=now)
                item.run_id = fresh.pk
        except MeshlineError:
            item.run_id = last.pk
    item.save(update_fields=["run_id"])


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
