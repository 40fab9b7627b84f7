"""Leases and fences: one worker at a time, and a stale one can write nothing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from contracts_app.queries import clock
from meshline.core.errors import LeaseLost
from orchestration.models import Run
from orchestration.services import leases
from tests.builders import accepted, given_pilot, refund_requested


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_hold_one_run() -> None:
    given_pilot()
    for _ in range(12):
        accepted("helpdesk", refund_requested())
    now = clock.now()
    taken: list[object] = []
    lock = threading.Barrier(4)

    def claim(worker: str) -> None:
        lock.wait()
        found = leases.claim_due(limit=12, worker=worker, now=now, lease_s=30)
        taken.extend(lease.run_id for lease in found)
        connection.close()

    threads = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken))
    assert Run.objects.filter(state="running").count() == len(taken)


@pytest.mark.django_db
def test_worker_that_woke_up_late_is_refused() -> None:
    given_pilot()
    accepted("helpdesk", refund_requested())
    now = clock.now()
    (stale,) = leases.claim_due(limit=1, worker="frozen", now=now, lease_s=1)
    later = now + timedelta(seconds=5)
    (current,) = leases.claim_due(limit=1, worker="second", now=later, lease_s=30)

    with pytest.raises(LeaseLost, match="no longer current"), transaction.atomic():
        leases.hold(stale, now=later)

    assert leases.hold(current, now=later).fence == current.fence


@pytest.mark.django_db
def test_claim_is_fair_over_contracts() -> None:
    given_pilot()
    for _ in range(20):
        accepted("helpdesk", refund_requested())
    quiet = {
        "type": "meshline.cancellation_requested",
        "id": "trg_quiet",
        "time": "2026-11-23T12:00:00Z",
        "cancellation_id": "cn_0123456789ab",
        "ticket_id": "5001",
        "requester_email": "oren@example.com",
        "requester_name": "Oren Halabi",
        "customer_id": "cus_5001",
        "subscription_id": "sub_5001",
    }
    accepted("helpdesk", quiet)

    claimed = leases.claim_due(limit=4, worker="w", now=clock.now(), lease_s=30)

    flows = set(
        Run.objects.filter(pk__in=[c.run_id for c in claimed]).values_list("flow", flat=True)
    )
    assert flows == {"refund-completion", "subscription-cancel"}
