"""Promises under pressure: two events at once, stopped late, broken and open again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from orchestration.models import SlaTimer, TimerPause
from orchestration.services import alarms
from tests.builders import accepted, given_pilot
from tests.services.hands import meanwhile
from tests.services.test_timers import agent_reply, desk_event

NOON = "Where is it?"


def customer_reply() -> Any:
    author = {"id": "81001", "is_staff": False, "name": "Maja"}
    comment = {"id": "2", "author": author, "body": NOON, "is_public": True}
    return desk_event("comment_added", actor="81001", comment=comment)


def actions(metric: str) -> list[str]:
    rows = AuditEntry.objects.filter(object_type="timer", detail__metric=metric).order_by("id")
    return list(rows.values_list("action", flat=True))


@pytest.mark.django_db(transaction=True)
def test_two_messages_at_once_start_one_promise_and_none_is_refused() -> None:
    given_pilot()
    accepted("helpdesk", desk_event("created"))
    accepted("helpdesk", agent_reply())
    refused: list[Exception] = []

    def deliver() -> None:
        try:
            accepted("helpdesk", customer_reply())
        except DatabaseError as error:
            refused.append(error)

    with meanwhile(*[deliver] * 6):
        pass

    assert refused == []
    assert SlaTimer.objects.filter(metric="next_reply").count() == 1


@pytest.mark.django_db
def test_promise_stopped_late_is_told_as_broken_though_no_sweep_saw_it() -> None:
    given_pilot()
    accepted("helpdesk", desk_event("created"))
    late = clock.now() + timedelta(minutes=45)

    accepted("helpdesk", agent_reply(), now=late)

    found = SlaTimer.objects.get(metric="first_reply")
    assert (found.state, found.breached_at) == ("breached", found.due_at)
    assert actions("first_reply") == ["timer.start", "timer.breach", "timer.stop"]
    assert alarms.fire_due(now=late, batch=100) == 0


@pytest.mark.django_db
def test_broken_promise_that_is_reopened_is_open_again_and_stays_broken() -> None:
    given_pilot()
    accepted("helpdesk", desk_event("created"))
    late = clock.now() + timedelta(days=30)
    alarms.fire_due(now=late, batch=100)

    def moved(now_is: str, was: str) -> Any:
        event = desk_event("status_changed", current=now_is, previous=was, actor="500")
        return event | {"detail": event["detail"] | {"status": now_is}}

    accepted("helpdesk", moved("SOLVED", "OPEN"), now=late)
    assert SlaTimer.objects.get(metric="resolution").stopped_at == late

    accepted("helpdesk", moved("OPEN", "SOLVED"), now=late + timedelta(hours=1))

    found = SlaTimer.objects.get(metric="resolution")
    assert (found.state, found.stopped_at) == ("breached", None)
    assert actions("resolution")[-2:] == ["timer.stop", "timer.reopen"]
    assert not TimerPause.objects.filter(timer=found).exists()
