"""Celery's worker with one trap in it: at the named point it is gone, as after SIGKILL.

The traps are laid from outside, so the engine knows nothing of them. MESHLINE_TEST_CRASH names
the point, MESHLINE_TEST_CRASH_FLAG a file: who removes it crashes, so that it happens once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

POINT, FLAG = "MESHLINE_TEST_CRASH", "MESHLINE_TEST_CRASH_FLAG"
FLOW, REFUND = "refund-completion", "billing.create_refund"
CODE = 137


def crash() -> None:
    """End this process now, if nobody has before."""
    with suppress(FileNotFoundError):
        os.unlink(os.environ[FLAG])
        os._exit(CODE)


def _before_lease() -> None:
    """F01: work is due, and nobody has taken it."""
    from orchestration.models import Run
    from orchestration.services import leases

    def claim(**given: Any) -> Any:
        if Run.objects.filter(state="ready", flow=FLOW).exists():
            crash()
        return claim_due(**given)

    claim_due, leases.claim_due = leases.claim_due, claim


def _after_lease() -> None:
    """F02: the lease is taken, and nothing else has happened."""
    from orchestration.models import Run
    from orchestration.services import leases

    def claim(**given: Any) -> Any:
        taken = claim_due(**given)
        if Run.objects.filter(pk__in=[lease.run_id for lease in taken], flow=FLOW).exists():
            crash()
        return taken

    claim_due, leases.claim_due = leases.claim_due, claim


def _after_intent() -> None:
    """F03: the ledger says intent, and the request has not left."""
    from orchestration.services import driver

    def call(flight: Any) -> Any:
        if flight.call.operation == REFUND:
            crash()
        return perform(flight)

    perform, driver.perform = driver.perform, call


def _after_call() -> None:
    """F05: billing has done it and said so, and nothing is written down."""
    from orchestration.services import driver

    def call(flight: Any) -> Any:
        outcome = perform(flight)
        if flight.call.operation == REFUND:
            crash()
        return outcome

    perform, driver.perform = driver.perform, call


def _inside_checkpoint() -> None:
    """F06: in the middle of the transaction that writes the result down."""
    from orchestration.services import steps

    def save(*, after: Any, **given: Any) -> None:
        save_changes(after=after, **given)
        if after.of("refund").state == "done":
            crash()

    save_changes, steps.save_changes = steps.save_changes, save


TRAPS: dict[str, Callable[[], None]] = {
    "before_lease": _before_lease,
    "after_lease": _after_lease,
    "after_intent": _after_intent,
    "after_call": _after_call,
    "inside_checkpoint": _inside_checkpoint,
}


def main() -> None:
    """Lay the trap, then run the worker as ever."""
    import django
    from celery.__main__ import main as celery

    django.setup()
    TRAPS[os.environ[POINT]]()
    sys.argv[0] = "celery"
    celery()


if __name__ == "__main__":
    main()
