"""The parent's end of the dead-man's switch: no child outlives the process that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import suppress

from meshline.local import deadman


class Leash:
    """A watcher process that stops every held child once this process has died, however it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", deadman.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def hold(self, pid: int, number: int = signal.SIGTERM) -> None:
        """Have process `pid` stopped with signal `number` if this process dies."""
        self._tell(f"+{pid} {int(number)}\n")

    def release(self, pid: int) -> None:
        """Process `pid` has ended."""
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """End the watcher; what is still held is stopped now."""
        with suppress(BrokenPipeError):
            self._watcher.communicate()

    def _tell(self, line: str) -> None:
        assert self._watcher.stdin is not None  # noqa: S101 - a pipe, as asked for above
        with self._lock, suppress(BrokenPipeError):
            self._watcher.stdin.write(line.encode())
            self._watcher.stdin.flush()
