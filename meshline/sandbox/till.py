"""What people do in billing's own screen: charges, refunds by hand, what banks do to them."""

from __future__ import annotations

from meshline.sandbox import billing
from meshline.sandbox.state import Db, Json
from meshline.sandbox.wire import ActRefused, one_of
from meshline.sandbox.world import apply, new_id


def charge(db: Db, args: Json) -> Json:
    """A customer has paid. The charge is larger than one refund, so that two would show."""
    key = str(args.get("charge_id") or new_id("ch_", 24))
    before = db.get("charge", key)
    if before is None:
        amount = int(args.get("charge_amount") or int(args["amount_minor"]) * 3)
        currency = str(args.get("currency") or "EUR").lower()
        before = {
            "id": key,
            "object": "charge",
            "amount": amount,
            "currency": currency,
            "customer": args.get("customer_id"),
            "paid": True,
            "habit": {},
        }
    db.put("charge", key, before | {"habit": before["habit"] | (args.get("habit") or {})})
    return {"charge_id": key}


def refund_by_hand(db: Db, args: Json) -> Json:
    """Somebody refunds in billing's own screen: no reference of Meshline on it."""
    amount = int(args.get("amount_minor") or 2500)
    paid = charge(db, {**args, "amount_minor": amount})["charge_id"]
    status = one_of(args.get("status", "succeeded"), ("succeeded", "pending"))
    found = db.get("charge", paid) or {}
    made = billing.make_refund(db, found, amount, {}, status=status)
    apply(db, "billing", "refund_by_hand", key="", thing=made["id"], amount=amount)
    return {"billing_id": made["id"], "charge_id": paid}


def refund_status(db: Db, args: Json) -> Json:
    """A refund settles or fails; the webhook goes out."""
    key = args.get("billing_id")
    found = db.get("refund", key) if key else None
    if found is None and args.get("reference"):
        found = next(iter(db.find("refund", "$.metadata.reference", args["reference"])), None)
    if found is None:
        raise ActRefused(f"There is no refund {key or args.get('reference')}.")
    status = one_of(args["status"], ("pending", "succeeded", "failed"))
    before = {"status": found["status"]}
    found["status"] = status
    if status == "failed":
        found["failure_reason"] = "expired_or_canceled_card"
    db.put("refund", found["id"], found)
    kind = "refund.failed" if status == "failed" else "refund.updated"
    sent = billing.send_event(db, kind, found, before=before, twice_after_s=args.get("twice_s"))
    return {"billing_id": found["id"], "status": status, "event_id": sent}


def invoice(db: Db, args: Json) -> Json:
    """Billing draws up an invoice for a subscription."""
    found = db.get("subscription", args["subscription_id"])
    if found is None:
        raise ActRefused(f"There is no subscription {args['subscription_id']}.")
    made: Json = {
        "id": new_id("in_", 24),
        "object": "invoice",
        "customer": found["customer"],
        "subscription": found["id"],
        "amount_due": int(args.get("amount_minor") or 2900),
        "currency": str(args.get("currency") or "EUR").lower(),
        "status": "draft",
        "metadata": {},
    }
    db.put("invoice", made["id"], made)
    billing.send_event(db, "invoice.created", made)
    return {"invoice_id": made["id"], "subscription_id": found["id"]}
