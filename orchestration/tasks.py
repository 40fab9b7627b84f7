"""Celery tasks: each is a wake-up, one line, and may be lost or doubled without harm."""

from __future__ import annotations

from typing import Any

from celery import shared_task, signals
from celery.worker import state

from contracts_app.queries import clock
from orchestration import echo, wake
from orchestration.services import driver, loop, smoke, sweeper


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


@shared_task(name="orchestration.smoke")
def smoke_contracts() -> None:
    """Run the smoke tests that are due."""
    smoke.run_due()


@shared_task(name=echo.TASK)
def answer_echo() -> None:
    """Come back: that it was received is all that counts."""


@signals.celeryd_after_setup.connect
def read_own_queue(instance: Any, **_: Any) -> None:
    """Give this worker a queue that nobody else reads, for its echo."""
    instance.app.amqp.queues.select_add(echo.queue_name())


@signals.worker_ready.connect
def start_loop(sender: Any, **_: Any) -> None:
    """Every worker sweeps by itself."""
    slots = getattr(sender.pool, "limit", None) or 1
    loop.start(busy=lambda: len(state.active_requests) >= slots)


@signals.task_received.connect
def note_message(**_: Any) -> None:
    """Whatever is received shows that this worker consumes."""
    echo.watch.heard()


@signals.worker_shutting_down.connect
def stop_soon(**_: Any) -> None:
    """Told to stop: drains give up what they have not begun, and end within seconds."""
    driver.stopping.set()
