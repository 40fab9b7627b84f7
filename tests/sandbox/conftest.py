"""Each test has a sandbox of its own, with an empty record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.running import Catcher, RunningSandbox


@pytest.fixture
def meshline() -> Iterator[Catcher]:
    """Where the webhooks go."""
    catcher = Catcher()
    yield catcher
    catcher.close()


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One sandbox for all the small questions of a module; nobody takes its webhooks."""
    running = RunningSandbox(tmp_path_factory.mktemp("sandbox"), "http://127.0.0.1:9")
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def sandbox(tmp_path: Path, meshline: Catcher) -> Iterator[RunningSandbox]:
    """The simulated vendors; a failure they met in silence fails the test."""
    running = RunningSandbox(tmp_path, f"http://127.0.0.1:{meshline.port}")
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()
