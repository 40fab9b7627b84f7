"""Buttons after the fact: who was second is noted, who only looks is told what happened last."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry, Contract, Owner, Ownership
from orchestration.models import Effect, Handoff, Run
from runbooks.actions import ACTIONS
from runbooks.models import Backfill, Intervention
from runbooks.services import buttons
from tests.builders import given_pilot
from tests.console.builders import given_finished, given_reader, given_stuck_refund
from tests.console.held_builders import given_partial

pytestmark = pytest.mark.django_db
NOTED = "Your press changed nothing and is noted in the audit log."


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


@pytest.fixture
def nadia() -> User:
    return given_reader()


@pytest.fixture
def tomas() -> User:
    return given_reader("ops_lead", "Tomás Oliveira")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at(thing: Handoff | Run, slug: str, *, press: bool = False) -> str:
    kind = "handoff" if isinstance(thing, Handoff) else "run"
    name = "console:button-press" if press else "console:button-preview"
    return reverse(name, args=[kind, thing.pk, slug])


def form_of(thing: Handoff | Run, reason: str = "Billing is well again") -> dict[str, Any]:
    """A form drawn from how the thing stands now."""
    if isinstance(thing, Handoff):
        target = buttons.target_of(handoff=Handoff.objects.get(pk=thing.pk))
    else:
        target = buttons.target_of(run=thing)
    key = buttons.press_key_of(target)
    return {"press_key": key, "ticket": thing.ticket, "reason": reason, "value-evidence": "re_1 x"}


def pressed(user: User, thing: Handoff | Run, slug: str, form: dict[str, Any]) -> Any:
    return browser(user).post(at(thing, slug, press=True), form)


def resolved(handoff: Handoff, by: User) -> Handoff:
    """Its replay, pressed by this person, has succeeded."""
    pressed(by, handoff, "flow.replay", form_of(handoff))
    given_finished(Intervention.objects.get().result_run_id)
    handoff.refresh_from_db()
    assert handoff.state == "resolved"
    return handoff


def run_of(handoff: Handoff) -> Run:
    assert handoff.run_id is not None
    return Run.objects.get(pk=handoff.run_id)


def runs_of(handoff: Handoff) -> int:
    assert handoff.event_id is not None
    return Run.objects.filter(event_id=handoff.event_id).count()


def refusals(slug: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=f"{slug}.refused"))


def test_late_press_is_noted_with_the_pressers_own_reason(nadia: User, tomas: User) -> None:
    handoff = given_stuck_refund()
    seen_by_both = form_of(handoff)
    pressed(nadia, handoff, "flow.replay", seen_by_both)

    late = pressed(tomas, handoff, "flow.replay", seen_by_both | {"reason": "They called me"})

    (entry,) = refusals("flow.replay")
    assert NOTED in late.content.decode()
    assert (entry.actor, entry.ticket, entry.contract, entry.object_id) == (
        tomas.username, handoff.ticket, handoff.contract, handoff.reference,
    )  # fmt: skip
    assert entry.detail == {"reason": "They called me"}
    assert "Nadia Arslan pressed Replay first" in entry.reason
    assert Intervention.objects.get().actor == nadia


def test_who_presses_twice_is_told_it_was_themselves(nadia: User) -> None:
    handoff = given_stuck_refund()
    form = form_of(handoff)
    pressed(nadia, handoff, "flow.replay", form)

    page = pressed(nadia, handoff, "flow.replay", form).content.decode()

    assert "You pressed it already" in page
    assert "You pressed Replay" in page
    assert "Nadia Arslan pressed" not in page


def test_looking_at_a_button_that_is_gone_is_not_called_a_press(nadia: User, tomas: User) -> None:
    handoff = resolved(given_stuck_refund(), nadia)

    own = browser(nadia).get(at(handoff, "escalate")).content.decode()
    others = browser(tomas).get(at(handoff, "escalate")).content.decode()

    for page in (own, others):
        assert "Escalate is not possible here any more" in page
        assert f"{handoff.reference} was resolved by Meshline itself" in page
        assert reverse("console:run", args=[handoff.run_id]) in page
        assert "Your press" not in page
        assert "Somebody was first" not in page
    assert "You pressed Replay" in own
    assert "Nadia Arslan pressed Replay" in others
    assert not refusals("escalate")


@pytest.mark.parametrize("slug", list(ACTIONS))
def test_resolved_handoff_offers_nothing_by_address_either(
    slug: str, nadia: User, tomas: User
) -> None:
    handoff = resolved(given_stuck_refund(), nadia)

    drawer = browser(tomas).get(at(handoff, slug))
    answer = pressed(tomas, handoff, slug, form_of(handoff))

    assert (drawer.status_code, answer.status_code) == (409, 409)
    assert 'name="press_key"' not in drawer.content.decode() + answer.content.decode()
    assert Intervention.objects.count() == 1
    assert len(refusals(slug)) == 1


def test_second_replay_while_the_first_still_runs_names_who_started_it(
    nadia: User, tomas: User
) -> None:
    handoff = given_stuck_refund()
    pressed(nadia, handoff, "flow.replay", form_of(handoff))
    pressed(tomas, handoff, "escalate", form_of(handoff))

    answer = pressed(tomas, handoff, "flow.replay", form_of(handoff))

    assert answer.status_code == 409
    assert "Nadia Arslan pressed Replay" in answer.content.decode()
    assert "Nadia Arslan pressed Replay at" in refusals("flow.replay")[0].reason
    assert runs_of(handoff) == 2


def test_replay_of_a_run_that_a_newer_one_has_replaced_is_not_offered(nadia: User) -> None:
    handoff = given_stuck_refund()
    old = run_of(handoff)
    pressed(nadia, handoff, "flow.replay", form_of(handoff))
    old.refresh_from_db()

    drawer = browser(nadia).get(at(old, "flow.replay")).content.decode()
    answer = pressed(nadia, old, "flow.replay", form_of(old))

    assert "Replay is not possible here any more" in drawer
    assert "You pressed Replay" in drawer
    assert answer.status_code == 409
    assert runs_of(handoff) == 2


def test_replay_that_would_send_nothing_says_so(nadia: User) -> None:
    handoff = given_stuck_refund()
    run = run_of(handoff)
    before = browser(nadia).get(at(run, "flow.replay")).content.decode()
    run.steps.filter(path="billing_ack").update(state="done", facts={"state": "done"})
    sent = Effect.objects.get(event_id=run.event_id)
    for path in ("resolve", "tell_customer"):
        sent.pk, sent.path, sent.key = None, path, f"{run.event_id}:{run.flow}:{path}"
        sent.save(force_insert=True)
    given_finished(run.pk)

    page = browser(nadia).get(at(run, "flow.replay")).content.decode()

    assert "Everything is done already; nothing would be sent." not in before
    assert "Everything is done already; nothing would be sent." in page
    assert "Skip, already done" in page


def test_losing_claim_and_second_close_are_noted_in_peoples_names(nadia: User, tomas: User) -> None:
    handoff = given_stuck_refund()
    claim = reverse("console:handoff-claim", args=[handoff.pk])
    close = reverse("console:handoff-resolve", args=[handoff.pk])
    browser(nadia).post(claim)
    late = browser(tomas).post(claim).content.decode()
    lena = given_reader("ops_lead", "Lena Moritz")
    browser(tomas).post(close, {"reason": "Refunded in cash"})

    second = browser(lena).post(close, {"reason": "It is done"}).content.decode()
    again = browser(tomas).post(close, {"reason": "It is done"}).content.decode()

    assert f"Nadia Arslan was first and has {handoff.reference} now." in late
    said = f"{handoff.reference} is resolved already, by"
    assert f"{said} Tomás Oliveira: Refunded in cash." in second
    assert f"{said} you: Refunded in cash." in again
    assert all(NOTED in page for page in (late, second, again))
    assert [entry.actor for entry in refusals("handoff.claim")] == [tomas.username]
    assert {entry.detail["reason"] for entry in refusals("handoff.resolve")} == {"It is done"}


def test_handoff_page_names_who_resolved_it(nadia: User, tomas: User) -> None:
    handoff = given_stuck_refund()
    close = reverse("console:handoff-resolve", args=[handoff.pk])
    browser(tomas).post(close, {"reason": "Refunded in cash"})
    address = reverse("console:handoff", args=[handoff.pk])

    other = browser(nadia).get(address).content.decode()
    own = browser(tomas).get(address).content.decode()
    story = browser(nadia).get(reverse("console:ticket", args=[handoff.ticket])).content.decode()

    assert "by Tomás Oliveira.</b>" in other
    assert "by you.</b>" in own
    assert "by Tomás Oliveira · Refunded in cash" in story


def test_refusal_names_whom_to_talk_to_but_not_the_reader(nadia: User) -> None:
    handoff = given_stuck_refund()
    lena = given_reader("ops_lead", "Lena Moritz")
    jonas = given_reader("runtime_owner", "Jonas Keller")
    contract = Contract.objects.get(name=handoff.contract)
    for role, person in (("contract", lena), ("runtime", jonas)):
        owner = Owner.objects.create(name=f"{role}-team", title="Team", person=person)
        Ownership.objects.create(contract=contract, role=role, owner=owner)

    to_lena = browser(lena).get(at(handoff, "flow.backfill")).content.decode()
    to_nadia = browser(nadia).get(at(handoff, "flow.backfill")).content.decode()

    assert "A backfill of more than 500 tickets, or one that moves money" in to_lena
    assert "a request for approval is not in this version. Talk to Jonas Keller.</p>" in to_lena
    assert "Talk to Lena Moritz or Jonas Keller.</p>" in to_nadia


def test_audit_says_where_the_handoff_goes_and_the_intervention_who(nadia: User) -> None:
    handoff = given_stuck_refund()
    pressed(nadia, handoff, "flow.replay", form_of(handoff))

    entry = AuditEntry.objects.get(action="handoff.follow")
    handoff.refresh_from_db()

    assert entry.reason == f"goes with the new run {run_of(handoff)}"
    assert str(Intervention.objects.get()) == f"flow.replay by Nadia Arslan for {handoff.ticket}"


def test_backfill_that_would_freeze_nothing_is_refused(tomas: User) -> None:
    handoff = given_partial("8101")
    pressed(tomas, handoff, "flow.backfill", form_of(handoff))
    Backfill.objects.update(state="paused")

    drawer = browser(tomas).get(at(handoff, "flow.backfill")).content.decode()
    answer = pressed(tomas, handoff, "flow.backfill", form_of(handoff))

    assert "No ticket with this cause is left to run again" in drawer
    assert 'name="press_key"' not in drawer
    assert answer.status_code == 409
    assert Backfill.objects.count() == 1
    assert Intervention.objects.count() == 1
    assert "No ticket with this cause is left" in refusals("flow.backfill")[0].reason


def test_backfill_leaves_out_what_waits_in_another(tomas: User) -> None:
    first = given_partial("8101")
    given_partial("8102")
    pressed(tomas, first, "flow.backfill", form_of(first))
    Backfill.objects.update(state="paused")
    (one,) = Backfill.objects.all()
    third = given_partial("8103")

    drawer = browser(tomas).get(at(third, "flow.backfill")).content.decode()
    pressed(tomas, third, "flow.backfill", form_of(third))
    nothing = browser(tomas).get(at(third, "flow.backfill")).content.decode()

    said = f"1 ticket with the same cause is run again; 2 more are in {one.reference} already."
    second = Backfill.objects.exclude(pk=one.pk).get()
    assert said in drawer
    assert (second.total, [item.ticket for item in second.items.all()]) == (1, ["desk:8103"])
    assert second.intervention.result == f"{second.reference} runs 1 ticket again."
    held = f"{one.reference} and {second.reference}"
    assert f"stays theirs, and 3 are in {held} already." in nothing
