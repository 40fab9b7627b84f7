"""Held events: why, as received and as mapped; release and discard once, by role, with a reason."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from meshline.core.errors import Conflict, IllegalTransition
from meshline.core.ids import uuid7_at
from orchestration.models import DeliveryConflict, Event, Handoff, HeldEvent, Run
from runbooks.services import held as service
from tests.builders import accepted, given_pilot, refund_requested
from tests.console.builders import given_reader
from tests.console.held_builders import given_held, given_mended_contract, given_unmatched

HTMX = {"HX-Request": "true"}
REASON = {"preset": "The contract was mended", "reason": "See the change of today"}


@pytest.fixture
def pilot(db: None) -> None:
    given_pilot("contracts", "sources", "flows")


def signed_in(role: str = "ops_lead", name: str = "Tomás Oliveira") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def opened(client: Client, held: HeldEvent) -> str:
    address = reverse("console:held")
    return client.get(address, {"event": str(held.event_id)}).content.decode()


def press(client: Client, held: HeldEvent, word: str, *, htmx: bool = False, **form: str) -> Any:
    address = reverse(f"console:held-{word}", args=[held.event_id])
    return client.post(address, form or REASON, headers=HTMX if htmx else {})


pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("pilot")
class TestLooking:
    def test_nothing_held_is_a_good_empty_state(self) -> None:
        page = signed_in().get(reverse("console:held")).content.decode()

        assert "Nothing is held" in page

    def test_list_says_why_each_is_held_and_where(self) -> None:
        given_held(ticket="77")

        page = signed_in().get(reverse("console:held")).content.decode()

        assert "/data/charge_id" in page
        assert "desk:77" in page
        assert "1 held" in page

    def test_opened_event_shows_both_payloads_masked_and_todays_verdict(self) -> None:
        held = given_held(requester_name="Maja Lindqvist", requester_email="maja@example.com")

        page = opened(signed_in(), held)

        assert "What arrived" in page
        assert "As mapped" in page
        assert "Still refused by support.refund.requested 1.0.0" in page
        assert "maja@example.com" not in page
        assert "Lindqvist" not in page

    def test_violation_that_quotes_personal_data_is_masked(self) -> None:
        held = given_held(requester_email="maja lindqvist at home")

        page = opened(signed_in(), held)

        assert "/data/email" in page
        assert "maja lindqvist at home" not in page

    def test_opened_event_would_be_accepted_once_its_contract_is_mended(self) -> None:
        held = given_held()
        given_mended_contract()

        page = opened(signed_in(), held)

        assert "support.refund.requested 1.1.0 would accept it" in page

    def test_filters_in_the_address_narrow_the_list(self) -> None:
        held = given_held(ticket="77")
        client, address = signed_in(), reverse("console:held")

        fitting = client.get(address, {"q": "77"}).content.decode()
        by_event = client.get(address, {"q": str(held.event_id)}).content.decode()
        other = client.get(address, {"source": "billing"}).content.decode()

        assert "desk:77" in fitting
        assert "desk:77" in by_event
        assert "No held event fits these filters" in other

    def test_unchanged_list_costs_a_poll_only_a_304(self) -> None:
        given_held()
        client, address = signed_in(), reverse("console:held")
        first = client.get(address, {"partial": "list"})

        again = client.get(address, {"partial": "list"}, headers={"If-None-Match": first["ETag"]})

        assert again.status_code == 304

    def test_event_that_was_never_held_is_not_found(self) -> None:
        client = signed_in()

        unknown = client.get(reverse("console:held"), {"event": str(uuid7_at(clock.now()))})
        nonsense = client.get(reverse("console:held"), {"event": "x"})

        assert (unknown.status_code, nonsense.status_code) == (404, 404)

    def test_person_without_a_role_is_refused(self) -> None:
        client = Client()
        user = given_reader("ops_lead")
        user.groups.clear()
        client.force_login(user)

        assert client.get(reverse("console:held")).status_code == 403

    def test_list_costs_the_same_queries_however_long_it_is(self) -> None:
        client = signed_in()
        given_held(ticket="1")
        client.get(reverse("console:held"))

        with CaptureQueriesContext(connection) as one:
            client.get(reverse("console:held"))
        for number in range(12):
            given_held(ticket=str(100 + number))
        with CaptureQueriesContext(connection) as many:
            client.get(reverse("console:held"))

        assert len(many) == len(one)


@pytest.mark.usefixtures("pilot")
class TestDeciding:
    def test_release_starts_the_run_and_closes_the_handoff(self) -> None:
        held = given_held(ticket="77")
        given_mended_contract()

        answer = press(signed_in(), held, "release")

        held.refresh_from_db()
        assert (answer.status_code, answer["Location"]) == (302, reverse("console:held"))
        assert (held.state, held.decided_by) == ("released", "tomás")
        assert Run.objects.filter(event_id=held.event_id, flow="refund-completion").exists()
        assert Handoff.objects.get(held_event_id=held.event_id).state == "resolved"
        entry = AuditEntry.objects.get(action="event.release")
        assert entry.reason == "The contract was mended. See the change of today"
        assert (entry.ticket, entry.contract_version) == ("desk:77", "1.1.0")

    def test_release_in_place_gives_the_list_without_it_and_a_toast(self) -> None:
        held = given_held()
        given_mended_contract()

        answer = press(signed_in(), held, "release", htmx=True)

        assert answer.status_code == 200
        assert "Nothing is held" in answer.content.decode()
        assert "is released" in answer["HX-Trigger"]
        assert answer.content.lstrip().startswith(b'<section class="card" id="held-list"')

    def test_release_of_what_still_does_not_fit_loses_nothing_and_says_why(self) -> None:
        held = given_held()

        answer = press(signed_in(), held, "release", htmx=True)

        held.refresh_from_db()
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Not released: it still does not fit." in page
        assert "/data/charge_id" in page
        assert "See the change of today" in page
        assert held.state == "held"
        assert Event.objects.get(pk=held.event_id).state == "held"
        assert Handoff.objects.get(held_event_id=held.event_id).state == "open"
        assert not AuditEntry.objects.filter(action="event.release").exists()

    def test_discard_keeps_the_bytes_and_starts_nothing(self) -> None:
        held = given_held()

        press(signed_in(), held, "discard", reason="A test of theirs")

        held.refresh_from_db()
        assert held.state == "discarded"
        assert Event.objects.get(pk=held.event_id).state == "discarded"
        assert not Run.objects.filter(event_id=held.event_id, flow="refund-completion").exists()
        assert "Tomás Oliveira discarded it" in opened(signed_in("auditor", "Ines Falk"), held)

    def test_without_a_reason_nothing_happens_and_the_form_comes_back(self) -> None:
        held = given_held()

        answer = press(signed_in(), held, "discard", htmx=True, reason=" ")

        held.refresh_from_db()
        assert answer.status_code == 422
        assert "Choose a reason or say it in a few words." in answer.content.decode()
        assert held.state == "held"

    def test_event_without_contract_or_ticket_asks_for_the_ticket(self) -> None:
        held = given_unmatched()
        client = signed_in()

        without = press(client, held, "discard", reason="Not ours", ticket="")
        wrong = press(client, held, "discard", reason="Not ours", ticket="77")
        held.refresh_from_db()
        still = held.state
        press(client, held, "discard", reason="Not ours", ticket="desk:77")

        assert (without.status_code, wrong.status_code, still) == (422, 422, "held")
        assert AuditEntry.objects.get(action="event.discard").ticket == "desk:77"

    def test_second_browser_is_told_who_decided(self) -> None:
        held = given_held()
        given_mended_contract()
        press(signed_in("runtime_owner", "Jonas Keller"), held, "release")

        answer = press(signed_in(), held, "discard", htmx=True)

        held.refresh_from_db()
        assert answer.status_code == 409
        assert "Jonas Keller released this event first" in answer.content.decode()
        assert held.state == "released"
        assert Run.objects.filter(event_id=held.event_id, flow="refund-completion").count() == 1
        assert AuditEntry.objects.filter(action="held.discard.refused", actor="tomás").exists()

    @pytest.mark.parametrize(
        ("role", "word", "status"),
        [
            ("support_agent", "release", 302),
            ("support_agent", "discard", 403),
            ("ops_lead", "release", 302),
            ("ops_lead", "discard", 302),
            ("runtime_owner", "discard", 302),
            ("contract_owner", "release", 403),
            ("product_owner", "release", 403),
            ("manager", "release", 403),
            ("auditor", "discard", 403),
            ("admin", "release", 403),
        ],
    )
    def test_only_the_roles_of_the_table_decide(self, role: str, word: str, status: int) -> None:
        held = given_held()
        given_mended_contract()

        answer = press(signed_in(role), held, word)

        held.refresh_from_db()
        assert answer.status_code == status
        assert (held.state == "held") == (status == 403)
        refused = AuditEntry.objects.filter(action=f"held.{word}.refused").exists()
        assert refused == (status == 403)

    def test_agent_does_not_release_more_money_than_the_limit(self) -> None:
        held = given_held(amount_minor=9_000_000)
        given_mended_contract()

        answer = press(signed_in("support_agent", "Nadia Arslan"), held, "release")

        assert answer.status_code == 403
        assert "second person" in answer.content.decode()

    def test_reader_who_may_not_decide_sees_why(self) -> None:
        page = opened(signed_in("manager", "Oskar Ruud"), given_held())

        assert "You may look, not decide" in page
        assert "held-release" not in page

    def test_a_get_decides_nothing(self) -> None:
        held = given_held()

        answer = signed_in().get(reverse("console:held-release", args=[held.event_id]))

        assert answer.status_code == 405


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_once_make_one_decision() -> None:
    given_pilot("contracts", "sources", "flows")
    held = given_held()
    people = [given_reader("ops_lead", "Tomás Oliveira"), given_reader("ops_lead", "Lena Moritz")]
    outcomes: list[str] = []

    def decide(user: Any) -> None:
        try:
            service.discard(held=held, by=user, reason="Not ours", now=clock.now())
            outcomes.append("done")
        except IllegalTransition as late:
            outcomes.append(late.message)
        finally:
            connection.close()

    threads = [Thread(target=decide, args=[user]) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one == "done" for one in outcomes) == [False, True]
    assert AuditEntry.objects.filter(action="event.discard").count() == 1


@pytest.mark.usefixtures("pilot")
def test_conflicting_delivery_is_in_sight_beside_the_first_one() -> None:
    body: Any = refund_requested(amount_minor=1000, ticket="90")
    accepted("helpdesk", body)
    with pytest.raises(Conflict):
        accepted("helpdesk", {**body, "amount_minor": 9000, "requester_name": "Somebody Else"})
    conflict = DeliveryConflict.objects.get()
    client, address = signed_in(), reverse("console:held")

    listed = client.get(address, {"tab": "conflicts"}).content.decode()
    shown = client.get(address, {"tab": "conflicts", "conflict": str(conflict.pk)})

    page = shown.content.decode()
    assert conflict.external_id in listed
    assert "9000" in page
    assert "1000" in page
    assert "Somebody" not in page
    assert "maja@example.com" not in page
