"""Wake the workers: one coalesced message after commit; losing it costs a second, never work."""

from __future__ import annotations

import logging
from functools import lru_cache
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from meshline.celery import app

log = logging.getLogger(__name__)

FLAG = "meshline:nudge"
FLAG_S = 2
SMOKE_FLAG = "meshline:nudge:smoke"
PATIENCE_S = 0.5


@lru_cache(maxsize=1)
def broker() -> redis.Redis:
    """The broker as a plain client with short patience; the flag and the rate limits live there."""
    address = settings.BROKER_URL
    if address.startswith("redis+socket://"):
        address = f"unix://{urlsplit(address).path}"
    return redis.Redis.from_url(
        address, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S
    )


def nudge_after_commit() -> None:
    """Nudge once the surrounding transaction has committed."""
    transaction.on_commit(nudge, robust=True)


def nudge() -> bool:
    """Ask some worker to drain what is due, unless somebody just asked; False if it failed."""
    return _nudge("orchestration.drain", FLAG)


def nudge_smoke() -> bool:
    """Ask some worker to run the smoke tests that are due; False if it failed."""
    return _nudge("orchestration.smoke", SMOKE_FLAG)


def _nudge(task: str, flag: str) -> bool:
    try:
        if broker().set(flag, "1", nx=True, ex=FLAG_S):
            _send(task, flag)
    except (redis.RedisError, OperationalError, OSError) as error:
        log.warning("nudge failed, the sweep will find the work: %s", type(error).__name__)
        return False
    return True


def _send(task: str, flag: str) -> None:
    try:
        app.send_task(task)
    except Exception:
        clear_flag(flag)  # nothing was sent: the next one must not think so
        raise


def clear_flag(flag: str = FLAG) -> None:
    """Let the next nudge through; a drain calls this before it looks for work."""
    try:
        broker().delete(flag)
    except redis.RedisError as error:
        log.warning("nudge flag not cleared, it expires by itself: %s", type(error).__name__)
