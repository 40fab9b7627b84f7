"""The check beside a document: told as it is typed, to those who may see it, and nothing stored."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contracts_app.models import BusinessCalendar
from tests.admin.conftest import SignIn

pytestmark = pytest.mark.django_db
KINDS = (
    "contracts_app_businesscalendar", "contracts_app_slapolicy", "contracts_app_rota",
    "orchestration_flowversion", "contracts_app_source", "runbooks_runbookversion",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_text_is_told_with_its_line_and_nothing_is_stored(sign_in: SignIn, kind: str) -> None:
    owner = sign_in("contract_owner", "admin")
    answer = owner.post(reverse(f"admin:{kind}_judge"), {"text": "meshline: none\nnmae: x\n"})
    assert answer.status_code == 200
    assert 'data-line="' in answer.content.decode()
    assert not BusinessCalendar.objects.filter(name="x").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_check_is_refused_to_those_who_may_not_see_the_document(sign_in: SignIn, kind: str) -> None:
    stranger = sign_in("support_agent")
    answer = stranger.post(reverse(f"admin:{kind}_judge"), {"text": ""})
    assert answer.status_code in (302, 403)


def test_check_asks_for_a_post_and_for_a_version_that_there_is(sign_in: SignIn) -> None:
    address = reverse("admin:contracts_app_businesscalendar_judge")
    owner = sign_in("contract_owner", "admin")
    assert owner.get(address).status_code == 405
    assert owner.post(f"{address}?of=999999", {"text": ""}).status_code in (403, 404)
