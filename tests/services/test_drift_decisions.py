"""What people decide about drift: drafted, added, set aside, or discarded."""

from __future__ import annotations

import pytest

from contracts_app.models import (
    AuditEntry,
    Contract,
)
from contracts_app.queries import clock
from contracts_app.services import drafts, drift
from meshline.core.errors import BadValue, IllegalTransition, NotAllowed
from tests.services.drift_world import (
    LATER,
    NAME,
    draft_of,
    findings,
    given_parcels,
    looked,
    sent,
)
from tests.services.people import given_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def parcels(db: None) -> None:
    given_parcels()


def test_open_draft_is_never_touched() -> None:
    contract = Contract.objects.get(name=NAME)
    mine = drafts.draft_from_published(contract=contract, now=clock.now())
    sent(tip=1)

    looked()

    (found,) = findings()
    assert found.draft is None
    mine.refresh_from_db()
    assert "tip" not in mine.text


def test_person_adds_a_finding_to_their_draft() -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    contract = Contract.objects.get(name=NAME)
    mine = drafts.draft_from_published(contract=contract, now=clock.now())
    sent(tip=1)
    looked()
    (found,) = findings()

    drift.add_to_draft(finding=found, by=owner, now=clock.now())

    mine.refresh_from_db()
    found.refresh_from_db()
    assert "tip: {type: integer, x-pii: free-text}" in mine.text
    assert found.draft == mine
    assert AuditEntry.objects.filter(action="drift.add", actor=owner.username).count() == 1
    with pytest.raises(IllegalTransition, match=r"in the draft 1\.1\.0 already"):
        drift.add_to_draft(finding=found, by=owner, now=clock.now())


def test_discarded_draft_is_not_opened_again_but_can_be_asked_for() -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    sent(tip=1)
    looked()
    draft = draft_of()
    assert draft is not None
    drafts.discard_draft(version=draft, by=owner, now=clock.now())
    sent(tip=2)

    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.events, found.draft, draft_of()) == (2, None, None)
    drift.add_to_draft(finding=found, by=owner, now=clock.now())
    assert draft_of() is not None


def test_what_is_set_aside_stays_so_until_its_shape_changes() -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    drafts.draft_from_published(contract=Contract.objects.get(name=NAME), now=clock.now())
    sent(tip=1)
    looked()
    drift.set_aside(finding=findings()[0], reason="A test of theirs", by=owner, now=clock.now())
    sent(tip=2)
    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.state, found.events, found.reason) == ("aside", 2, "A test of theirs")
    entry = AuditEntry.objects.get(action="drift.aside")
    assert (entry.reason, entry.detail["path"]) == ("A test of theirs", "/data/tip")

    sent(tip={"amount": 2})
    looked(clock.now() + 2 * LATER)

    assert findings()[0].state == "open"


@pytest.mark.parametrize(("reason", "error"), [(" ", "reason is missing"), ("x" * 501, "too long")])
def test_setting_aside_asks_for_a_reason(reason: str, error: str) -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    sent(tip=1)
    looked()

    with pytest.raises(BadValue, match=error):
        drift.set_aside(finding=findings()[0], reason=reason, by=owner, now=clock.now())

    assert findings()[0].state == "open"


def test_stranger_decides_nothing() -> None:
    stranger = given_person("contract_owner", owns=("others",))
    sent(tip=1)
    looked()

    with pytest.raises(NotAllowed, match="do not own"):
        drift.set_aside(finding=findings()[0], reason="no", by=stranger, now=clock.now())
