"""SLA timers: what events and effects do to a ticket's promises, by the published policies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import UUID

from django.db import connection

from contracts_app.models import BusinessCalendar, SlaPolicy
from contracts_app.queries import documents as registry_documents
from contracts_app.queries.standing import Standing
from contracts_app.rules.business_time import Pause, due_at, elapsed
from contracts_app.rules.sla_policy_spec import EventRule, Metric, SlaPolicySpec
from contracts_app.services import audit
from meshline.core.safejson import Json
from orchestration.connectors.base import Call
from orchestration.models import Event, Run, SlaTimer, TimerAlarm, TimerPause, TimerState
from orchestration.rules import expressions
from orchestration.services import scope

log = logging.getLogger(__name__)

OPEN = (TimerState.RUNNING, TimerState.PAUSED)
OVER = (TimerState.MET, TimerState.CANCELLED)
# Asked for nearly every event; as plain SQL it costs a third.
_OPEN_TIMERS = """
SELECT * FROM orchestration_slatimer
 WHERE ticket = %s AND stopped_at IS NULL AND state <> ALL(%s) ORDER BY id DESC FOR UPDATE
"""


@dataclass(frozen=True)
class Cause:
    """What moves timers: an event or a done effect, about one ticket."""

    contract: str
    effect: str
    scope: dict[str, Json]
    ticket: str
    event_id: UUID
    customer: str
    customer_name: str
    amount: dict[str, Any]
    at: datetime
    # The ticket's timers that are not over, by metric: read once, under the lock.
    timers: dict[str, SlaTimer] = field(default_factory=dict)


def on_event(*, event: Event, payload: Json, standing: Standing) -> None:
    """Start, pause, resume, stop, cancel or reopen what the event is about; in its transaction.

    An event's own time is not trusted for what is due: the database's time of receipt counts.
    """
    if not event.ticket or event.own_write:
        return
    data = payload.get("data", {}) if isinstance(payload, dict) else {}
    amount = {key: data.get(key) for key in ("amount_minor", "currency")}
    cause = Cause(
        contract=event.contract,
        effect="",
        scope=scope.of_event(event, payload),
        ticket=event.ticket,
        event_id=event.pk,
        customer=event.customer,
        customer_name=event.customer_name,
        amount=amount if isinstance(amount["amount_minor"], int) else {},
        at=standing.now,
    )
    _apply(cause, standing)


def on_effect(*, run: Run, call: Call, now: datetime) -> None:
    """A done effect of ours counts where a policy says so; its own webhook moves no timer."""
    if not run.ticket:
        return
    cause = Cause(
        contract="",
        effect=call.operation,
        scope={"event": {"data": dict(call.args)}, "ticket": scope.ticket_scope(run.ticket)},
        ticket=run.ticket,
        event_id=run.event_id,
        customer=run.customer,
        customer_name=run.customer_name,
        amount={},
        at=now,
    )
    _apply(cause, Standing.at(now))


def _apply(cause: Cause, standing: Standing) -> None:
    wanted = [
        (row, spec, metric, verb)
        for row in standing.policies()
        for spec in (registry_documents.policy_spec_of(row),)
        for metric in spec.metrics
        for verb in ("reopen", "cancel", "stop", "pause", "resume", "start")
        if _matches(getattr(metric, verb), cause)
    ]
    if wanted:
        lock(cause.ticket)
        cause.timers.update(_open_timers(cause.ticket))
    for row, spec, metric, verb in wanted:
        _VERBS[verb](row, spec, metric, cause)


def lock(ticket: str) -> None:
    """Let the changes of one ticket's timers queue up behind each other until the commit.

    Its rows alone would not do: two events that start the same promise find no row to lock, and
    two that change several timers might take them in different orders.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_name(ticket)])


def try_lock(ticket: str) -> bool:
    """The same without waiting; False if somebody else is at the ticket's timers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_name(ticket)])
        row = cursor.fetchone()
    return bool(row and row[0])


def _name(ticket: str) -> str:
    return f"timers:{ticket}"


def _matches(rules: tuple[EventRule, ...], cause: Cause) -> bool:
    return any(
        (rule.effect or "") == cause.effect
        and rule.contract == cause.contract
        and (rule.when is None or _holds(rule.when, cause))
        for rule in rules
    )


def _holds(when: str, cause: Cause) -> bool:
    """A policy's condition that cannot be computed moves no timer, and stops no event."""
    try:
        return expressions.holds(when, cause.scope)
    except expressions.ExpressionFailed as error:
        log.error("a policy's condition fails on event %s: %s", cause.event_id, error)
        return False


def _open_timers(ticket: str) -> dict[str, SlaTimer]:
    rows = SlaTimer.objects.raw(_OPEN_TIMERS, [ticket, list(OVER)])
    return {timer.metric: timer for timer in rows}


def _open_timer(metric: Metric, cause: Cause) -> SlaTimer | None:
    """The metric's timer that is not over; a broken one runs on until it is stopped."""
    timer = cause.timers.get(metric.name)
    if timer is None or timer.stopped_at is not None or timer.state in OVER:
        return None
    return timer


def _start(row: SlaPolicy, spec: SlaPolicySpec, metric: Metric, cause: Cause) -> None:
    if _open_timer(metric, cause) is not None:
        return  # the oldest unanswered message counts
    calendar = registry_documents.published(BusinessCalendar, spec.calendar)
    hours = registry_documents.calendar_of(calendar)
    timer = SlaTimer.objects.create(
        ticket=cause.ticket,
        metric=metric.name,
        title=metric.title,
        policy=row,
        calendar=calendar,
        contract=spec.contract,
        customer=cause.customer,
        customer_name=cause.customer_name,
        amount_minor=cause.amount.get("amount_minor"),
        currency=cause.amount.get("currency") or "",
        target_s=metric.target.total_seconds(),
        started_at=cause.at,
        start_event_id=cause.event_id,
        due_at=due_at(cause.at, metric.target, hours, []),
        tzdata_version=version("tzdata"),
    )
    cause.timers[metric.name] = timer
    levels = sorted({100, *(int(share * 100) for share in metric.warn)})
    TimerAlarm.objects.bulk_create(
        TimerAlarm(
            timer=timer,
            generation=timer.generation,
            level=level,
            due_at=due_at(cause.at, metric.target * level / 100, hours, []),
        )
        for level in levels
    )
    _record(timer, "timer.start", cause)


def _pause(row: SlaPolicy, spec: SlaPolicySpec, metric: Metric, cause: Cause) -> None:
    timer = _open_timer(metric, cause)
    if timer is None or timer.state != TimerState.RUNNING:
        return
    TimerPause.objects.create(timer=timer, started_at=cause.at, event_id=cause.event_id)
    timer.state = TimerState.PAUSED
    timer.remaining_s = max(0.0, timer.target_s - used(timer, until=cause.at).total_seconds())
    timer.save(update_fields=["state", "remaining_s"])
    _recompute(timer)
    _record(timer, "timer.pause", cause)


def _resume(row: SlaPolicy, spec: SlaPolicySpec, metric: Metric, cause: Cause) -> None:
    timer = _open_timer(metric, cause)
    if timer is None or timer.state != TimerState.PAUSED:
        return
    TimerPause.objects.filter(timer=timer, ended_at=None).update(ended_at=cause.at)
    timer.state, timer.remaining_s = TimerState.RUNNING, None
    timer.save(update_fields=["state", "remaining_s"])
    _recompute(timer)
    _record(timer, "timer.resume", cause)


def _stop(row: SlaPolicy, spec: SlaPolicySpec, metric: Metric, cause: Cause) -> None:
    timer = _open_timer(metric, cause)
    if timer is None:
        return
    _end_pause(timer, cause)
    late = timer.due_at is not None and cause.at > timer.due_at
    timer.stopped_at, timer.stop_event_id = cause.at, cause.event_id
    if timer.state != TimerState.BREACHED:
        timer.state = TimerState.BREACHED if late else TimerState.MET
    if late and timer.breached_at is None:
        timer.breached_at, timer.breach_detected_at = timer.due_at, cause.at
    timer.save(
        update_fields=["stopped_at", "stop_event_id", "state", "breached_at", "breach_detected_at"]
    )
    _disarm(timer)
    if late and timer.breach_detected_at == cause.at:
        _record(timer, "timer.breach", cause)
    _record(timer, "timer.stop", cause)


def _cancel(row: SlaPolicy, spec: SlaPolicySpec, metric: Metric, cause: Cause) -> None:
    timer = _open_timer(metric, cause)
    if timer is None:
        return
    _end_pause(timer, cause)
    timer.stopped_at = cause.at
    if timer.state != TimerState.BREACHED:  # what is broken stays broken, and is over now
        timer.state, timer.due_at = TimerState.CANCELLED, None
    timer.save(update_fields=["state", "stopped_at", "due_at"])
    _disarm(timer)
    _record(timer, "timer.cancel", cause)


def _reopen(row: SlaPolicy, spec: SlaPolicySpec, metric: Metric, cause: Cause) -> None:
    """A kept promise whose ground fell away runs again: from its start, time between left out.

    A broken one stays broken; it is only not over any more.
    """
    timer = (
        SlaTimer.objects.select_for_update()
        .filter(ticket=cause.ticket, metric=metric.name)
        .order_by("-pk")
        .first()
    )
    if timer is None or timer.stopped_at is None or timer.state == TimerState.CANCELLED:
        return
    cause.timers[metric.name] = timer
    if timer.state == TimerState.BREACHED:
        timer.stopped_at, timer.stop_event_id = None, None
        timer.save(update_fields=["stopped_at", "stop_event_id"])
        _record(timer, "timer.reopen", cause)
        return
    TimerPause.objects.create(
        timer=timer,
        started_at=timer.stopped_at,
        ended_at=cause.at,
        reason="kept, then reopened",
        event_id=cause.event_id,
    )
    timer.state, timer.stopped_at, timer.stop_event_id = TimerState.RUNNING, None, None
    timer.generation += 1
    timer.save(update_fields=["state", "stopped_at", "stop_event_id", "generation"])
    levels = TimerAlarm.objects.filter(timer=timer).values_list("level", flat=True).distinct()
    TimerAlarm.objects.bulk_create(
        [TimerAlarm(timer=timer, generation=timer.generation, level=n) for n in set(levels)]
    )
    _recompute(timer)
    _record(timer, "timer.reopen", cause)


_VERBS: dict[str, Callable[[SlaPolicy, SlaPolicySpec, Metric, Cause], None]] = {
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "cancel": _cancel,
    "reopen": _reopen,
}


def used(timer: SlaTimer, *, until: datetime) -> timedelta:
    """Open, unpaused time spent on the timer up to `until`."""
    calendar = registry_documents.calendar_of(timer.calendar)
    return elapsed(timer.started_at, calendar, _pauses(timer), until=until)


def _pauses(timer: SlaTimer) -> list[Pause]:
    return [Pause(pause.started_at, pause.ended_at) for pause in timer.pauses.all()]


def _recompute(timer: SlaTimer) -> None:
    """Set due times anew from the whole history; deltas are never added."""
    calendar = registry_documents.calendar_of(timer.calendar)
    pauses = _pauses(timer)
    target = timedelta(seconds=timer.target_s)
    timer.due_at = due_at(timer.started_at, target, calendar, pauses)
    timer.save(update_fields=["due_at"])
    for alarm in TimerAlarm.objects.filter(timer=timer, generation=timer.generation, fired_at=None):
        alarm.due_at = due_at(timer.started_at, target * alarm.level / 100, calendar, pauses)
        alarm.save(update_fields=["due_at"])


def _end_pause(timer: SlaTimer, cause: Cause) -> None:
    if TimerPause.objects.filter(timer=timer, ended_at=None).update(ended_at=cause.at):
        _recompute(timer)


def _disarm(timer: SlaTimer) -> None:
    TimerAlarm.objects.filter(timer=timer, fired_at=None).update(due_at=None)


def _record(timer: SlaTimer, action: str, cause: Cause) -> None:
    record_change(
        timer,
        action,
        now=cause.at,
        detail={"event_id": str(cause.event_id), "by": cause.contract or cause.effect},
    )


def record_change(timer: SlaTimer, action: str, *, now: datetime, detail: dict[str, Any]) -> None:
    """Write one change of a timer into the audit log."""
    due = timer.due_at.isoformat() if timer.due_at else None
    audit.record(
        action=action,
        actor=audit.ENGINE,
        object_type="timer",
        object_id=timer.pk,
        contract=timer.contract,
        ticket=timer.ticket,
        detail={"metric": timer.metric, "state": timer.state, "due_at": due, **detail},
        now=now,
    )


def explain(*, run: Run, why: str) -> None:
    """Say on the ticket's running promises what they are waiting for."""
    if run.ticket and not run.internal:
        lock(run.ticket)
        SlaTimer.objects.filter(ticket=run.ticket, stopped_at=None).update(why=why[:200])
