"""Outlives its parent for one purpose: to stop the parent's other children when it dies.

Run as a file with the standard library alone. On standard input: `+PID SIGNAL` when a child
starts, `-PID` when it has ended. At the end of the input, whatever is left is stopped.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

PATIENCE_S = 10.0


def main() -> None:
    """Follow the list until the input ends, then stop what is still on it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    children: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            child, stop_signal = line[1:].split()
            children[int(child)] = int(stop_signal)
        elif line.startswith("-"):
            children.pop(int(line[1:]), None)
    for pid, number in children.items():
        _send(pid, number)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and any(_alive(pid) for pid in children):
        time.sleep(0.1)
    for pid in children:
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with suppress(OSError):
        os.kill(pid, number)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
