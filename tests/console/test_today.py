"""Today: who waits and why, where the events went, and every number with the rows behind it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import zeal
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import Contract, Owner, OwnerRole, Ownership
from contracts_app.queries import clock
from meshline.console import context
from orchestration.models import EventKey, Handoff, Heartbeat, Run
from orchestration.queries import today
from orchestration.services import tallies
from runbooks.rules.permit import ROLES
from tests.builders import accepted, given_pilot, refund_requested, run_of
from tests.console.builders import given_reader, given_stuck_refund

pytestmark = pytest.mark.django_db
WEEK = {"period": "7d"}


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


def signed_in(role: str = "ops_lead", name: str = "Tomas Oliveira") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("console:today"), query or WEEK)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_before_the_first_event_nothing_is_called_a_hundred_per_cent() -> None:
    text = page(signed_in())

    assert "No events in 7 days" in text
    assert "Contracts within objective — of 11 no data is not 100 %" in text
    assert "Nobody is waiting" in text


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_look(role: str) -> None:
    assert signed_in(role).get("/").status_code == 200


def test_account_without_a_role_is_refused_with_the_reason() -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody"))

    assert client.get("/").status_code == 403
    assert client.get("/", {"partial": "board"}).status_code == 403
    assert client.get(reverse("console:today-csv")).status_code == 403


def test_causes_show_customers_money_per_currency_promise_and_owner() -> None:
    lena = given_reader("contract_owner", "Lena Moritz")
    team = Owner.objects.create(name="support-contracts", title="Support contracts", person=lena)
    Ownership.objects.create(
        contract=Contract.objects.get(name="support.refund.requested"),
        role=OwnerRole.CONTRACT,
        owner=team,
    )
    given_stuck_refund(ticket="1", amount_minor=21800)
    given_stuck_refund(ticket="2", amount_minor=1000, currency="JPY")
    client = signed_in()

    text = page(client)

    assert "2 customers are waiting on a handoff." in text
    assert "Customers waiting 2 € 218.00 + ¥ 1,000 held up" in text
    assert "1 cause, 2 customers" in text
    assert "Acknowledgement missing" in text
    assert 'title="Lena Moritz"' in client.get("/").text
    assert "reason=callback_timeout" in client.get("/").text


def test_single_handoff_is_one_press_away_by_its_runbooks_name() -> None:
    handoff = given_stuck_refund()

    answer = signed_in().get("/").text

    assert f'href="{reverse("console:handoff", args=[handoff.pk])}"' in answer
    assert "Refund callback failed" in answer


def test_two_handoffs_of_one_ticket_hold_its_money_up_once() -> None:
    handoff = given_stuck_refund(amount_minor=21800)
    Handoff.objects.filter(pk=handoff.pk).update(reason="first")
    handoff.pk, handoff.reason = None, "second"
    handoff.save(force_insert=True)

    found = today.waiting()

    assert (found.customers, found.handoffs, str(found.money)) == (1, 2, "€ 218.00")


def test_ways_of_the_events_add_up_and_each_leads_to_its_rows() -> None:
    now = clock.now()
    for metric, count in (("straight", 5), ("recovered", 2), ("duplicate", 3), ("person", 1)):
        tallies.count(metric, now=now, contract="support.refund.requested", n=count)
    tallies.count("received", now=now, contract="support.refund.requested", n=9)
    client = signed_in()

    text, source = page(client), client.get("/", WEEK).text

    assert "Handled without a person 90.90 %" in text
    assert "10 of 11 runs and duplicates in 7 days" in text
    assert "Where the events went 9 taken in" in text
    for title, count in (("Straight through", 5), ("Recovered by retry", 2),
                         ("Duplicate, stopped", 3), ("Needs a person", 1)):  # fmt: skip
        assert f"{title} {count}" in text
    for address in ("/runs/?outcome=straight&amp;since=7d", "/duplicates/?period=7d"):
        assert address in source


def test_finished_run_counts_for_its_objective_and_a_late_one_against_it() -> None:
    now = clock.now()
    contract = "support.ticket.created"
    tallies.count("finished", now=now, contract=contract, n=4)
    tallies.count("late", now=now, contract=contract, n=1)
    tallies.count("received", now=now, contract=contract, n=4)

    text = page(signed_in())

    assert "support.ticket.created 99.9 % done within 5 s 75.00 % 3 of 4" in text
    assert "One contract, support.ticket.created , is outside its objective." in text
    assert "Contracts within objective 0 of 1" in text


def test_open_run_counts_against_its_objective_once_it_is_late() -> None:
    fresh = run_of(accepted("helpdesk", refund_requested(ticket="1")))
    assert "support.refund.requested 99.5 %" not in page(signed_in())
    late = clock.now() - timedelta(hours=2)
    run = run_of(accepted("helpdesk", refund_requested(ticket="2"), now=late))
    assert Run.objects.filter(pk__in=[fresh.pk, run.pk]).count() == 2

    text = page(signed_in("manager", "Oskar Ruud"))

    assert "support.refund.requested 99.5 % done within 1 h 0 % 0 of 1" in text


def test_waiting_line_is_counted_back_from_openings_and_endings() -> None:
    now = clock.now()
    edges = tuple(now + timedelta(minutes=n) for n in (-60, -40, -20, 1))
    given_stuck_refund(ticket="1", at=now - timedelta(minutes=70))  # opened 50 minutes ago
    given_stuck_refund(ticket="2", at=now - timedelta(minutes=50))  # opened 30 minutes ago

    assert today.waiting_series(edges, now_open=2) == [1, 2, 2]


def test_duplicate_is_listed_with_a_way_to_what_it_started() -> None:
    body = refund_requested()
    for _ in range(3):
        accepted("helpdesk", body)
    client = signed_in()

    listed = client.get(reverse("console:duplicates")).text

    key = EventKey.objects.get(external_id=body["id"])
    assert key.external_id in listed
    assert "2\u00d7" in listed
    found = client.get(reverse("console:search"), {"q": str(key.event_id)})
    assert found["Location"] == reverse("console:run", args=[run_of_key(key).pk])


def run_of_key(key: EventKey) -> Run:
    return Run.objects.get(event_id=key.event_id)


def test_press_is_among_the_latest_actions_in_the_pressers_own_words() -> None:
    handoff = given_stuck_refund()
    client = signed_in()
    drawer = reverse("console:button-preview", args=["handoff", handoff.pk, "flow.replay"])
    key = re.search(r'name="press_key"[^>]*value="([^"]+)"', client.get(drawer).text)
    assert key is not None
    client.post(
        reverse("console:button-press", args=["handoff", handoff.pk, "flow.replay"]),
        {"press_key": key[1], "ticket": handoff.ticket, "reason": "billing lost it"},
    )

    assert "You replayed desk:48213 , under way" in page(client)
    assert "Manual interventions 1" in page(client)


def test_masked_reader_sees_no_name_on_the_page() -> None:
    given_stuck_refund()

    assert "Maja Lindqvist" not in signed_in("manager").get("/").text


def test_unchanged_board_costs_a_304() -> None:
    given_stuck_refund()
    client = signed_in()
    first = client.get("/", {"partial": "board", **WEEK})

    again = client.get("/", {"partial": "board", **WEEK}, headers={"If-None-Match": first["ETag"]})

    assert first.status_code == 200
    assert again.status_code == 304
    assert "<html" not in first.text


def test_board_asks_no_more_for_many_handoffs_than_for_one() -> None:
    for n in range(4):
        given_stuck_refund(ticket=str(n))
    client = signed_in()

    with zeal.zeal_context():
        assert client.get("/").status_code == 200


def test_file_has_a_line_for_each_contract_and_no_formula() -> None:
    tallies.count("received", now=clock.now(), contract="=cmd()", n=2)
    given_stuck_refund()
    answer = signed_in().get(reverse("console:today-csv"), WEEK)
    rows = {row["contract"]: row for row in csv.DictReader(io.StringIO(answer.text))}

    assert answer["Content-Disposition"].startswith('attachment; filename="meshline-7d-')
    assert rows["'=cmd()"]["received"] == "2"
    assert rows["support.refund.requested"]["person"] == "1"


def test_agent_may_take_no_file_and_an_owner_only_of_own_contracts() -> None:
    tallies.count("received", now=clock.now(), contract="support.refund.requested")
    address = reverse("console:today-csv")
    assert signed_in("support_agent", "Nadia Arslan").get(address).status_code == 403
    assert "Export CSV" not in signed_in("admin", "Henrike Sand").get("/").text

    mine = signed_in("contract_owner", "Lena Moritz").get(address, WEEK)

    assert mine.status_code == 200
    assert "support.refund.requested" not in mine.text


def test_stale_monitor_is_said_on_every_page() -> None:
    now = clock.now()
    client = signed_in()
    assert "Nothing has watched the deadlines yet." in client.get("/account/").text

    Heartbeat.objects.create(name="sweep", kind="sweeper", at=now)
    assert "Do not trust" not in client.get("/account/").text

    Heartbeat.objects.update(at=now - timedelta(minutes=3, seconds=40))
    assert "Monitor stale for 3 min 4" in client.get("/account/").text


def test_sidebar_counts_what_waits() -> None:
    given_stuck_refund()

    assert context.nav_counts() == {"handoffs": 1, "held": 0, "backfills": 0}
    assert '<span class="count hot">1</span>' in signed_in().get("/account/").text
