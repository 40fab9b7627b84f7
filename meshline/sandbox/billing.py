"""Simulated billing, in Stripe's words: refunds under idempotency keys, subscriptions, events."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from meshline.sandbox import faults
from meshline.sandbox.state import Db, Json
from meshline.sandbox.webhooks import send
from meshline.sandbox.wire import Answer, Call, Request, Vendor, VendorError, route
from meshline.sandbox.world import apply, clock, later, new_id

_REFUND_FIELDS = {"charge", "amount", "reason", "currency"}
_METADATA = re.compile(r"^metadata\[([A-Za-z0-9_]{1,40})\]$")
_API_VERSION = "2024-06-20"


def error(status: int, message: str, *, code: str = "", param: str = "") -> Json:
    """Stripe's error object."""
    kinds = {401: "invalid_request_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "api_error" if status >= 500 else "invalid_request_error")
    if code == "idempotency_error":
        kind = code
    told: Json = {"type": kind, "message": message}
    if code or status == 429:
        told["code"] = code or "rate_limit"
    if param:
        told["param"] = param
    return {"error": told}


def _refuse(status: int, message: str, code: str = "", param: str = "") -> VendorError:
    return VendorError(status, error(status, message, code=code, param=param))


def _allows(request: Request, token: str) -> bool:
    return request.token() == token


# --- Refunds --------------------------------------------------------------------------------


def create_refund(call: Call) -> Answer:
    """Refund part of a charge, once per idempotency key."""
    return _once(call, _create_refund)


def _create_refund(call: Call) -> Json:
    form = call.request.form()
    unknown = [name for name in form if name not in _REFUND_FIELDS and not _METADATA.match(name)]
    if unknown:
        raise _refuse(
            400, f"Received unknown parameter: {unknown[0]}", "parameter_unknown", unknown[0]
        )
    charge = call.db.get("charge", form.get("charge", ""))
    if charge is None:
        told = f"No such charge: '{form.get('charge', '')}'"
        raise _refuse(404, told, "resource_missing", "charge")
    made = [one for one in refunds_of(call.db, charge["id"]) if one["status"] != "failed"]
    left = int(charge["amount"]) - sum(one["amount"] for one in made)
    amount = _amount(form.get("amount", str(left)))
    if amount > left:
        told = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        code = "charge_already_refunded" if left <= 0 else "amount_too_large"
        raise _refuse(400, told, code, "amount")
    refund = make_refund(call.db, charge, amount, _metadata(form))
    apply(
        call.db,
        "billing",
        "refund",
        key=call.key,
        thing=refund["id"],
        amount=amount,
        request_id=call.request_id,
    )
    return refund


def make_refund(
    db: Db, charge: Json, amount: int, metadata: Json, *, status: str | None = None
) -> Json:
    """Store a refund and plan its webhooks as the charge's `habit` says.

    habit: pending (bool), settle_s, fail_after_s, twice_s (the acknowledgement comes twice).
    """
    habit = _usual_habit(charge["id"]) | charge.get("habit", {})
    pending = bool(habit["pending"]) if status is None else status == "pending"
    now = int(clock(db, "billing"))
    refund: Json = {
        "id": new_id("re_", 24),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "balance_transaction": new_id("txn_", 24),
        "created": now,
        "currency": charge["currency"],
        "metadata": metadata,
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "status": "pending" if pending else "succeeded",
    }
    db.put("refund", refund["id"], refund)
    if pending:
        send_event(db, "refund.created", refund, delay_s=0.1)
    settle: Json = {"billing_id": refund["id"], "status": "succeeded"}
    if habit.get("twice_s") is not None:
        settle["twice_s"] = habit["twice_s"]
    if not pending and status is not None:
        send_event(db, "refund.created", refund, delay_s=0.1)
    else:
        later(db, float(habit["settle_s"]), "refund_status", settle)
    if habit.get("fail_after_s") is not None:
        after = float(habit["settle_s"]) + float(habit["fail_after_s"])
        later(db, after, "refund_status", {"billing_id": refund["id"], "status": "failed"})
    return refund


def _usual_habit(charge_id: str) -> Json:
    """Most refunds are pending at first; which ones is settled by the charge's id."""
    lot = hashlib.sha256(charge_id.encode()).digest()
    return {"pending": lot[0] % 10 < 6, "settle_s": 0.3 + lot[1] / 255 * 0.7}


def refunds_of(db: Db, charge_id: str) -> list[Json]:
    """All refunds of a charge, oldest first."""
    return db.find("refund", "$.charge", charge_id)


def update_refund(call: Call) -> Answer:
    """Write metadata on a refund; a new reference is an adoption."""
    return _once(call, _update_refund)


def _update_refund(call: Call) -> Json:
    refund = _refund(call)
    form = call.request.form()
    unknown = [name for name in form if not _METADATA.match(name)]
    if unknown:
        raise _refuse(
            400, f"Received unknown parameter: {unknown[0]}", "parameter_unknown", unknown[0]
        )
    before, wanted = dict(refund["metadata"]), _metadata(form)
    refund["metadata"] = before | wanted
    if refund["metadata"] != before:
        call.db.put("refund", refund["id"], refund)
        effect = (
            "adoption" if "reference" in wanted and "reference" not in before else "refund_note"
        )
        apply(
            call.db, "billing", effect, key=call.key, thing=refund["id"], request_id=call.request_id
        )
        send_event(call.db, "refund.updated", refund, delay_s=0.3, before={"metadata": before})
    return refund


def get_refund(call: Call) -> Answer:
    """One refund."""
    return Answer(200, _refund(call))


def list_refunds(call: Call) -> Answer:
    """Refunds, newest first, of one charge when asked so."""
    query = call.request.query
    charge = query.get("charge")
    found = refunds_of(call.db, charge) if charge else call.db.every("refund")
    return Answer(200, _page(found[::-1], query, "/v1/refunds"))


def search_refunds(call: Call) -> Answer:
    """Stripe's search by `metadata['reference']:'…'`."""
    text = call.request.query.get("query", "")
    wanted = re.fullmatch(r"\s*metadata\[['\"]reference['\"]\]\s*:\s*['\"]([^'\"]*)['\"]\s*", text)
    if wanted is None:
        raise _refuse(400, f"We were unable to parse your search query: {text!r}.", "", "query")
    found = call.db.find("refund", "$.metadata.reference", wanted[1])
    body = {
        "object": "search_result",
        "url": "/v1/refunds/search",
        "has_more": False,
        "next_page": None,
        "data": found[::-1],
    }
    return Answer(200, body)


def _refund(call: Call) -> Json:
    refund = call.db.get("refund", call.parts["id"])
    if refund is None:
        raise _refuse(404, f"No such refund: '{call.parts['id']}'", "resource_missing", "id")
    return refund


# --- Subscriptions, charges, events ---------------------------------------------------------


def get_subscription(call: Call) -> Answer:
    """One subscription."""
    return Answer(200, _subscription(call))


def update_subscription(call: Call) -> Answer:
    """Set or lift the cancellation at the period's end."""
    return _once(call, _update_subscription)


def _update_subscription(call: Call) -> Json:
    found, form = _subscription(call), call.request.form()
    unknown = [n for n in form if n != "cancel_at_period_end" and not _METADATA.match(n)]
    if unknown:
        raise _refuse(
            400, f"Received unknown parameter: {unknown[0]}", "parameter_unknown", unknown[0]
        )
    if found["status"] == "canceled":
        told = f"No such subscription: '{found['id']}'"
        raise _refuse(404, told, "resource_missing", "id")
    changed = found | {"metadata": found["metadata"] | _metadata(form)}
    if "cancel_at_period_end" in form:
        wanted = form["cancel_at_period_end"]
        if wanted not in ("true", "false"):
            raise _refuse(400, f"Invalid boolean: {wanted}", "", "cancel_at_period_end")
        changed["cancel_at_period_end"] = wanted == "true"
    if changed == found:
        return found
    call.db.put("subscription", found["id"], changed)
    before = {name: found[name] for name in found if found[name] != changed[name]}
    if changed["cancel_at_period_end"] and "cancel_at_period_end" in before:
        apply(
            call.db,
            "billing",
            "cancellation",
            key=call.key,
            thing=found["id"],
            request_id=call.request_id,
        )
    send_event(call.db, "customer.subscription.updated", changed, delay_s=0.4, before=before)
    return changed


def _subscription(call: Call) -> Json:
    found = call.db.get("subscription", call.parts["id"])
    if found is None:
        told = f"No such subscription: '{call.parts['id']}'"
        raise _refuse(404, told, "resource_missing", "id")
    return found


def get_charge(call: Call) -> Answer:
    """One charge, with what was refunded of it."""
    charge = call.db.get("charge", call.parts["id"])
    if charge is None:
        raise _refuse(404, f"No such charge: '{call.parts['id']}'", "resource_missing", "id")
    made = [one for one in refunds_of(call.db, charge["id"]) if one["status"] != "failed"]
    shown = {name: value for name, value in charge.items() if name != "habit"}
    return Answer(200, shown | {"amount_refunded": sum(one["amount"] for one in made)})


def list_events(call: Call) -> Answer:
    """All events, newest first, those whose webhook was dropped included."""
    query, asked = call.request.query, call.request.query.get
    types = [value for name, value in query.items() if name.startswith("types[")]
    since = _amount(asked("created[gte]", "0"), param="created[gte]")
    rows = call.db.rows(
        "SELECT body FROM delivery WHERE source = 'billing' AND twin = 0 ORDER BY id DESC"
    )
    events: list[Json] = [json.loads(row["body"]) for row in rows]
    found = [e for e in events if e["created"] >= since and (not types or e["type"] in types)]
    return Answer(200, _page(found, query, "/v1/events"))


def send_event(
    db: Db,
    kind: str,
    thing: Json,
    *,
    delay_s: float = 0.0,
    before: Json | None = None,
    twice_after_s: float | None = None,
) -> str:
    """Queue one Stripe event about a thing; returns its id."""
    data: Json = {"object": thing}
    if before is not None:
        data["previous_attributes"] = before
    event: Json = {
        "id": new_id("evt_", 24),
        "object": "event",
        "api_version": _API_VERSION,
        "created": int(clock(db, "billing")),
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    facts = {"charge": thing.get("charge", ""), "subscription": thing["id"]}
    facts["reference"] = thing.get("metadata", {}).get("reference", "")
    send(
        db,
        "billing",
        kind,
        event["id"],
        event,
        subject=thing["id"],
        facts={name: str(value) for name, value in facts.items()},
        delay_s=delay_s,
        twice_after_s=twice_after_s,
    )
    return str(event["id"])


# --- Shared ---------------------------------------------------------------------------------


def _once(call: Call, run: Any) -> Answer:
    """Answer the same key with the same answer; a key with other parameters is refused."""
    if not call.key:
        return Answer(200, run(call))
    if len(call.key) > 255:
        raise _refuse(400, "Idempotency keys are at most 255 characters.", "idempotency_error")
    forgets = faults.lasting(call.db, "billing", "forget_keys") is not None
    told = f"{call.request.path}\n{json.dumps(sorted(call.request.form().items()))}"
    digest = hashlib.sha256(told.encode()).hexdigest()
    row = call.db.one("SELECT * FROM idempotency WHERE system = 'billing' AND key = ?", call.key)
    if row is not None and not forgets:
        if row["digest"] != digest:
            told = "Keys for idempotent requests can only be used with the same parameters."
            raise _refuse(400, told, "idempotency_error")
        return Answer(row["status"], json.loads(row["body"]), {"Idempotent-Replayed": "true"})
    body = run(call)
    if not forgets:
        call.db.run(
            "INSERT OR REPLACE INTO idempotency (system, key, digest, status, body) "
            "VALUES ('billing', ?, ?, 200, ?)",
            call.key,
            digest,
            json.dumps(body),
        )
    return Answer(200, body)


def _metadata(form: dict[str, str]) -> Json:
    return {named[1]: value for name, value in form.items() if (named := _METADATA.match(name))}


def _amount(text: str, *, param: str = "amount") -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text) or (param == "amount" and int(text) < 1):
        raise _refuse(400, f"Invalid integer: {text[:40]}", "parameter_invalid_integer", param)
    return int(text)


def _page(found: list[Json], query: Any, url: str) -> Json:
    limit = min(max(_amount(query.get("limit", "10"), param="limit"), 1), 100)
    after = query.get("starting_after")
    ids = [one["id"] for one in found]
    first = ids.index(after) + 1 if after in ids else 0
    data = found[first : first + limit]
    return {"object": "list", "url": url, "has_more": first + limit < len(found), "data": data}


VENDOR = Vendor(
    name="billing",
    routes=(
        route("POST", "/v1/refunds", "create_refund", create_refund),
        route("GET", "/v1/refunds", "list_refunds", list_refunds),
        route("GET", "/v1/refunds/search", "search_refunds", search_refunds),
        route("GET", "/v1/refunds/{id}", "get_refund", get_refund),
        route("POST", "/v1/refunds/{id}", "update_refund", update_refund),
        route("GET", "/v1/subscriptions/{id}", "get_subscription", get_subscription),
        route("POST", "/v1/subscriptions/{id}", "update_subscription", update_subscription),
        route("GET", "/v1/charges/{id}", "get_charge", get_charge),
        route("GET", "/v1/events", "list_events", list_events),
    ),
    allows=_allows,
    error=error,
)
