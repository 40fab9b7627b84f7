"""Smoke tests against what is live: who is next, what is asked, when its owner is alerted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from contracts_app.models import (
    AuditEntry,
    ContractState,
    ContractVersion,
    SmokeResult,
    SmokeTestRow,
)
from contracts_app.queries import clock
from contracts_app.queries.smoke import smoke_alerts, smoke_of
from contracts_app.rules.smoke import Smoked
from contracts_app.services import smoke as registry
from orchestration.connectors import build
from orchestration.connectors.base import Connector
from orchestration.models import Event, Run
from orchestration.services import smoke
from tests.builders import given_document, given_pilot
from tests.connectors.peer import Peer, hangs, running_peer, says
from tests.rules.standard_contracts import BARE

EMPTY = says({"customers": [], "checkouts": []})

pytestmark = pytest.mark.django_db
NAME = "stock.level.changed"
HOURLY = "0 * * * *"
SHADOW = {"schedule": HOURLY, "payload": "one"}
ASKS = {"name": "asks", "schedule": HOURLY, "mode": "read_only",
        "operation": "shop.find_cart", "with": {"email": "nobody@smoke.example"}}  # fmt: skip


@pytest.fixture
def shop() -> Iterator[Peer]:
    with running_peer() as started:
        yield started


def given_contract(*tests: Any, version: str = "1.0.0") -> ContractVersion:
    text = BARE.replace("version: 1.10", f"version: {version}")
    row: ContractVersion = given_document(text + f"tests: {{smoke: {json.dumps(tests)}}}\n")
    registry.follow(now=clock.now())
    return row


def connectors(peer: Peer) -> dict[str, Connector]:
    return build({"shop": {"base_url": peer.url, "token": "t"}}, timeout_s=0.5)


def again() -> None:
    """Time passes until every test is due."""
    SmokeTestRow.objects.update(due_at=clock.now())


def last(name: str) -> SmokeResult:
    return SmokeResult.objects.filter(test__name=name).latest("id")


def test_example_goes_all_the_way_in_and_nothing_of_it_stays() -> None:
    given_contract(SHADOW)
    before = (Event.objects.count(), Run.objects.count())

    assert smoke.run_due({}) == 1

    assert last("shadow").outcome == "passed"
    assert last("shadow").sentence == "The example one is taken in and would start no flow."
    assert (Event.objects.count(), Run.objects.count()) == before
    assert SmokeTestRow.objects.get().due_at > clock.now()
    assert smoke.run_due({}) == 0


def test_shadow_of_the_pilots_refund_says_which_flow_it_would_start() -> None:
    given_pilot("calendars", "contracts", "flows", "policies", "rotas", "runbooks", "sources")
    registry.follow(now=clock.now())

    smoke.run_due({})

    rows = SmokeResult.objects.filter(test__name="shadow")
    assert rows.count() >= 10
    assert {row.outcome for row in rows} == {"passed"}, [row.sentence for row in rows]
    refund = rows.get(test__contract__name="support.refund.requested")
    assert "would start refund" in refund.sentence
    assert not Run.objects.exists()


def test_what_a_version_in_service_declares_is_what_runs() -> None:
    first = given_contract(SHADOW)
    second = given_contract({**SHADOW, "name": "other"}, version="1.1.0")
    assert list(SmokeTestRow.objects.values_list("name", "version")) == [("other", "1.1.0")]

    ContractVersion.objects.filter(pk__in=[first.pk, second.pk]).update(state=ContractState.RETIRED)
    assert smoke.run_due({}) == 0
    assert not SmokeTestRow.objects.exists()


def test_outside_system_is_asked_and_its_answer_judged(shop: Peer) -> None:
    given_contract({**ASKS, "expect": {"result": {"properties": {"found": {"const": False}}}}})
    shop.will(EMPTY)

    smoke.run_due(connectors(shop))

    assert last("asks").outcome == "passed", last("asks").sentence
    assert {one.method for one in shop.asked} == {"GET"}


@pytest.mark.parametrize(
    ("operation", "arguments", "told"),
    [
        ("billing.create_refund", {"charge": "c"}, "changes something there"),
        ("billing.no_such", {}, "There is no operation billing.no_such"),
        ("shop.find_cart", {"email": 1}, "cannot be asked so"),
    ],
)
def test_what_changes_something_is_never_asked(
    shop: Peer, operation: str, arguments: dict[str, Any], told: str
) -> None:
    given_contract({**ASKS, "operation": operation, "with": arguments})

    smoke.run_due(connectors(shop))

    assert last("asks").outcome == "failed"
    assert told in last("asks").sentence
    assert not shop.asked


def test_system_without_an_address_is_said_to_be_untested() -> None:
    given_contract(ASKS)

    smoke.run_due({})

    assert last("asks").outcome == "skipped"
    assert "No address is set for shop" in last("asks").sentence


def test_two_failures_in_a_row_are_one_alert_that_ends_by_itself(shop: Peer) -> None:
    given_contract(ASKS)
    shop.will(says({}, 500))
    for _ in range(3):
        again()
        smoke.run_due(connectors(shop))

    (alert,) = smoke_alerts({NAME})
    assert (alert.contract, alert.name, alert.failures, alert.mine) == (NAME, "asks", 3, True)
    told = AuditEntry.objects.filter(action="smoke.alert")
    assert [entry.contract for entry in told] == [NAME]

    shop.will(EMPTY)
    again()
    smoke.run_due(connectors(shop))

    assert last("asks").outcome == "passed", last("asks").sentence
    assert smoke_alerts(()) == []
    assert AuditEntry.objects.filter(action="smoke.recovered").count() == 1


def test_one_failure_is_no_alert_yet(shop: Peer) -> None:
    given_contract(ASKS)
    shop.will(says({}, 500))

    smoke.run_due(connectors(shop))

    assert smoke_alerts(()) == []


def test_system_that_hangs_ends_by_the_deadline_and_fails(shop: Peer) -> None:
    given_contract(ASKS)
    shop.will(hangs(3))

    smoke.run_due(connectors(shop))

    assert last("asks").outcome == "failed"
    assert last("asks").took_ms < 5000


def test_newest_results_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "KEPT", 3)
    version = given_contract(SHADOW)
    for _ in range(5):
        again()
        smoke.run_due({})

    (shown,) = smoke_of(version.contract)
    assert len(shown.results) == 3
    assert shown.last == last("shadow")


def test_who_lost_its_turn_keeps_nothing() -> None:
    given_contract(SHADOW)
    now = clock.now()
    turn = registry.take_turn(now=now)
    assert turn is not None
    assert registry.take_turn(now=now) is None
    later = registry.take_turn(now=now + registry.TURN + timedelta(seconds=1))
    assert later is not None

    kept = registry.settle(turn, Smoked("failed", "Late."), took_ms=1, now=now)

    assert kept is False
    assert not SmokeResult.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_run_a_test_once() -> None:
    given_contract(SHADOW, {**SHADOW, "name": "other"})
    together = Barrier(2)

    def work() -> None:
        together.wait()
        smoke.run_due({})
        connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(SmokeResult.objects.values_list("test__name", flat=True)) == ["other", "shadow"]
