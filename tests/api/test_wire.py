"""The intake behind the server that ships, byte by byte on the socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestration.models import Event
from tests.api.conftest import given_world
from tests.api.signing import encoded
from tests.api.web import Web, head, is_problem, lines_of, running_web
from tests.builders import refund_requested

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web(process_environment: dict[str, str]) -> Iterator[Web]:
    given_world()
    with running_web(process_environment) as started:
        yield started


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
