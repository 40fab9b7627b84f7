"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from meshline.local import state
from tests.whole_set import WholeSet


def pytest_configure() -> None:
    """Passwords of tests cost nothing to hash; processes of their own verify them all the same."""
    settings.PASSWORD_HASHERS = ["tests.quick_hasher.QuickArgon2", *settings.PASSWORD_HASHERS]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a set of processes comes first: only short tests are left for the end."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def database_url(*, role_url: str | None = None) -> str:
    """The address of this worker's test database, for a process of its own.

    `role_url` borrows user and password from another address, such as the application's role.
    """
    name = settings.DATABASES["default"]["NAME"]
    base, _, query = (role_url or os.environ["DATABASE_URL"]).partition("?")
    address = f"{base.rsplit('/', 1)[0]}/{quote(str(name))}"
    return f"{address}?{query}" if query else address


@pytest.fixture(autouse=True)
def _registry_stamped_at_once(request: pytest.FixtureRequest) -> None:
    """A test that is rolled back never commits: its changes of the registry count at once."""
    if "_django_db_helper" in request.fixturenames:
        request.getfixturevalue("_django_db_helper")
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS registry_changed IMMEDIATE")


@pytest.fixture(scope="session")
def _whole_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSet]:
    started = WholeSet(tmp_path_factory.mktemp("demo") / "a var with a space")
    yield started
    started.stop()


@pytest.fixture
def demo(_whole_set: WholeSet) -> state.Running:
    """Everything that `make demo` starts, on servers of its own; xdist_group("demo") shares it."""
    return _whole_set.running()


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """What a worker, web server or command needs to work on this test's database and broker."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "meshline.settings",
        "DATABASE_URL": database_url(),
        "BROKER_URL": settings.BROKER_URL,
        "PYTHONUNBUFFERED": "1",
    }


_empty_tables = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def _empty_audit_too(self: TransactionTestCase) -> None:
    """Empty the tables after a test with real commits; only here may the audit be truncated."""
    switch = "ALTER TABLE contracts_app_auditentry {} TRIGGER audit_no_truncate"
    with connection.cursor() as cursor:
        cursor.execute(switch.format("DISABLE"))
    try:
        _empty_tables(self)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(switch.format("ENABLE"))


TransactionTestCase._fixture_teardown = _empty_audit_too  # type: ignore[attr-defined]
