"""Sign-offs run out, deputies sign while they are deputies, and only who is asked is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contracts_app.models import (
    AuditEntry,
    ContractVersion,
    Deputation,
    Owner,
    SignOff,
)
from contracts_app.queries import clock
from contracts_app.queries.changes import roles_to_sign
from contracts_app.queries.registry import spec_of
from contracts_app.queries.signoffs import waiting_for
from contracts_app.services import deputies, drafts, publishing
from contracts_app.services.rights import signers
from meshline.core.errors import BadValue, IllegalTransition, MeshlineError, NotAllowed
from tests.services.people import given_person
from tests.services.test_publishing import (
    GROUPS,
    given_proposed,
    given_published,
    owned_text,
    owners,
    sign_all,
)

__all__ = ["owners"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def given_deputy(
    owners: dict[str, User],
    role: str = "contract",
    *,
    username: str = "dan",
    account: str = "",
    starts: timedelta = timedelta(),
    ends: timedelta = DAY,
) -> User:
    deputy = given_person(account or f"{role}_owner", username=username)
    now = clock.now()
    deputies.name_deputation(
        owner=Owner.objects.get(name=GROUPS[role]),
        deputy=deputy,
        starts_at=now + starts,
        ends_at=now + ends,
        reason="on leave",
        by=owners[role],
        now=now,
    )
    return deputy


def sign(version: ContractVersion, role: str, by: User) -> SignOff:
    return publishing.sign_off(version=version, role=role, by=by, now=clock.now())


def roles_waiting(user: User, *, now: datetime | None = None) -> list[str]:
    return [one.role for one in waiting_for(user, now=now or clock.now())]


def test_sign_off_that_ran_out_counts_no_more_and_the_refusal_says_whose(
    owners: dict[str, User], settings: object
) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    given = clock.now() - 31 * DAY
    SignOff.objects.filter(role="product").update(signed_at=given)

    with pytest.raises(NotAllowed) as refused:
        publishing.publish(version=version, by=owners["contract"], now=clock.now())

    told = refused.value.message
    ran_out = given + 30 * DAY
    assert f"product owner signed, but the signature ran out on {ran_out:%-d %B %Y}" in told
    assert "Product Body can give it again." in told
    assert "contract owner" not in told
    assert roles_waiting(owners["product"]) == ["product"]
    settings.SIGNOFF_DAYS = 40  # type: ignore[attr-defined]
    assert publishing.missing_signoffs(version, now=clock.now()) == []


def test_sign_off_given_again_counts_again(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    SignOff.objects.update(signed_at=clock.now() - 31 * DAY)

    for role, by in owners.items():
        sign(version, role, by)

    published = publishing.publish(version=version, by=owners["contract"], now=clock.now())
    assert published.state == "active"


def test_deputy_drafts_and_signs_until_the_deputation_ends(owners: dict[str, User]) -> None:
    given_published(owners)
    deputy = given_deputy(owners)

    draft = drafts.start_draft(text=owned_text("1.1.0"), by=deputy, now=clock.now())
    version = publishing.propose(version=draft, by=deputy, now=clock.now())
    given = sign(version, "contract", deputy)

    assert given.stands_for == GROUPS["contract"]
    entry = AuditEntry.objects.get(action="contract.sign", contract_version="1.1.0")
    assert (entry.actor, entry.detail["stands_for"]) == ("dan", GROUPS["contract"])
    deputies.end_deputation(
        deputation=Deputation.objects.get(), by=owners["contract"], now=clock.now()
    )
    with pytest.raises(NotAllowed, match="not the contract owner"):
        sign(version, "contract", deputy)
    with pytest.raises(NotAllowed, match="do not own"):
        drafts.start_draft(text=owned_text("1.2.0"), by=deputy, now=clock.now())


@pytest.mark.parametrize(
    "case", ["still to come", "another account role", "of another owner"]
)  # fmt: skip
def test_who_is_no_deputy_now_signs_nothing(owners: dict[str, User], case: str) -> None:
    version = given_proposed(owners)
    match case:
        case "still to come":
            deputy = given_deputy(owners, starts=DAY, ends=2 * DAY)
        case "another account role":
            deputy = given_deputy(owners, account="runtime_owner")
        case _:
            deputy = given_deputy(owners, "product", account="contract_owner")

    with pytest.raises(NotAllowed, match="not the contract owner"):
        sign(version, "contract", deputy)

    assert roles_waiting(deputy) == []
    assert deputy.get_full_name() not in signers(spec_of(version), "contract")


def test_deputy_does_not_sign_the_same_text_twice(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    owners["product"].groups.add(*owners["contract"].groups.all())
    now = clock.now()
    deputies.name_deputation(
        owner=Owner.objects.get(name=GROUPS["contract"]), deputy=owners["product"],
        starts_at=None, ends_at=now + DAY, reason="on leave", by=owners["contract"], now=now,
    )  # fmt: skip
    sign(version, "contract", owners["product"])

    with pytest.raises(NotAllowed, match="does not sign twice"):
        sign(version, "product", owners["product"])

    sign(version, "contract", owners["contract"])  # the owner's own takes its place
    sign(version, "product", owners["product"])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"ends_at": None}, BadValue, "needs an end"),
        ({"ends_at": -DAY}, BadValue, "over already"),
        ({"ends_at": timedelta(days=91)}, BadValue, "90 days"),
        ({"reason": " "}, BadValue, "No reason"),
        ({"by": "product"}, NotAllowed, "do not answer"),
        ({"deputy": "contract"}, NotAllowed, "themselves"),
        ({"by": "admin", "deputy": "contract"}, BadValue, "is the owner"),
        ({"deputy": "agent"}, BadValue, "could not sign"),
    ],
)
def test_deputation_that_does_not_hold_is_refused(
    owners: dict[str, User], change: dict[str, object], error: type[MeshlineError], says: str
) -> None:
    now = clock.now()
    people = owners | {
        "dan": given_person("contract_owner", username="dan"),
        "admin": given_person("admin", username="admin"),
        "agent": given_person("support_agent", username="agent"),
    }
    ends = change.get("ends_at", DAY)

    with pytest.raises(error, match=says):
        deputies.name_deputation(
            owner=Owner.objects.get(name=GROUPS["contract"]),
            deputy=people[str(change.get("deputy", "dan"))],
            starts_at=None,
            ends_at=now + ends if isinstance(ends, timedelta) else None,
            reason=str(change.get("reason", "on leave")),
            by=people[str(change.get("by", "contract"))],
            now=now,
        )

    assert not Deputation.objects.exists()
    assert not AuditEntry.objects.filter(action="deputy.name").exists()


def test_database_refuses_a_deputation_that_ends_before_it_begins(owners: dict[str, User]) -> None:
    now = clock.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        Deputation.objects.create(
            owner=Owner.objects.get(name=GROUPS["product"]), deputy=owners["product"],
            starts_at=now, ends_at=now, reason="x", named_by="x",
        )  # fmt: skip


def test_deputation_is_ended_once(owners: dict[str, User]) -> None:
    deputy = given_deputy(owners, starts=DAY, ends=2 * DAY)
    row = Deputation.objects.get()
    with pytest.raises(NotAllowed):
        deputies.end_deputation(deputation=row, by=owners["product"], now=clock.now())

    deputies.end_deputation(deputation=row, by=deputy, now=clock.now())

    with pytest.raises(IllegalTransition, match="ended on"):
        deputies.end_deputation(deputation=row, by=owners["contract"], now=clock.now())
    assert AuditEntry.objects.filter(action="deputy.end").count() == 1


def test_proposal_waits_for_exactly_those_who_are_asked(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    deputy, stranger = given_deputy(owners), given_person("contract_owner", username="stranger")

    assert {role: roles_waiting(by) for role, by in owners.items()} == {
        role: [role] for role in owners
    }
    assert roles_waiting(deputy) == ["contract"]
    assert waiting_for(deputy, now=clock.now())[0].as_deputy
    assert roles_waiting(stranger) == []

    sign(version, "contract", owners["contract"])
    assert roles_waiting(owners["contract"]) == roles_waiting(deputy) == []
    publishing.withdraw(version=version, by=owners["contract"], now=clock.now())
    assert roles_waiting(owners["product"]) == []


def test_untouched_consumer_is_neither_asked_nor_told_and_not_needed(
    owners: dict[str, User],
) -> None:
    given_published(owners)
    text = owned_text("1.0.1", title="Another title")
    draft = drafts.start_draft(text=text, by=owners["contract"], now=clock.now())
    version = publishing.propose(version=draft, by=owners["contract"], now=clock.now())

    assert "consumer:billing" not in roles_to_sign(version)
    assert roles_waiting(owners["consumer:billing"]) == []
    with pytest.raises(NotAllowed, match="asks for no sign-off"):
        sign(version, "consumer:billing", owners["consumer:billing"])
    sign_all(version, owners)
    published = publishing.publish(version=version, by=owners["contract"], now=clock.now())
    assert roles_to_sign(published) == ("contract", "runtime", "product")


def test_text_proposed_again_unchanged_keeps_the_day_and_an_edited_one_asks_anew(
    owners: dict[str, User],
) -> None:
    by = owners["contract"]
    version = given_proposed(owners)
    first = waiting_for(by, now=clock.now())[0].asked_at

    draft = publishing.withdraw(version=version, by=by, now=clock.now())
    publishing.propose(version=draft, by=by, now=clock.now())
    assert waiting_for(by, now=clock.now())[0].asked_at == first

    sign(version, "contract", by)
    draft = publishing.withdraw(version=version, by=by, now=clock.now())
    drafts.edit_draft(version=draft, text=owned_text(title="Other"), by=by, now=clock.now())
    publishing.propose(version=draft, by=by, now=clock.now())
    (again,) = waiting_for(by, now=clock.now())
    assert again.asked_at > first
    assert version.asks.count() == 4


def test_list_asks_a_fixed_number_of_questions(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    with CaptureQueriesContext(
        connection,
    ) as few:
        waiting_for(owners["contract"], now=clock.now())
    for number in range(30):
        ContractVersion.objects.create(
            contract=version.contract, version=f"0.0.{number}", text="x", digest="x",
            state="retired",
        )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        waiting_for(owners["contract"], now=clock.now())
    assert len(few) == len(many) <= 5  # one of them is the clock
