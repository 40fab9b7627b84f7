"""What a vendor changed is let in by a temporary tolerance: only that, and only until its end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contracts_app.models import Contract, TemporaryTolerance
from contracts_app.queries import clock
from contracts_app.rules.temporary_tolerance import Allowance
from contracts_app.services import temporary_tolerances as service
from orchestration.models import Event, EventState, HeldEvent, Run, ToleratedEvent
from orchestration.services import quarantine
from tests.api.test_intake import bearer, cart, post, webhook
from tests.builders import refund_requested
from tests.services.people import given_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
NAME = "support.refund.requested"
LONG = "Dr. " * 60


def given_tolerance(
    *allowed: Allowance, contract: str = NAME, hours: int = 12
) -> TemporaryTolerance:
    number = TemporaryTolerance.objects.count()
    made = service.ask(
        contract=Contract.objects.get(name=contract),
        allowed=allowed or [Allowance("/data/name", "maxLength")],
        hours=hours, reason="Titles in names", ticket="desk:1",
        by=given_person("ops_lead", username=f"asks{number}"), now=clock.now(),
    )  # fmt: skip
    by = given_person("runtime_owner", username=f"confirms{number}")
    return service.confirm(tolerance=made, by=by, now=clock.now())


def sent(client: Client, **more: Any) -> Event:
    answer = webhook(client, refund_requested(**{"requester_name": LONG, **more}))
    assert answer.status_code == 202
    return Event.objects.filter(source="helpdesk").order_by("-id")[0]


def test_event_is_let_through_marked_and_starts_what_it_starts(client: Client) -> None:
    assert sent(client).state == EventState.HELD
    tolerance = given_tolerance()

    event = sent(client)

    assert event.state == EventState.ACCEPTED
    assert Run.objects.filter(event_id=event.pk).exists()
    mark = ToleratedEvent.objects.get()
    assert (mark.event_id, mark.tolerance_id) == (event.pk, tolerance.pk)
    assert mark.departures == [["/data/name", "maxLength"]]


@pytest.mark.parametrize(
    "more",
    [
        {"amount_minor": "25.00"},
        {"charge_id": "none"},
        {"refund_id": "wrong"},
        {"currency": "euros"},
    ],
)
def test_anything_else_that_is_wrong_holds_the_event(client: Client, more: dict[str, Any]) -> None:
    given_tolerance()
    assert sent(client, **more).state == EventState.HELD
    assert not ToleratedEvent.objects.exists()


def test_end_ends_it_by_time_and_by_button(client: Client) -> None:
    tolerance = given_tolerance()
    ago = timedelta(hours=13)
    TemporaryTolerance.objects.filter(pk=tolerance.pk).update(
        asked_at=tolerance.asked_at - ago, ends_at=tolerance.ends_at - ago
    )
    assert sent(client).state == EventState.HELD
    again = given_tolerance()
    assert sent(client).state == EventState.ACCEPTED
    service.end(tolerance=again, by=again.asked_by, now=clock.now())
    assert sent(client).state == EventState.HELD


def parcel(client: Client, token: str, **more: Any) -> int:
    data = {"cart_token": "c1", "total_minor": 1, "currency": "EUR", **more}
    return post(
        client, "warehouse", json.dumps(cart(data=data)).encode(), bearer(token)
    ).status_code


def test_source_that_refuses_takes_it_too_and_two_tolerances_add_up(
    client: Client, key: Any
) -> None:
    token, both = key("ingest:warehouse"), {"gift_wrap": True, "note": "x"}
    assert parcel(client, token, gift_wrap=True) == 422

    for name in both:
        wanted = Allowance(f"/data/{name}", "additionalProperties")
        given_tolerance(wanted, contract="shop.cart.updated")
        assert parcel(client, token, **{name: "x"}) == 202

    assert parcel(client, token, **both) == 202
    assert ToleratedEvent.objects.count() == 4
    assert parcel(client, token, **both, third=1) == 422


def test_held_event_that_fits_by_now_is_released_and_marked(client: Client) -> None:
    event = sent(client)
    given_tolerance()
    quarantine.release(
        held=HeldEvent.objects.get(event_id=event.pk), by=given_person("ops_lead", username="t"),
        reason="Tolerated", now=clock.now(),
    )  # fmt: skip
    event.refresh_from_db()
    assert event.state == EventState.ACCEPTED
    assert ToleratedEvent.objects.filter(event_id=event.pk).exists()


def test_event_that_keeps_its_contract_asks_nothing_about_tolerances(client: Client) -> None:
    given_tolerance()
    with CaptureQueriesContext(connection) as queries:
        assert sent(client, requester_name="Maja").state == EventState.ACCEPTED
    told = [one["sql"] for one in queries.captured_queries]
    assert not [sql for sql in told if "tolera" in sql.lower()]
    with CaptureQueriesContext(connection) as queries:
        sent(client, amount_minor="x")
    found = [one for one in queries.captured_queries if "temporarytolerance" in one["sql"]]
    assert len(found) == 1
