"""Fire the alarms of SLA timers: warn at a share of the target, break at the whole."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from contracts_app.queries import documents
from orchestration.models import SlaTimer, TimerAlarm, TimerState
from orchestration.services import internal, timers

WHOLE = 100


def fire_due(*, now: datetime, batch: int) -> int:
    """Fire what is due, each alarm once; returns how many. Locked rows are left to their holder."""
    due = TimerAlarm.objects.filter(fired_at=None, due_at__lte=now).order_by("due_at")
    fired = 0
    for pk in list(due.values_list("pk", flat=True)[:batch]):
        fired += _fire(pk, now)
    return fired


@transaction.atomic
def _fire(pk: int, now: datetime) -> bool:
    # Timer first, then alarm: the order in which an event moves them.
    timer = (
        SlaTimer.objects.select_for_update(skip_locked=True, of=["self"])
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
