"""Drive a run step by step without any outside system: claim it, advance it, land its calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

from django.db import connection

from contracts_app.queries import clock
from orchestration.models import Run
from orchestration.rules.outcomes import Done, Outcome
from orchestration.services import leases
from orchestration.services.advance import Flight, advance
from orchestration.services.leases import Lease
from orchestration.services.storing import Receipt
from tests.builders import accepted, refund_requested, run_of

REFUND = {"id": "re_8812aaaabbbbcccc", "status": "pending", "amount_minor": 2500}
LONG = 30.0


def given_refund_run(**more: Any) -> tuple[Receipt, Run]:
    """A refund was asked for: its event and its run, which is due."""
    receipt = accepted("helpdesk", refund_requested(**more))
    return receipt, run_of(receipt)


def taken(run: Run, *, now: datetime | None = None, lease_s: float = LONG) -> Lease:
    """The lease of this run, which is due; what else is due is taken as well and left alone."""
    claimed = leases.claim_due(limit=50, worker="test", now=now or clock.now(), lease_s=lease_s)
    return next(lease for lease in claimed if lease.run_id == run.pk)


def asked(run: Run, **lease: Any) -> Flight:
    """The call that the run makes next; its intent is stored, and nothing has left."""
    flight = advance(taken(run, **lease), now=clock.now())
    assert flight is not None
    return flight


def landed(flight: Flight, outcome: Outcome) -> Flight | None:
    """What the run does after its call has come to this."""
    return advance(flight.lease, now=clock.now(), landed=(flight, outcome))


def given_waiting_for_billing(**more: Any) -> tuple[Receipt, Run]:
    """A run whose refund was answered and which waits for the acknowledgement."""
    receipt, run = given_refund_run(**more)
    landed(asked(run), Done({**REFUND, "currency": "EUR", "adopted": False}))
    run.refresh_from_db()
    assert (run.state, run.step) == ("waiting", "billing_ack")
    return receipt, run


def backlog_of(run: Run, contract: str, count: int, *, now: datetime) -> None:
    """Many runs of one contract, all due for a long time already."""
    fields = {f.attname: getattr(run, f.attname) for f in Run._meta.concrete_fields}
    since = now - timedelta(hours=1)
    rows = []
    for number in range(count):
        key = f"{number:012x}"
        made = {
            "id": f"01900000-0000-7000-8000-{key}",
            "event_id": f"01900000-0000-7000-9000-{key}",
        }
        rows.append(Run(**{**fields, **made, "contract": contract, "state": "ready",
                           "wake_at": since + timedelta(milliseconds=number)}))  # fmt: skip
    Run.objects.bulk_create(rows, batch_size=1000)


@contextmanager
def meanwhile(*acts: Any) -> Iterator[Sequence[Thread]]:
    """Run these in threads with connections of their own; joined at the end of the block."""

    def closing(act: Any) -> None:
        try:
            act()
        finally:
            connection.close()

    threads = [Thread(target=closing, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    yield threads
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
