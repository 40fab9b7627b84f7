"""The test runner keeps together what shares one expensive set of processes."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("kept-together")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="run by one process alone")
def test_runner_sees_the_group_of_a_test(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@kept-together"), (
        "The group is not seen: each worker would start every set of processes for itself. "
        "Does this pytest fit this pytest-xdist?"
    )
