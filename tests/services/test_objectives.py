"""A run that ends later than its contract promises is tallied against the contract's objective."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Sum

from contracts_app.queries import clock
from orchestration.models import Run, Tally
from orchestration.services import driver
from tests.builders import accepted, refund_webhook, run_of
from tests.sandbox_process import Sandbox
from tests.services.drive import drained_to_step, given_request

pytestmark = pytest.mark.django_db


def tallied(metric: str) -> int:
    rows = Tally.objects.filter(metric=metric, contract="support.refund.requested")
    return int(rows.aggregate(n=Sum("count"))["n"] or 0)


@pytest.mark.parametrize(("age", "late"), [(timedelta(0), 0), (timedelta(minutes=61), 1)])
def test_end_is_late_by_the_events_receipt(sandbox: Sandbox, age: timedelta, late: int) -> None:
    request = given_request(sandbox)
    receipt = accepted("helpdesk", request, now=clock.now() - age)
    Run.objects.update(deadline_at=None)
    drained_to_step(receipt, "billing_ack")
    accepted("billing", refund_webhook(request))
    driver.drain()

    assert run_of(receipt).state == "succeeded"
    assert (tallied("finished"), tallied("late")) == (1, late)
