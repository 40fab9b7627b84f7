"""The claim: fair however long one backlog is, cheap, and it counts the leases that ran out."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from contracts_app.queries import clock
from orchestration.models import Run
from orchestration.services import leases, sweeper
from tests.builders import given_pilot
from tests.services.hands import backlog_of, given_refund_run

pytestmark = pytest.mark.django_db


def claimed(limit: int, **more: Any) -> Counter[str]:
    found = leases.claim_due(limit=limit, worker="w", now=clock.now(), lease_s=30, **more)
    return Counter(lease.contract for lease in found)


def test_a_long_backlog_of_one_contract_starves_nobody() -> None:
    given_pilot()
    _, fresh = given_refund_run()
    backlog_of(fresh, "shop.cart.updated", 3000, now=clock.now())

    found = claimed(8)

    assert found == {"shop.cart.updated": 7, fresh.contract: 1}


def test_one_contract_gets_no_more_than_its_share_of_a_worker() -> None:
    given_pilot()
    _, fresh = given_refund_run()
    backlog_of(fresh, "shop.cart.updated", 50, now=clock.now())

    assert claimed(16, share=8) == {"shop.cart.updated": 8, fresh.contract: 1}
    assert claimed(16, share=8, held={"shop.cart.updated": 5}) == {"shop.cart.updated": 3}
    assert claimed(16, share=8, held={"shop.cart.updated": 8}) == {}


def test_lease_that_ran_out_is_counted_and_one_given_back_is_not() -> None:
    given_pilot()
    _, run = given_refund_run()
    now = clock.now()
    (first,) = leases.claim_due(limit=1, worker="dies", now=now, lease_s=1)
    later = now + timedelta(seconds=2)
    (second,) = leases.claim_due(limit=1, worker="lives", now=later, lease_s=30)

    assert not leases.give_up(first, wake_at=later)
    assert leases.give_up(second, wake_at=later)
    (third,) = leases.claim_due(limit=1, worker="next", now=later, lease_s=30)

    run.refresh_from_db()
    assert (third.fence, run.lapses) == (3, 1)


def test_claim_and_sweep_read_what_is_due_and_not_what_exists() -> None:
    given_pilot()
    _, fresh = given_refund_run()
    backlog_of(fresh, "shop.cart.updated", 3000, now=clock.now())
    Run.objects.exclude(pk=fresh.pk).update(state="succeeded", wake_at=None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orchestration_run")

    read = plans_of(lambda: claimed(8)) + plans_of(sweeper.next_due)

    assert "Seq Scan on orchestration_run" not in read
    assert "run_due_by_contract" in read
    assert "run_leased" in read


def plans_of(act: Any) -> str:
    """The plans of every statement that `act` makes."""
    plans: list[str] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "orchestration_run" in sql:
            with connection.connection.cursor() as cursor:
                plans.extend(row[0] for row in cursor.execute(f"EXPLAIN {sql}", params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        act()
    return "\n".join(plans)
