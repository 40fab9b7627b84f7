"""A whole `meshline up --demo` as a child: what the demo check and the tests play against."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from meshline.local import processes, state

READY_WITHIN_S = 180.0


class NotReady(Exception):
    """The set did not come up; the text holds what it said."""


@contextmanager
def running_demo(
    home: Path, *, pace: str = "check", environment: Mapping[str, str] | None = None
) -> Generator[state.Running]:
    """Run everything with `home` as its var/, hand out addresses and environment, stop it after.

    `environment` is all that the set gets, ours by default; its DATABASE_URL and BROKER_URL are
    used when set. Raises: NotReady.
    """
    given = {**(os.environ if environment is None else environment), "MESHLINE_VAR": str(home)}
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "up.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "meshline.cli", "up", "--demo", "--pace", pace],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=given,
        )
        try:
            yield _await_ready(process, home)
        finally:
            processes.signal_one(process.pid, signal.SIGTERM)
            process.wait(60)


def _await_ready(process: subprocess.Popen[bytes], home: Path) -> state.Running:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        found = state.read(home)
        if found and found.ready and found.pid == process.pid:
            return found
        time.sleep(0.05)
    raise NotReady((home / "up.log").read_text(errors="replace"))
