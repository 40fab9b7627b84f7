"""The drain: results outlast a database that goes away, an order to stop is obeyed in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import signals
from django.db import connection

import orchestration.tasks  # noqa: F401 it listens to the worker's signals
from contracts_app.queries import clock
from orchestration.models import Attempt, Effect, Run
from orchestration.services import driver, leases
from tests.builders import accepted, run_of
from tests.sandbox_process import Sandbox
from tests.services.drive import given_request
from tests.services.hands import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patient(sandbox: Sandbox, settings: Any) -> Iterator[None]:
    settings.CALL_TIMEOUT_S = 10.0
    driver.connectors.cache_clear()
    driver.stopping.clear()
    yield
    driver.stopping.clear()


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def cut_every_other_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_answer_that_comes_while_the_database_is_cut_off_is_kept(sandbox: Sandbox) -> None:
    request = given_request(sandbox)
    sandbox.fault("billing", "create_refund", "slow", delay_s=1.2, times=1)
    receipt = accepted("helpdesk", request)

    with meanwhile(driver.drain):
        until(lambda: Effect.objects.filter(path="refund", attempts=1).exists())
        for _ in range(4):
            cut_every_other_connection()
            time.sleep(0.3)

    run = run_of(receipt)
    assert (run.state, run.step, run.lapses) == ("waiting", "billing_ack", 0)
    assert Effect.objects.get(path="refund").attempts == 1
    assert Attempt.objects.get(run=run, path="refund").outcome == "done"


def test_drain_told_to_stop_ends_soon_and_gives_its_runs_back(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "GRACE_S", 0.3)
    request = given_request(sandbox)
    sandbox.fault("billing", "create_refund", "slow", delay_s=3.0, times=1)
    receipt = accepted("helpdesk", request)

    with meanwhile(driver.drain) as (draining,):
        until(lambda: Effect.objects.filter(path="refund", attempts=1).exists())
        accepted("helpdesk", given_request(sandbox))
        signals.worker_shutting_down.send(sender="worker", sig="SIGTERM", how="Warm", exitcode=0)
        draining.join(2.5)
        assert not draining.is_alive()

    assert driver.stopping.is_set()
    assert not Run.objects.filter(state="running").exists()
    run = run_of(receipt)
    assert run.wake_at is not None
    assert run.wake_at <= clock.now() + timedelta(seconds=10)

    time.sleep(3)  # the call that was cut off ends over there
    driver.stopping.clear()
    Run.objects.filter(pk=run.pk).update(wake_at=clock.now())
    driver.drain()

    assert run_of(receipt).step == "billing_ack"
    assert sandbox.books()["by_refund"][request["refund_id"]]["applied"] == 1


def test_system_that_hangs_fills_no_more_than_its_contracts_share(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RUNS_AT_ONCE", 4)
    monkeypatch.setattr(driver, "RUNS_OF_ONE_CONTRACT", 2)
    sandbox.fault("billing", "create_refund", "slow", delay_s=0.8, times=4)
    slow = [run_of(accepted("helpdesk", given_request(sandbox))) for _ in range(4)]

    with meanwhile(driver.drain):
        until(lambda: Effect.objects.filter(attempts=1).count() >= 2)
        assert Run.objects.filter(pk__in=[r.pk for r in slow], state="running").count() <= 2

    assert Run.objects.filter(step="billing_ack").count() == 4


def test_lease_of_a_long_call_is_kept_alive(sandbox: Sandbox, settings: Any) -> None:
    settings.LEASE_S = 0.9
    sandbox.fault("billing", "create_refund", "slow", delay_s=2.5, times=1)
    receipt = accepted("helpdesk", given_request(sandbox))

    with meanwhile(driver.drain):
        until(lambda: Effect.objects.filter(attempts=1).exists())
        time.sleep(1.5)
        stolen = leases.claim_due(limit=1, worker="thief", now=clock.now(), lease_s=9)
        assert stolen == []

    assert (run_of(receipt).step, run_of(receipt).lapses) == ("billing_ack", 0)
