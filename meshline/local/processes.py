"""Looking at other processes and stopping them, with and without /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def program(pid: int) -> str:
    """The name of the program that process `pid` runs; empty when it has ended."""
    stat = _proc_stat(pid)
    if stat is not None:
        return "" if stat[1].startswith("Z") else stat[0]
    return "" if Path("/proc/self/stat").exists() else _ps(pid, "comm=")


def identity(pid: int) -> str:
    """When process `pid` began, as text: a later process of that number differs; "" when ended."""
    stat = _proc_stat(pid)
    if stat is not None:
        return "" if stat[1].startswith("Z") else stat[1].split()[19]
    return "" if Path("/proc/self/stat").exists() else _ps(pid, "lstart=")


def signal_group(pid: int, number: int) -> None:
    """Send a signal to the process group that `pid` leads; nothing if it has ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def signal_one(pid: int, number: int) -> None:
    """Send a signal to one process; nothing if it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def gone(pid: int, wait_s: float) -> bool:
    """Whether `pid` has ended, waiting up to `wait_s` for it."""
    until = time.monotonic() + wait_s
    while program(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def stop(process: subprocess.Popen[bytes], first: int = signal.SIGTERM, wait_s: float = 10) -> None:
    """End a child and its group: `first`, then SIGKILL for whatever is left of them."""
    if process.poll() is None:
        signal_one(process.pid, first)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _proc_stat(pid: int) -> tuple[str, str] | None:
    """The program's name and the fields after it (state first), or None without such a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.strip()


def _ps(pid: int, field: str) -> str:
    said = subprocess.run(
        ["ps", "-o", field, "-p", str(pid)],  # noqa: S607 - where it lies differs by system
        check=False,
        capture_output=True,
        text=True,
    )
    return said.stdout.strip()
