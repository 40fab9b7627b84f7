"""Backfills: each event by itself, whatever becomes of the others; no two presses in a knot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from contracts_app.queries import clock
from orchestration.models import Handoff, Run
from runbooks.actions.backfill import same_trouble
from runbooks.models import Backfill, BackfillItem
from runbooks.services import backfills, buttons
from tests.builders import given_pilot
from tests.console.held_builders import given_backfill, given_partial
from tests.services.hands import meanwhile
from tests.services.people import given_person

TICKETS = ("8101", "8102", "8103")


@pytest.mark.django_db
def test_event_that_is_gone_does_not_stop_the_others() -> None:
    given_pilot()
    backfill = given_backfill(given_person("ops_lead"), *TICKETS)
    lost = backfill.items.all()[0]
    BackfillItem.objects.filter(pk=lost.pk).update(handoff_id=0)

    backfills.run_due(clock.now(), 100)

    items = backfill.items.all()
    assert all(item.run_id is not None for item in items)
    assert Run.objects.filter(flow="cart-context", ordinal=2).count() == 2


@pytest.mark.django_db
def test_backfill_stopped_in_the_middle_starts_nothing_more() -> None:
    given_pilot()
    backfill = given_backfill(given_person("ops_lead"), *TICKETS, per_second=1)
    backfills.run_due(clock.now(), 100)
    Backfill.objects.filter(pk=backfill.pk).update(state="stopped")

    backfills.run_due(clock.now() + timedelta(seconds=5), 100)
    for item in backfill.items.filter(run_id=None):
        assert backfills._start(item.pk, clock.now()) == 0

    assert backfill.items.exclude(run_id=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_backfills_of_one_cause_pressed_at_once_both_come_through() -> None:
    given_pilot()
    person = given_person("ops_lead")
    first, second = given_partial("8101"), given_partial("8102")
    outcomes: list[object] = []

    def press(handoff: Handoff) -> None:
        target = buttons.target_of(handoff=handoff)
        wish = buttons.Wish(handoff.ticket, "They know it by now", {}, buttons.press_key_of(target))
        try:
            outcomes.append(
                buttons.press_button(
                    target=target, slug="flow.backfill", wish=wish, by=person, now=clock.now()
                ).result
            )
        except DatabaseError as error:
            outcomes.append(error)

    with transaction.atomic():
        Handoff.objects.select_for_update().get(pk=second.pk)  # somebody is about to claim it
        with meanwhile(lambda: press(first)):
            pass
    press(second)

    assert all(isinstance(outcome, str) for outcome in outcomes), outcomes
    assert same_trouble(first).count() == 2
    assert BackfillItem.objects.filter(handoff_id=first.pk).count() == 1
    assert BackfillItem.objects.filter(handoff_id=second.pk).count() == 1
