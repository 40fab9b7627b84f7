"""A database of its own for tests that start processes: a copy of this worker's test database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql


@contextmanager
def copied_database(title: str) -> Iterator[str]:
    """Copy the test database and hand out the copy's address for the application's role.

    The name is new each time, with a space in it; who cannot drop it at the end (a vacuum of the
    server's own may be at work in it) leaves it to the cluster's end, a moment later.
    """
    connection.close()  # a database that is copied must have nobody in it
    name = f"meshline {title} {uuid4().hex[:8]}"
    template = str(settings.DATABASES["default"]["NAME"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        try:
            yield _address(name)
        finally:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            with suppress(psycopg.errors.InsufficientPrivilege):
                server.execute(drop.format(sql.Identifier(name)))


def _address(name: str) -> str:
    base, _, query = os.environ["MESHLINE_TEST_APPLICATION_URL"].partition("?")
    address = f"{base.rsplit('/', 1)[0]}/{quote(name)}"
    return f"{address}?{query}" if query else address
