"""Fixtures of the services' tests: the pilot published, the sandbox as the outside world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from orchestration.services import driver
from tests.builders import given_pilot
from tests.sandbox_process import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(vendors: Sandbox, db: None, settings: Settings) -> Iterator[Sandbox]:
    given_pilot()
    settings.SYSTEMS = vendors.systems()
    settings.CALL_TIMEOUT_S = 2.0
    driver.connectors.cache_clear()
    vendors.clear_faults()
    yield vendors
    driver.connectors.cache_clear()
