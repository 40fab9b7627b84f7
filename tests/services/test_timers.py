"""SLA timers: started, paused, stopped by events and effects; each alarm fires once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from orchestration.models import Event, Run, SlaTimer, TimerAlarm
from orchestration.services import alarms
from tests.builders import accepted, given_pilot, next_id

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


def desk_event(kind: str, *, ticket: str = "7001", actor: str = "81001", **event: Any) -> Any:
    """One of the desk's own event webhooks about a ticket."""
    return {
        "type": f"zen:event-type:ticket.{kind}",
        "id": next_id("01"),
        "time": "2026-11-23T12:00:00Z",
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{ticket}",
        "detail": {
            "id": ticket,
            "actor_id": actor,
            "requester_id": "81001",
            "subject": "Where is my parcel?",
            "description": "…",
            "status": "OPEN",
            "priority": "NORMAL",
            "tags": [],
            "external_id": None,
            "via": {"channel": "email"},
        },
        "event": {"meta": {"sequence": {"id": "A", "position": 1}}, **event},
    }


def agent_reply(*, actor: str = "500", public: bool = True) -> Any:
    author = {"id": actor, "is_staff": True, "name": "Nadia"}
    comment = {"id": "1", "author": author, "body": "Hello", "is_public": public}
    return desk_event("comment_added", actor=actor, comment=comment)


def timer(metric: str) -> SlaTimer:
    return SlaTimer.objects.get(ticket="desk:7001", metric=metric)


def at_share(metric: str, share: float) -> datetime:
    """The instant at which this share of the promise is used."""
    found = timer(metric)
    return found.started_at + timedelta(seconds=found.target_s * share + 1)


def test_ticket_starts_its_promises() -> None:
    accepted("helpdesk", desk_event("created"))

    assert timer("first_reply").due_at == timer("first_reply").started_at + timedelta(minutes=30)
    assert timer("resolution").state == "running"
    assert AuditEntry.objects.filter(ticket="desk:7001", action="timer.start").count() == 2


def test_public_reply_of_an_agent_keeps_the_first_reply() -> None:
    accepted("helpdesk", desk_event("created"))
    accepted("helpdesk", agent_reply(public=False))
    assert timer("first_reply").state == "running"

    accepted("helpdesk", agent_reply())

    assert timer("first_reply").state == "met"


def test_our_own_reply_stops_no_promise() -> None:
    accepted("helpdesk", desk_event("created"))

    accepted("helpdesk", agent_reply(actor="9000"))

    assert timer("first_reply").state == "running"


def test_time_on_hold_does_not_count() -> None:
    accepted("helpdesk", desk_event("created"))
    start = timer("first_reply").started_at
    hold, back = start + timedelta(minutes=10), start + timedelta(minutes=40)
    changed = desk_event("status_changed", current="HOLD", previous="OPEN", actor="500")
    accepted("helpdesk", changed | {"detail": changed["detail"] | {"status": "HOLD"}}, now=hold)
    assert (timer("first_reply").state, timer("first_reply").due_at) == ("paused", None)

    accepted(
        "helpdesk",
        desk_event("status_changed", current="OPEN", previous="HOLD", actor="500"),
        now=back,
    )

    assert timer("first_reply").due_at == start + timedelta(minutes=60)


def test_warning_and_breach_fire_once_each_and_start_their_flows() -> None:
    accepted("helpdesk", desk_event("created"))
    early, warned, late = (at_share("first_reply", share) for share in (0.5, 0.75, 1.0))

    assert alarms.fire_due(now=early, batch=100) == 0
    assert alarms.fire_due(now=warned, batch=100) == 1
    assert alarms.fire_due(now=warned, batch=100) == 0
    assert alarms.fire_due(now=late, batch=100) == 1

    broken = timer("first_reply")
    assert (broken.state, broken.breached_at) == ("breached", broken.due_at)
    flows = Run.objects.filter(ticket="desk:7001").values_list("flow", flat=True)
    assert sorted(flows) == ["sla-escalation", "sla-warning"]
    assert Event.objects.filter(contract="sla.promise.broken").count() == 1


def test_late_reply_leaves_the_promise_broken() -> None:
    accepted("helpdesk", desk_event("created"))
    late = at_share("first_reply", 1.2)
    alarms.fire_due(now=late, batch=100)

    accepted("helpdesk", agent_reply(), now=late)

    assert timer("first_reply").state == "breached"
    assert timer("first_reply").stopped_at is not None


def test_answered_promise_fires_no_alarm() -> None:
    accepted("helpdesk", desk_event("created"))
    accepted("helpdesk", agent_reply())

    fired = alarms.fire_due(now=clock.now() + timedelta(hours=1), batch=100)

    assert fired == 0
    assert not TimerAlarm.objects.filter(
        timer=timer("first_reply"), fired_at__isnull=False
    ).exists()
