"""Builders of held events, backfills, and a registry with owners, as the services leave them."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import ContractVersion, Owner, Ownership, System
from contracts_app.queries import clock
from meshline.core import yaml12
from orchestration.models import Handoff, HeldEvent, Run, RunOutcome, RunState
from orchestration.services import handoffs
from orchestration.services.handoffs import Trouble
from runbooks.models import Backfill
from runbooks.services import buttons
from tests.builders import (
    PILOT,
    accepted,
    given_document,
    given_pilot,
    next_id,
    refund_requested,
)
from tests.console.builders import PAYLOADS


def given_registry() -> None:
    """The pilot as rows, with its people, owners, systems and the contact matrix."""
    given_pilot("calendars", "contracts", "flows", "policies", "rotas", "runbooks", "sources")
    told = document("people.yaml")
    people = {
        one["email"]: User.objects.create(
            username=one["username"],
            email=one["email"],
            first_name=one["name"].partition(" ")[0],
            last_name=one["name"].partition(" ")[2],
        )
        for one in told["people"]
    }
    for group in told["groups"]:
        person = people[group["person"]]
        Owner.objects.create(
            name=group["name"], title=group["title"], rota=group["rota"], person=person
        )
    for name in ("billing", "helpdesk", "shop", "pager", "meshline"):
        System.objects.create(name=name, title=document(f"systems/{name}.yaml")["title"])
    for version in ContractVersion.objects.select_related("contract"):
        version.contract.producer = version.body["producer"]["system"]
        version.contract.save()
        for role, owner in version.body["owners"].items():
            held_by = Owner.objects.get(name=owner["group"])
            Ownership.objects.create(contract=version.contract, role=role, owner=held_by)


def document(name: str) -> Any:
    """One of the pilot's files, read."""
    return yaml12.load((PILOT / name).read_bytes(), name=name).value


def given_held(*, ticket: str = "77", **more: Any) -> HeldEvent:
    """A refund request that breaks its contract and is held."""
    body: Any = refund_requested(**{"charge_id": "none", "ticket": ticket, **more})
    return HeldEvent.objects.get(event_id=accepted("helpdesk", body).event_id)


def given_unmatched() -> HeldEvent:
    """A delivery that no rule of its source takes; it names neither contract nor ticket."""
    body = {"type": "meshline.never_heard_of", "id": next_id("trg"), "note": "hello"}
    return HeldEvent.objects.get(event_id=accepted("helpdesk", body).event_id)


def given_mended_contract(number: str = "1.1.0") -> None:
    """A newer version of the refund request that takes any charge."""
    old = ContractVersion.objects.get(contract__name="support.refund.requested")
    text = old.text.replace("version: 1.0.0", f"version: {number}", 1)
    mended = text.replace("^ch_[A-Za-z0-9_]{1,64}$", "^[A-Za-z0-9_]{1,64}$")
    assert mended != text
    given_document(mended)


def given_partial(ticket: str) -> Handoff:
    """A ticket whose cart the shop did not know yet."""
    body = json.loads((PAYLOADS / "helpdesk/ticket.created.abandoned_cart.json").read_text())
    body["detail"] |= {"id": ticket}
    receipt = accepted("helpdesk", body | {"id": next_id("zen")})
    run = Run.objects.get(event_id=receipt.event_id, flow="cart-context")
    Run.objects.filter(pk=run.pk).update(
        state=RunState.FAILED, step="complete", wake_at=None, outcome=RunOutcome.PERSON
    )
    run.refresh_from_db()
    trouble = Trouble(reason="partial_enrichment", detail="No cart yet.", step="complete")
    with transaction.atomic():
        handoff, _ = handoffs.open_for_run(run=run, trouble=trouble, risk="high", now=clock.now())
    return handoff


def given_backfill(by: User, *tickets: str, per_second: int = 5) -> Backfill:
    """A backfill of partial enrichments, pressed on the first of them."""
    first, *_ = [given_partial(ticket) for ticket in tickets]
    return pressed_backfill(by, first, per_second=per_second)


def pressed_backfill(by: User, first: Handoff, *, per_second: int = 5) -> Backfill:
    """What the button Backfill on a handoff makes."""
    target = buttons.target_of(handoff=first)
    wish = buttons.Wish(
        ticket=first.ticket,
        reason="The shop knows them by now",
        values={"per_second": per_second},
        press_key=buttons.press_key_of(target),
    )
    press = buttons.press_button(
        target=target, slug="flow.backfill", wish=wish, by=by, now=clock.now()
    )
    return Backfill.objects.get(intervention=press)


def given_runs_ended(backfill: Backfill, state: RunState = RunState.SUCCEEDED) -> None:
    """Every run that the backfill has started so far has ended."""
    started = backfill.items.exclude(run_id=None).values_list("run_id", flat=True)
    Run.objects.filter(pk__in=list(started)).update(state=state, finished_at=clock.now())
