"""The verdict beside a contract's text: told before anybody is asked to sign, and held to."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from contracts_app.models import ContractVersion
from contracts_app.queries import clock
from contracts_app.queries.changes import roles_to_sign
from contracts_app.services import drafts, publishing
from meshline.core.errors import DocumentRefused
from tests.admin.conftest import SignIn
from tests.admin.test_contracts import owners, page
from tests.builders import accepted, given_pilot, refund_requested
from tests.services.people import given_person
from tests.services.test_publishing import given_published, owned_text

pytestmark = pytest.mark.django_db
__all__ = ["owners"]

JUDGE = "admin:contracts_app_contractversion_judge"
NARROW = ("properties: {id: {type: string}}", "properties: {id: {type: string, maxLength: 3}}")
EXPECTS = (
    "{system: billing, team: billing-team, status: live}",
    "{system: billing, team: billing-team, status: live, "
    "expects: {schema: {properties: {id: {maxLength: 2}}}}}",
)


def text(version: str, *changes: tuple[str, str]) -> str:
    """The small contract under a number, with parts of its text replaced."""
    found = owned_text(version)
    for old, new in changes:
        assert old in found
        found = found.replace(old, new)
    return found


def test_breaking_draft_shows_the_payload_the_rule_and_the_number_it_needs(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)
    author = sign_in(user=owners["contract"])
    author.post(reverse("admin:contracts_app_contractversion_add"), {"text": text("1.1.0", NARROW)})
    draft = ContractVersion.objects.get(state="draft")

    shown = author.get(page(draft)).content.decode()

    assert "Breaking" in shown
    assert "Something valid in 1.0.0 is refused here." in shown
    assert "maxLength-added" in shown
    assert "&quot;id&quot;: &quot;" in shown
    assert "1.0.0 → <b>2.0.0</b> or higher" in shown
    assert "it cannot be proposed" in shown


def test_number_that_promises_too_little_is_refused_with_its_line_and_a_higher_one_is_taken(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)
    by, now = owners["contract"], clock.now()
    draft = drafts.start_draft(text=text("1.1.0", NARROW), by=by, now=now)
    author = sign_in(user=by)

    answer = author.post(page(draft), {"text": draft.text, "_propose": "1"}, follow=True)

    assert "Write version: 2.0.0 or higher" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"
    higher = text("2.0.0", NARROW)
    author.post(page(draft), {"text": higher, "_propose": "1"}, follow=True)
    draft.refresh_from_db()
    assert draft.state == "in_review"


def test_publishing_compares_again_with_what_serves_by_then(owners: dict[str, User]) -> None:
    """Nothing was in service when it was proposed; a version came in from a file since."""
    by, now = owners["contract"], clock.now()
    draft = drafts.start_draft(text=text("1.1.0", NARROW), by=by, now=now)
    publishing.propose(version=draft, by=by, now=now)
    for role, user in owners.items():
        publishing.sign_off(version=draft, role=role, by=user, now=now)
    publishing.install(text=text("1.0.0"), now=now)

    with pytest.raises(DocumentRefused, match=r"breaks 1\.0\.0"):
        publishing.publish(version=draft, by=by, now=now)


def test_consumer_that_would_be_hurt_is_named_with_what_it_does_not_expect(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)

    shown = sign_in(user=owners["contract"]).post(
        reverse(JUDGE), {"text": text("1.1.0", EXPECTS)}
    ).content.decode()  # fmt: skip

    assert "billing would get payloads that it does not expect" in shown
    assert "is longer than 2 characters" in shown


def test_text_that_is_typed_is_judged_and_nothing_is_stored(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)
    client = sign_in(user=owners["contract"])

    fine = client.post(reverse(JUDGE), {"text": text("1.0.1", ("title: ", "title: A "))})
    wrong = client.post(reverse(JUDGE), {"text": text("1.1.0").replace("title:", "tilte:")})

    assert "Compatible" in fine.content.decode()
    assert "Not judged yet" in wrong.content.decode()
    assert "tilte" in wrong.content.decode()
    assert ContractVersion.objects.count() == 1


def test_who_may_not_see_contracts_in_admin_gets_no_verdict(sign_in: SignIn) -> None:
    client = sign_in(user=given_person("support_agent"))

    assert client.post(reverse(JUDGE), {"text": owned_text()}).status_code in (302, 403)


def test_real_events_that_the_draft_would_have_refused_are_counted_with_masked_samples(
    sign_in: SignIn,
) -> None:
    given_pilot()
    for _ in range(3):
        accepted("helpdesk", refund_requested())
    published = ContractVersion.objects.get(contract__name="support.refund.requested")
    owner = given_person("contract_owner", owns=("support-contracts",))
    narrowed = published.text.replace("version: 1.0.0", "version: 2.0.0", 1).replace(
        "minimum: 1", "minimum: 8000", 1
    )
    assert narrowed != published.text
    draft = drafts.start_draft(text=narrowed, now=clock.now())

    shown = sign_in(user=owner).get(page(draft)).content.decode()

    assert "3 of 3 would be refused" in shown
    assert "<code>helpdesk</code>" in shown
    assert "is less than 8000" in shown
    assert "maja@example.com" not in shown.split('id="traffic"')[1]


# Wider, but the prover cannot tell so of patterns.
ANY_ID = ("{id: {type: string}}", '{id: {type: string, pattern: "^rf_[a-z0-9]+$"}}')
SHORT_ID = ("{id: {type: string}}", '{id: {type: string, pattern: "^rf_[a-z0-9]{1,32}$"}}')
NAMED = ("payload: {id: a}", "payload: {id: rf_a1}")
BLOCK = ("kind: event", "kind: event\ncompatibility: {mode: backward, on_unknown: block}")
REVIEW = (BLOCK[0], BLOCK[1].replace("block", "review"))


@pytest.mark.parametrize(("says", "said"), [(REVIEW, "2.0.0 or higher"), (BLOCK, "proved, or say")])
def test_panel_says_what_becomes_of_a_text_that_is_not_decided(
    sign_in: SignIn, owners: dict[str, User], says: tuple[str, str], said: str
) -> None:
    publishing.install(text=text("1.0.0", SHORT_ID, NAMED, REVIEW), now=clock.now())

    shown = sign_in(user=owners["contract"]).post(
        reverse(JUDGE), {"text": text("2.0.0", ANY_ID, NAMED, says)}
    ).content.decode()  # fmt: skip

    assert "Not decided" in shown
    assert said in shown
    assert "Proposing the text looks longer" in shown


def test_text_that_is_not_decided_is_proposed_as_a_break_or_not_at_all(
    owners: dict[str, User],
) -> None:
    by, now = owners["contract"], clock.now()
    publishing.install(text=text("1.0.0", SHORT_ID, NAMED, REVIEW), now=now)
    draft = drafts.start_draft(text=text("1.1.0", ANY_ID, NAMED, REVIEW), by=by, now=now)

    with pytest.raises(DocumentRefused, match=r"may break 1\.0\.0: version 1\.1\.0 promises"):
        publishing.propose(version=draft, by=by, now=now)
    drafts.edit_draft(version=draft, text=text("2.0.0", ANY_ID, NAMED, BLOCK), by=by, now=now)
    with pytest.raises(DocumentRefused, match="on_unknown: block") as refused:
        publishing.propose(version=draft, by=by, now=now)
    assert refused.value.findings[0].line == 7
    drafts.edit_draft(version=draft, text=text("2.0.0", ANY_ID, NAMED, REVIEW), by=by, now=now)
    proposed = publishing.propose(version=draft, by=by, now=now)

    assert {"contract", "product"} <= set(roles_to_sign(proposed))


def test_block_in_service_is_not_lifted_by_the_text_that_cannot_be_decided(
    owners: dict[str, User],
) -> None:
    by, now = owners["contract"], clock.now()
    publishing.install(text=text("1.0.0", SHORT_ID, NAMED, BLOCK), now=now)
    draft = drafts.start_draft(text=text("2.0.0", ANY_ID, NAMED, REVIEW), by=by, now=now)

    with pytest.raises(DocumentRefused, match=r"Version 1\.0\.0, which is in service, says"):
        publishing.propose(version=draft, by=by, now=now)
