"""A proxy between the command line and a real server: slow, or broken, when a test wants it so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

# "before": a request is answered 503 and never reaches the server; "after": it does, and the
# answer is lost.
Mishap = str


@dataclass
class Between:
    """Passes requests on; `mishap` may break one, told its method and path."""

    port: int
    mishap: Callable[[str, str], Mishap] = lambda method, path: ""
    delay_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def passing(self, method: str, path: str) -> Iterator[None]:
        with self._lock:
            self.asked.append(f"{method} {path}")
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            time.sleep(self.delay_s)
            yield
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def between(port: int) -> Iterator[Between]:
    """A proxy to the server at a port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._passed()

        def do_PUT(self) -> None:
            self._passed()

        def _passed(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            with told.passing(self.command, self.path):
                mishap = told.mishap(self.command, self.path)
                if mishap == "before":
                    self._answer(503, b'{"detail": "The storage does not answer."}')
                    return
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                answer = httpx.request(
                    self.command,
                    f"http://localhost:{port}{self.path}",
                    headers=headers,
                    content=body,
                    trust_env=False,
                )
                if mishap != "after":
                    self._answer(answer.status_code, answer.content)

        def _answer(self, status: int, raw: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Between(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
