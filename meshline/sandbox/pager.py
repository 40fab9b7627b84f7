"""Simulated pager: pages by deduplication key, and a person who answers them."""

from __future__ import annotations

import json

from meshline.sandbox.people import staff_name
from meshline.sandbox.state import Db, Json
from meshline.sandbox.webhooks import send
from meshline.sandbox.wire import Answer, Call, Request, Vendor, VendorError, route
from meshline.sandbox.world import apply, clock, later, new_id, rfc3339

ANSWERS_AFTER_S = 1.2
SLEEPS_FOR = "pager.sleeps_for"  # kept: words in a page whose first call goes unheard


def error(status: int, message: str) -> Json:
    """The pager's error object."""
    if status == 400:
        return {
            "status": "invalid event",
            "message": "Event object is invalid",
            "errors": [message],
        }
    return {"status": "throttle exceeded" if status == 429 else "error", "message": message}


def _allows(request: Request, token: str) -> bool:
    # The routing key in an event's body is its own authentication; only reading needs the token.
    return request.method == "POST" or request.token() == token


def _refuse(message: str) -> VendorError:
    return VendorError(400, error(400, message))


def enqueue(call: Call) -> Answer:
    """Take an event; the same key joins the open alert."""
    try:
        event = call.request.json()
    except ValueError:
        raise _refuse("The body is not a JSON object.") from None
    if event.get("routing_key") != call.world.api_token:
        raise _refuse("Routing key is invalid.")
    action, payload = event.get("event_action"), event.get("payload") or {}
    if action not in ("trigger", "acknowledge", "resolve"):
        raise _refuse("event_action is missing or is not trigger, acknowledge or resolve.")
    if action == "trigger" and not (isinstance(payload, dict) and payload.get("summary")):
        raise _refuse("payload.summary is missing.")
    key = str(event.get("dedup_key") or new_id("", 32).lower())
    if len(key) > 255:
        raise _refuse("dedup_key is longer than 255 characters.")
    if action == "trigger":
        _trigger(call, key, payload)
    else:
        close(
            call.db, key, by=None, status="acknowledged" if action == "acknowledge" else "resolved"
        )
    return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})


def _trigger(call: Call, key: str, payload: Json) -> None:
    db, details = call.db, payload.get("custom_details") or {}
    alert = db.get("alert", key)
    if alert is not None and alert["status"] != "resolved":
        db.put("alert", key, alert | {"count": alert["count"] + 1})
        return
    alert = {
        "dedup_key": key,
        "summary": str(payload["summary"]),
        "severity": payload.get("severity"),
        "to": str(details.get("to", "")) if isinstance(details, dict) else "",
        "details": details,
        "count": 1,
        "status": "triggered",
        "by": None,
        "created_at": rfc3339(clock(db, "pager")),
    }
    db.put("alert", key, alert)
    apply(db, "pager", "page", key=key, thing=key, request_id=call.request_id)
    if not _sleeps_through(db, alert):
        later(db, ANSWERS_AFTER_S, "page_ack", {"dedup_key": key})


def _sleeps_through(db: Db, alert: Json) -> bool:
    """Whether this is the first page about something the person on call sleeps through."""
    told = json.dumps([alert["summary"], alert["details"], alert["dedup_key"]], ensure_ascii=False)
    words: list[str] = db.kept(SLEEPS_FOR) or []
    unheard = next((word for word in words if word in told), None)
    if unheard is not None:
        db.keep(SLEEPS_FOR, [word for word in words if word != unheard])
    return unheard is not None


def alerts(call: Call) -> Answer:
    """Alerts, newest first, or the one of a `dedup_key`."""
    key = call.request.query.get("dedup_key")
    found = [call.db.get("alert", key)] if key else call.db.every("alert")[::-1]
    shown = [{n: v for n, v in one.items() if n != "details"} for one in found if one]
    return Answer(200, {"alerts": shown})


def close(db: Db, key: str, *, by: str | None, status: str = "acknowledged") -> Json:
    """Acknowledge (or resolve) an alert; a person's acknowledgement sends the webhook.

    Raises KeyError for a key that nobody paged under.
    """
    alert = db.get("alert", key)
    if alert is None:
        raise KeyError(key)
    if alert["status"] != "triggered" and (status, alert["status"]) != ("resolved", "acknowledged"):
        return alert
    who = by or staff_name(alert["to"])
    alert = db.put("alert", key, alert | {"status": status, "by": who})
    if status == "acknowledged":
        at = rfc3339(clock(db, "pager"))
        body = {
            "type": "page.acknowledged",
            "id": new_id("pa_", 22),
            "timestamp": at,
            "data": {"page_key": key, "by": who, "at": at},
        }
        send(
            db,
            "pager",
            "page.acknowledged",
            str(body["id"]),
            body,
            subject=f"page:{key}",
            facts={"dedup_key": key},
        )
    return alert


VENDOR = Vendor(
    name="pager",
    routes=(
        route("POST", "/v2/enqueue", "enqueue", enqueue),
        route("GET", "/v2/alerts", "alerts", alerts),
    ),
    allows=_allows,
    error=error,
)
