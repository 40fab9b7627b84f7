"""The processes that the browsers look at: the flow tests' stack, on a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import redis
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.flows.stack import Stack, running_stack

DATABASE = "meshline browser"
BROKER_NUMBER = 14


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Copy this worker's test database, start web, worker and sandbox on it, forget it after."""
    connection.close()  # a database that is copied must have nobody in it
    broker = f"{os.environ['BROKER_URL'].rsplit('/', 1)[0]}/{BROKER_NUMBER}"
    template = str(settings.DATABASES["default"]["NAME"])
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    forget = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(forget)
        server.execute(copy.format(sql.Identifier(DATABASE), sql.Identifier(template)))
        try:
            with running_stack(folder, _address(), broker) as stack:
                # Else the first sign-in would start the story, as it does for a visitor.
                for verb in ("start", "pause"):
                    httpx.post(f"{stack.sandbox.http}/_story/{verb}", json={}).raise_for_status()
                yield stack
        finally:
            server.execute(forget)
            with redis.Redis.from_url(broker) as emptied:
                emptied.flushdb()


def _address() -> str:
    base, _, query = os.environ["MESHLINE_TEST_APPLICATION_URL"].partition("?")
    address = f"{base.rsplit('/', 1)[0]}/{quote(DATABASE)}"
    return f"{address}?{query}" if query else address
