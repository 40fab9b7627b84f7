"""Runs: filters in the address, pages by key, a list that does not shift; one run whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts_app.queries import clock
from meshline.console.runs import since_of
from orchestration.models import Run
from orchestration.queries import runs as run_rows
from orchestration.services import runs
from tests.builders import accepted, given_pilot, refund_requested, run_of
from tests.console.builders import given_finished, given_reader, given_stuck_refund

pytestmark = pytest.mark.django_db
LIST = {"partial": "table"}


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


@pytest.fixture
def nadia() -> Client:
    client = Client()
    client.force_login(given_reader())
    return client


def given_run(**more: Any) -> Run:
    return run_of(accepted("helpdesk", refund_requested(**more)))


def listed(client: Client, **filters: str) -> str:
    return client.get(reverse("console:runs"), LIST | filters).content.decode()


def test_list_shows_where_each_run_stands(nadia: Client) -> None:
    handoff = given_stuck_refund()

    page = listed(nadia)

    assert str(handoff.run_id)[-8:] in page
    assert "Needs a person" in page
    assert "Billing ack" in page
    assert "€ 218.00" in page
    assert "1 of 5 steps done" in page


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"state": "failed"}, {"1"}),
        ({"state": "running"}, {"2"}),
        ({"outcome": "person"}, {"1"}),
        ({"flow": "refund-completion"}, {"1", "2"}),
        ({"flow": "cart-context"}, set()),
        ({"contract": "support.refund.requested"}, {"1", "2"}),
        ({"ticket": "desk:1"}, {"1"}),
        ({"q": "desk:2"}, {"2"}),
        ({"q": "2"}, {"2"}),
        ({"q": "ORDER-7"}, {"2"}),
        ({"q": "nobody"}, set()),
        ({"since": "10m"}, {"2"}),
    ],
)
def test_filters_of_the_address_narrow_the_list(
    nadia: Client, filters: dict[str, str], shown: set[str]
) -> None:
    given_stuck_refund(ticket="1")
    given_run(ticket="2", order_id="ORDER-7")

    page = listed(nadia, **filters)

    assert {ticket for ticket in ("1", "2") if f"desk:{ticket}</a>" in page} == shown


def test_search_finds_a_run_by_its_own_id_and_its_events(nadia: Client) -> None:
    run = given_run(ticket="1")
    given_run(ticket="2")

    for identifier in (run.pk, run.event_id):
        page = listed(nadia, q=str(identifier))
        assert "desk:1</a>" in page
        assert "desk:2</a>" not in page


def test_pages_go_by_key_without_gap_or_repetition(
    nadia: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_rows, "PAGE", 3)
    made = [given_run(ticket=str(n)).ticket for n in range(7)][::-1]

    seen: list[str] = []
    address: str = reverse("console:runs")
    while address:
        answer = nadia.get(address)
        seen += [row.run.ticket for row in answer.context["page"].rows]
        last, address = answer, answer.context["older_url"]
    back = nadia.get(last.context["newer_url"]).context["page"].rows

    assert seen == made
    assert [row.run.ticket for row in back] == made[3:6]


def test_open_list_keeps_its_rows_and_counts_what_is_new(nadia: Client) -> None:
    given_run(ticket="1")
    first = nadia.get(reverse("console:runs"))
    given_run(ticket="2")

    later = nadia.get(first.context["poll_url"]).content.decode()

    assert "1 new" in later
    assert "desk:2</a>" not in later
    assert "desk:1</a>" in later


def test_list_costs_the_same_for_many_runs(nadia: Client) -> None:
    given_stuck_refund(ticket="0")
    nadia.get(reverse("console:runs"))
    with CaptureQueriesContext(connection) as few:
        nadia.get(reverse("console:runs"))
    for n in range(8):
        given_stuck_refund(ticket=str(n + 1))

    with CaptureQueriesContext(connection) as many:
        nadia.get(reverse("console:runs"))

    assert len(many) == len(few)


def test_empty_list_says_what_would_fill_it(nadia: Client) -> None:
    assert "No run yet" in listed(nadia)
    assert "No run fits these filters" in listed(nadia, ticket="desk:404")


@pytest.mark.parametrize(
    ("text", "back"),
    [("7d", timedelta(days=7)), ("90m", timedelta(minutes=90)), ("nonsense", None)],
)
def test_period_is_read_from_the_address(text: str, back: timedelta | None) -> None:
    now = clock.now()

    assert since_of(text, now) == (now - back if back else None)


def test_run_tells_timeline_effects_payload_and_whom_to_ask(nadia: Client) -> None:
    handoff = given_stuck_refund()

    page = nadia.get(reverse("console:run", args=[handoff.run_id])).content.decode()

    for said in (
        "Refund completion for order",
        "Send the refund",
        "waited for billing",
        "deadline",
        f"{handoff.event_id}:refund-completion:refund",
        "Done once",
        "Not run",
        "What will happen",
        "Who to ask",
        "amount_minor",
        handoff.reference,
    ):
        assert said in page, said
    assert "maja@example.com" not in page


def test_views_of_a_run_stand_in_the_address(nadia: Client) -> None:
    handoff = given_stuck_refund()
    address = reverse("console:run", args=[handoff.run_id])

    as_list = nadia.get(address, {"view": "list", "partial": "main"}).content.decode()
    as_log = nadia.get(address, {"view": "log", "partial": "main"}).content.decode()
    attempts = nadia.get(address, {"side": "attempts", "partial": "main"}).content.decode()
    received = nadia.get(address, {"payload": "received", "partial": "main"}).content.decode()

    assert "asked 5 times without an answer" in as_list
    assert "billing.get_refund" in as_log
    assert "status 503" in attempts
    assert "meshline.refund_requested" in received


def test_replay_is_found_from_both_runs(nadia: Client) -> None:
    handoff = given_stuck_refund()
    old = Run.objects.get(ticket=handoff.ticket, internal=False)
    new = runs.replay(run=old, now=clock.now())

    related = {"side": "related"}
    first = nadia.get(reverse("console:run", args=[old.pk]), related).content.decode()
    second = nadia.get(reverse("console:run", args=[new.pk]), related).content.decode()

    assert "Replay of this one" in first
    assert "This one replays it" in second


def test_audit_of_a_run_is_shown_to_those_who_may_read_it(nadia: Client) -> None:
    handoff = given_stuck_refund()
    auditor = Client()
    auditor.force_login(given_reader("auditor", "Ines Falk"))
    address, tab = reverse("console:run", args=[handoff.run_id]), {"side": "audit"}

    assert "handoff.open" in auditor.get(address, tab).content.decode()
    assert "handoff.open" not in nadia.get(address, tab).content.decode()


def test_finished_run_polls_to_the_same_part_with_304(nadia: Client) -> None:
    run = given_run()
    given_finished(run.pk)
    address = reverse("console:run", args=[run.pk])
    first = nadia.get(address, {"partial": "main"})

    again = nadia.get(address, {"partial": "main"}, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 304


def test_unknown_run_is_not_found(nadia: Client) -> None:
    answer = nadia.get(reverse("console:run", args=["00000000-0000-7000-8000-000000000000"]))

    assert answer.status_code == 404
