"""The help desk, spoken as Zendesk does: read a ticket, move it, write notes and fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meshline.core.safejson import Json
from orchestration.connectors.answers import Part
from orchestration.connectors.base import Call, Endpoint, VendorContract
from orchestration.connectors.desk_fields import FieldNames
from orchestration.connectors.http import Exchange, HttpClient, path
from orchestration.connectors.rest import HttpConnector
from orchestration.rules.outcomes import Done, Outcome

_MAX_AUDIT_PAGES = 20
# The desk keeps one reference of the sender's choice on a ticket: an order, a cart, or neither.
_ORDER = re.compile(r"(?:order-)?([0-9]{1,20})")
_CART = re.compile(r"cart-([A-Za-z0-9_-]{1,128})")


class Helpdesk(HttpConnector):
    """Operations `helpdesk.*`. Every write carries our key in its audit's metadata: what the desk
    cannot dedupe by itself is looked up there."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        client = HttpClient(
            endpoint,
            headers={"Authorization": f"Bearer {endpoint.token}"},
            busy=frozenset({409}),  # somebody saved the ticket in between; nothing was written
            explain=_explain,
        )
        super().__init__(client, timeout_s)
        self._fields = FieldNames()
        self.handlers = {
            "helpdesk.get_ticket": self._get_ticket,
            "helpdesk.transition_ticket": _transition,
            "helpdesk.add_note": _add_note,
            "helpdesk.set_fields": self._set_fields,
        }
        self.look_ups = {
            "helpdesk.transition_ticket": _moved_already,
            "helpdesk.add_note": _noted_already,
            "helpdesk.set_fields": _noted_already,
        }

    def _get_ticket(self, call: Call, http: Exchange) -> Outcome:
        answer = http.get(_at(call), {"include": "users"})
        ticket = answer.part("ticket")
        fields = self._fields.named(ticket, http)
        reference = ticket.maybe_text("external_id") or ""
        return Done(
            {
                "id": ticket.text("id"),
                "subject": ticket.maybe_text("subject"),
                "status": ticket.text("status"),
                "priority": ticket.maybe_text("priority"),
                "requester": _requester(answer, ticket.maybe_text("requester_id")),
                "order_id": _text_in(fields, "order_id") or _found(_ORDER, reference),
                "cart_token": _text_in(fields, "cart_token") or _found(_CART, reference),
                "tags": ticket.texts("tags"),
                "fields": fields,
            }
        )

    def _set_fields(self, call: Call, http: Exchange) -> Outcome:
        changes: dict[str, Json] = {
            "custom_fields": self._fields.numbered(call.args["fields"], http)
        }
        if call.args.get("comment"):
            changes["comment"] = _comment(call, public=False)
        _write(call, http, changes)
        return Done()


def _requester(answer: Part, number: str | None) -> dict[str, Json]:
    users = answer.parts("users") if answer.has("users") else []
    found = next((user for user in users if user.text("id") == number), Part({}))
    return {"id": number, "name": found.maybe_text("name"), "email": found.maybe_text("email")}


def _transition(call: Call, http: Exchange) -> Outcome:
    changes: dict[str, Json] = {"status": call.args["to"]}
    if call.args.get("comment"):
        changes["comment"] = _comment(call, public=bool(call.args.get("public", False)))
    status = _write(call, http, changes).text("status")
    if status != call.args["to"]:
        raise VendorContract(f"the ticket was to be {call.args['to']} and is {status}")
    return Done({"status": status})


def _add_note(call: Call, http: Exchange) -> Outcome:
    _write(call, http, {"comment": _comment(call, public=False)})
    return Done()


def _write(call: Call, http: Exchange, changes: dict[str, Json]) -> Part:
    mark = {"meshline_key": call.key, "meshline_run": call.run}
    body = {"ticket": {**changes, "metadata": {k: v for k, v in mark.items() if v}}}
    return http.effect("PUT", _at(call), json=body).part("ticket")


def _moved_already(call: Call, http: Exchange) -> Outcome | None:
    # What a person did with the ticket since then does not undo that our move was made.
    return Done({"status": call.args["to"]}) if _is_audited(call, http) else None


def _noted_already(call: Call, http: Exchange) -> Outcome | None:
    return Done() if _is_audited(call, http) else None


def _is_audited(call: Call, http: Exchange) -> bool:
    """Whether one of the ticket's audits carries our key."""
    at = path("/api/v2/tickets/{id}/audits.json", id=ticket_number(call.args["ticket"]))
    after: dict[str, str] = {}
    for _ in range(_MAX_AUDIT_PAGES):
        page = http.get(at, {"page[size]": 100, **after})
        if any(_key_of(audit) == call.key for audit in page.parts("audits")):
            return True
        meta = page.maybe_part("meta")
        if meta.raw("has_more") is not True:
            return False
        after = {"page[after]": meta.text("after_cursor")}
    raise VendorContract(f"the ticket has more than {_MAX_AUDIT_PAGES} pages of audits")


def _key_of(audit: Part) -> str | None:
    metadata = audit.maybe_part("metadata")
    return metadata.maybe_part("custom").maybe_text("meshline_key") or metadata.maybe_text(
        "meshline_key"
    )


def ticket_number(ticket: str) -> str:
    """Return the desk's own number of a ticket key: `desk:4812` is 4812."""
    return ticket.rpartition(":")[2]


def _at(call: Call) -> str:
    return path("/api/v2/tickets/{id}.json", id=ticket_number(call.args["ticket"]))


def _comment(call: Call, *, public: bool) -> dict[str, Json]:
    return {"body": call.args["comment"], "public": public}


def _text_in(fields: Mapping[str, Json], name: str) -> str | None:
    value = fields.get(name)
    return str(value) if value not in (None, "") else None


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.fullmatch(text)
    return found[1] if found else None


def _explain(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("title") or ""), str(error.get("message") or "")
    return str(error or ""), str(body.get("description") or body.get("message") or "")
