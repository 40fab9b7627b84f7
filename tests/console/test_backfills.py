"""Backfills: how far each is, what became of every ticket, and who may hold one back."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from orchestration.models import Effect, Handoff, RunState
from runbooks.models import Backfill, BackfillItem
from runbooks.queries import backfills as figures
from runbooks.services import backfills as service
from runbooks.services import buttons
from tests.builders import given_pilot
from tests.console.builders import given_reader
from tests.console.held_builders import (
    given_backfill,
    given_partial,
    given_runs_ended,
    pressed_backfill,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot("contracts", "sources", "flows")


@pytest.fixture
def lead() -> User:
    return given_reader("ops_lead", "Tomás Oliveira")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def worked(backfill: Backfill, turns: int = 1) -> None:
    """Let the sweep look after it so many times."""
    for turn in range(turns):
        service.run_due(clock.now() + timedelta(seconds=2 * turn + 1), 100)


def steered(
    client: Client, backfill: Backfill, move: str, *, htmx: bool = False, **form: str
) -> Any:
    address = reverse("console:backfill-steer", args=[backfill.pk])
    values = {"move": move, "reason": "The shop is slow"} | form
    return client.post(address, values, headers=HTMX if htmx else {})


def test_empty_list_says_where_a_backfill_comes_from(lead: User) -> None:
    page = browser(lead).get(reverse("console:backfills")).content.decode()

    assert "No backfill yet" in page
    assert reverse("console:handoffs") in page


def test_list_shows_how_far_each_is_and_who_asked_why(lead: User) -> None:
    given_backfill(lead, "1", "2", "3")

    page = browser(lead).get(reverse("console:backfills")).content.decode()

    assert "Cart context missing on the ticket" in page
    assert "0 of 3 tickets" in page
    assert "The shop knows them by now" in page
    assert "Tomás Oliveira" in page


def test_page_counts_tickets_by_what_became_of_them(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2", "3", per_second=2)
    worked(backfill)
    given_runs_ended(backfill)

    progress = figures.backfill_numbered(backfill.pk).progress
    page = browser(lead).get(reverse("console:backfill", args=[backfill.pk])).content.decode()

    assert (progress.repaired, progress.waiting, progress.done) == (2, 1, 2)
    assert "2 of 3 tickets" in page
    assert "66 %" in page


def test_ticket_that_still_fails_needs_a_person_in_the_report(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2")
    worked(backfill)
    given_runs_ended(backfill, RunState.FAILED)
    address = reverse("console:backfill", args=[backfill.pk])

    page = browser(lead).get(address, {"show": "failed"}).content.decode()
    other = browser(lead).get(address, {"show": "repaired"}).content.decode()

    assert "Needs a person" in page
    assert "desk:1" in page
    assert "No ticket stands here" in other


def test_ticket_that_somebody_took_up_before_is_left_alone(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2")
    Handoff.objects.filter(ticket="desk:2").update(state="claimed", claimed_by=lead)

    worked(backfill)

    assert figures.backfill_numbered(backfill.pk).progress.left_alone == 1


def test_ticket_in_hand_is_run_again_only_where_the_button_was_pressed(lead: User) -> None:
    mine, others = given_partial("1"), given_partial("2")
    given_partial("3")
    Handoff.objects.filter(pk__in=[mine.pk, others.pk]).update(state="claimed", claimed_by=lead)

    backfill = pressed_backfill(lead, mine)
    worked(backfill)

    assert set(backfill.items.values_list("ticket", flat=True)) == {"desk:1", "desk:3"}
    assert figures.backfill_numbered(backfill.pk).progress.left_alone == 0


def test_ticket_that_somebody_replays_meanwhile_is_not_counted_as_ours(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2", per_second=1)
    worked(backfill)
    handoff = Handoff.objects.get(ticket="desk:2")
    target = buttons.target_of(handoff=handoff)
    wish = buttons.Wish(
        ticket="desk:2", reason="Seen", values={}, press_key=buttons.press_key_of(target)
    )
    buttons.press_button(target=target, slug="flow.replay", wish=wish, by=lead, now=clock.now())

    worked(backfill, 3)
    given_runs_ended(backfill)

    progress = figures.backfill_numbered(backfill.pk).progress
    assert (progress.repaired, progress.left_alone) == (1, 1)


def test_report_tells_own_effects_from_those_of_an_earlier_run(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2")
    worked(backfill)
    given_runs_ended(backfill)
    ours, other = backfill.items.order_by("position")
    given_effect(ours, run_id=ours.run_id)
    given_effect(other, run_id=uuid4())

    page = browser(lead).get(reverse("console:backfill", args=[backfill.pk])).content.decode()

    assert page.count("Write fields into the ticket, done by an earlier run") == 1
    assert ">Write fields into the ticket</td>" in page


def test_page_of_a_flow_that_is_gone_does_not_promise_that_no_money_moves(lead: User) -> None:
    backfill = given_backfill(lead, "1")
    Backfill.objects.filter(pk=backfill.pk).update(flow="gone")

    page = browser(lead).get(reverse("console:backfill", args=[backfill.pk])).content.decode()

    assert "not known: the flow is not published any more" in page
    assert "no money" not in page


def test_page_polls_itself_while_it_runs_and_not_after(lead: User) -> None:
    backfill = given_backfill(lead, "1")
    client, address = browser(lead), reverse("console:backfill", args=[backfill.pk])

    running = client.get(address, {"partial": "live"})
    same = client.get(address, {"partial": "live"}, headers={"If-None-Match": running["ETag"]})
    worked(backfill)
    given_runs_ended(backfill)
    worked(backfill, 3)
    done = client.get(address, {"partial": "live"}, headers={"If-None-Match": running["ETag"]})

    assert "meshline:tick" in running.content.decode()
    assert same.status_code == 304
    assert done.status_code == 200
    assert "meshline:tick" not in done.content.decode()
    assert "1 of 1 ticket<" in done.content.decode()


def test_pause_keeps_its_place_until_it_goes_on(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2", "3", per_second=1)
    client = browser(lead)
    worked(backfill)

    paused = steered(client, backfill, "pause")
    worked(backfill, 3)
    standing = figures.backfill_numbered(backfill.pk).progress.waiting
    steered(client, backfill, "go_on")
    worked(backfill, 3)

    assert paused.status_code == 302
    assert standing == 2
    assert figures.backfill_numbered(backfill.pk).progress.waiting == 0
    entry = AuditEntry.objects.get(action="backfill.pause")
    assert (entry.actor, entry.ticket, entry.reason) == ("tomás", "desk:1", "The shop is slow")


def test_stop_in_place_ends_it_and_starts_no_more(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2", "3", per_second=1)
    worked(backfill)

    answer = steered(browser(lead), backfill, "stop", htmx=True)
    worked(backfill, 3)

    backfill.refresh_from_db()
    assert answer.status_code == 200
    assert 'id="backfill-live"' in answer.content.decode()
    assert backfill.state == "stopped"
    assert figures.backfill_numbered(backfill.pk).progress.waiting == 2


def test_late_press_is_told_how_it_stands(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2")
    client = browser(lead)
    steered(client, backfill, "stop")

    answer = steered(client, backfill, "pause", htmx=True)

    assert answer.status_code == 409
    assert "is stopped; it cannot pause" in answer.content.decode()


def test_press_without_a_reason_changes_nothing(lead: User) -> None:
    backfill = given_backfill(lead, "1")

    answer = steered(browser(lead), backfill, "stop", htmx=True, reason="")

    backfill.refresh_from_db()
    assert answer.status_code == 422
    assert "Choose a reason or say it in a few words." in answer.content.decode()
    assert "meshline:tick" not in answer.content.decode()
    assert backfill.state == "running"


def test_unknown_move_is_refused(lead: User) -> None:
    backfill = given_backfill(lead, "1")

    for move in ("explode", ""):
        answer = steered(browser(lead), backfill, move, htmx=True)

        assert answer.status_code == 422
        assert "Say what the backfill shall do: pause, go on or stop." in answer.content.decode()


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("runtime_owner", 302),
        ("support_agent", 403),
        ("contract_owner", 403),
        ("product_owner", 403),
        ("manager", 403),
        ("auditor", 403),
        ("admin", 403),
    ],
)
def test_only_who_may_start_one_may_hold_it_back(lead: User, role: str, status: int) -> None:
    backfill = given_backfill(lead, "1")

    answer = steered(browser(given_reader(role, "Somebody Else")), backfill, "pause")

    backfill.refresh_from_db()
    assert answer.status_code == status
    assert (backfill.state == "paused") == (status == 302)
    assert AuditEntry.objects.filter(action="backfill.pause.refused").exists() == (status == 403)


def test_reader_without_the_right_sees_no_button_but_why(lead: User) -> None:
    backfill = given_backfill(lead, "1")
    client = browser(given_reader("manager", "Oskar Ruud"))

    page = client.get(reverse("console:backfill", args=[backfill.pk])).content.decode()

    assert 'name="move"' not in page
    assert "Your role may not backfill" in page


def test_report_as_a_file_has_every_ticket(lead: User) -> None:
    backfill = given_backfill(lead, "1", "2", "3", per_second=2)
    worked(backfill)
    given_runs_ended(backfill)

    answer = browser(lead).get(reverse("console:backfill-csv", args=[backfill.pk]))

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["ticket"], row["outcome"]) for row in rows] == [
        ("desk:1", "Repaired"),
        ("desk:2", "Repaired"),
        ("desk:3", "Left"),
    ]


def test_report_is_not_exported_for_an_agent(lead: User) -> None:
    backfill = given_backfill(lead, "1")
    client = browser(given_reader("support_agent", "Nadia Arslan"))

    assert client.get(reverse("console:backfill-csv", args=[backfill.pk])).status_code == 403


def test_backfill_that_is_not_there_is_not_found(lead: User) -> None:
    assert browser(lead).get(reverse("console:backfill", args=[99])).status_code == 404


def given_effect(item: BackfillItem, *, run_id: UUID | None) -> None:
    """The cart was written into the ticket once, by this run."""
    assert run_id is not None
    Effect.objects.create(
        scope="helpdesk.set_fields", key=f"{item.event_id}:cart-context:write", state="done",
        event_id=item.event_id, run_id=run_id, last_run_id=run_id, path="write",
        flow="cart-context", contract="support.ticket.created", ticket=item.ticket,
        digest="0" * 64, created_at=clock.now(), settled_at=clock.now(),
    )  # fmt: skip
