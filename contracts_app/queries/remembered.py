"""A bounded memory for what never changes: published rows, parsed documents by digest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from meshline.core.yaml12 import Document

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Stored(Protocol):
    """A row that holds a document: as it was written, and as it was read."""

    text: str
    body: Any


def document_of(row: Stored) -> Document:
    """Return a stored document without reading its text again; it knows no lines."""
    return Document(row.body, row.text, str(row))


class Remembered(Generic[K, V]):
    """The `limit` values used last, by an immutable key (an id, a digest); threads share it.

    Never keep here what may change, such as the list of published versions: that is a query.
    """

    def __init__(self, limit: int = 512) -> None:
        self._limit = limit
        self._lock = Lock()
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`, made the first time; two threads may both make it."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        value = make()
        with self._lock:
            self._entries[key] = value
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._entries)
