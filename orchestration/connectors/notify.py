"""Mail to customers and pages to who is on call: each told of one thing once."""

from __future__ import annotations

import hashlib
import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from meshline.core.errors import Misconfigured
from meshline.core.safejson import Json
from orchestration.connectors.base import CALL_TIMEOUT_S, Call, CallFailed, Endpoint, VendorContract
from orchestration.connectors.guard import Deadline
from orchestration.connectors.http import Exchange, HttpClient
from orchestration.connectors.letters import LetterProblem, compose
from orchestration.connectors.rest import HttpConnector, outside_contract
from orchestration.connectors.smtp import PostOffice, deliver
from orchestration.rules.outcomes import Done, Outcome, Refused, Unknown

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_SUMMARY_CHARS = 1024


def message_id(key: str) -> str:
    """Return the Message-ID under which the letter of an effect key travels, always the same."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@meshline>"


class Mail:
    """Operation `mail.send`; SMTP keeps no keys, so the provider's log is asked before a retry."""

    operations = frozenset({"mail.send"})

    def __init__(
        self, endpoint: Endpoint, log: Endpoint | None, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._office = PostOffice.of(endpoint)
        self._sender = endpoint.sender or f"no-reply@{_domain(self._office.host)}"
        self._log = _log_client(log) if log is not None and log.base_url else None
        self._timeout_s = timeout_s

    def call(self, call: Call) -> Outcome:
        """See Connector."""
        deadline = self._deadline(call)
        found = self._logged(call, deadline) if call.look_up_first else None
        return found or self._send(call, deadline)

    def look_up(self, call: Call) -> Outcome | None:
        """See Connector."""
        return self._logged(call, self._deadline(call))

    def _send(self, call: Call, deadline: Deadline) -> Outcome:
        to = str(call.args["to"])
        if not _ADDRESS.fullmatch(to):
            return Refused("bad_argument", "The address is not one that mail can be sent to.")
        try:
            deliver(self._office, self._letter(call, to), to=to, deadline=deadline)
        except LetterProblem as problem:
            return Refused("bad_argument", str(problem))
        except CallFailed as failed:
            return failed.outcome
        return Done({"message_id": message_id(call.key)})

    def _logged(self, call: Call, deadline: Deadline) -> Outcome | None:
        if self._log is None:
            return Unknown("the mail provider offers no message log to look it up in")
        exchange = self._log.exchange(call, deadline)
        try:
            found = exchange.get("/messages", {"message_id": message_id(call.key)})
            sent = found.parts("messages")
        except CallFailed as failed:
            return failed.outcome
        except VendorContract as wrong:
            return outside_contract(wrong, effect_sent=False)
        return Done({"message_id": message_id(call.key)}) if sent else None

    def _deadline(self, call: Call) -> Deadline:
        if call.operation not in self.operations or not call.key:
            raise Misconfigured(
                f"The connector mail cannot do {call.operation} without an effect key.",
                remedy="Call mail.send with the effect's key.",
            )
        return Deadline.after(self._timeout_s if call.timeout_s is None else call.timeout_s)

    def _letter(self, call: Call, to: str) -> EmailMessage:
        template = str(call.args["template"])
        written = compose(template, call.args.get("data") or {})
        letter = EmailMessage(policy=SMTP)
        letter["From"] = self._sender
        letter["To"] = to
        letter["Subject"] = written.subject
        letter["Date"] = formatdate(usegmt=True)
        letter["Message-ID"] = message_id(call.key)
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Meshline-Template"] = template
        if call.run:
            letter["X-Meshline-Run"] = call.run
        letter.set_content(written.text)
        return letter


def _log_client(log: Endpoint) -> HttpClient:
    return HttpClient(log, headers={"Authorization": f"Bearer {log.token}"})


def _domain(host: str) -> str:
    return host if re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+", host) else "localhost"


class Pager(HttpConnector):
    """Operation `pager.page`; the effect key is the alert's dedup_key, so one wish is one alert."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        client = HttpClient(
            endpoint, headers={"Authorization": f"Bearer {endpoint.token}"}, explain=_explain
        )
        super().__init__(client, timeout_s)
        self._routing_key = endpoint.token
        self.handlers = {"pager.page": self._page}
        self.look_ups = {"pager.page": _paged_already}

    def _page(self, call: Call, http: Exchange) -> Outcome:
        details = {"rota": call.args["rota"], "to": call.args.get("to")}
        body = {
            "routing_key": self._routing_key,
            "event_action": "trigger",
            "dedup_key": call.key,
            "payload": {
                "summary": str(call.args["summary"])[:_SUMMARY_CHARS],
                "source": "meshline",
                "severity": call.args.get("severity", "critical"),
                "custom_details": {name: value for name, value in details.items() if value},
            },
        }
        answer = http.effect("POST", "/v2/enqueue", json=body)
        return _paged(call, answer.maybe_text("dedup_key"))


def _paged_already(call: Call, http: Exchange) -> Outcome | None:
    try:
        found = http.get("/v2/alerts", {"dedup_key": call.key}).parts("alerts")
    except CallFailed as failed:
        if failed.status != 404:  # a pager without a list: asking again joins the same alert
            raise
        return None
    ours = [alert for alert in found if alert.maybe_text("dedup_key") == call.key]
    return _paged(call, call.key) if ours else None


def _paged(call: Call, key: str | None) -> Done:
    return Done({"page_key": key or call.key, "to": call.args.get("to")})


def _explain(body: Json) -> tuple[str, str]:
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("status") or "").replace(" ", "_"), str(body.get("message") or "")
