"""One HTTP call: what leaves, what may come back, and what each way of failing means."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from meshline.core.errors import Misconfigured
from orchestration.connectors.base import Call, CallFailed, Endpoint
from orchestration.connectors.guard import Deadline
from orchestration.connectors.http import Exchange, HttpClient, path
from orchestration.connectors.rest import HttpConnector
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from tests.connectors.peer import Answer, Peer, cuts, drips, hangs, says, writes

KEY = "0199c0de-0000-7000-8000-000000000001:refund-completion:refund"


class Probe(HttpConnector):
    """A connector of two operations, just enough to see one request fail."""

    def __init__(self, client: HttpClient) -> None:
        super().__init__(client, timeout_s=5)
        self.handlers = {"probe.read": self._read, "probe.change": self._change}
        self.look_ups = {}

    def _read(self, call: Call, http: Exchange) -> Outcome:
        return Done({"name": http.get("/thing").text("name")})

    def _change(self, call: Call, http: Exchange) -> Outcome:
        return Done({"name": http.effect("POST", "/thing", form={"a": "1"}).text("name")})


def read(url: str, timeout_s: float = 5) -> Outcome:
    return Probe(HttpClient(Endpoint("probe", url))).call(
        Call("probe.read", {}, timeout_s=timeout_s)
    )


def change(url: str, timeout_s: float = 5) -> Outcome:
    return Probe(HttpClient(Endpoint("probe", url))).call(
        Call("probe.change", {}, key=KEY, timeout_s=timeout_s)
    )


def test_effect_key_travels_as_idempotency_key_and_a_read_carries_none(peer: Peer) -> None:
    peer.will(says({"name": "x"}))
    assert change(peer.url) == Done({"name": "x"})
    assert read(peer.url) == Done({"name": "x"})
    assert peer.asked[0].headers["idempotency-key"] == KEY
    assert "idempotency-key" not in peer.asked[1].headers


def test_one_connection_serves_many_calls_and_remembers_no_cookie(peer: Peer) -> None:
    ports = set()

    def answer(handler: object) -> None:
        ports.add(handler.client_address[1])  # type: ignore[attr-defined]
        says({"name": "x"}, Set_Cookie="who=me")(handler)  # type: ignore[arg-type]

    peer.will(answer)
    probe = Probe(HttpClient(Endpoint("probe", peer.url)))
    for _ in range(3):
        probe.call(Call("probe.read", {}))
    assert len(ports) == 1
    assert all("cookie" not in asked.headers for asked in peer.asked)


@pytest.mark.parametrize(
    ("answer", "of_effect", "of_read"),
    [
        (says({}, 500), Unknown("http_500"), Transient("http_500")),
        (says({}, 502), Unknown("http_502"), Transient("http_502")),
        (says({}, 503), Unknown("http_503"), Transient("http_503")),
        (says({}, 404), Refused("http_404"), Refused("http_404")),
        (says({}, 401), Refused("http_401"), Refused("http_401")),
        (cuts, Unknown("connection_lost"), Transient("connection_lost")),
        (hangs(2), Unknown("timeout"), Transient("timeout")),
    ],
)
def test_failure_after_an_effect_left_is_unknown_and_of_a_read_transient(
    peer: Peer, answer: Answer, of_effect: Outcome, of_read: Outcome
) -> None:
    peer.will(answer)
    assert change(peer.url, timeout_s=0.5) == of_effect
    assert read(peer.url, timeout_s=0.5) == of_read


@pytest.mark.parametrize("ask", [change, read])
@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry_after": "7"}, timedelta(seconds=7)),
        (
            {
                "retry_after": "Mon, 23 Nov 2026 12:00:30 GMT",
                "date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            timedelta(seconds=30),
        ),
        (
            {
                "retry_after": "Thu, 01 Jan 2099 00:00:00 GMT",
                "date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            timedelta(hours=1),
        ),
        ({"retry_after": "9" * 40}, timedelta(hours=1)),
        (
            {
                "retry_after": "Mon, 23 Nov 2020 12:00:00 GMT",
                "date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            timedelta(0),
        ),
    ],
)
@pytest.mark.parametrize(("status", "reason"), [(429, "rate_limited"), (503, "unavailable")])
def test_being_sent_away_is_transient_with_the_pause_asked_for(
    peer: Peer,
    ask: Callable[[str], Outcome],
    headers: dict[str, str],
    pause: timedelta,
    status: int,
    reason: str,
) -> None:
    # The library's own Date line comes first; the vendor's is what counts, so it is sent raw.
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    raw = f"HTTP/1.1 {status} Away\r\n{lines}content-length: 0\r\n\r\n".encode()
    peer.will(writes(raw))
    assert ask(peer.url) == Transient(reason, pause)


def test_nobody_listening_is_transient_even_for_an_effect(unused_port: int) -> None:
    assert change(f"http://127.0.0.1:{unused_port}") == Transient("unreachable")


@pytest.mark.parametrize("ask", [change, read])
def test_deadline_bounds_the_whole_call_however_the_answer_drips(
    peer: Peer, ask: Callable[[str, float], Outcome]
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    peer.will(drips(head + b"x-slow: " + b"a" * 500, every_s=0.05))
    began = time.monotonic()
    outcome = ask(peer.url, 0.6)
    assert time.monotonic() - began < 1.5
    assert outcome in (Unknown("timeout"), Transient("timeout"))


def test_deadline_bounds_a_dripping_body_too(peer: Peer) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n"

    def answer(handler: object) -> None:
        handler.wfile.write(head)  # type: ignore[attr-defined]
        drips(b" " * 900, every_s=0.05)(handler)  # type: ignore[arg-type]

    peer.will(answer)
    began = time.monotonic()
    assert change(peer.url, timeout_s=0.6) == Unknown("timeout")
    assert time.monotonic() - began < 1.5


BOMB = gzip.compress(b'{"name": "' + b"a" * (80 * 1024 * 1024) + b'"}', compresslevel=1)


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (says(b"<html>ok</html>", content_type="text/html"), "text/html"),
        (says(b'{"name": "x"'), "not JSON"),
        (says(b'{"name": NaN}'), "NaN"),
        (says(b'{"name": "x", "name": "y"}'), "twice"),
        (says([1, 2]), "no object"),
        (says({"nom": "x"}), "/name is missing"),
        (says({"name": ["x"]}), "/name is no text"),
        (says(b'{"name":"' + b"a" * 2_200_000 + b'"}'), "longer than"),
        (says(BOMB, content_encoding="gzip"), "longer than"),
        (says(b"no gzip", content_encoding="gzip"), "gzip is broken"),
        (says(b"xx", content_encoding="br"), "packed as br"),
        (says({"name": "x"}, X_Much="a" * 17_000), "bytes of headers"),
    ],
)
def test_garbage_with_a_success_is_unknown_after_an_effect(
    peer: Peer, answer: Answer, wrong: str
) -> None:
    peer.will(answer)
    effect, reading = change(peer.url), read(peer.url)
    assert isinstance(effect, Unknown)
    assert isinstance(reading, Transient)
    assert effect.reason == reading.reason
    assert effect.reason.startswith("vendor_contract: ")
    assert wrong in effect.reason


def test_gzip_within_the_limit_is_read(peer: Peer) -> None:
    peer.will(says(gzip.compress(b'{"name": "packed"}'), content_encoding="gzip"))
    assert read(peer.url) == Done({"name": "packed"})


def test_redirect_is_not_followed_and_leaves_a_line_in_the_log(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.will(says({}, 302, location=f"{peer.url}/elsewhere"))
    with caplog.at_level(logging.WARNING):
        assert change(peer.url) == Refused(
            "redirected", "The system answered with a redirect, which is not followed."
        )
    assert [asked.path for asked in peer.asked] == ["/thing"]
    assert "security" in caplog.text


def test_proxy_of_the_environment_is_ignored(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    peer.will(says({"name": "x"}))
    assert read(peer.url) == Done({"name": "x"})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("4812", "/t/4812"),
        ("a/b", "/t/a%2Fb"),
        ("../x", "/t/..%2Fx"),
        ("a?b#c", "/t/a%3Fb%23c"),
        ("%2e%2e", "/t/%252e%252e"),
        ("ü", "/t/%C3%BC"),
    ],
)
def test_path_parameter_stays_one_segment_on_the_wire(peer: Peer, value: str, written: str) -> None:
    client = HttpClient(Endpoint("probe", peer.url))
    exchange = client.exchange(Call("probe.read", {}), Deadline.after(5))
    peer.will(says({}))
    exchange.get(path("/t/{id}", id=value))
    assert peer.asked[0].target == written


@pytest.mark.parametrize("value", ["", ".", "..", "a\r\nb", "a\x00"])
def test_what_can_be_no_segment_is_refused(value: str) -> None:
    with pytest.raises(CallFailed) as failed:
        path("/t/{id}", id=value)
    assert isinstance(failed.value.outcome, Refused)


@pytest.mark.parametrize(
    "url",
    [
        "http://billing.example",
        "http://10.0.0.7",
        "http://169.254.169.254",
        "ftp://127.0.0.1",
        "https://user:secret@billing.example",
        "https://billing.example/?a=b",
        "https://",
        "nonsense",
    ],
)
def test_address_that_calls_may_not_go_to_is_refused_at_start(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        HttpClient(Endpoint("billing", url))
    assert "secret" not in str(refused.value)


def test_token_shows_in_no_repr() -> None:
    assert "geheim" not in repr(Endpoint("billing", "https://x.example", "geheim"))
