"""Whether messages still reach this very worker: it sends one to itself and waits for it.

A worker that has reconnected and consumes nothing looks alive. Only what comes back counts.
"""

from __future__ import annotations

import logging
import os
import socket
import time

import redis
from kombu.exceptions import OperationalError

from meshline.celery import app
from orchestration import wake

log = logging.getLogger(__name__)

TASK = "orchestration.echo"
ASK_EVERY_S = 10.0
LONGEST_SILENCE_S = 60.0
# What a worker that died has left unread vanishes from the broker by itself.
KEPT_S = 600


def queue_name() -> str:
    """The queue that only this process reads."""
    return f"echo.{socket.gethostname()}.{os.getpid()}"


class Watch:
    """Asks now and then, and knows since when no answer has come. Units: monotonic seconds."""

    def __init__(self) -> None:
        self.asked_at = float("-inf")
        self.silent_since: float | None = None

    def heard(self) -> None:
        """A message has come: whatever it was, consumption works."""
        self.silent_since = None

    def silence_s(self, *, busy: bool) -> float:
        """Ask again when it is time; returns for how long nothing has come back.

        Silence is no sign while every thread is busy, nor when the broker itself is away.
        """
        now_s = time.monotonic()
        if busy:
            self.heard()
        elif now_s - self.asked_at >= ASK_EVERY_S:
            self.asked_at = now_s
            if not self._ask():
                self.heard()
            elif self.silent_since is None:
                self.silent_since = now_s
        return 0.0 if self.silent_since is None else now_s - self.silent_since

    def _ask(self) -> bool:
        queue = queue_name()
        try:
            wake.broker().delete(queue)  # an earlier one, unread: one is enough
            app.send_task(TASK, queue=queue, expires=LONGEST_SILENCE_S)
            wake.broker().expire(queue, KEPT_S)
        except (redis.RedisError, OperationalError, OSError) as error:
            log.warning("no echo asked, the broker is away: %s", type(error).__name__)
            return False
        return True


watch = Watch()
