"""Simulated mail provider: an SMTP sink, and the log of what it accepted."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from meshline.sandbox import faults
from meshline.sandbox.state import Json
from meshline.sandbox.wire import Answer, Call, Request, Vendor, route
from meshline.sandbox.world import World, apply

_LOG = logging.getLogger(__name__)
_MAX_BYTES = 1_000_000


def error(status: int, message: str) -> Json:
    """The provider's error object."""
    return {"error": message}


def _allows(request: Request, token: str) -> bool:
    return request.token() == token


def messages(call: Call) -> Answer:
    """Accepted messages by `message_id` or `to`, oldest first."""
    asked = call.request.query
    sql, value = (
        "SELECT * FROM mail WHERE message_id = ? ORDER BY id",
        asked.get("message_id", "").strip("<> "),
    )
    if not value:
        sql, value = (
            "SELECT * FROM mail WHERE recipient = ? ORDER BY id",
            asked.get("to", "").lower(),
        )
    found = [
        {
            "message_id": row["message_id"],
            "to": row["recipient"],
            "subject": row["subject"],
            "template": row["template"],
            "accepted_at": row["at"],
        }
        for row in call.db.rows(sql, value)
    ]
    return Answer(200, {"messages": found})


class _Sink:
    """aiosmtpd's handler: keeps the message, then says 250."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type] # bytes, as decode_data is off
        recipient = (envelope.rcpt_tos or [""])[0].lower()
        fault = self._keep(message, recipient)
        if fault is None:
            return "250 2.0.0 Accepted"
        if fault.fault in ("slow", "do_and_time_out"):
            await asyncio.sleep(fault.delay_s)
        if fault.fault == "do_and_time_out":
            if server.transport is not None:
                server.transport.close()
            return "421 4.4.2 Connection dropped"
        if fault.fault == "status":
            return (
                "550 5.1.1 No such mailbox" if fault.status == 550 else "451 4.3.0 Try again later"
            )
        return "\x00\x01 garbage" if fault.fault == "garbage" else "250 2.0.0 Accepted"

    def _keep(self, message: EmailMessage, recipient: str) -> faults.Fault | None:
        """Store the message unless a switch says otherwise; returns the switch."""
        text = message.get_body(("plain", "html"))
        body = text.get_content() if text else ""
        subject = str(message["Subject"] or "")
        template = str(message["X-Meshline-Template"] or message["X-Template"] or "")
        told = "\n".join((recipient, template, subject, body))
        facts = {"to": recipient}
        with self._world.record.write() as db:
            fault = faults.take(db, "mail", faults.CALL_KINDS, "send", facts)
            key = str(message["Message-ID"] or "").strip("<> \r\n")
            kind = fault.fault if fault else "ok"
            asked = db.run(
                "INSERT INTO request (at, system, op, method, path, key, digest, status, "
                "behaviour, ms) VALUES (?, 'mail', 'send', 'SMTP', ?, ?, ?, ?, ?, 0)",
                time.time(),
                recipient,
                key,
                hashlib.sha256(told.encode()).hexdigest(),
                fault.status if fault and kind == "status" else 250,
                kind,
            )
            if kind in ("status", "ack_no_apply", "garbage"):
                return fault
            db.run(
                "INSERT INTO mail (at, message_id, recipient, subject, template, body, digest) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                time.time(),
                key,
                recipient,
                subject,
                template,
                body[:20_000],
                hashlib.sha256(told.encode()).hexdigest(),
            )
            apply(db, "mail", "mail", key=key, thing=recipient, request_id=asked)
        return fault


class MailServer:
    """The SMTP sink on loopback, in a thread of its own. Port 0 lets the system choose."""

    def __init__(self, world: World, port: int) -> None:
        self._world, self._wanted = world, port
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def begin(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._thread.start()
        self._ready.wait(10)
        if self._problem is not None:
            raise self._problem

    def end(self) -> None:
        """Listen no longer."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _make(self) -> Any:
        sink = _Sink(self._world)
        return SMTP(
            sink,
            hostname="mail.sandbox",
            ident="sandbox",
            data_size_limit=_MAX_BYTES,
            enable_SMTPUTF8=True,
            loop=self._loop,
        )

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            start = self._loop.create_server(self._make, "127.0.0.1", self._wanted)
            server = self._loop.run_until_complete(start)
            self.port = server.sockets[0].getsockname()[1]
        except OSError as problem:
            self._problem = problem
            return
        finally:
            self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


VENDOR = Vendor(
    name="mail",
    routes=(route("GET", "/messages", "messages", messages),),
    allows=_allows,
    error=error,
)
