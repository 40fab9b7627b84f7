"""Celery tasks: each is a wake-up, one line, and may be lost or doubled without harm."""

from __future__ import annotations

from typing import Any

from celery import shared_task, signals

from contracts_app.queries import clock
from orchestration import wake
from orchestration.services import driver, loop, sweeper


@shared_task(name="orchestration.drain")
def drain() -> None:
    """Drive what is due."""
    wake.clear_flag()
    driver.drain()


@shared_task(name="orchestration.sweep")
def sweep() -> None:
    """Beat's fallback for the loops of the workers."""
    if sweeper.sweep(now=clock.now()).runs_due:
        wake.nudge()


@signals.worker_ready.connect
def start_loop(**_: Any) -> None:
    """Every worker sweeps by itself."""
    loop.start()
