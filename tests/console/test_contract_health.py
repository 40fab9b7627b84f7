"""The health facet of the catalogue: from tests, objectives, held events, drift and silence."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.models import ContractTestRun, ContractVersion
from contracts_app.queries import clock
from orchestration.models import HeldEvent
from orchestration.services import tallies
from tests.builders import accepted, refund_requested
from tests.console.builders import given_reader
from tests.console.held_builders import given_registry

pytestmark = pytest.mark.django_db
REFUND = "billing.refund.completed"
REQUEST = "support.refund.requested"


@pytest.fixture(autouse=True)
def _registry(db: None) -> None:
    given_registry()


@pytest.fixture
def client() -> Client:
    reader = Client()
    reader.force_login(given_reader(name="Sam Porter"))
    return reader


def names(client: Client, health: str) -> list[str]:
    answer = client.get(reverse("console:contracts"), {"health": health})
    return [row.listed.name for row in answer.context["rows"]]


def test_contract_that_heard_nothing_is_silent_and_one_that_did_is_healthy(client: Client) -> None:
    accepted("helpdesk", refund_requested(), now=clock.now())

    assert REFUND in names(client, "silent")
    assert names(client, "healthy") == [REQUEST]


def test_failing_tests_of_what_serves_count_until_they_pass(client: Client) -> None:
    version = ContractVersion.objects.get(contract__name=REFUND)
    kept: dict[str, Any] = {"version": version, "digest": version.digest, "occasion": "hand"}
    ContractTestRun.objects.create(**kept, failed=1)
    assert names(client, "failing") == [REFUND]

    ContractTestRun.objects.create(**kept, passed=3)
    assert names(client, "failing") == []


def test_failed_test_of_an_earlier_text_does_not_count(client: Client) -> None:
    version = ContractVersion.objects.get(contract__name=REFUND)
    ContractTestRun.objects.create(version=version, digest="0" * 64, occasion="hand", failed=1)

    assert names(client, "failing") == []


def test_late_runs_beyond_the_objective_fail_it(client: Client) -> None:
    now = clock.now()
    for metric in ("finished", "late"):
        tallies.count(metric, now=now, contract=REFUND)

    assert names(client, "failing") == [REFUND]


def test_held_event_puts_it_at_risk_and_the_row_says_why(client: Client) -> None:
    receipt = accepted("helpdesk", refund_requested(), now=clock.now())
    HeldEvent.objects.create(
        event_id=receipt.event_id, source="helpdesk", contract=REQUEST, reason="violation"
    )

    page = client.get(reverse("console:contracts"), {"health": "at-risk"}).content.decode()

    assert names(client, "at-risk") == [REQUEST]
    assert "1 held event" in page


def test_page_says_what_health_means(client: Client) -> None:
    page = client.get(reverse("console:contracts")).content.decode()

    assert "What health means" in page
    assert "nothing came in seven days" in page
