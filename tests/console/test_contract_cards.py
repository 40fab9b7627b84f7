"""A contract's page: whom to reach at which hour, who reads which version, its inventory row."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.models import (
    ContractVersion,
    Deployment,
    InventoryFlow,
    Owner,
    Ownership,
    Verification,
)
from tests.console.builders import given_reader
from tests.console.held_builders import given_registry

pytestmark = pytest.mark.django_db
REFUND = "billing.refund.completed"


@pytest.fixture(autouse=True)
def _registry(db: None) -> None:
    given_registry()


def part(page: str, name: str) -> str:
    return page.partition(f'id="{name}"')[2].partition("</section>")[0]


def opened() -> str:
    client = Client()
    client.force_login(given_reader(name="Sam Porter"))
    return client.get(reverse("console:contract", args=[REFUND])).content.decode()


def test_matrix_names_roles_systems_and_routes_with_who_is_on_call() -> None:
    card = part(opened(), "contacts")

    assert "office hours by berlin-support" in card
    for what in (
        "Contract owner",
        "Producer, billing",
        "Consumer, helpdesk",
        "Retries are used up",
    ):
        assert what in card
    assert "on call, support-platform-primary" in card
    assert "in your time zone" in card


def test_nobody_at_night_is_told_as_a_gap() -> None:
    row = Ownership.objects.get(contract__name=REFUND, role="product")
    Owner.objects.filter(pk=row.owner_id).update(rota="")

    card = part(opened(), "contacts")

    assert "Product owner: nobody outside office hours; no rota answers." in card
    assert '<span class="tag warn">Nobody</span>' in card


def test_owner_who_left_is_replaced_by_the_deputy() -> None:
    row = Ownership.objects.get(contract__name=REFUND, role="product")
    assert row.owner.person is not None
    row.owner.person.is_active = False
    row.owner.person.save()
    row.deputy = Owner.objects.get(name="support-platform")
    row.save()

    card = part(opened(), "contacts")

    assert "deputy" in card


def test_rollout_tells_which_version_each_system_gets_and_what_was_verified() -> None:
    version = ContractVersion.objects.get(contract__name=REFUND)
    for system, number in (("helpdesk", "7.1"), ("helpdesk", "7.2"), ("billing", "3")):
        Deployment.objects.create(
            system=system, system_version=number, environment="production", by="key:1"
        )
    for passed in (False, True):
        Verification.objects.create(
            version=version, system="helpdesk", system_version="7.2", passed=passed, by="key:1"
        )

    card = part(opened(), "rollout")

    assert "7.2" in card
    assert "7.1" not in card
    assert card.count(">verified<") == 1
    assert card.count(">not verified<") == 1
    assert "no deployment was reported" in card  # of the other consumer
    assert "no shadow and no canary" in card


def test_page_leads_back_to_the_flow_in_the_inventory() -> None:
    assert "has no flow of this name" in part(opened(), "inventory")
    InventoryFlow.objects.create(name=REFUND, title="Refund reaches the customer", kind="event")
    client = Client()
    client.force_login(given_reader("manager", "Olga Manager"))

    page = client.get(reverse("console:contract", args=[REFUND])).content.decode()

    assert f'href="{reverse("console:inventory-flow", args=[REFUND])}"' in part(page, "inventory")
    assert "Refund reaches the customer" in page
