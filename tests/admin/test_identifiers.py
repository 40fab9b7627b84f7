"""The page of a contract version shows what each example is about, and how it was normalised."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contracts_app.models import ContractVersion
from tests.admin.conftest import SignIn
from tests.builders import given_document
from tests.services.people import given_person
from tests.services.test_canonical_ids import CANONICAL

pytestmark = pytest.mark.django_db


def test_text_that_is_typed_tells_it_before_it_is_saved(sign_in: SignIn) -> None:
    client = sign_in(user=given_person("contract_owner", owns=("parcels",)))
    url = reverse("admin:contracts_app_contractversion_judge")
    text = CANONICAL.replace("email: a@x.de", "email: Ana+x@Example.com")
    shown = " ".join(client.post(url, {"text": text}).content.decode().split())
    assert "Who and what the examples are about" in shown
    assert "customer: Ana+x@Example.com → <b>ana@example.com</b>" in shown


def test_each_example_tells_who_it_is_about(sign_in: SignIn) -> None:
    text = CANONICAL.replace("email: a@x.de", "email: Ana+x@Example.com")
    version: ContractVersion = given_document(text)
    client = sign_in(user=given_person("contract_owner", owns=("parcels",)))
    url = reverse("admin:contracts_app_contractversion_change", args=[version.pk])
    shown = " ".join(client.get(url).content.decode().split())
    assert "customer: Ana+x@Example.com → <b>ana@example.com</b>" in shown
    assert "order: A1 → <b>shop:a1</b>" in shown
    assert "correlation: A1 → <b>shop:a1</b>" in shown
