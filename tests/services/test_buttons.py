"""Pressing buttons: once, by those who may, written down before it takes effect."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from meshline.core.errors import ContractViolation, NotAllowed
from orchestration.models import Handoff, Run
from orchestration.services import driver
from runbooks.models import Intervention
from runbooks.services import buttons
from runbooks.services.buttons import TooLate, Wish
from tests.builders import accepted, given_pilot, refund_requested, refund_webhook, run_of
from tests.sandbox_process import Sandbox
from tests.services.drive import drained_until, given_request


def given_person(name: str = "nadia", role: str = "support_agent") -> User:
    user = User.objects.create(username=name, first_name=name.capitalize(), last_name="Arslan")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def given_handoff(sandbox: Sandbox) -> tuple[Handoff, Any]:
    """A refund that billing says yes to and drops."""
    request = given_request(sandbox)
    charge = {"charge": request["charge_id"]}
    sandbox.fault("billing", "create_refund", "status", status=400, times=1, match=charge)
    receipt = accepted("helpdesk", request)
    drained_until(receipt, "failed")
    return Handoff.objects.get(event_id=receipt.event_id), request


def wish_for(handoff: Handoff, *, reason: str = "billing is well again") -> Wish:
    key = buttons.press_key_of(buttons.target_of(handoff=handoff))
    return Wish(ticket=handoff.ticket, reason=reason, values={}, press_key=key)


@pytest.mark.django_db
def test_replay_refunds_once_and_resolves_handoff_and_ticket(sandbox: Sandbox) -> None:
    handoff, request = given_handoff(sandbox)
    nadia = given_person()

    pressed = buttons.press_button(
        target=buttons.target_of(handoff=handoff),
        slug="flow.replay",
        wish=wish_for(handoff),
        by=nadia,
        now=clock.now(),
    )
    driver.drain()
    accepted("billing", refund_webhook(request))
    driver.drain()

    assert pressed.result_run_id is not None
    run = Run.objects.get(pk=pressed.result_run_id)
    handoff.refresh_from_db()
    books = sandbox.books()
    assert (run.state, run.ordinal, handoff.state) == ("succeeded", 2, "resolved")
    assert books["by_refund"][request["refund_id"]]["applied"] == 1
    assert books["by_ticket"][handoff.ticket]["status"] == "solved"
    trail = AuditEntry.objects.filter(ticket=handoff.ticket, action="flow.replay").get()
    assert (trail.actor, trail.reason) == ("nadia", "billing is well again")


@pytest.mark.django_db
def test_second_press_is_told_who_was_first(sandbox: Sandbox) -> None:
    handoff, _ = given_handoff(sandbox)
    target, wish = buttons.target_of(handoff=handoff), wish_for(handoff)
    buttons.press_button(
        target=target, slug="flow.replay", wish=wish, by=given_person(), now=clock.now()
    )

    with pytest.raises(TooLate, match="Nadia Arslan pressed Replay first"):
        buttons.press_button(
            target=target, slug="flow.replay", wish=wish, by=given_person("tomas"), now=clock.now()
        )

    assert Run.objects.filter(ticket=handoff.ticket, flow=handoff.flow).count() == 2
    assert Intervention.objects.count() == 1


@pytest.mark.django_db
def test_manager_may_not_replay_and_the_attempt_is_kept(sandbox: Sandbox) -> None:
    handoff, _ = given_handoff(sandbox)

    with pytest.raises(NotAllowed):
        buttons.press_button(
            target=buttons.target_of(handoff=handoff),
            slug="flow.replay",
            wish=wish_for(handoff),
            by=given_person("oskar", "manager"),
            now=clock.now(),
        )

    assert AuditEntry.objects.filter(action="flow.replay.refused", actor="oskar").exists()
    assert not Intervention.objects.exists()


@pytest.mark.django_db
def test_press_without_a_reason_does_nothing(sandbox: Sandbox) -> None:
    handoff, _ = given_handoff(sandbox)

    with pytest.raises(ContractViolation, match="reason"):
        buttons.press_button(
            target=buttons.target_of(handoff=handoff),
            slug="flow.replay",
            wish=wish_for(handoff, reason="  "),
            by=given_person(),
            now=clock.now(),
        )

    assert not Intervention.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_pressing_at_once_make_one_action() -> None:
    given_pilot()
    receipt = accepted("helpdesk", refund_requested(ticket="9001"))
    run = run_of(receipt)
    Run.objects.filter(pk=run.pk).update(state="failed", step="refund", wake_at=None)
    handoff = Handoff.objects.create(
        reason="retries_exhausted", cause="Retries", run_id=run.pk, event_id=run.event_id,
        step="refund", flow=run.flow, contract=run.contract, contract_version=run.contract_version,
        ticket=run.ticket, opened_at=clock.now(),
    )  # fmt: skip
    target, wish = buttons.target_of(handoff=handoff), wish_for(handoff)
    people = [given_person(), given_person("tomas", "ops_lead")]
    together, told = threading.Barrier(2), []

    def press(person: User) -> None:
        together.wait()
        try:
            buttons.press_button(
                target=target, slug="flow.replay", wish=wish, by=person, now=clock.now()
            )
            told.append("pressed")
        except TooLate:
            told.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["pressed", "too late"]
    assert Run.objects.filter(event_id=run.event_id).count() == 2
