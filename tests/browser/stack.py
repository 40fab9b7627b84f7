"""The processes that the browsers look at: the flow tests' stack, on a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import redis

from tests.flows.stack import Stack, running_stack
from tests.own_database import copied_database

BROKER_NUMBER = 14


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start web, worker and sandbox on a copy of the test database, forget it after."""
    broker = f"{os.environ['BROKER_URL'].rsplit('/', 1)[0]}/{BROKER_NUMBER}"
    with copied_database("browser") as address:
        try:
            with running_stack(folder, address, broker) as stack:
                # Else the first sign-in would start the story, as it does for a visitor.
                for verb in ("start", "pause"):
                    httpx.post(f"{stack.sandbox.http}/_story/{verb}", json={}).raise_for_status()
                yield stack
        finally:
            with redis.Redis.from_url(broker) as emptied:
                emptied.flushdb()
