"""Bodies are read by many cheap threads, requests are served by few: a stalled sender keeps none.

granian's read of a body blocks its thread and cannot be bounded or given up. So granian has many
threads, which only read; what has arrived as a whole goes to a few, which hold the connections to
the database. When almost all of granian's threads wait for bodies, a further body is refused.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

READING_THREADS = 512  # granian's, in each process: they sleep while a body does not come
MOST_READING = 448  # the rest stays free for requests without a body
SERVING_THREADS = 32  # each may hold a connection to the database

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_CROWDED = {
    "type": "urn:meshline:problem:unavailable",
    "title": "Not available",
    "status": 503,
    "code": "unavailable",
    "detail": "Too many bodies are on their way.",
    "remedy": "Send the same again later.",
}


class ReadFirst:
    """A WSGI application in front of another: it reads the body, then lets the other serve.

    A body longer than `max_bytes`, or without a declared length, is not read: no view reads one.
    """

    def __init__(
        self, application: Application, *, max_bytes: int, most_reading: int = MOST_READING
    ) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._may_read = BoundedSemaphore(most_reading)
        self._serving = ThreadPoolExecutor(SERVING_THREADS, thread_name_prefix="serve")

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        length = self._length(environ)
        if length:
            if not self._may_read.acquire(blocking=False):
                return _crowded(start_response)
            try:
                environ["wsgi.input"] = _read(environ["wsgi.input"], length)
            finally:
                self._may_read.release()
        return self._serving.submit(self._serve, environ, start_response).result()

    def _length(self, environ: dict[str, Any]) -> int:
        declared = str(environ.get("CONTENT_LENGTH") or "")
        if not (declared.isascii() and declared.isdecimal()) or len(declared) > 18:
            return 0
        return int(declared) if int(declared) <= self._max_bytes else 0

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        """Serve to the end in one thread, so that its connections are looked after there."""
        answer = self._application(environ, start_response)
        try:
            return list(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()


class _Broken(io.RawIOBase):
    """A body that broke off: reading it fails where the application reads."""

    def read(self, size: int = -1, /) -> bytes:
        raise OSError("the body broke off")

    def readline(self, size: int | None = -1, /) -> bytes:
        raise OSError("the body broke off")


def _read(source: Any, length: int) -> io.IOBase:
    try:
        return io.BytesIO(source.read(length))
    except OSError:
        return _Broken()


def _crowded(start_response: StartResponse) -> list[bytes]:
    body = json.dumps(_CROWDED).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Retry-After", "5"),
        ("Connection", "close"),
    ]
    start_response("503 Service Unavailable", headers)
    return [body]
