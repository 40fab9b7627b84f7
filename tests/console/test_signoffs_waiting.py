"""Waiting for your sign-off: on Today and in the administration, for who is asked only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import Deputation, Owner, SignOff
from contracts_app.queries import clock
from tests.services.people import given_person
from tests.services.test_publishing import (
    GROUPS,
    given_proposed,
    owners,
    sign_all,
)
from tests.services.test_registry import NAME

__all__ = ["owners"]
pytestmark = pytest.mark.django_db
TITLE = "Waiting for your sign-off"


def seen(user: User, name: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("page", ["console:today", "admin:index"])
def test_list_shows_what_waits_for_this_person(owners: dict[str, User], page: str) -> None:
    version = given_proposed(owners)
    stranger = given_person("contract_owner", username="stranger")

    asked, other = seen(owners["product"], page), seen(stranger, page)

    assert TITLE in asked
    assert "product owner" in asked
    assert NAME in asked
    assert reverse("admin:contracts_app_contractversion_change", args=[version.pk]) in asked
    assert "Compatible" in asked
    assert TITLE not in other


def test_page_says_whose_signature_ran_out_and_until_when_others_count(
    owners: dict[str, User],
) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    SignOff.objects.filter(role="runtime").update(signed_at=clock.now() - timedelta(days=31))
    client = Client()
    client.force_login(owners["contract"])

    admin = client.get(reverse("admin:contracts_app_contractversion_change", args=[version.pk]))
    console = client.get(reverse("console:contract-version", args=[NAME, version.version]))

    assert "the signature ran out on" in admin.text
    assert "counts until" in admin.text
    assert "Ran out" in console.text
    assert "Signed" in console.text


def test_owner_names_a_deputy_with_an_end_and_the_deputy_sees_what_waits(
    owners: dict[str, User],
) -> None:
    given_proposed(owners)
    deputy = given_person("product_owner", username="dan")
    client = Client()
    client.force_login(owners["product"])
    ends = clock.now() + timedelta(days=3)
    form = {
        "owner": str(Owner.objects.get(name=GROUPS["product"]).pk),
        "deputy": str(deputy.pk),
        "starts_at_0": "",
        "starts_at_1": "",
        "ends_at_0": "",
        "ends_at_1": "",
        "reason": "on leave",
    }
    add = reverse("admin:contracts_app_deputation_add")

    refused = client.post(add, form)
    assert refused.status_code == 200
    assert not Deputation.objects.exists()

    form |= {"ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": "12:00:00"}
    assert client.post(add, form).status_code == 302
    assert TITLE in seen(deputy, "console:today")
    assert "as deputy" in seen(deputy, "admin:index")

    row = Deputation.objects.get()
    page = client.get(reverse("admin:contracts_app_deputation_change", args=[row.pk]))
    assert "End it now" in page.text
    client.post(reverse("admin:contracts_app_deputation_end", args=[row.pk]))
    assert TITLE not in seen(deputy, "console:today")


def test_nobody_names_a_deputy_for_another_owner(owners: dict[str, User]) -> None:
    client = Client()
    client.force_login(owners["runtime"])
    ends = clock.now() + timedelta(days=3)
    form = {
        "owner": str(Owner.objects.get(name=GROUPS["product"]).pk),
        "deputy": str(given_person("product_owner", username="dan").pk),
        "ends_at_0": f"{ends:%Y-%m-%d}",
        "ends_at_1": "12:00:00",
        "reason": "on leave",
    }
    answer = client.post(reverse("admin:contracts_app_deputation_add"), form, follow=True)
    assert "You do not answer for" in answer.text
    assert not Deputation.objects.exists()
