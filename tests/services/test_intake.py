"""Accepting events: once, whole, judged, and with what they start in the same commit."""

from __future__ import annotations

import pytest

from meshline.core.errors import Conflict
from orchestration.models import (
    DeliveryConflict,
    Event,
    EventBody,
    EventKey,
    Handoff,
    HeldEvent,
    Run,
)
from tests.builders import accepted, given_pilot, refund_requested, refund_webhook, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


def test_refund_request_is_stored_and_starts_its_run() -> None:
    body = refund_requested(amount_minor=21800, ticket="48213")

    receipt = accepted("helpdesk", body)

    event = Event.objects.get(pk=receipt.event_id)
    run = run_of(receipt)
    assert (event.contract, event.ticket, event.customer_name) == (
        "support.refund.requested",
        "desk:48213",
        "Maja Lindqvist",
    )
    assert (run.flow, run.ticket, run.amount_minor, run.currency) == (
        "refund-completion",
        "desk:48213",
        21800,
        "EUR",
    )
    assert bytes(EventBody.objects.get(pk=event.pk).raw or b"").startswith(b"{")


def test_same_delivery_again_is_a_duplicate_and_starts_nothing() -> None:
    body = refund_requested()

    first, second = accepted("helpdesk", body), accepted("helpdesk", body)

    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.event_id == first.event_id
    assert Run.objects.filter(event_id=first.event_id).count() == 1
    assert EventKey.objects.get(event_id=first.event_id).duplicates == 1


def test_same_id_with_another_body_is_a_conflict_and_the_first_stands() -> None:
    body = refund_requested(amount_minor=1000)
    first = accepted("helpdesk", body)

    with pytest.raises(Conflict, match="first stands"):
        accepted("helpdesk", {**body, "amount_minor": 9000})

    assert run_of(first).amount_minor == 1000
    assert DeliveryConflict.objects.get().event_id == first.event_id


def test_event_that_breaks_its_contract_is_held_in_front_of_a_person() -> None:
    body = refund_requested(amount_minor=-5, ticket="77")

    receipt = accepted("helpdesk", body)

    held = HeldEvent.objects.get(event_id=receipt.event_id)
    assert receipt.held
    assert any("amount_minor" in v["path"] for v in held.violations)
    assert Handoff.objects.get(held_event_id=receipt.event_id).reason == "held_violation"
    assert not Run.objects.filter(event_id=receipt.event_id).exists()


def test_acknowledgement_takes_its_ticket_from_the_request() -> None:
    request = refund_requested(ticket="4813")
    accepted("helpdesk", request)

    receipt = accepted("billing", refund_webhook(request))

    assert Event.objects.get(pk=receipt.event_id).ticket == "desk:4813"
