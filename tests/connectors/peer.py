"""A real HTTP peer for connector tests: answers as told, keeps what it was asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """One request as it arrived; `target` is the path as written, still encoded."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[BaseHTTPRequestHandler], None]


def says(body: Any, status: int = 200, **headers: str) -> Answer:
    """An answer of JSON, or of raw bytes, with headers (underscores become dashes)."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        written = {"content-type": "application/json", **headers}
        for name, value in written.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return answer


def writes(raw: bytes) -> Answer:
    """These bytes and nothing else, head included."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(raw)

    return answer


def hangs(seconds: float) -> Answer:
    """No answer for so long, then the connection is cut."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        cuts(handler)

    return answer


def cuts(handler: BaseHTTPRequestHandler) -> None:
    """The connection is cut without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def drips(raw: bytes, *, every_s: float) -> Answer:
    """One byte after another, each well within any timeout of a single read."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for byte in raw:
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(every_s)

    return answer


@dataclass
class Peer:
    """The server's address, its answers in order (the last one stays) and what it was asked."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    routes: dict[str, Answer] = field(default_factory=dict)

    def will(self, *answers: Answer) -> None:
        """Answer the coming requests with these, in order."""
        self.answers = list(answers)

    def answer_for(self, asked: Asked) -> Answer:
        """The answer of its route ("GET /path"), else the next one in line."""
        routed = self.routes.get(f"{asked.method} {asked.path}")
        if routed is not None:
            return routed
        if not self.answers:
            return says({"error": "nobody told me"}, 404)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def running_peer() -> Iterator[Peer]:
    """A peer on a free loopback port until the block ends."""
    peer = Peer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(length))
            peer.asked.append(asked)
            peer.answer_for(asked)(self)

        do_GET = do_POST = do_PUT = serve  # noqa: N815 the library's names

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on standard error."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A caller that hung up is what many of these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
