"""Fire the alarms of SLA timers: warn at a share of the target, break at the whole."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from contracts_app.queries import documents
from meshline.core.errors import MeshlineError
from orchestration.models import SlaTimer, TimerAlarm, TimerState
from orchestration.services import internal, timers

log = logging.getLogger(__name__)

WHOLE = 100


class AlarmsBroke(MeshlineError):
    """Some due alarms could not be fired; the others were."""

    code = "alarms_broke"


def fire_due(*, now: datetime, batch: int) -> int:
    """Fire what is due, each alarm once; returns how many.

    Timers that somebody is changing just now are left to the next sweep.
    Raises: AlarmsBroke at the end, if some could not be fired; one that breaks stops no other.
    """
    due = TimerAlarm.objects.filter(fired_at=None, due_at__lte=now).order_by("due_at")
    fired, broken = 0, []
    for pk, ticket in list(due.values_list("pk", "timer__ticket")[:batch]):
        try:
            fired += _fire(pk, ticket, now)
        except Exception:
            log.exception("alarm %s cannot be fired", pk)
            broken.append(pk)
    if broken:
        raise AlarmsBroke(
            f"{len(broken)} alarms could not be fired: {broken[:10]}.",
            remedy="The log says why; they are tried again.",
        )
    return fired


@transaction.atomic
def _fire(pk: int, ticket: str, now: datetime) -> bool:
    if not timers.try_lock(ticket):
        return False
    timer = (
        SlaTimer.objects.select_for_update(of=["self"])
        .select_related("policy")
        .filter(alarms__pk=pk)
        .first()
    )
    alarm = TimerAlarm.objects.select_for_update().filter(pk=pk, fired_at=None).first()
    if timer is None or alarm is None or alarm.due_at is None or alarm.due_at > now:
        return False
    alarm.fired_at = now
    alarm.save(update_fields=["fired_at"])
    if timer.state != TimerState.RUNNING or alarm.generation != timer.generation:
        return False
    action = "timer.warn"
    if alarm.level >= WHOLE:
        action = "timer.breach"
        timer.state = TimerState.BREACHED
        timer.breached_at, timer.breach_detected_at = timer.due_at, now
        timer.save(update_fields=["state", "breached_at", "breach_detected_at"])
    timers.record_change(timer, action, now=now, detail={"level": alarm.level})
    _tell(timer, alarm, now)
    return True


def _tell(timer: SlaTimer, alarm: TimerAlarm, now: datetime) -> None:
    """Emit Meshline's own event; the flows that people wrote decide who hears of it."""
    metric = documents.policy_spec_of(timer.policy).metric(timer.metric)
    broken = alarm.level >= WHOLE
    internal.accept_internal(
        contract="sla.promise.broken" if broken else "sla.promise.warned",
        external_id=f"timer-{timer.pk}-{timer.generation}-{alarm.level}",
        data={
            "timer_id": str(timer.pk),
            "ticket_id": timer.ticket,
            "customer_id": timer.customer,
            "title": timer.title,
            "metric": timer.metric,
            "level": str(alarm.level),
            "target_s": int(timer.target_s),
            "due_at": timer.due_at.isoformat() if timer.due_at else "",
            "rota": (metric.rota if metric else None) or "support-primary",
        },
        now=now,
    )
