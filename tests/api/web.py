"""The server that ships as a child process, spoken to byte by byte on the socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meshline.local import parts
from tests.api.signing import signed

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Answer:
    """What came back on the socket."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """A running server."""

    port: int

    def send(self, *pieces: bytes, pause_s: float = 0.0, close: bool = False) -> Answer:
        """Write the pieces on a fresh connection and read one answer; `close` ends our side."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as sock:
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(pause_s)
            if close:
                sock.shutdown(socket.SHUT_WR)
            return _read(sock)


def _read(sock: socket.socket) -> Answer:
    stream = sock.makefile("rb")
    status = int(stream.readline().split()[1])
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Answer(status, headers, stream.read(int(headers.get("content-length", 0))))


def head(*lines: str, path: str = "/api/v1/ingest/helpdesk", host: str = "localhost") -> bytes:
    first = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    return "\r\n".join([*first, *lines, "", ""]).encode()


def lines_of(raw: bytes) -> list[str]:
    return [f"{name}: {value}" for name, value in signed("zendesk", raw).items()]


def is_problem(answer: Answer, status: int) -> bool:
    """Whether it is a problem document of this status."""
    return (
        answer.status == status
        and answer.headers["content-type"] == "application/problem+json"
        and json.loads(answer.body)["status"] == status
    )


@contextmanager
def running_web(environment: dict[str, str]) -> Iterator[Web]:
    """The server on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, *parts.web("127.0.0.1", port)[1:]]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        _wait_for(port, process)
        yield Web(port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the server ended while starting"
        assert time.monotonic() < until, "the server did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
