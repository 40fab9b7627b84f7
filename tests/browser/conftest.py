"""One Chromium, one live Meshline, and signed-in people for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django import DjangoDbBlocker

from tests.browser import chromium
from tests.browser.guard import Guard
from tests.browser.stack import started
from tests.browser.visitors import DESKTOP, Visitors
from tests.browser.world import World
from tests.flows.stack import Stack

# One worker at a time owns such a set of processes: two sets on two cores would starve each other.
GROUP = pytest.mark.xdist_group("flows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here is of the one group, and drives Chromium."""
    for item in items:
        if "/tests/browser/" in item.path.as_posix():
            item.add_marker(GROUP)
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Stack]:
    """Web, worker and sandbox; their story stays where it is, the tests make their own."""
    with django_db_blocker.unblock(), started(tmp_path_factory.mktemp("browser")) as running:
        running.sandbox.steer_story("start")
        running.sandbox.steer_story("pause")
        yield running


@pytest.fixture(scope="package")
def world(stack: Stack) -> World:
    """Customers in trouble: made at once, because a silence takes its time to be noticed."""
    return World.begun(stack)


@pytest.fixture(scope="package")
def chrome(stack: Stack) -> Iterator[Browser]:
    """The browser. Playwright keeps an event loop in this thread for as long as it runs."""
    path = chromium.find()
    if path is None:
        pytest.skip(chromium.MISSING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with chromium.running(path) as browser:
            yield browser


@pytest.fixture(scope="package")
def sessions() -> dict[str, object]:
    """The cookies of everybody who has signed in already."""
    return {}


@pytest.fixture
def guard(stack: Stack) -> Iterator[Guard]:
    """Fails the test for whatever its browsers complained about."""
    watching = Guard(stack.address)
    yield watching
    watching.verify()
