"""A whole set with servers of its own, which tests may break: every process of `make demo`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from meshline.local import processes, session, state

# What the tests' own servers put into the environment must not reach this set.
_FOREIGN = ("DATABASE_URL", "MIGRATE_DATABASE_URL", "BROKER_URL", "MESHLINE_", "DJANGO_", "PYTEST_")


def own_environment(**more: str) -> dict[str, str]:
    """What a process gets that is none of the tests' own, and `more`."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**mine, **more}


class WholeSet:
    """One set for all tests of one process; whoever finds it ended gets it started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._running: state.Running | None = None
        self._open = ExitStack()

    def running(self) -> state.Running:
        """The set, up and answering. Raises: NotReady."""
        if self._running is None or processes.gone(self._running.pid, 0):
            self.stop()
            self._running = self._open.enter_context(
                session.running_demo(self.home, environment=own_environment())
            )
        return self._running

    def stop(self) -> None:
        """End it, if it runs."""
        self._open.close()
        self._running = None
