"""An event that its subject's state forbids: kept, held, explained; a person decides."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from contracts_app.queries import clock
from orchestration.models import Event, EventState, Handoff, HeldEvent, SubjectState
from orchestration.services import quarantine
from tests.builders import accepted, given_pilot, refund_requested, refund_webhook

FIRST = 1764000000


@pytest.fixture
def pilot(db: None) -> None:
    given_pilot()


def told(request: Any, status: str, *, at: int = FIRST) -> Any:
    """Billing's news of the refund, which happened at `at` (seconds since 1970)."""
    body: Any = refund_webhook(request, status=status)
    return accepted("billing", {**body, "created": at})


def state_of(request: Any) -> str:
    return SubjectState.objects.get(subject=request["refund_id"], kind="refund").state


@pytest.mark.django_db
@pytest.mark.usefixtures("pilot")
class TestBackward:
    def test_news_that_would_move_it_backwards_are_held_and_explained(self) -> None:
        request: Any = refund_requested(ticket="4821")
        accepted("helpdesk", request)
        done = told(request, "succeeded")

        receipt = told(request, "pending", at=FIRST + 60)

        held = HeldEvent.objects.get(event_id=receipt.event_id)
        sentences = " ".join(one["sentence"] for one in held.violations)
        cause = Event.objects.get(pk=done.event_id)
        handoff = Handoff.objects.get(held_event_id=receipt.event_id)
        assert receipt.held
        assert Event.objects.get(pk=receipt.event_id).state == EventState.HELD
        assert (held.reason, held.ticket, state_of(request)) == (
            "backward", "desk:4821", "completed",
        )  # fmt: skip
        assert "The refund is already completed" in sentences
        assert cause.external_id in sentences
        assert "From completed it may become failed" in sentences
        assert (handoff.reason, request["refund_id"] in handoff.detail) == ("held_backward", False)

    def test_overtaken_news_are_called_late_and_open_no_handoff(self) -> None:
        request: Any = refund_requested()
        accepted("helpdesk", request)
        told(request, "succeeded")

        receipt = told(request, "pending", at=FIRST - 60)

        held = HeldEvent.objects.get(event_id=receipt.event_id)
        assert "It came late" in held.violations[0]["sentence"]
        assert not Handoff.objects.filter(held_event_id=receipt.event_id).exists()

    def test_the_same_state_again_is_no_move_and_is_not_held(self) -> None:
        request: Any = refund_requested()
        accepted("helpdesk", request)
        told(request, "succeeded")

        assert not told(request, "succeeded").held

    def test_released_it_is_history_and_the_state_stays(self) -> None:
        request: Any = refund_requested()
        accepted("helpdesk", request)
        told(request, "succeeded")
        receipt = told(request, "pending", at=FIRST + 60)
        held = HeldEvent.objects.get(event_id=receipt.event_id)
        person = User.objects.create(username="tomas")

        event = quarantine.release(held=held, by=person, reason="history", now=clock.now())

        handoff = Handoff.objects.get(held_event_id=event.pk)
        assert (event.state, event.state_after, state_of(request)) == (
            EventState.ACCEPTED, "completed", "completed",
        )  # fmt: skip
        assert handoff.state == "resolved"

    def test_released_once_the_state_allows_it_moves_the_state(self) -> None:
        request: Any = refund_requested()
        accepted("helpdesk", request)
        early = told(request, "failed")
        assert (early.held, state_of(request)) == (True, "requested")
        told(request, "pending")
        held = HeldEvent.objects.get(event_id=early.event_id)
        person = User.objects.create(username="tomas")

        quarantine.release(held=held, by=person, reason="now it may", now=clock.now())

        assert state_of(request) == "failed"


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_the_state_never_moves_backwards() -> None:
    given_pilot()
    request: Any = refund_requested()
    accepted("helpdesk", request)
    barrier, ends = Barrier(2), []

    def send(status: str) -> None:
        try:
            barrier.wait()
            ends.append((status, told(request, status).held))
        finally:
            connection.close()

    threads = [Thread(target=send, args=(status,)) for status in ("succeeded", "pending")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Whichever came first: pending was either before completed, or is held.
    assert dict(ends)["succeeded"] is False
    assert state_of(request) == "completed"
