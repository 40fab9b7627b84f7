"""Buttons: what a press would do, one press out of two, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry
from orchestration.models import Handoff, Run
from runbooks.models import Backfill, Intervention
from tests.builders import given_pilot
from tests.console.builders import given_finished, given_reader, given_stuck_refund

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


def signed_in(role: str = "support_agent", name: str = "Nadia Arslan") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def address(handoff: Handoff, slug: str = "flow.replay", *, press: bool = False) -> str:
    name = "console:button-press" if press else "console:button-preview"
    return reverse(name, args=["handoff", handoff.pk, slug])


def form_of(client: Client, handoff: Handoff, slug: str = "flow.replay") -> dict[str, Any]:
    """What a browser sends when the form is filled in with a reason."""
    form = client.get(address(handoff, slug)).context["form"]
    values = {name: form[name].value() or "" for name in form.fields}
    return values | {"reason": "Billing is well again"}


def pressed(
    client: Client, handoff: Handoff, form: dict[str, Any], slug: str = "flow.replay", **more: Any
) -> Any:
    return client.post(address(handoff, slug, press=True), form, **more)


def test_preview_says_effect_by_effect_what_would_happen() -> None:
    handoff = given_stuck_refund()

    page = signed_in().get(address(handoff)).content.decode()

    assert "Send the refund" in page
    assert "Ask again, same key" in page
    assert "Tell the customer" in page
    assert ">Run<" in page
    assert "Nothing can be sent twice" in page
    assert 'value="desk:48213"' in page
    assert "support.refund.requested" in page


def test_preview_changes_nothing() -> None:
    handoff = given_stuck_refund()

    signed_in().get(address(handoff))

    assert not Intervention.objects.exists()
    assert Run.objects.filter(ticket=handoff.ticket, internal=False).count() == 1


def test_press_without_javascript_goes_back_to_the_handoff_with_the_outcome() -> None:
    handoff = given_stuck_refund()
    client = signed_in()

    answer = client.post(address(handoff, press=True), form_of(client, handoff), follow=True)

    assert answer.redirect_chain == [(reverse("console:handoff", args=[handoff.pk]), 302)]
    page = answer.content.decode()
    assert "Replay under way, started by Nadia Arslan" in page
    press = Intervention.objects.get()
    assert (press.ticket, press.contract, press.reason) == (
        "desk:48213",
        "support.refund.requested",
        "Billing is well again",
    )
    assert AuditEntry.objects.filter(action="flow.replay", actor="nadia").count() == 1


def test_outcome_is_told_where_it_was_pressed_and_follows_the_run() -> None:
    handoff = given_stuck_refund()
    client = signed_in()
    started = pressed(client, handoff, form_of(client, handoff), headers=HTMX)
    press = Intervention.objects.get()
    live = reverse("console:press", args=[press.pk])

    running = client.get(live, {"partial": "1"})
    given_finished(press.result_run_id)
    over = client.get(live, {"partial": "1"})

    assert "Replay started." in started.content.decode()
    assert "hx-trigger" in running.content.decode()
    assert "Under way" in running.content.decode()
    assert "Succeeded" in over.content.decode()
    assert "is resolved." in over.content.decode()
    assert "hx-trigger" not in over.content.decode()


def test_two_presses_of_one_form_make_one_action_and_the_second_learns_who_was_first() -> None:
    handoff = given_stuck_refund()
    nadia, tomas = signed_in(), signed_in("ops_lead", "Tomás Oliveira")
    seen_by_both = form_of(nadia, handoff)

    first = pressed(nadia, handoff, seen_by_both, headers=HTMX)
    second = pressed(tomas, handoff, seen_by_both, headers=HTMX)

    assert (first.status_code, second.status_code) == (200, 409)
    assert "Nadia Arslan pressed Replay" in second.content.decode()
    assert Run.objects.filter(ticket=handoff.ticket, internal=False).count() == 2
    assert Intervention.objects.count() == 1


def test_drawer_opened_too_late_names_who_was_first() -> None:
    handoff = given_stuck_refund()
    nadia = signed_in()
    pressed(nadia, handoff, form_of(nadia, handoff))

    answer = signed_in("ops_lead", "Tomás Oliveira").get(address(handoff))

    assert answer.status_code == 409
    assert "Nadia Arslan pressed Replay" in answer.content.decode()


@pytest.mark.parametrize("role", ["manager", "auditor", "product_owner", "admin", "contract_owner"])
def test_role_that_may_not_replay_is_refused_with_the_reason(role: str) -> None:
    handoff = given_stuck_refund()
    form = form_of(signed_in(), handoff)
    client = signed_in(role, "Oskar Ruud")

    seen = client.get(address(handoff)).content.decode()
    page = pressed(client, handoff, form)
    by_script = pressed(client, handoff, form, headers=HTMX)

    assert "You may look, not press" in seen
    assert 'name="press_key"' not in seen
    assert (page.status_code, by_script.status_code) == (403, 403)
    assert by_script["Content-Type"] == "application/problem+json"
    assert by_script.json()["detail"]
    assert not Intervention.objects.exists()
    assert AuditEntry.objects.filter(action="flow.replay.refused", actor="oskar").count() == 2


def test_amount_above_the_agents_limit_is_refused_with_the_limit_and_who_has_none() -> None:
    handoff = given_stuck_refund(amount_minor=90000)

    page = signed_in().get(address(handoff)).content.decode()

    assert "above € 500.00, the most that your role may move alone" in page
    assert "a request for approval is not in this version" in page
    assert "Ops leads, runtime owners and contract owners on their own contracts may" in page
    assert 'name="press_key"' not in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": "", "preset": ""}, "Choose a reason or say it"),
        ({"ticket": "not a ticket"}, "is not a ticket key"),
        ({"ticket": ""}, "Name the ticket"),
        ({"reason": "x" * 1001}, "at most 1000"),
    ],
)
def test_bad_values_come_back_in_the_same_drawer(wrong: dict[str, str], said: str) -> None:
    handoff = given_stuck_refund()
    client = signed_in()

    answer = pressed(client, handoff, form_of(client, handoff) | wrong, headers=HTMX)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Intervention.objects.exists()


def test_preset_alone_is_a_reason() -> None:
    handoff = given_stuck_refund()
    client = signed_in()
    form = form_of(client, handoff) | {"reason": "", "preset": "The acknowledgement was lost"}

    pressed(client, handoff, form)

    assert Intervention.objects.get().reason == "The acknowledgement was lost"


def test_actions_own_parameters_are_fields_and_are_judged() -> None:
    handoff = given_stuck_refund()
    client = signed_in("ops_lead", "Tomás Oliveira")
    slug = "flow.resolve_by_hand"
    form = form_of(client, handoff, slug)

    short = pressed(client, handoff, form | {"value-evidence": "ok"}, slug, headers=HTMX)
    done = pressed(client, handoff, form | {"value-evidence": "re_1 in billing's screen"}, slug)

    handoff.refresh_from_db()
    assert short.status_code == 422
    assert "value-evidence" in short.content.decode()
    assert done.status_code == 302
    assert handoff.state == "resolved"
    assert Intervention.objects.get().values == {"evidence": "re_1 in billing's screen"}


def test_backfill_says_how_many_and_is_followed() -> None:
    handoff = given_stuck_refund(ticket="1")
    given_stuck_refund(ticket="2")
    Handoff.objects.update(flow="cart-context")  # one that moves no money
    client = signed_in("ops_lead", "Tomás Oliveira")

    preview = client.get(address(handoff, "flow.backfill")).content.decode()
    answer = pressed(
        client, handoff, form_of(client, handoff, "flow.backfill"), "flow.backfill", headers=HTMX
    )

    assert "2 tickets" in preview
    assert Backfill.objects.get().reference in answer.content.decode()


def test_press_is_a_post_and_a_preview_a_get() -> None:
    handoff = given_stuck_refund()
    client = signed_in()

    assert client.get(address(handoff, press=True)).status_code == 405
    assert client.post(address(handoff)).status_code == 405
    assert client.get(address(handoff, "flow.nonsense")).status_code == 404


def test_post_without_the_forgery_token_is_refused() -> None:
    handoff = given_stuck_refund()
    client = Client(enforce_csrf_checks=True)
    client.force_login(given_reader())

    answer = pressed(client, handoff, {"press_key": "x", "ticket": "desk:1", "reason": "because"})

    assert answer.status_code == 403
    assert not Intervention.objects.exists()


def test_press_under_a_ticket_that_nobody_has_heard_of_does_nothing() -> None:
    handoff, client = given_stuck_refund(), signed_in()
    form = form_of(client, handoff)

    answer = pressed(client, handoff, form | {"ticket": "desk:99999"})

    assert answer.status_code == 422
    assert "No event has ever named the ticket desk:99999" in answer.content.decode()
    assert not Intervention.objects.exists()
    assert Run.objects.filter(ticket=handoff.ticket).count() == 1
