"""Mail and pager: one letter and one alert per effect key, looked up before a retry."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from meshline.core.errors import Misconfigured
from orchestration.connectors.base import Call, Endpoint
from orchestration.connectors.letters import LetterProblem, compose, templates
from orchestration.connectors.notify import Mail, Pager, message_id
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from tests.connectors.peer import Peer, says

KEY = "0199c0de-0000-7000-8000-000000000001:refund-completion:tell_customer"
DATA = {"name": "Maja Lindqvist", "amount_minor": 21800, "currency": "EUR", "order_id": "90417"}
ARGS = {"to": "maja@example.com", "template": "refund-confirmed", "data": DATA}


class Inbox:
    """What an SMTP server took, and what it answers."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.rcpt = ""
        self.data = "250 OK"
        self.silent_s = 0.0

    async def handle_RCPT(  # noqa: N802 the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        import asyncio

        assert isinstance(envelope.content, bytes)
        self.letters.append(message_from_bytes(envelope.content))
        await asyncio.sleep(self.silent_s)
        return self.data


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def mail(inbox: Inbox, peer: Peer, unused_port: int) -> Iterator[Mail]:
    server = Controller(inbox, hostname="127.0.0.1", port=unused_port)
    server.start()
    yield Mail(
        Endpoint("mail", f"smtp://127.0.0.1:{unused_port}", sender="care@harbour.example"),
        Endpoint("mail_log", peer.url, "log_secret"),
        timeout_s=5,
    )
    server.stop()


def send(mail: Mail, **more: Any) -> Outcome:
    return mail.call(Call("mail.send", ARGS, key=KEY, run="r-1", **more))


def test_letter_leaves_under_the_message_id_of_its_effect_key(mail: Mail, inbox: Inbox) -> None:
    assert send(mail) == Done({"message_id": message_id(KEY)})
    (letter,) = inbox.letters
    assert letter["Message-ID"] == message_id(KEY)
    assert letter["To"] == "maja@example.com"
    assert letter["From"] == "care@harbour.example"
    assert letter["X-Meshline-Template"] == "refund-confirmed"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "refund of € 218.00 for order 90417 is confirmed" in " ".join(text.decode().split())


def test_letter_in_the_providers_log_is_not_sent_again(
    mail: Mail, inbox: Inbox, peer: Peer
) -> None:
    peer.will(says({"messages": [{"message_id": message_id(KEY)}]}))
    assert send(mail, look_up_first=True) == Done({"message_id": message_id(KEY)})
    assert inbox.letters == []
    assert peer.asked[0].query == {"message_id": message_id(KEY)}
    assert peer.asked[0].headers["authorization"] == "Bearer log_secret"


def test_letter_that_the_log_does_not_know_is_sent(mail: Mail, inbox: Inbox, peer: Peer) -> None:
    peer.will(says({"messages": []}))
    assert isinstance(send(mail, look_up_first=True), Done)
    assert len(inbox.letters) == 1


def test_log_that_does_not_answer_sends_nothing(mail: Mail, inbox: Inbox, peer: Peer) -> None:
    peer.will(says({}, 500))
    assert send(mail, look_up_first=True) == Transient("http_500")
    assert inbox.letters == []


def test_without_a_log_an_unknown_letter_stays_unknown(mail: Mail, inbox: Inbox) -> None:
    blind = Mail(Endpoint("mail", "smtp://127.0.0.1:9"), None)
    assert isinstance(blind.look_up(Call("mail.send", ARGS, key=KEY)), Unknown)


@pytest.mark.parametrize(
    ("rcpt", "data", "expected"),
    [
        ("550 no such user", "250 OK", Refused("smtp_550", "no such user")),
        ("451 later", "250 OK", Transient("smtp_451")),
        ("", "554 spam", Refused("smtp_554", "spam")),
        ("", "452 full", Transient("smtp_452")),
    ],
)
def test_answer_of_the_server_says_whether_to_try_again(
    mail: Mail, inbox: Inbox, rcpt: str, data: str, expected: Outcome
) -> None:
    inbox.rcpt, inbox.data = rcpt, data
    assert send(mail) == expected


def test_letter_taken_without_an_answer_is_unknown(mail: Mail, inbox: Inbox) -> None:
    inbox.silent_s = 3
    began = time.monotonic()
    assert send(mail, timeout_s=0.5) == Unknown("connection_lost")
    assert time.monotonic() - began < 2
    assert len(inbox.letters) == 1


def test_nobody_listening_is_transient(unused_port: int) -> None:
    mail = Mail(Endpoint("mail", f"smtp://127.0.0.1:{unused_port}"), None)
    assert send(mail) == Transient("unreachable")


@pytest.fixture
def dripping_server() -> Iterator[int]:
    """Greets so slowly that no single read ever times out."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(100):
                try:
                    connection.sendall(b"2")
                except OSError:
                    return
                time.sleep(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join()


def test_deadline_bounds_a_server_that_drips_its_greeting(dripping_server: int) -> None:
    mail = Mail(Endpoint("mail", f"smtp://127.0.0.1:{dripping_server}"), None)
    began = time.monotonic()
    assert isinstance(send(mail, timeout_s=0.5), Transient)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "to",
    ["", "maja", "a@b@c", "maja@example.com\r\nBcc: all@example.com", "a@x.example, b@x.example"],
)
def test_address_that_is_none_is_refused_before_anything_is_sent(
    mail: Mail, inbox: Inbox, to: str
) -> None:
    outcome = mail.call(Call("mail.send", {**ARGS, "to": to}, key=KEY))
    assert isinstance(outcome, Refused)
    assert inbox.letters == []


def test_mail_needs_an_effect_key(mail: Mail) -> None:
    with pytest.raises(Misconfigured):
        mail.call(Call("mail.send", ARGS))


@pytest.mark.parametrize("url", ["http://127.0.0.1:25", "smtp://", "smtp://me:secret@127.0.0.1"])
def test_address_that_is_no_mail_server_is_refused_at_start(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Mail(Endpoint("mail", url), None)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [(21800, "EUR", "€ 218.00"), (500, "JPY", "¥ 500"), (1234567, "BHD", "BHD 1,234.567")],
)
def test_amount_in_a_letter_is_written_as_people_read_it(
    minor: int, currency: str, said: str
) -> None:
    text = compose("refund-confirmed", {"amount_minor": minor, "currency": currency}).text
    assert f"your refund of {said} is confirmed" in text


def test_letter_says_nothing_that_it_does_not_know() -> None:
    letter = compose("refund-confirmed", {"amount_minor": 21800})
    assert "Hello,\n\nyour refund is confirmed" in letter.text
    assert "{" not in letter.text


def test_value_in_a_letter_can_neither_open_a_line_nor_a_placeholder() -> None:
    letter = compose("refund-confirmed", {"name": "A\r\n\r\nB {name.__class__}"})
    assert "Hello A B {name.__class__},\n" in letter.text


def test_letter_without_a_needed_value_is_refused(mail: Mail) -> None:
    with pytest.raises(LetterProblem):
        compose("promise-warning", {"ticket": "desk:4812"})
    outcome = mail.call(Call("mail.send", {**ARGS, "template": "nope"}, key=KEY))
    assert isinstance(outcome, Refused)


@pytest.mark.parametrize("template", sorted(templates()))
def test_every_letter_can_be_written(template: str) -> None:
    values = {"ticket": "desk:1", "metric": "First reply", "due_at": "12:00", "level": "75"}
    letter = compose(template, {**values, "cause": "Billing is silent.", "link": "http://x"})
    assert letter.subject
    assert "{" not in letter.subject + letter.text


@pytest.mark.parametrize(
    ("ended", "said"), [(True, "has ended"), (False, "ends with the period you have paid for")]
)
def test_cancellation_tells_when_it_takes_effect(ended: bool, said: str) -> None:
    text = compose("cancellation-confirmed", {"subscription_id": "sub_1", "ended": ended}).text
    assert f"your subscription sub_1 {said}." in text


@pytest.fixture
def page(peer: Peer) -> Callable[..., Outcome]:
    pager = Pager(Endpoint("pager", peer.url, "routing"), timeout_s=5)
    args = {"rota": "support-primary", "summary": "First reply is late", "severity": "critical"}

    def call(**more: Any) -> Outcome:
        args_now = {**args, "to": "Lena Moritz"}
        return pager.call(Call("pager.page", args_now, key=KEY, **more))

    return call


def test_page_travels_under_its_effect_key(peer: Peer, page: Callable[..., Outcome]) -> None:
    peer.will(says({"status": "success", "dedup_key": KEY}, 202))
    assert page() == Done({"page_key": KEY, "to": "Lena Moritz"})
    assert peer.asked[0].json == {
        "routing_key": "routing",
        "event_action": "trigger",
        "dedup_key": KEY,
        "payload": {
            "summary": "First reply is late",
            "source": "meshline",
            "severity": "critical",
            "custom_details": {"rota": "support-primary", "to": "Lena Moritz"},
        },
    }


def test_page_that_is_open_already_is_found(peer: Peer, page: Callable[..., Outcome]) -> None:
    peer.will(says({"alerts": [{"dedup_key": KEY, "status": "triggered"}]}))
    assert page(look_up_first=True) == Done({"page_key": KEY, "to": "Lena Moritz"})
    assert [asked.method for asked in peer.asked] == ["GET"]


def test_pager_without_a_list_is_simply_asked_again(
    peer: Peer, page: Callable[..., Outcome]
) -> None:
    peer.routes["GET /v2/alerts"] = says({}, 404)
    peer.routes["POST /v2/enqueue"] = says({"status": "success", "dedup_key": KEY}, 202)
    assert isinstance(page(look_up_first=True), Done)


def test_pagers_refusal_is_told_in_its_words(peer: Peer, page: Callable[..., Outcome]) -> None:
    peer.will(says({"status": "invalid event", "message": "Event object is invalid"}, 400))
    assert page() == Refused("invalid_event", "Event object is invalid")
