"""The drift watch on named fields: what no longer comes, or comes in another type."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts_app.models import Contract, DriftWatch
from contracts_app.queries import clock
from contracts_app.queries.drift import drift_of
from contracts_app.rules.drift.habits import FEWEST_MISSED
from tests.services.drift_world import (
    LATER,
    NAME,
    draft_of,
    findings,
    given_next,
    given_parcels,
    looked,
    sent,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def parcels(db: None) -> None:
    given_parcels()


def given_habit(**changed: object) -> None:
    """Mail addresses came in forty events, on five days, the last one two days ago."""
    sent(email="maja@example.com")
    looked()
    watch = DriftWatch.objects.get(contract__name=NAME)
    seen_at, event, *_ = watch.known["habits"]["parcels"]["/data/email"]
    habit = {"seen": 40, "days": 5, "missed": FEWEST_MISSED - 1, "gap": 2, "type": "string",
             "typed": 40, "told": False} | changed  # fmt: skip
    long_ago = (clock.now() - timedelta(days=2)).isoformat()
    watch.known["habits"]["parcels"]["/data/email"] = [long_ago, event, *habit.values()]
    watch.save(update_fields=["known"])
    assert seen_at > long_ago


def test_optional_field_that_no_longer_comes_is_told_and_settled_when_it_is_back() -> None:
    given_habit()
    sent()
    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.kind, found.path, found.state) == ("gone", "/data/email", "open")
    assert found.sources == {"parcels": 1}
    assert found.samples[0][1] == "in 40 events on 5 days, in none of the 50 since"
    assert "maja" not in repr(found.samples)
    assert draft_of() is None
    (shown,) = drift_of(Contract.objects.get(name=NAME)).open
    assert (shown.what, shown.addable) == ("No longer comes", False)
    assert "Ask who sends it" in shown.advice

    sent(email="maja@example.com")
    looked(clock.now() + 2 * LATER)
    assert [one.state for one in findings()] == ["settled"]


def test_type_that_is_refused_is_told_until_a_version_allows_it() -> None:
    given_habit()
    sent(email=7)
    sent(email=7)
    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.kind, found.value, found.events, found.refused) == ("type", "number", 2, 2)
    assert found.samples[0][1] == "integer, 1 digit; string in 40 events before"

    given_next(("email: {type: string}", "email: {type: [string, integer]}"))
    sent(email=8)
    looked(clock.now() + 2 * LATER)
    assert [one.state for one in findings()] == ["settled"]


def test_look_at_many_events_asks_as_much_as_a_look_at_one() -> None:
    given_habit()
    counts = []
    for turn, number in enumerate((1, 1, 20), start=2):
        for _ in range(number):
            sent(email="maja@example.com")
        now = clock.now() + turn * LATER
        with CaptureQueriesContext(connection) as asked:
            looked(now)
        counts.append(len(asked.captured_queries))
    assert counts[1] == counts[2], counts  # the first look warms up
    kept = DriftWatch.objects.get(contract__name=NAME).known["habits"]["parcels"]
    assert kept["/data/email"][2] == 62
    assert "maja" not in repr(kept)
