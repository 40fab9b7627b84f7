"""One letter over SMTP: a deadline over the whole talk, and what each answer means."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import urlsplit

from meshline.core.errors import Misconfigured
from orchestration.connectors.base import CallFailed, Endpoint
from orchestration.connectors.guard import (
    CONNECT_TIMEOUT_S,
    AddressRefused,
    Deadline,
    checked_addresses,
    is_loopback_name,
)
from orchestration.rules.outcomes import Outcome, Refused, Transient, Unknown


@dataclass(frozen=True)
class PostOffice:
    """The mail server: smtp:// (with STARTTLS, except on loopback) or smtps://."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, endpoint: Endpoint) -> PostOffice:
        """Read the address and `user:password`. Raises: Misconfigured."""
        parts = urlsplit(endpoint.base_url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.username:
            raise Misconfigured(
                f"The address of {endpoint.system} is no mail server.",
                remedy="Set MESHLINE_MAIL_URL to smtp://host:port or smtps://host:port, and "
                "MESHLINE_MAIL_TOKEN to user:password.",
            )
        tls = parts.scheme == "smtps"
        user, _, password = endpoint.token.partition(":")
        port = parts.port or (465 if tls else 25)
        return cls(parts.hostname, port, tls, user if password else "", password)


def deliver(office: PostOffice, message: EmailMessage, *, to: str, deadline: Deadline) -> None:
    """Hand the message over once. Raises: CallFailed with what its failure means."""
    with closing(_Talk(office, deadline)) as talk, _cut_off_at(deadline, talk):
        _connect(office, talk, deadline)
        _introduce(office, talk)
        _hand_over(talk, message, to)


class _Talk(smtplib.SMTP):
    """smtplib over a connection to a checked address."""

    def __init__(self, office: PostOffice, deadline: Deadline) -> None:
        self._office = office
        self._deadline = deadline
        super().__init__(timeout=max(0.001, min(CONNECT_TIMEOUT_S, deadline.left_s)))

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        address, *_ = checked_addresses(
            host,
            port,
            loopback=is_loopback_name(host),
            within_s=self._deadline.left_s,
        )
        sock = socket.create_connection((address, port), timeout)
        if not self._office.tls:
            return sock
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)


def _connect(office: PostOffice, talk: _Talk, deadline: Deadline) -> None:
    try:
        talk.connect(office.host, office.port)
    except AddressRefused as error:
        raise CallFailed(Refused("address_refused", f"The name leads astray: {error}.")) from None
    except (OSError, smtplib.SMTPException) as error:
        raise CallFailed(_before(error, "unreachable")) from None
    if talk.sock is not None:
        talk.sock.settimeout(max(0.001, deadline.left_s))


@contextmanager
def _cut_off_at(deadline: Deadline, talk: _Talk) -> Iterator[None]:
    """Shut the connection when the deadline comes, however slowly the other side drips."""

    def cut() -> None:
        with suppress(OSError):  # it may be closed already, which is all we want
            if talk.sock is not None:
                talk.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline.left_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _introduce(office: PostOffice, talk: _Talk) -> None:
    try:
        talk.ehlo_or_helo_if_needed()
        if not office.tls and not is_loopback_name(office.host):
            talk.starttls(context=ssl.create_default_context())
            talk.ehlo()
        if office.user:
            talk.login(office.user, office.password)
    except smtplib.SMTPAuthenticationError:
        raise CallFailed(Refused("not_signed_in", "The mail server refused our sign-in.")) from None
    except (OSError, smtplib.SMTPException) as error:
        raise CallFailed(_before(error, "connection_lost")) from None


def _hand_over(talk: _Talk, message: EmailMessage, to: str) -> None:
    try:
        _expect(talk.mail(str(message["From"])), 250)
        _expect(talk.rcpt(to), 250, 251)
    except (OSError, smtplib.SMTPException) as error:
        raise CallFailed(_before(error, "connection_lost")) from None
    try:
        answer = talk.data(message.as_bytes())
    except smtplib.SMTPDataError as error:  # DATA itself was refused: the letter has not left
        raise CallFailed(_meaning(error.smtp_code, error.smtp_error)) from None
    except (OSError, smtplib.SMTPException):
        raise CallFailed(Unknown("connection_lost")) from None
    _expect(answer, 250)


def _expect(answer: tuple[int, bytes], *wanted: int) -> None:
    if answer[0] not in wanted:
        raise CallFailed(_meaning(*answer))


def _meaning(code: int, text: bytes | str) -> Outcome:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = "".join(char if char.isprintable() else " " for char in words)[:200]
    if 500 <= code < 600:
        return Refused(f"smtp_{code}", shown)
    return Transient(f"smtp_{code}")


def _before(error: Exception, usual: str) -> Outcome:
    """What a failure means before the letter has left: nothing happened."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _meaning(error.smtp_code, error.smtp_error)
    return Transient("timeout" if isinstance(error, TimeoutError) else usual)
