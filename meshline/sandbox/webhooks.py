"""Webhooks: signed as each vendor signs, queued in the record, delivered until they are taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from meshline.sandbox import faults
from meshline.sandbox.state import Db, Json
from meshline.sandbox.world import rfc3339

SCHEMES = {
    "billing": "stripe",
    "helpdesk": "zendesk",
    "shop": "shopify",
    "pager": "standardwebhooks",
}

_QUEUE = (
    "INSERT INTO delivery (source, external_id, kind, subject, headers, body, twin, loose, "
    "made_at, due_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def sign(scheme: str, secret: str, body: bytes, *, at: float, external_id: str) -> dict[str, str]:
    """The headers that prove a delivery genuine. `at` is the vendor's clock, in seconds."""
    if scheme == "stripe":
        stamp = str(int(at))
        mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={stamp},v1={mark}"}
    if scheme == "zendesk":
        stamp = rfc3339(at)
        return {
            "X-Zendesk-Webhook-Signature": _base64_mac(secret.encode(), stamp.encode() + body),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }
    if scheme == "shopify":
        return {"X-Shopify-Hmac-SHA256": _base64_mac(secret.encode(), body)}
    if scheme == "standardwebhooks":
        stamp = str(int(at))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mark = _base64_mac(key, f"{external_id}.{stamp}.".encode() + body)
        return {
            "webhook-id": external_id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{mark}",
        }
    raise ValueError(f"No vendor here signs by {scheme!r}.")


def _base64_mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(
    db: Db,
    source: str,
    kind: str,
    external_id: str,
    body: Json,
    *,
    subject: str,
    facts: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    delay_s: float = 0.0,
    twice_after_s: float | None = None,
) -> None:
    """Queue one webhook, with whatever its source's switches do to it.

    `subject` keeps the order of one ticket's or refund's webhooks; `twice_after_s` sends it twice,
    0 at the same moment.
    """
    fault = faults.take(db, source, faults.WEBHOOK_KINDS, kind, facts or {})
    wrong = fault.fault if fault else ""
    due, loose = time.time() + delay_s, 0
    if fault and wrong in ("late_webhook", "out_of_order"):
        due, loose = due + fault.delay_s, 1
    if fault and wrong == "twice_webhook":
        twice_after_s = fault.delay_s
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    state = "dropped" if wrong == "drop_webhook" else "pending"
    times = [due] if twice_after_s is None else [due, due + twice_after_s]
    row = (source, external_id, kind, subject, json.dumps(dict(headers or {})), text)
    for twin, when in enumerate(times):
        db.run(_QUEUE, *row, twin, loose or twin, time.time(), when, state)


def send_again(db: Db, external_id: str) -> bool:
    """Queue the same webhook once more; False when none had this id."""
    row = db.one("SELECT * FROM delivery WHERE external_id = ? ORDER BY id LIMIT 1", external_id)
    if row is None:
        return False
    twin = db.one("SELECT max(twin) AS last FROM delivery WHERE external_id = ?", external_id)
    n = (twin["last"] if twin else 0) + 1
    same = [row[name] for name in ("source", "external_id", "kind", "subject", "headers", "body")]
    db.run(_QUEUE, *same, n, 1, time.time(), time.time(), "pending")
    return True
