"""Simulated support desk, in Zendesk's words: tickets, comments, audits, users."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from meshline.sandbox.state import Db, Json
from meshline.sandbox.webhooks import send
from meshline.sandbox.wire import Answer, Call, Request, Vendor, VendorError, route
from meshline.sandbox.world import API_USER, apply, clock, new_id, rfc3339

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
FIELDS: dict[str, int] = {
    "order_id": 360010,
    "cart_token": 360011,
    "cart_items": 360012,
    "cart_total_minor": 360013,
    "cart_currency": 360014,
    "promo_code": 360015,
    "customer_id": 360016,
    "customer_value_minor": 360017,
    "refund_id": 360018,
}
_KNOWN_FIELDS = set(FIELDS.values())
_ACCOUNT = 22129848


def error(status: int, message: str) -> Json:
    """Zendesk's error object."""
    names = {
        401: "Couldn't authenticate you",
        404: "RecordNotFound",
        422: "RecordInvalid",
        429: "APIRateLimitExceeded",
    }
    return {
        "error": names.get(status, "InternalError" if status >= 500 else "InvalidValue"),
        "description": message,
    }


def _refuse(status: int, message: str) -> VendorError:
    return VendorError(status, error(status, message))


def _allows(request: Request, token: str) -> bool:
    return request.token() == token


# --- Operations -----------------------------------------------------------------------------


def get_ticket(call: Call) -> Answer:
    """One ticket; `include=users` brings its people along."""
    ticket = _ticket(call)
    body: Json = {"ticket": _shown(ticket)}
    if "users" in call.request.query.get("include", ""):
        body["users"] = [call.db.get("user", ticket["requester_id"])]
    return Answer(200, body)


def update_ticket(call: Call) -> Answer:
    """What Meshline writes: status, comment, fields, tags; one audit for all of it."""
    ticket = _ticket(call)
    if ticket["status"] == "closed":
        body = error(422, "Record validation errors")
        told = [{"description": "Status: closed prevents ticket update"}]
        raise VendorError(422, body | {"details": {"status": told}})
    wanted = _wanted(call.request)
    changes, comment = _checked(wanted)
    key = str((wanted.get("metadata") or {}).get("meshline_key", ""))
    audit = write(call.db, ticket, changes, comment=comment, author=API_USER, key=key)
    apply(
        call.db,
        "helpdesk",
        "ticket_write",
        key=key,
        thing=str(ticket["id"]),
        request_id=call.request_id,
    )
    return Answer(200, {"ticket": _shown(ticket), "audit": audit})


def list_audits(call: Call) -> Answer:
    """All audits of a ticket, oldest first."""
    audits = _ticket(call)["audits"]
    return Answer(200, {"audits": audits, "next_page": None, "count": len(audits)})


def list_comments(call: Call) -> Answer:
    """All comments of a ticket, oldest first."""
    comments = _ticket(call)["comments"]
    return Answer(200, {"comments": comments, "next_page": None, "count": len(comments)})


def get_user(call: Call) -> Answer:
    """One person, customer or agent."""
    user = call.db.get("user", call.parts["id"])
    if user is None:
        raise _refuse(404, "Not found")
    return Answer(200, {"user": user})


def list_fields(call: Call) -> Answer:
    """The custom fields and their numbers."""
    fields = [
        {"id": n, "key": key, "title": key.replace("_", " ").capitalize()}
        for key, n in FIELDS.items()
    ]
    return Answer(200, {"ticket_fields": fields, "next_page": None, "count": len(fields)})


def _ticket(call: Call) -> Json:
    ticket = call.db.get("ticket", call.parts["id"])
    if ticket is None:
        raise _refuse(404, "Not found")
    return ticket


def _wanted(request: Request) -> Json:
    try:
        wanted = request.json().get("ticket")
    except ValueError:
        raise _refuse(400, "The body is not a JSON object.") from None
    if not isinstance(wanted, dict):
        raise _refuse(400, "The body has no ticket.")
    if not isinstance(wanted.get("metadata") or {}, dict):
        raise _refuse(400, "metadata is not an object.")
    return wanted


def _checked(wanted: Json) -> tuple[Json, Json | None]:
    """The fields to change and the comment to add. Raises VendorError for what cannot be."""
    changes: Json = {}
    for name, allowed in (("status", STATUSES[:-1]), ("priority", PRIORITIES)):
        if name in wanted:
            if wanted[name] not in allowed:
                raise _refuse(
                    422,
                    f"{name.capitalize()}: {wanted[name]!r} is not one of {', '.join(allowed)}.",
                )
            changes[name] = wanted[name]
    if "tags" in wanted:
        if not isinstance(wanted["tags"], list):
            raise _refuse(422, "Tags: not a list.")
        changes["tags"] = [str(tag) for tag in wanted["tags"]]
    fields = wanted.get("custom_fields", [])
    if not isinstance(fields, list) or not all(isinstance(f, dict) and "id" in f for f in fields):
        raise _refuse(422, "Custom fields: a list of {id, value} is expected.")
    changes["fields"] = {str(f["id"]): f.get("value") for f in fields if _is_known(f["id"])}
    comment = wanted.get("comment")
    if comment is not None and not (
        isinstance(comment, dict) and str(comment.get("body", "")).strip()
    ):
        raise _refuse(422, "Comment: Body: cannot be blank")
    return changes, comment


def _is_known(number: Any) -> bool:
    return str(number).isdigit() and int(number) in _KNOWN_FIELDS


def _shown(ticket: Json) -> Json:
    shown = {
        name: value
        for name, value in ticket.items()
        if name not in ("audits", "comments", "fields")
    }
    values = ticket["fields"]
    shown["custom_fields"] = [{"id": n, "value": values.get(str(n))} for n in FIELDS.values()]
    return shown


# --- Changing a ticket, whoever does it -------------------------------------------------------


def write(
    db: Db,
    ticket: Json,
    changes: Json,
    *,
    comment: Json | None = None,
    author: str,
    key: str = "",
    twice_after_s: float | None = None,
) -> Json:
    """Change a ticket, write one audit, send the webhooks; returns the audit."""
    now = clock(db, "helpdesk")
    events, sent = _changed(ticket, changes)
    if comment is not None:
        added = _comment(db, comment, author, now)
        ticket["comments"].append(added)
        told = {name: added[name] for name in ("id", "body", "public")}
        events.insert(0, {"type": "Comment", **told})
        sent.insert(0, ("comment_added", {"comment": _told(db, added)}))
    ticket["updated_at"] = rfc3339(now)
    audit: Json = {
        "id": db.next_number("audit", 35436100),
        "ticket_id": ticket["id"],
        "author_id": int(author),
        "created_at": rfc3339(now),
        "events": events,
        "metadata": {"system": {}, "custom": {"meshline_key": key} if key else {}},
    }
    ticket["audits"].append(audit)
    db.put("ticket", ticket["id"], ticket)
    for kind, event in sent:
        tell(db, ticket, kind, event, actor=author, twice_after_s=twice_after_s)
    return audit


def _changed(ticket: Json, changes: Json) -> tuple[list[Json], list[tuple[str, Json]]]:
    """Change the ticket; returns the audit's events and the webhooks to send."""
    events: list[Json] = []
    sent: list[tuple[str, Json]] = []

    def note(name: str, before: object, after: object) -> None:
        change = {"field_name": name, "value": after, "previous_value": before}
        events.append({"type": "Change", **change})

    for name in ("status", "priority"):
        before, after = str(ticket[name]), str(changes.get(name, ticket[name]))
        if after != before:
            ticket[name] = after
            note(name, before, after)
            sent.append((f"{name}_changed", {"current": after.upper(), "previous": before.upper()}))
    for name, value in changes.get("fields", {}).items():
        note(name, ticket["fields"].get(name), value)
        ticket["fields"][name] = value
    if "tags" in changes:
        ticket["tags"] = changes["tags"]
    return events, sent


def _comment(db: Db, comment: Json, author: str, now: float) -> Json:
    return {
        "id": db.next_number("comment", 8659716080000),
        "author_id": int(author),
        "body": str(comment["body"]),
        "public": comment.get("public", True) is not False,
        "created_at": rfc3339(now),
    }


def _told(db: Db, comment: Json) -> Json:
    """A comment as Zendesk's webhook tells it."""
    user = db.get("user", comment["author_id"]) or {"name": "Meshline", "role": "agent"}
    author = {
        "id": str(comment["author_id"]),
        "is_staff": user["role"] != "end-user",
        "name": user["name"],
    }
    return {
        "author": author,
        "body": comment["body"],
        "id": str(comment["id"]),
        "is_public": comment["public"],
    }


def tell(
    db: Db, ticket: Json, kind: str, event: Json, *, actor: str, twice_after_s: float | None = None
) -> None:
    """Send one Zendesk ticket event."""
    now = clock(db, "helpdesk")
    body: Json = {
        "type": f"zen:event-type:ticket.{kind}",
        "account_id": _ACCOUNT,
        "id": new_event_id(),
        "time": rfc3339(now, digits=9),
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{ticket['id']}",
        "detail": _detail(ticket, actor),
        "event": {"meta": {"sequence": {"id": new_id("", 32).upper(), "position": 1}}} | event,
    }
    send(
        db,
        "helpdesk",
        body["type"],
        body["id"],
        body,
        subject=f"ticket:{ticket['id']}",
        facts={"ticket": str(ticket["id"])},
        headers=_headers(),
        twice_after_s=twice_after_s,
    )


def _detail(ticket: Json, actor: str) -> Json:
    return {
        "actor_id": actor,
        "assignee_id": None,
        "brand_id": "8447346621310",
        "created_at": ticket["created_at"],
        "custom_status": "8447320465790",
        "description": ticket["description"],
        "external_id": ticket["external_id"],
        "form_id": "8646151517822",
        "group_id": "8447320466430",
        "id": str(ticket["id"]),
        "is_public": True,
        "organization_id": None,
        "priority": ticket["priority"].upper(),
        "requester_id": str(ticket["requester_id"]),
        "status": ticket["status"].upper(),
        "subject": ticket["subject"],
        "submitter_id": str(ticket["requester_id"]),
        "tags": ticket["tags"],
        "type": "QUESTION",
        "updated_at": ticket["updated_at"],
        "via": {"channel": "email"},
    }


def send_macro(
    db: Db, kind: str, ticket: Json, said: Mapping[str, Any], *, twice_after_s: float | None = None
) -> str:
    """Send what a macro of the desk sends (a trigger with its own body); returns its id."""
    now = clock(db, "helpdesk")
    body = {"type": kind, "id": new_id("trg_", 22), "time": rfc3339(now), **said}
    facts = {
        "ticket": str(ticket["id"]),
        "charge": str(said.get("charge_id", "")),
        "reference": str(said.get("refund_id") or said.get("cancellation_id") or ""),
        "subscription": str(said.get("subscription_id", "")),
    }
    send(
        db,
        "helpdesk",
        kind,
        body["id"],
        body,
        subject=f"ticket:{ticket['id']}",
        facts=facts,
        headers=_headers(),
        twice_after_s=twice_after_s,
    )
    return str(body["id"])


def new_event_id() -> str:
    """A Zendesk event id: 26 characters that grow with time."""
    return f"01{int(time.time() * 1000):012d}" + new_id("", 12).upper()


def _headers() -> dict[str, str]:
    return {
        "X-Zendesk-Account-Id": str(_ACCOUNT),
        "X-Zendesk-Webhook-Id": "01JQ0000000000000000000001",
        "X-Zendesk-Webhook-Invocation-Id": new_event_id(),
    }


VENDOR = Vendor(
    name="helpdesk",
    routes=(
        route("GET", "/api/v2/tickets/{id}.json", "get_ticket", get_ticket),
        route("PUT", "/api/v2/tickets/{id}.json", "update_ticket", update_ticket),
        route("GET", "/api/v2/tickets/{id}/audits.json", "list_audits", list_audits),
        route("GET", "/api/v2/tickets/{id}/comments.json", "list_comments", list_comments),
        route("GET", "/api/v2/users/{id}.json", "get_user", get_user),
        route("GET", "/api/v2/ticket_fields.json", "list_fields", list_fields),
    ),
    allows=_allows,
    error=error,
)
