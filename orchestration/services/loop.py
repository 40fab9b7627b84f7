"""The loop inside every worker: sweep, wake, and notice when no message comes through any more."""

from __future__ import annotations

import logging
import os
import threading
import time
from datetime import UTC, datetime

from django.db import DatabaseError, connection

from contracts_app.queries import clock
from orchestration import wake
from orchestration.services import driver, sweeper

log = logging.getLogger(__name__)

LONGEST_SLEEP_S = 1.0
SHORTEST_SLEEP_S = 0.05
BEAT_EVERY_S = 5.0
TROUBLE_SLEEP_S = 1.0


class Loop(threading.Thread):
    """Sweeps until told to stop, whatever the database or the broker do meanwhile."""

    def __init__(self) -> None:
        """Prepare the thread; it ends with its process."""
        super().__init__(name="sweep-loop", daemon=True)
        self.stopping = threading.Event()
        self.beaten_at = 0.0

    def run(self) -> None:
        """Sweep, then sleep until the next thing is due, one second at most."""
        while not self.stopping.is_set():
            try:
                pause = self.turn()
            except DatabaseError:
                log.exception("sweep failed, trying again")
                connection.close()
                pause = TROUBLE_SLEEP_S
            except Exception:
                log.exception("sweep broke, trying again")
                pause = TROUBLE_SLEEP_S
            self.stopping.wait(pause)
        connection.close()

    def turn(self) -> float:
        """Sweep once; returns how long to sleep. Units: seconds."""
        now = clock.now()
        self._beat(now)
        swept = sweeper.sweep(now=now)
        if swept.runs_due and not wake.nudge():
            driver.drain(seconds=5.0)  # no broker: the truth is in the database, so work from it
        following = sweeper.next_due(now)
        if following is None:
            return LONGEST_SLEEP_S
        ahead = (following - clock.now()).total_seconds()
        return min(LONGEST_SLEEP_S, max(SHORTEST_SLEEP_S, ahead))

    def _beat(self, now: datetime) -> None:
        if time.monotonic() - self.beaten_at < BEAT_EVERY_S:
            return
        self.beaten_at = time.monotonic()
        skew = datetime.now(UTC) - now  # the one place that looks at the wall clock: to doubt it
        sweeper.beat(
            f"worker:{driver.worker_name()}",
            "worker",
            now=now,
            skew_ms=int(skew.total_seconds() * 1000),
        )


def start() -> Loop:
    """Start the loop of this process."""
    loop = Loop()
    loop.start()
    log.info("sweep loop of process %s started", os.getpid())
    return loop
