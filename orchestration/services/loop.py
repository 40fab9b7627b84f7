"""The loop inside every worker: sweep, wake, and notice when no message comes through any more."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

from contracts_app.queries import clock
from orchestration import echo, wake
from orchestration.services import driver, sweeper

log = logging.getLogger(__name__)

LONGEST_SLEEP_S = 1.0
SHORTEST_SLEEP_S = 0.05
# While runs wait for a free worker, looking more often than this brings nothing.
BACKLOG_SLEEP_S = 0.25
BEAT_EVERY_S = 5.0
TROUBLE_SLEEP_S = 1.0
# Runs that nobody has taken up for so long: the messages do not come through.
NEGLECTED = timedelta(seconds=3)
HELP_S = 5.0
EX_TEMPFAIL = 75


class Loop(threading.Thread):
    """Sweeps until told to stop, whatever the database or the broker do meanwhile."""

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        """Prepare the thread; it ends with its process. `busy`: every thread drives runs."""
        super().__init__(name="sweep-loop", daemon=True)
        self.stopping = driver.stopping
        self.busy = busy
        self.beaten_at = float("-inf")
        self.helper: threading.Thread | None = None

    def run(self) -> None:
        """Sweep, then sleep until the next thing is due, one second at most."""
        while not self.stopping.is_set():
            try:
                pause = self.turn()
            except Exception:
                log.exception("sweep broke, trying again")
                connection.close()
                pause = TROUBLE_SLEEP_S
            self._listen()
            self.stopping.wait(pause)
        connection.close()

    def turn(self) -> float:
        """Sweep once; returns how long to sleep. Units: seconds."""
        now = clock.now()
        self._beat(now)
        swept = sweeper.sweep(now=now)
        if swept.runs_due and (not wake.nudge() or swept.neglected_for(now) > NEGLECTED):
            self._help()
        if swept.failed:
            return LONGEST_SLEEP_S
        following = sweeper.next_due()
        if following is None:
            return LONGEST_SLEEP_S
        ahead = (following - clock.now()).total_seconds()
        shortest = BACKLOG_SLEEP_S if swept.runs_due else SHORTEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(shortest, ahead))

    def _help(self) -> None:
        """Work without a message, beside the sweep: the truth is in the database."""
        if self.helper is None or not self.helper.is_alive():
            self.helper = threading.Thread(target=_drain, name="sweep-helper", daemon=True)
            self.helper.start()

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

    def _listen(self) -> None:
        """Leave if messages reach this worker no more; whoever keeps it starts a new one."""
        silence_s = echo.watch.silence_s(busy=self.busy())
        if silence_s < echo.LONGEST_SILENCE_S or self.stopping.is_set():
            return
        log.critical("no message has come for %.0f s though the broker takes them", silence_s)
        self.stopping.set()
        time.sleep(driver.GRACE_S + 1)
        os._exit(EX_TEMPFAIL)


def _drain() -> None:
    try:
        driver.drain(seconds=HELP_S)
    except Exception:
        log.exception("the helper's drain broke")
    finally:
        connection.close()


def start(busy: Callable[[], bool]) -> Loop:
    """Start the loop of this process; `busy` says whether all its threads drive runs."""
    loop = Loop(busy)
    loop.start()
    log.info("sweep loop of process %s started", os.getpid())
    return loop
