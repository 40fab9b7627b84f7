"""A whole set with servers of its own, which these tests may break."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from meshline.local import session, state

# What the tests' own servers put into the environment must not reach this set.
_FOREIGN = ("DATABASE_URL", "MIGRATE_DATABASE_URL", "BROKER_URL", "MESHLINE_", "DJANGO_", "PYTEST_")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[state.Running]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(_FOREIGN):
                patch.delenv(name)
        with session.running_demo(tmp_path_factory.mktemp("chaos"), pace="check") as running:
            yield running
