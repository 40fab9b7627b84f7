"""Versions on their way out: told to senders and audited; going back is a new version."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from contracts_app.models import AuditEntry, ContractVersion
from contracts_app.queries import clock
from contracts_app.queries.deprecations import deprecation_of
from contracts_app.services import drafts, publishing, retiring
from meshline.core.errors import BadValue, Conflict, NotAllowed
from tests.services.people import given_person
from tests.services.test_publishing import given_published, owned_text, owners, sign_all

pytestmark = pytest.mark.django_db
__all__ = ["owners"]


def test_deprecated_version_serves_on_and_names_its_successor_once_there_is_one(
    owners: dict[str, User],
) -> None:
    version, now = given_published(owners), clock.now()
    ends = (now + timedelta(days=90)).date()

    retiring.deprecate(
        version=version, sunset_on=ends, by=owners["contract"], reason="2.0 is better", now=now
    )

    version.refresh_from_db()
    told = deprecation_of(version)
    assert told is not None
    assert (version.state, told.since, told.sunset_on, told.successor) == (
        "deprecated", now, ends, "",
    )  # fmt: skip
    entry = AuditEntry.objects.get(action="contract.deprecate")
    assert (entry.reason, entry.detail["sunset_on"]) == ("2.0 is better", ends.isoformat())

    draft = drafts.start_draft(text=owned_text("2.0.0"), by=owners["contract"], now=now)
    publishing.propose(version=draft, by=owners["contract"], now=now)
    sign_all(draft, owners)
    publishing.publish(version=draft, by=owners["contract"], now=now)
    told = deprecation_of(version)
    assert told is not None
    assert told.successor.endswith("/versions/2.0.0")


def test_day_that_is_over_and_a_missing_reason_are_refused(owners: dict[str, User]) -> None:
    version, now = given_published(owners), clock.now()

    with pytest.raises(BadValue, match="is over"):
        retiring.deprecate(version=version, sunset_on=now.date(), reason="old", now=now)
    with pytest.raises(BadValue, match="reason"):
        retiring.deprecate(version=version, sunset_on=None, reason=" ", now=now)
    version.refresh_from_db()
    assert version.state == "active"


def test_stranger_deprecates_nothing(owners: dict[str, User]) -> None:
    version = given_published(owners)

    with pytest.raises(NotAllowed):
        retiring.deprecate(
            version=version, sunset_on=None, by=given_person("contract_owner", username="x"),
            reason="why not", now=clock.now(),
        )  # fmt: skip


def test_going_back_is_a_draft_with_the_old_text_and_a_number_above_all(
    owners: dict[str, User],
) -> None:
    first, now = given_published(owners), clock.now()

    draft = retiring.roll_back(to=first, by=owners["contract"], now=now)

    assert (draft.version, draft.state) == ("2.0.0", "draft")
    assert draft.text == first.text.replace("version: 1.0.0", "version: 2.0.0")
    with pytest.raises(Conflict):
        retiring.roll_back(to=first, by=owners["contract"], now=now)
    with pytest.raises(NotAllowed, match="never in service"):
        retiring.roll_back(to=ContractVersion.objects.get(pk=draft.pk), now=now)
