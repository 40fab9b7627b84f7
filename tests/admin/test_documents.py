"""Drafts in the administration: edited as text, refused with lines, published, frozen."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from contracts_app.models import AuditEntry, BusinessCalendar, Owner
from contracts_app.queries import clock, documents
from contracts_app.services.documents import install_document
from contracts_app.services.promises import CALENDAR
from runbooks.models import RunbookVersion
from runbooks.queries.runbooks import offered_for
from runbooks.services.drafts import RUNBOOK
from tests.admin.conftest import SignIn
from tests.services.people import given_person
from tests.services.test_documents import CALENDAR_TEXT, given_contracts, pilot

pytestmark = pytest.mark.django_db

ADD = "admin:contracts_app_businesscalendar_add"


def page(row: BusinessCalendar | RunbookVersion, name: str = "change") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=[row.pk])


def given_runbook() -> RunbookVersion:
    given_contracts("support.refund.requested", "billing.refund.completed")
    Owner.objects.update_or_create(
        name="billing-runtime", defaults={"title": "Billing", "rota": "billing-primary"}
    )
    text = pilot("runbooks", "refund-callback-failed")
    row, _ = install_document(RUNBOOK, text=text, now=clock.now())
    return row


def test_owner_writes_a_document_and_publishes_it(sign_in: SignIn) -> None:
    client = sign_in("runtime_owner")
    # A browser sends line ends as CRLF; the stored text is what was typed.
    answer = client.post(reverse(ADD), {"text": CALENDAR_TEXT.replace("\n", "\r\n")})

    draft = BusinessCalendar.objects.get()
    assert answer.status_code == 302
    assert draft.text == CALENDAR_TEXT
    assert draft.created_by == User.objects.get()

    answer = client.post(page(draft), {"text": draft.text, "_publish": "1"}, follow=True)

    assert "is published" in answer.content.decode()
    assert documents.published(BusinessCalendar, "always-open").pk == draft.pk
    actions = AuditEntry.objects.filter(object_type="calendar").values_list("action", flat=True)
    assert set(actions) == {"calendar.draft", "calendar.publish"}


def test_refused_text_stays_on_the_form_with_every_finding_and_its_line(sign_in: SignIn) -> None:
    client = sign_in("runtime_owner")
    bad = CALENDAR_TEXT.replace("zone: UTC", "zone: Europe/Atlantis").replace(
        "always: true", "allways: true"
    )

    answer = client.post(reverse(ADD), {"text": bad})

    shown = answer.content.decode()
    assert answer.status_code == 200
    line = 1 + bad[: bad.index("allways")].count("\n")
    assert f"line {line}" in shown
    assert "allways" in shown
    assert not BusinessCalendar.objects.exists()


def test_published_document_is_read_and_a_new_draft_starts_from_it(sign_in: SignIn) -> None:
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())
    client = sign_in("runtime_owner")

    shown = client.get(page(row)).content.decode()
    assert "<textarea" not in shown
    assert "In service" in shown
    assert client.post(page(row), {"text": "x"}).status_code == 403
    assert client.get(page(row, "delete")).status_code == 403

    answer = client.post(page(row, "draft"), follow=True)

    draft = BusinessCalendar.objects.get(state="draft")
    assert answer.redirect_chain[-1][0] == page(draft)
    assert "<textarea" in answer.content.decode()
    assert "version: 2" in draft.text


def test_draft_shows_what_changes_and_can_be_discarded(sign_in: SignIn) -> None:
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())
    client = sign_in("runtime_owner")
    client.post(page(row, "draft"))
    draft = BusinessCalendar.objects.get(state="draft")

    assert "+ version: 2" in client.get(page(draft)).content.decode()
    client.post(page(draft, "delete"), {"post": "yes"})

    assert not BusinessCalendar.objects.filter(state="draft").exists()
    assert AuditEntry.objects.filter(action="calendar.discard").exists()


def test_get_of_a_buttons_address_changes_nothing(sign_in: SignIn) -> None:
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())
    client = sign_in("runtime_owner")

    assert client.get(page(row, "draft")).status_code == 405
    assert client.get(page(row, "retire")).status_code == 405
    assert BusinessCalendar.objects.count() == 1


@pytest.mark.parametrize("role", ["auditor", "admin", "product_owner"])
def test_role_that_may_only_look_is_refused_by_every_address(sign_in: SignIn, role: str) -> None:
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())
    client = sign_in(role)

    shown = client.get(page(row)).content.decode()
    assert "Start a new draft" not in shown
    for name in ("draft", "retire"):
        assert client.post(page(row, name)).status_code == 403
    assert client.post(reverse(ADD), {"text": CALENDAR_TEXT}).status_code == 403
    assert BusinessCalendar.objects.count() == 1


def test_retiring_asks_why_and_is_audited(sign_in: SignIn) -> None:
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())

    sign_in("runtime_owner").post(page(row, "retire"), {"reason": "nobody uses it"})

    row.refresh_from_db()
    assert row.state == "retired"
    assert AuditEntry.objects.get(action="calendar.retire").reason == "nobody uses it"


def test_runbook_published_here_by_a_second_owner_is_on_matching_handoffs_at_once(
    sign_in: SignIn,
) -> None:
    row = given_runbook()
    author = given_person("runtime_owner", username="author")
    second = given_person("runtime_owner", username="second")
    writing, reading = sign_in(user=author), sign_in(user=second)
    writing.post(page(row, "draft"))
    draft = RunbookVersion.objects.get(state="draft")
    text = draft.text.replace("failure_modes: [", "failure_modes: [brand_new_trouble, ")
    writing.post(page(draft), {"text": text})
    assert offered_for(reason="brand_new_trouble") == []

    refused = writing.post(page(draft), {"text": text, "_publish": "1"}, follow=True)
    assert "second person" in refused.content.decode()
    published = reading.post(page(draft), {"text": text, "_publish": "1"}, follow=True)

    assert "is published" in published.content.decode()
    assert [one.pk for one in offered_for(reason="brand_new_trouble")] == [draft.pk]


def test_contract_owner_cannot_touch_a_runbook_of_contracts_they_do_not_own(
    sign_in: SignIn,
) -> None:
    row = given_runbook()
    client = sign_in("contract_owner")

    shown = client.get(page(row)).content.decode()
    answer = client.post(page(row, "draft"), follow=True)

    assert "Start a new draft" not in shown
    assert "do not own" in answer.content.decode()
    assert RunbookVersion.objects.count() == 1


def test_publishing_what_refers_to_nothing_is_refused_with_its_lines(sign_in: SignIn) -> None:
    text = pilot("policies", "support-standard")
    client = sign_in("runtime_owner")

    answer = client.post(
        reverse("admin:contracts_app_slapolicy_add"), {"text": text, "_publish": "1"}
    )

    shown = answer.content.decode()
    assert "no published calendar always-open" in shown
    assert f"line {1 + text[: text.index('calendar: ')].count(chr(10))}" in shown


def test_refused_by_the_service_keeps_the_typed_text_on_the_form(sign_in: SignIn) -> None:
    install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())
    client = sign_in("runtime_owner")
    second = CALENDAR_TEXT.replace("version: 1", "version: 2")
    assert client.post(reverse(ADD), {"text": second}).status_code == 302

    answer = client.post(reverse(ADD), {"text": second})

    assert answer.status_code == 200
    assert "There is a draft of always-open already: version 2." in answer.text
    assert answer.context["adminform"].form["text"].value() == second
    assert BusinessCalendar.objects.count() == 2
