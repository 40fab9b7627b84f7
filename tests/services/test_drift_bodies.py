"""Drift in what a vendor sent, before its source's mapping took what it names."""

from __future__ import annotations

import pytest

from contracts_app.models import (
    Contract,
    DriftWatch,
    Source,
)
from contracts_app.queries import clock
from contracts_app.queries.drift import drift_of
from meshline.core import yaml12
from orchestration.services import drift_watch
from tests.services.drift_world import (
    FIELDWISE,
    LATER,
    NAME,
    draft_of,
    findings,
    given_learned,
    given_parcels,
    looked,
    sent,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def parcels(db: None) -> None:
    given_parcels()


def test_field_that_the_mapping_leaves_out_is_drafted_once_it_comes_again() -> None:
    given_learned()
    sent(carrier="dhl", gift="for Maja")
    looked(clock.now() + LATER)
    assert ([one.path for one in findings()], draft_of()) == (["/data/gift"], None)

    sent(gift="for Oren")
    sent(gift="for Ivo")
    looked(clock.now() + 2 * LATER)

    (found,) = findings()
    draft = draft_of()
    assert (found.kind, found.events, found.samples[0][1]) == ("body", 3, "string, 8 characters")
    assert draft is not None
    assert "gift: {type: string, x-pii: free-text}" in draft.text
    kept = repr(DriftWatch.objects.get(contract__name=NAME).known)
    assert not [one for one in ("Maja", "dhl", "Oren") if one in kept]


def test_new_value_of_a_body_is_told_once_it_comes_again() -> None:
    given_learned()
    for _ in range(3):
        sent(carrier="hermes", status="strange")
    sent(carrier="ups")

    looked(clock.now() + LATER)

    (found,) = findings(kind="body_value", path="/data/carrier")
    assert (found.words, found.events, found.refused) == (["hermes"], 3, 3)


def test_field_that_only_the_mapping_leaves_out_asks_nothing_of_the_contract() -> None:
    given_learned()
    for _ in range(3):
        sent(email="maja@example.com")

    looked(clock.now() + LATER)

    (shown,) = drift_of(Contract.objects.get(name=NAME)).open
    assert (shown.change, shown.mapping) == (None, 'email: "= body.data.?email"')
    assert draft_of() is None


def test_field_that_the_mapping_takes_by_now_is_settled() -> None:
    given_learned()
    sent(gift="for Maja")
    looked(clock.now() + LATER)
    text = FIELDWISE.replace("status: ", 'gift: "= body.data.?gift", status: ')
    Source.objects.filter(name="parcels").update(
        text=text, body=yaml12.load(text).value, digest="2"
    )

    looked(clock.now() + 2 * LATER)

    assert [one.state for one in findings()] == ["settled"]


def test_body_too_big_to_be_read_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    given_learned()
    monkeypatch.setattr(drift_watch, "MOST_BYTES", 200)
    sent(gift="x" * 300)

    looked(clock.now() + LATER)

    assert findings() == []
