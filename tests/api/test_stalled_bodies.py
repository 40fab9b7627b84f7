"""Senders whose bodies never come: everybody else is answered meanwhile."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from meshline.bodies import ReadFirst
from tests.api.conftest import given_world
from tests.api.signing import encoded
from tests.api.web import Web, head, lines_of, running_web
from tests.builders import refund_requested

pytestmark = pytest.mark.django_db(transaction=True)

STALLED = 150
HEALTH = b"GET /api/v1/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def web(process_environment: dict[str, str]) -> Iterator[Web]:
    given_world()
    with running_web(process_environment) as started:
        yield started


def test_others_are_answered_while_many_bodies_stall(web: Web) -> None:
    raw = encoded(refund_requested())
    delivery = head(f"Content-Length: {len(raw)}", *lines_of(raw)) + raw
    web.send(HEALTH)
    with ExitStack() as stack:
        for _ in range(STALLED):
            stalled = stack.enter_context(socket.create_connection(("127.0.0.1", web.port)))
            stalled.sendall(head("Content-Length: 5000") + b"12345")
        began = time.monotonic()
        for _ in range(10):
            assert web.send(HEALTH).status == 200
            assert web.send(delivery).status == 202
        assert time.monotonic() - began < 10


def test_a_body_too_many_is_refused_and_the_place_is_free_again_afterwards() -> None:
    begun, go_on = threading.Event(), threading.Event()
    answered: list[str] = []

    class Stalling(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            begun.set()
            go_on.wait(5)
            return b"12345"

    def inner(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read() if environ else b""]

    def ask(source: io.BytesIO | None) -> list[bytes]:
        environ = {"CONTENT_LENGTH": "5", "wsgi.input": source} if source else {}
        return application(environ, lambda status, headers: answered.append(status))

    application = ReadFirst(inner, max_bytes=10, most_reading=1)
    stalled = threading.Thread(target=ask, args=[Stalling()])
    stalled.start()
    assert begun.wait(5)
    assert b"on their way" in ask(io.BytesIO(b"12345"))[0]
    assert ask(None) == [b""]
    go_on.set()
    stalled.join(5)
    assert ask(io.BytesIO(b"12345")) == [b"12345"]
    assert answered == ["503 Service Unavailable", "200 OK", "200 OK", "200 OK"]
