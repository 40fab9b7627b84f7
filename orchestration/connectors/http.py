"""One HTTP call to an outside system: deadline, limits, our key and mark, and its outcome."""

from __future__ import annotations

import logging
import os
import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import TypeAlias
from urllib.parse import quote

import httpx

from meshline.core import safejson
from meshline.core.errors import BadJson, Misconfigured
from meshline.core.safejson import Json
from orchestration.connectors.answers import Part
from orchestration.connectors.base import Call, CallFailed, Endpoint, VendorContract
from orchestration.connectors.guard import (
    CONNECT_TIMEOUT_S,
    AddressRefused,
    Deadline,
    GuardedTransport,
    Resolver,
    is_loopback_name,
    resolve,
    within,
)
from orchestration.connectors.verdicts import verdict
from orchestration.rules.outcomes import Outcome, Refused, Transient, Unknown

MAX_HEADER_BYTES = 16 * 1024
USER_AGENT = "Meshline/0.1"
_DETAIL_CHARS = 300

Explain: TypeAlias = Callable[[Json], tuple[str, str]]
Query: TypeAlias = Mapping[str, str | int]
Form: TypeAlias = Mapping[str, str]

logger = logging.getLogger(__name__)


def explain_nothing(body: Json) -> tuple[str, str]:
    """The reason and detail of a refusal whose body is not known."""
    return "", ""


def path(template: str, **values: object) -> str:
    """Fill path parameters in, each percent-encoded so that it stays one segment.

    Raises: CallFailed (refused) for what can be no segment.
    """
    return template.format(**{name: _segment(str(value)) for name, value in values.items()})


def _segment(text: str) -> str:
    if text in {"", ".", ".."} or not text.isprintable():
        raise CallFailed(Refused("bad_argument", f"{text[:40]!r} cannot stand in an address."))
    return quote(text, safe="")


class HttpClient:
    """The way to one system: its address, credentials and pool of connections.

    Safe to use from several threads; a forked child opens connections of its own.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        headers: Mapping[str, str] | None = None,
        busy: frozenset[int] = frozenset(),
        explain: Explain = explain_nothing,
        resolver: Resolver = resolve,
    ) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._httpx: httpx.Client | None = None
        self.system = endpoint.system
        self.busy = busy
        self.explain = explain
        self._base = _checked_base(endpoint)
        self._headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **(headers or {}),
        }
        self._resolver = resolver

    def exchange(self, call: Call, deadline: Deadline) -> Exchange:
        """Begin the requests of one call."""
        return Exchange(self, call, deadline)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        json: Json = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """Return a request to this system; `path` is made with path()."""
        return self._client().build_request(
            method,
            f"{self._base}{path}",
            params=dict(query) if query else None,
            json=json,
            data=dict(form) if form is not None else None,
            headers=dict(headers or {}),
        )

    def stream(self, request: httpx.Request) -> httpx.Response:
        """Send it and return the answer with its body still to be read."""
        return self._client().send(request, stream=True)

    def close(self) -> None:
        """Close the connections that are kept open; the next request opens new ones."""
        with self._lock:
            client, self._httpx = self._httpx, None
        if client is not None:
            client.close()

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter may be half gone
            self.close()

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._httpx is None or self._owner != os.getpid():
                self._httpx, self._owner = self._open(), os.getpid()
            return self._httpx

    def _open(self) -> httpx.Client:
        url = httpx.URL(self._base)
        client = httpx.Client(
            headers=self._headers,
            transport=GuardedTransport(
                loopback=is_loopback_name(url.host),
                tls=url.scheme == "https",
                resolver=self._resolver,
            ),
            # Each operation may take what the deadline leaves; see guard.within.
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S, pool=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
        )
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return client


def _checked_base(endpoint: Endpoint) -> str:
    """Return the base URL without its last slash. Raises: Misconfigured."""
    try:
        url = httpx.URL(endpoint.base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    plain = url.scheme == "http" and is_loopback_name(url.host)
    if not (url.host and (url.scheme == "https" or plain)) or url.userinfo or url.query:
        raise Misconfigured(
            f"The address of {endpoint.system} cannot be used for calls.",
            remedy=f"Set MESHLINE_{endpoint.system.upper()}_URL to https://host/prefix without "
            "user, password or query; plain http is for loopback only.",
        )
    return str(url).rstrip("/")


class Exchange:
    """The requests of one call: one deadline, one effect key, one mark.

    `effect_sent` tells whether something that may change the vendor's books has left.
    """

    def __init__(self, client: HttpClient, call: Call, deadline: Deadline) -> None:
        self._client = client
        self._call = call
        self._deadline = deadline
        self.effect_sent = False

    def get(self, path: str, query: Query | None = None) -> Part:
        """Read. Raises: CallFailed, VendorContract."""
        return self._answer(self._client.request("GET", path, query=query))

    def effect(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        form: Form | None = None,
        purpose: str = "",
    ) -> Part:
        """Change something, with the effect key as Idempotency-Key. Raises: CallFailed,
        VendorContract.

        `purpose` keeps the keys apart where one effect needs another kind of request.
        """
        key = f"{self._call.key}:{purpose}" if purpose else self._call.key
        headers = {"Idempotency-Key": key} if key else {}
        request = self._client.request(method, path, json=json, form=form, headers=headers)
        return self._answer(request, effect=True)

    def _answer(self, request: httpx.Request, *, effect: bool = False) -> Part:
        before, self.effect_sent = self.effect_sent, self.effect_sent or effect
        try:
            with within(self._deadline):
                return self._fetch(request)
        except AddressRefused as error:
            logger.warning("security: call to %s refused: %s", self._client.system, error)
            failure: Outcome = Refused(
                "address_refused", f"The system's name leads astray: {error}."
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            failure = Transient("unreachable")
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL):
            failure = Refused("bad_argument", "The request could not be written as HTTP.")
        except httpx.TimeoutException:
            raise CallFailed(self._lost("timeout")) from None
        except httpx.TransportError:
            raise CallFailed(self._lost("connection_lost")) from None
        self.effect_sent = before  # nothing left
        raise CallFailed(failure)

    def _lost(self, reason: str) -> Outcome:
        return Unknown(reason) if self.effect_sent else Transient(reason)

    def _fetch(self, request: httpx.Request) -> Part:
        response = self._client.stream(request)
        try:
            self._judge(response)
            return _json_of(response)
        finally:
            response.close()

    def _judge(self, response: httpx.Response) -> None:
        """Raise CallFailed unless the status is a success."""
        refusal = 400 <= response.status_code < 500
        reason, detail = self._explanation(response) if refusal else ("", "")
        outcome = verdict(
            response.status_code,
            response.headers,
            effect=self.effect_sent,
            busy=self._client.busy,
            reason=reason,
            detail=detail,
        )
        if isinstance(outcome, Refused) and outcome.reason == "redirected":
            logger.warning("security: %s answered a call with a redirect", self._client.system)
        if outcome is not None:
            raise CallFailed(outcome, status=response.status_code)

    def _explanation(self, response: httpx.Response) -> tuple[str, str]:
        """The vendor's words for its refusal, as far as they can be read."""
        try:
            body = safejson.loads(_body(response), max_bytes=safejson.MAX_ANSWER_BYTES)
        except (BadJson, VendorContract, httpx.TransportError):
            return "", ""
        reason, detail = self._client.explain(body)
        shown = "".join(char if char.isprintable() else " " for char in detail)
        return reason[:60], shown[:_DETAIL_CHARS]


def _json_of(response: httpx.Response) -> Part:
    raw = _body(response)
    if not raw.strip():
        return Part({})
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise VendorContract(f"the answer is {kind[:60] or 'of no kind'}, not JSON")
    try:
        return Part(safejson.loads(raw, max_bytes=safejson.MAX_ANSWER_BYTES))
    except BadJson as error:
        raise VendorContract(error.message) from None


def _body(response: httpx.Response) -> bytes:
    """Return the decoded body. Raises: VendorContract beyond the limits, httpx.TransportError."""
    if sum(len(name) + len(value) for name, value in response.headers.raw) > MAX_HEADER_BYTES:
        raise VendorContract(f"the answer has more than {MAX_HEADER_BYTES} bytes of headers")
    unpack = _unpacker(response.headers.get("content-encoding", "").strip().lower())
    body = bytearray()
    for chunk in response.iter_raw():
        body += unpack(chunk, safejson.MAX_ANSWER_BYTES + 1 - len(body))
        if len(body) > safejson.MAX_ANSWER_BYTES:
            raise VendorContract(f"the answer is longer than {safejson.MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return a decoder that never unpacks more than it is told: a bomb stays small."""
    if encoding in {"", "identity"}:
        return lambda chunk, room: chunk
    if encoding not in {"gzip", "x-gzip"}:
        raise VendorContract(f"the answer is packed as {encoding[:20]}")
    inflater = zlib.decompressobj(wbits=31)

    def unpack(chunk: bytes, room: int) -> bytes:
        try:
            return inflater.decompress(chunk, room)
        except zlib.error:
            raise VendorContract("the answer's gzip is broken") from None

    return unpack
