"""The HTTP server: finds the operation, applies the switches, keeps the record, answers."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import socket
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from meshline.sandbox import billing, faults, helpdesk, mail, pager, shop
from meshline.sandbox.state import Db
from meshline.sandbox.wire import Answer, Call, Request, Route, Vendor, VendorError, facts_of
from meshline.sandbox.world import World

_LOG = logging.getLogger(__name__)
VENDORS = {
    v.name: v for v in (billing.VENDOR, helpdesk.VENDOR, shop.VENDOR, mail.VENDOR, pager.VENDOR)
}
MAX_BODY = 1_000_000
_IDLE_S = 60
Control = Callable[[Request], Answer]


def serve_vendor(world: World, vendor: Vendor, request: Request) -> Answer:
    """Answer one call of a vendor's API: everything it does is on disk before it is answered."""
    begun = time.monotonic()
    found, parts = _find(vendor, request)
    op = found.op if found else "unknown"
    with world.record.write() as db:
        number = _note(db, vendor.name, op, request)
        fault = None
        if not vendor.allows(request, world.api_token):
            answer = Answer(401, vendor.error(401, "The token is missing or wrong."))
        elif found is None:
            answer = Answer(
                404, vendor.error(404, f"There is no {request.method} {request.path} here.")
            )
        else:
            facts = facts_of(request, parts)
            db.run("UPDATE request SET about = ? WHERE id = ?", facts.get("charge"), number)
            fault = faults.take(db, vendor.name, faults.CALL_KINDS, op, facts)
            call = Call(world, db, request, op, parts, number)
            answer = _faulty(db, vendor, fault, lambda: _perform(db, found, call))
        took = round((time.monotonic() - begun) * 1000, 1)
        kind = fault.fault if fault else "ok"
        status = None if answer.cut else answer.status
        db.run(
            "UPDATE request SET status = ?, behaviour = ?, ms = ? WHERE id = ?",
            status,
            kind,
            took,
            number,
        )
    world.stir()
    return answer


def _find(vendor: Vendor, request: Request) -> tuple[Route | None, dict[str, str]]:
    for one in vendor.routes:
        matched = one.pattern.fullmatch(request.path)
        if matched and one.method == request.method:
            return one, matched.groupdict()
    return None, {}


def _note(db: Db, system: str, op: str, request: Request) -> int:
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    told = f"{request.method} {request.path}?{query}\n".encode() + request.body
    return db.run(
        "INSERT INTO request (at, system, op, method, path, key, digest, behaviour) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, '')",
        time.time(),
        system,
        op,
        request.method,
        f"{request.path}?{query}" if query else request.path,
        request.headers.get("idempotency-key", ""),
        hashlib.sha256(told).hexdigest(),
    )


def _perform(db: Db, found: Route, call: Call) -> Answer:
    db.run("SAVEPOINT call")
    try:
        answer = found.run(call)
    except VendorError as refused:
        db.run("ROLLBACK TO call")
        answer = Answer(refused.status, refused.body, refused.headers)
    db.run("RELEASE call")
    return answer


def _faulty(
    db: Db, vendor: Vendor, fault: faults.Fault | None, perform: Callable[[], Answer]
) -> Answer:
    """The answer as the switch wants it; what is not to happen is rolled back."""
    if fault is None:
        return perform()
    if fault.fault == "status":
        headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        told = (
            "Too many requests."
            if fault.status == 429
            else "The service is not available just now."
        )
        return Answer(
            fault.status, vendor.error(fault.status, told), headers, delay_s=fault.delay_s
        )
    if fault.fault == "garbage":
        return Answer(200, "<html><body><h1>It works!</h1>", kind="text/html")
    if fault.fault == "ack_no_apply":
        db.run("SAVEPOINT forgotten")
        answer = perform()
        db.run("ROLLBACK TO forgotten")
        db.run("RELEASE forgotten")
        return answer
    answer = perform()
    answer.delay_s = fault.delay_s
    answer.cut = fault.fault == "do_and_time_out"
    return answer


class Server(ThreadingHTTPServer):
    """One thread for each connection, all on loopback."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, world: World, port: int, control: Control) -> None:
        self.world, self.control = world, control
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is logged."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, (ConnectionError, TimeoutError)):
            _LOG.exception("A connection ended in an error.")


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "sandbox/1"
    sys_version = ""
    timeout = _IDLE_S
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer; every method goes the same way."""
        body = self._body()
        if body is None:
            return
        try:
            self._send(self._answer(self._request(body)))
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    # The names are http.server's.
    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def _body(self) -> bytes | None:
        """The request's body, or None after a refusal that ends the connection."""
        refusal = self._wrong_length()
        if refusal is None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            if len(body) == length:
                return body
            refusal = (400, "The body is cut short.")
        self._end(*refusal)
        return None

    def _wrong_length(self) -> tuple[int, str] | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            return 411, "Send a Content-Length."
        if not (length.isascii() and length.isdigit()):
            return 400, "Content-Length is no number."
        return (413, f"A body has at most {MAX_BODY} bytes.") if int(length) > MAX_BODY else None

    def _end(self, status: int, told: str) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._send(Answer(status, {"error": told}, {"Connection": "close"}))

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path if self.path.startswith("/") else f"/{self.path}")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        # Stripe's types[] may be repeated; each keeps its value under a name of its own.
        for at, (name, value) in enumerate(parse_qsl(parts.query, keep_blank_values=True)):
            if name.endswith("[]"):
                query[f"{name[:-2]}[{at}]"] = value
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, unquote(parts.path), query, headers, body)

    def _answer(self, request: Request) -> Answer:
        system, _, rest = request.path.lstrip("/").partition("/")
        vendor = VENDORS.get(system)
        try:
            if vendor is None:
                return self.server.control(request)
            below = Request(
                request.method, f"/{rest}", request.query, request.headers, request.body
            )
            return serve_vendor(self.server.world, vendor, below)
        except Exception:  # noqa: BLE001 - a client always gets an answer
            _LOG.exception("%s %s could not be answered.", request.method, request.path)
            told = "The sandbox itself failed; its log says how."
            return Answer(500, vendor.error(500, told) if vendor else {"error": told})

    def _send(self, answer: Answer) -> None:
        if answer.delay_s:
            time.sleep(answer.delay_s)
        if answer.cut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = answer.encoded()
        lines = {
            "Date": self.date_time_string(),
            "Server": self.server_version,
            "Content-Type": answer.kind,
            "Content-Length": str(len(body)),
            **answer.headers,
        }
        reason = http.client.responses.get(answer.status, "Error")
        head = f"HTTP/1.1 {answer.status} {reason}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        # One packet for head and body.
        self.wfile.write(head.encode("latin-1") + (b"" if self.command == "HEAD" else body))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the record holds every request."""
