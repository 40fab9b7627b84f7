"""Saved views of the catalogue: saved once, found by who should, audited when they are shared."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry, DefaultView, SavedView
from tests.console.builders import given_reader
from tests.console.held_builders import given_registry

pytestmark = pytest.mark.django_db
LIST = "/contracts/"


@pytest.fixture(autouse=True)
def _registry(db: None) -> None:
    given_registry()


def browser(role: str = "support_agent", name: str = "Sam Porter") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def saved(
    client: Client, name: str = "Risky", query: str = "risk=critical&sort=risk", **more: str
) -> str:
    answer = client.post(
        reverse("console:view-save"), {"name": name, "query": query, **more}, follow=True
    )
    return " ".join(str(one) for one in get_messages(answer.wsgi_request)) + (
        answer.content.decode()
    )


def acted(client: Client, view: SavedView, act: str, **more: str) -> int:
    return client.post(reverse("console:view-act", args=[view.pk, act]), more).status_code


def test_view_is_saved_with_search_facets_and_order_and_listed_for_its_maker_alone() -> None:
    sam, kim = browser(), browser(name="Kim Porter")

    page = saved(sam, query="q=refund&risk=critical&risk=high&sort=risk&page=3&x=1")

    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("q=refund&risk=critical&risk=high&sort=risk", False)
    assert "Risky is saved" in page
    assert "?q=refund&amp;risk=critical" in sam.get(LIST).content.decode()
    assert "Risky" not in kim.get(LIST).content.decode()
    assert not AuditEntry.objects.filter(object_type="saved_view").exists()


def test_pressed_twice_it_is_saved_once_and_another_view_of_that_name_is_refused() -> None:
    sam = browser()
    saved(sam)
    saved(sam)

    page = saved(sam, name="rISKY ", query="risk=low")

    assert SavedView.objects.get().query == "risk=critical&sort=risk"
    assert "You have a view rISKY already." in page


def test_same_name_may_be_taken_by_another_person() -> None:
    saved(browser())
    saved(browser(name="Kim Porter"), query="risk=low")

    assert SavedView.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [("", "risk=low", "no name"), ("x" * 61, "risk=low", "longer than 60"),
     ("All", "page=2", "Nothing is filtered")],
)  # fmt: skip
def test_what_cannot_be_saved_is_said(name: str, query: str, said: str) -> None:
    assert said in saved(browser(), name=name, query=query)
    assert not SavedView.objects.exists()


def test_shared_view_is_for_everybody_and_audited() -> None:
    lead = browser("ops_lead", "Tom Lead")
    saved(lead, shared="1")
    view = SavedView.objects.get()

    assert "Risky" in browser(name="Kim Porter").get(LIST).content.decode()
    assert acted(lead, view, "rename", name="Very risky") == 302
    assert acted(lead, view, "delete") == 302
    actions = AuditEntry.objects.filter(object_type="saved_view").order_by("at", "id")
    assert list(actions.values_list("action", flat=True)) == [
        "view.share", "view.rename", "view.delete",
    ]  # fmt: skip
    assert not SavedView.objects.exists()


def test_who_may_not_share_is_refused_and_that_is_kept() -> None:
    agent = browser()
    answer = agent.post(
        reverse("console:view-save"), {"name": "Mine", "query": "risk=low", "shared": "1"}
    )
    saved(browser("ops_lead", "Tom Lead"), shared="1")
    view = SavedView.objects.get()

    assert answer.status_code == 403
    assert acted(agent, view, "delete") == 403
    assert SavedView.objects.count() == 1
    assert AuditEntry.objects.filter(action="view.delete.refused").count() == 1
    assert "for everybody</label>" not in agent.get(LIST, {"risk": "low"}).content.decode()


def test_another_persons_own_view_is_not_found() -> None:
    saved(browser())
    view = SavedView.objects.get()

    assert acted(browser(name="Kim Porter"), view, "delete") == 404
    assert SavedView.objects.exists()


def test_rename_to_a_taken_name_is_refused() -> None:
    sam = browser()
    saved(sam)
    saved(sam, name="Other", query="risk=low")

    acted(sam, SavedView.objects.get(name="Other"), "rename", name="risky")

    assert set(SavedView.objects.values_list("name", flat=True)) == {"Risky", "Other"}


def test_catalogue_opens_with_the_default_view_until_it_is_taken_back_or_deleted() -> None:
    sam = browser()
    saved(sam)
    view = SavedView.objects.get()
    acted(sam, view, "default")

    opened = sam.get(LIST)
    assert (opened.status_code, opened.headers["Location"]) == (302, f"{LIST}?{view.query}")
    assert sam.get(LIST, {"all": "1"}).status_code == 200
    assert browser(name="Kim Porter").get(LIST).status_code == 200

    sam.post(reverse("console:view-none"))
    assert sam.get(LIST).status_code == 200
    acted(sam, view, "default")
    acted(sam, view, "delete")
    assert not DefaultView.objects.exists()
    assert sam.get(LIST).status_code == 200
