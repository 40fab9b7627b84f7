"""The intake behind the server that ships, byte by byte on the socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from meshline.local import parts
from orchestration.models import Event
from tests.api.conftest import given_world
from tests.api.signing import encoded, signed
from tests.builders import refund_requested

pytestmark = pytest.mark.django_db(transaction=True)


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


def _start(environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, *parts.web("127.0.0.1", port)[1:]], env=environment, cwd=parts_root()
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            assert process.poll() is None, "the server ended while starting"
            time.sleep(0.05)
    process.kill()
    raise AssertionError("the server did not start")


def parts_root() -> str:
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def web(process_environment: dict[str, str]) -> Iterator[Web]:
    given_world()
    process, port = _start(process_environment)
    yield Web(port)
    process.terminate()
    process.wait(10)


def is_problem(answer: Answer, status: int) -> bool:
    return (
        answer.status == status
        and answer.headers["content-type"] == "application/problem+json"
        and json.loads(answer.body)["status"] == status
    )


def test_bytes_on_the_wire_meet_the_list_of_statuses(web: Web) -> None:
    raw = encoded(refund_requested())
    length = f"Content-Length: {len(raw)}"

    whole = web.send(head(length, *lines_of(raw)), raw)
    assert whole.status == 202, whole
    assert json.loads(whole.body)["duplicate"] is False

    dripped = web.send(head(length, *lines_of(raw)), raw[:10], raw[10:], pause_s=0.1)
    assert json.loads(dripped.body)["duplicate"] is True

    chunked = head("Transfer-Encoding: chunked", *lines_of(raw))
    pieces = f"{len(raw):x}\r\n".encode() + raw + b"\r\n0\r\n\r\n"
    assert is_problem(web.send(chunked, pieces), 411)

    assert is_problem(web.send(head(*lines_of(raw))), 411)

    assert is_problem(web.send(head("Content-Length: 0", *lines_of(b""))), 400)

    before = Event.objects.count()
    short = refund_requested()
    cut = encoded(short)
    broken = web.send(head(f"Content-Length: {len(cut)}", *lines_of(cut)), cut[:-20], close=True)
    assert is_problem(broken, 400)
    assert Event.objects.count() == before

    began = time.monotonic()
    assert is_problem(web.send(head("Content-Length: 1048577", *lines_of(raw))), 413)
    assert time.monotonic() - began < 2, "it waited for the body"

    assert is_problem(web.send(head(length, host="evil.example"), raw), 400)
    assert is_problem(web.send(head(length, path="/api/v1/ingest/nope"), raw), 404)


def test_webhook_delivered_twenty_times_at_once_is_one_event(web: Web) -> None:
    raw = encoded(refund_requested())
    request = head(f"Content-Length: {len(raw)}", *lines_of(raw)) + raw
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: web.send(request), range(20)))
    assert {answer.status for answer in answers} == {202}
    told = [json.loads(answer.body) for answer in answers]
    assert len({one["event_id"] for one in told}) == 1
    assert [one["duplicate"] for one in told].count(False) == 1
    assert Event.objects.count() == 1


def test_database_that_is_away_is_a_503_that_asks_to_come_back(
    process_environment: dict[str, str], unused_port: int
) -> None:
    environment = {
        **process_environment,
        "DATABASE_URL": f"postgresql://nobody:nothing@127.0.0.1:{unused_port}/none",
        "MESHLINE_APPLICATION_ROLE": "meshline_app",
    }
    process, port = _start(environment)
    try:
        raw = encoded(refund_requested())
        answer = Web(port).send(head(f"Content-Length: {len(raw)}", *lines_of(raw)), raw)
        ready = Web(port).send(b"GET /api/v1/readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        alive = Web(port).send(b"GET /api/v1/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    finally:
        process.terminate()
        process.wait(10)
    assert is_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert (ready.status, json.loads(ready.body)["database"]) == (503, "away")
    assert alive.status == 200
