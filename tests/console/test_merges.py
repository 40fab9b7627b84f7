"""Merges in the console: listed, made after a look at what becomes one, and taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from orchestration.models import IdMerge
from runbooks.services import merges as service
from tests.builders import accepted, given_pilot, refund_requested
from tests.console.builders import given_reader

pytestmark = pytest.mark.django_db

CONTRACT = "support.refund.requested"
ADD = {
    "kind": "customer",
    "merged": "cus_1",
    "into": "Ana+x@Example.com",
    "contract": CONTRACT,
    "ticket": "desk:71",
    "reason": "told by the shop",
}


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()
    accepted("helpdesk", refund_requested(ticket="71", customer_id="cus_1"))
    accepted("helpdesk", refund_requested(ticket="72", customer_id="ana@example.com"))


def browser(role: str = "ops_lead", name: str = "Oskar Lind") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def add(client: Client, **more: Any) -> Any:
    return client.post(reverse("console:merge-add"), {**ADD, **more}, follow=True)


def given_merge(one: str = "cus_1", other: str = "ana@example.com") -> IdMerge:
    told: Any = {**ADD, "merged": one, "into": other}
    return service.merge(**told, by=given_reader("runtime_owner", "Rui Sa"), now=clock.now())


def test_press_shows_what_becomes_one_and_only_the_second_does_it() -> None:
    client = browser()
    first = add(client).content.decode()
    assert "This is what becomes one" in first
    assert "desk:71" in first
    assert "desk:72" in first
    assert not IdMerge.objects.exists()

    answer = add(client, confirmed="1")
    row = IdMerge.objects.get()
    assert (row.merged, row.into, row.made_by) == ("cus_1", "ana@example.com", "oskar")
    assert answer.redirect_chain[-1][0] == reverse("console:merge", args=[row.pk])
    assert "The two are one customer from now on." in answer.content.decode()
    assert AuditEntry.objects.filter(action="ids.merge", object_id=row.pk).exists()


@pytest.mark.parametrize(
    ("more", "said", "status"),
    [
        ({"merged": ""}, "This field is required", 422),
        ({"reason": ""}, "Choose a reason", 422),
        ({"ticket": "x y"}, "is not a ticket key", 422),
        ({"contract": "no.such"}, "no published version", 404),
        ({"contract": "oncall.page.acknowledged"}, "does not say where a customer stands", 400),
        ({"merged": "a\u202eb", "confirmed": "1"}, "control or invisible characters", 400),
        ({"into": "cus_1", "confirmed": "1"}, "are one customer already", 409),
    ],
)
def test_what_is_wrong_is_said_in_the_form(more: Any, said: str, status: int) -> None:
    answer = add(browser(), **more)
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not IdMerge.objects.exists()


def test_list_is_searched_by_whole_ids_and_tickets_and_paged() -> None:
    row = given_merge()
    client = browser()
    for query, found in (
        ({}, True),
        ({"q": "CUS_1"}, True),
        ({"q": "ana@example.com"}, True),
        ({"q": "desk:71", "kind": "customer"}, True),
        ({"q": "cus_2"}, False),
        ({"kind": "order"}, False),
        ({"tab": "ended"}, False),
        ({"page": "99"}, True),
    ):
        shown = client.get(reverse("console:merges"), query).content.decode()
        assert (f'id="merge-{row.pk}"' in shown) is found, query


def test_addresses_are_masked_and_the_ticket_leads_to_the_merge() -> None:
    row = given_merge()
    client = browser("support_agent", "Nadia Arslan")
    listed = client.get(reverse("console:merges")).content.decode()
    one = client.get(reverse("console:merge", args=[row.pk])).content.decode()
    ticket = client.get(reverse("console:ticket", args=["desk:71"])).content.decode()
    assert "ana@example.com" not in listed + one
    assert "Your role may not merge identifiers" in listed
    assert "Your role may not take a merge back" in one
    assert "desk:72" in one
    assert "Merged with" in ticket
    assert reverse("console:ticket", args=["desk:72"]) in ticket
    assert "Merge with another customer" not in ticket


def test_ticket_offers_the_merge_with_what_is_known_filled_in() -> None:
    client = browser()
    shown = client.get(reverse("console:ticket", args=["desk:71"])).content.decode()
    assert "Merge with another customer" in shown
    form = client.get(
        reverse("console:merge-add"), {"kind": "customer", "merged": "cus_1", "ticket": "desk:71"}
    ).content.decode()
    assert 'value="cus_1"' in form
    assert 'value="desk:71"' in form


def test_merged_tickets_are_one_story_on_either_page() -> None:
    told: Any = {**ADD, "kind": "ticket", "merged": "71", "into": "desk:72"}
    service.merge(**told, by=given_reader("runtime_owner", "Rui Sa"), now=clock.now())
    client = browser()
    for key in ("desk:71", "desk:72"):
        shown = client.get(reverse("console:ticket", args=[key])).content.decode()
        assert "One ticket" in shown
        assert shown.count("support.refund.requested") >= 1


def test_taken_back_with_ticket_and_reason_and_kept_in_its_own_tab() -> None:
    row = given_merge()
    client = browser()
    end = reverse("console:merge-end", args=[row.pk])
    assert client.post(end, {"ticket": "desk:71"}).status_code == 422
    done = client.post(end, {"ticket": "desk:71", "reason": "two after all"}, follow=True)
    assert "They are two customers again." in done.content.decode()
    assert "Taken back by oskar" in done.content.decode()
    late = client.post(end, {"ticket": "desk:71", "reason": "again"})
    assert late.status_code == 409
    assert "has taken this merge back already" in late.content.decode()
    ended = client.get(reverse("console:merges"), {"tab": "ended"}).content.decode()
    assert f'id="merge-{row.pk}"' in ended


def test_others_are_refused_and_it_is_written_down() -> None:
    row = given_merge()
    agent = browser("support_agent", "Nadia Arslan")
    assert add(agent, confirmed="1", merged="cus_9").status_code == 403
    end = reverse("console:merge-end", args=[row.pk])
    assert agent.post(end, {"ticket": "desk:1", "reason": "no"}).status_code == 403
    refused = AuditEntry.objects.filter(action__endswith=".refused", actor="nadia")
    assert sorted(refused.values_list("action", flat=True)) == [
        "ids.merge.refused",
        "ids.unmerge.refused",
    ]
    assert Client().get(reverse("console:merges")).status_code == 302
    assert browser().get("/merges/0196f1f0-0000-7000-8000-000000000000/").status_code == 404
