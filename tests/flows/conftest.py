"""One stack for all flow tests: real web, real worker, the sandbox, a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from psycopg import sql
from pytest_django import DjangoDbBlocker

from tests.flows.stack import BROKER_NUMBER, Stack, running_stack

DATABASE = "meshline flows"


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Stack]:
    with django_db_blocker.unblock():
        connection.close()  # a database that is copied must have nobody in it
    template = str(settings.DATABASES["default"]["NAME"])
    owner = os.environ["DATABASE_URL"]
    broker = f"{os.environ['BROKER_URL'].rsplit('/', 1)[0]}/{BROKER_NUMBER}"
    with psycopg.connect(owner, autocommit=True) as server:
        server.execute(_forget())
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(DATABASE), sql.Identifier(template)
            )
        )
        try:
            folder = tmp_path_factory.mktemp("flows")
            with running_stack(folder, _address(), broker) as running:
                yield running
        finally:
            server.execute(_forget())
            with redis.Redis.from_url(broker) as emptied:
                emptied.flushdb()


@pytest.fixture(autouse=True)
def _calm(stack: Stack, db: None) -> Iterator[None]:
    """No switch of an earlier test is on. `db`: without it, nobody makes the tables to copy."""
    yield
    stack.sandbox.clear_faults()


def _forget() -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))


def _address() -> str:
    base, _, query = os.environ["MESHLINE_TEST_APPLICATION_URL"].partition("?")
    address = f"{base.rsplit('/', 1)[0]}/{quote(DATABASE)}"
    return f"{address}?{query}" if query else address
