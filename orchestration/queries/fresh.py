"""A short memory for sums that cost much: the dearer a sum was, the longer it serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")

CHEAP_S = 0.05
TIMES = 40
LONGEST_S = 60.0
MOST = 256


class Fresh(Generic[V]):
    """Values by key, made again when they have grown old; threads share it.

    What took less than CHEAP_S is never kept, so a small installation always reads the truth; a
    large one spends at most a fortieth of its time on sums that pages ask for every two seconds.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Hashable, tuple[float, V]] = {}

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of `key`, made now or a little while ago."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
        began = time.monotonic()
        if value is not None and began < until:
            return value
        fresh = make()
        took = time.monotonic() - began
        if took >= CHEAP_S:
            with self._lock:
                if len(self._kept) >= MOST:
                    self._kept.clear()
                self._kept[key] = (time.monotonic() + min(took * TIMES, LONGEST_S), fresh)
        return fresh
