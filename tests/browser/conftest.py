"""One Chromium, one live Meshline, and signed-in people for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Browser, StorageState, expect
from pytest_django import DjangoDbBlocker

from tests.browser import chromium
from tests.browser.guard import Guard
from tests.browser.stack import running
from tests.browser.visitors import PATIENCE_MS, Visitors
from tests.browser.world import World
from tests.flows.stack import Stack

HERE = os.path.dirname(__file__)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One test worker owns the set of processes.

    `django_db` has the tables made that this folder's own database is a copy of.
    """
    for item in items:
        if str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db)


@pytest.fixture(scope="package")
def chromium_path() -> str:
    """Where Chromium is; without one the tests are skipped, with the command that brings it."""
    path = chromium.find()
    if path is None:
        pytest.skip(chromium.MISSING)
    return path


@pytest.fixture(scope="package")
def stack(
    chromium_path: str,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Stack]:
    """Web, worker and sandbox. Their story is paused at its first page: tests act themselves."""
    with django_db_blocker.unblock(), running(tmp_path_factory.mktemp("browser")) as parts:
        yield parts


@pytest.fixture(scope="package")
def world(stack: Stack) -> World:
    """Customers in trouble, begun at once: a silence takes its time to be noticed."""
    return World.begun(stack)


@pytest.fixture(scope="package")
def chrome(chromium_path: str, world: World) -> Iterator[Browser]:
    """The browser. Playwright keeps an event loop in this thread for as long as it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE_MS)
        with chromium.running(chromium_path) as browser:
            yield browser
            connection.close()  # a running loop has a connection of its own


@pytest.fixture(scope="package")
def kept_sessions() -> dict[str, StorageState]:
    """The cookies of everybody who has signed in, by name."""
    return {}


@pytest.fixture
def guard(stack: Stack) -> Iterator[Guard]:
    """Fails the test for whatever its browsers complained about."""
    watching = Guard(stack.address)
    yield watching
    watching.verify()


@pytest.fixture
def visitors(
    chrome: Browser, guard: Guard, stack: Stack, kept_sessions: dict[str, StorageState]
) -> Iterator[Visitors]:
    """Browsers of people, closed after the test and before the guard speaks."""
    opened = Visitors(
        chrome, guard, address=stack.address, passwords=stack.passwords, kept=kept_sessions
    )
    yield opened
    opened.close()
