"""One stack for all flow tests: real web, real worker, the sandbox, a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis
from pytest_django import DjangoDbBlocker

from tests.flows.stack import BROKER_NUMBER, Stack, running_stack
from tests.own_database import copied_database


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Stack]:
    broker = f"{os.environ['BROKER_URL'].rsplit('/', 1)[0]}/{BROKER_NUMBER}"
    with django_db_blocker.unblock(), copied_database("flows") as address:
        try:
            with running_stack(tmp_path_factory.mktemp("flows"), address, broker) as running:
                yield running
        finally:
            with redis.Redis.from_url(broker) as emptied:
                emptied.flushdb()


@pytest.fixture(autouse=True)
def _calm(stack: Stack, db: None) -> Iterator[None]:
    """No switch of an earlier test is on. `db`: without it, nobody makes the tables to copy."""
    yield
    stack.sandbox.clear_faults()
