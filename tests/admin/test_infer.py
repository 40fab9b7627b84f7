"""A draft schema guessed from stored events: the owner reads the evidence and decides."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contracts_app.models import ContractVersion
from tests.admin.conftest import SignIn
from tests.builders import accepted, given_pilot, refund_requested
from tests.services.people import given_person

pytestmark = pytest.mark.django_db
INFER = "admin:contracts_app_contractversion_infer"


def test_schema_of_a_contracts_events_is_proposed_with_its_evidence(sign_in: SignIn) -> None:
    given_pilot()
    for _ in range(6):
        accepted("helpdesk", refund_requested())
    client = sign_in(user=given_person("contract_owner", owns=("support-contracts",)))
    versions = ContractVersion.objects.count()

    shown = client.get(reverse(INFER), {"contract": "support.refund.requested"}).content.decode()

    assert "A proposal from the newest 6 payloads" in shown
    assert "&quot;amount_minor&quot;" in shown
    assert "integer 6 of 6" in shown
    assert "maja@example.com" not in shown
    assert ContractVersion.objects.count() == versions


def test_nothing_stored_and_nothing_asked_say_what_to_do(sign_in: SignIn) -> None:
    client = sign_in(user=given_person("contract_owner"))

    assert "Name a contract" in client.get(reverse(INFER)).content.decode()
    shown = client.get(reverse(INFER), {"source": "nobody"}).content.decode()
    assert "No stored event" in shown
    assert "Correct the name" in shown


def test_who_may_not_see_contracts_in_admin_gets_no_guesses(sign_in: SignIn) -> None:
    client = sign_in(user=given_person("support_agent"))

    assert client.get(reverse(INFER), {"contract": "x.y"}).status_code in (302, 403)
