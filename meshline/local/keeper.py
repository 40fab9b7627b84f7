"""Keeps one child process running: starts it, starts it again when it dies, stops it when told."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from meshline.local import processes
from meshline.local.leash import Leash

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
# A child that lived this long was well; its next death is met with the first delay again.
WELL_AFTER_S = 10.0

Start = Callable[[], subprocess.Popen[bytes]]


@dataclass(frozen=True)
class ChildFacts:
    """What the supervisor's page says of a child."""

    name: str
    pid: int | None
    restarts: int
    running_s: float | None


class Keeper:
    """One child, kept by one thread."""

    def __init__(
        self,
        name: str,
        start: Start,
        leash: Leash,
        *,
        say: Callable[[str], None],
        stop_signal: int = signal.SIGTERM,
        patience_s: float = 10,
    ) -> None:
        """`start` returns a started child that leads its own process group, or raises."""
        self.name = name
        self.restarts = 0
        self._start = start
        self._leash = leash
        self._say = say
        self._stop_signal = stop_signal
        self._patience_s = patience_s
        self._ending = threading.Event()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._thread = threading.Thread(target=self._keep, name=f"keep-{name}", daemon=True)

    def begin(self) -> None:
        """Start the child now, in the caller's thread, and keep it. Raises: what `start` raises."""
        self._begin_child()
        self._thread.start()

    def end(self) -> None:
        """Stop the child and keep it no longer."""
        self._ending.set()
        with self._starting:
            process = self._process
        if process is not None:
            processes.stop(process, self._stop_signal, self._patience_s)
            self._thread.join()

    def kill(self) -> int | None:
        """SIGKILL the child's process group, as a failure would; its pid, None when down."""
        process = self._process
        if process is None or process.poll() is not None:
            return None
        processes.signal_group(process.pid, signal.SIGKILL)
        return process.pid

    def facts(self) -> ChildFacts:
        """What is known of the child now."""
        process = self._process
        up = process is not None and process.poll() is None
        return ChildFacts(
            name=self.name,
            pid=process.pid if process and up else None,
            restarts=self.restarts,
            running_s=round(time.monotonic() - self._began, 1) if up else None,
        )

    def _begin_child(self) -> None:
        with self._starting:
            if self._ending.is_set():
                return
            self._process = self._start()
            self._began = time.monotonic()
            self._leash.hold(self._process.pid, self._stop_signal)

    def _keep(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._ending.is_set():
            process = self._process
            if process is not None:
                code = process.wait()
                # Whatever the dead child started (pool processes, say) must not hold its port.
                processes.signal_group(process.pid, signal.SIGKILL)
                self._leash.release(process.pid)
                self._process = None
                if self._ending.is_set():
                    return
                self.restarts += 1
                if time.monotonic() - self._began > WELL_AFTER_S:
                    delay_s = FIRST_DELAY_S
                self._say(f"{self.name} ended ({_reason(code)}); starting it again.")
            if self._ending.wait(delay_s):
                return
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)
            try:
                self._begin_child()
            except Exception as error:  # noqa: BLE001 - the keeper must survive what it keeps
                self._say(f"{self.name} does not start: {error}")


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
