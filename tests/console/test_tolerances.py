"""A vendor changes something at night: asked for on the held page, confirmed, released, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry, TemporaryTolerance
from orchestration.models import HeldEvent, ToleratedEvent
from tests.console.builders import given_reader
from tests.console.held_builders import given_held, given_registry

pytestmark = pytest.mark.django_db
NAME = "support.refund.requested"
LONG = {"charge_id": "ch_00000001", "requester_name": "Dr. " * 60}
FORM = {
    "failing": ["/data/name maxLength"],
    "more": "",
    "hours": "6",
    "ticket": "desk:77",
    "reason": "Titles in names since 22:00",
}


@pytest.fixture
def tomas() -> User:
    given_registry()
    return given_reader("ops_lead", "Tom Berg")


@pytest.fixture
def jonas() -> User:
    return given_reader("runtime_owner", "Jon Roth")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask_url(held: HeldEvent) -> str:
    return f"{reverse('console:tolerance-ask', args=[NAME])}?event={held.event_id}"


def contract(client: Client) -> str:
    return client.get(reverse("console:contract", args=[NAME])).content.decode()


def press(client: Client, verb: str) -> str:
    pk = TemporaryTolerance.objects.latest("pk").pk
    answer = client.post(reverse(f"console:tolerance-{verb}", args=[pk]), follow=True)
    return answer.content.decode()


def test_whole_way_from_a_held_event_to_its_release(tomas: User, jonas: User) -> None:
    held = given_held(**LONG)
    asks, confirms = browser(tomas), browser(jonas)

    page = asks.get(reverse("console:held"), {"event": str(held.event_id)}).text
    assert "Ask for a temporary tolerance" in page
    form = asks.get(ask_url(held)).text
    assert 'value="/data/name maxLength" checked' in form
    told = asks.post(ask_url(held), FORM, follow=True).text
    assert "is asked for" in told
    assert "Waits for a second person" in told

    assert "Confirm" in contract(confirms)
    assert "runs from now on" in press(confirms, "confirm")
    shown = contract(asks)
    assert "ends in" in shown
    assert "confirmed by Jon Roth" in shown
    assert "Edda" in shown  # an owner
    page = asks.get(reverse("console:held"), {"event": str(held.event_id)}).text
    assert "would accept it by a temporary tolerance" in page

    url = reverse("console:held-release", args=[held.event_id])
    asks.post(url, {"reason": "It is tolerated"})
    held.refresh_from_db()
    assert held.state == "released"
    assert ToleratedEvent.objects.filter(event_id=held.event_id).exists()
    shown = contract(asks)
    assert '<td data-l="Events" class="n b">1</td>' in shown
    assert ">tolerated</a>" in shown

    assert "is over" in press(asks, "end")
    assert "Over" in contract(asks)
    assert "over already" in press(confirms, "end")


def test_who_asked_is_not_offered_to_confirm_and_refused(tomas: User, jonas: User) -> None:
    asks = browser(tomas)
    asks.post(ask_url(given_held(**LONG)), FORM)

    assert "Nobody may do this for themselves." in contract(asks)
    assert "Nobody may do this for themselves." in press(asks, "confirm")
    assert TemporaryTolerance.objects.get().confirmed_at is None
    press(browser(jonas), "confirm")
    assert "has confirmed T-" in press(browser(given_reader("ops_lead", "Ada Moss")), "confirm")


def test_identifier_is_shown_as_never_tolerated_and_refused(tomas: User) -> None:
    held = given_held(requester_name="Dr. " * 60)  # its charge is wrong as well
    asks = browser(tomas)

    page = asks.get(ask_url(held)).text
    assert 'value="/data/charge_id pattern" disabled' in page
    assert "a step that moves money reads it" in page
    for change, says in (
        ({"more": "/data/refund_id pattern"}, "identifier"),
        ({"more": "/data/nothing type"}, "names no /data/nothing"),
        ({"more": "name"}, "no place with its rule"),
        ({"hours": "100"}, "72"),
        ({"ticket": ""}, "required"),
    ):
        answer = asks.post(ask_url(held), FORM | change)
        assert answer.status_code == 422, change
        assert says in answer.text
    assert not TemporaryTolerance.objects.exists()


def test_asking_twice_and_confirming_too_late_are_explained(tomas: User, jonas: User) -> None:
    held = given_held(**LONG)
    asks = browser(tomas)
    asks.post(ask_url(held), FORM)
    again = asks.post(ask_url(held), FORM)
    assert again.status_code == 422
    assert "lets the same through already" in again.text

    row = TemporaryTolerance.objects.get()
    ago = timedelta(hours=7)
    TemporaryTolerance.objects.update(asked_at=row.asked_at - ago, ends_at=row.ends_at - ago)
    assert "ran out" in press(browser(jonas), "confirm")
    assert "Never confirmed" in contract(asks)


@pytest.mark.parametrize("role", ["support_agent", "manager"])
def test_who_may_not_ask_sees_why(tomas: User, role: str) -> None:
    held = given_held(**LONG)
    client = browser(given_reader(role, "Nobody Else"))
    page: Any = client.get(ask_url(held))
    assert "You may look, not ask" in page.text
    assert client.post(ask_url(held), FORM).status_code == 403
    assert not TemporaryTolerance.objects.exists()
    assert AuditEntry.objects.filter(action="tolerance.ask.refused").count() == 1
    listed = client.get(reverse("console:held"), {"event": str(held.event_id)}).text
    assert "Ask for a temporary tolerance" not in listed


def test_addresses_want_a_post_and_a_tolerance_that_is_there(tomas: User) -> None:
    client = browser(tomas)
    for verb in ("confirm", "end"):
        url = reverse(f"console:tolerance-{verb}", args=[9])
        assert client.get(url).status_code == 405
        assert client.post(url).status_code == 404
    assert client.get(reverse("console:tolerance-ask", args=["no.such"])).status_code == 404
