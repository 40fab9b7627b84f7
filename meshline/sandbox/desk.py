"""What customers and agents do at the desk: write, answer, press the macros that move money."""

from __future__ import annotations

import secrets

from meshline.sandbox import helpdesk, till
from meshline.sandbox.people import AGENTS
from meshline.sandbox.state import Db, Json
from meshline.sandbox.wire import ActRefused, one_of
from meshline.sandbox.world import clock, new_id, rfc3339

_AGENT = next(iter(AGENTS))
_FIRST_TICKET = 60_001
_FIRST_USER = 81_001


def ticket(db: Db, args: Json) -> Json:
    """A customer writes to the desk. The customer is made when there is none of that address."""
    person = customer(db, args)
    number = int(args.get("ticket_id") or db.next_number("ticket", _FIRST_TICKET))
    now = rfc3339(clock(db, "helpdesk"))
    external = args.get("external_id")
    if external is None and args.get("order_id"):
        external = f"order-{args['order_id']}"
    if external is None and args.get("cart_token"):
        external = f"cart-{args['cart_token']}"
    given = {**args, **(args.get("fields") or {})}
    fields = {
        str(n): given[key]
        for key, n in helpdesk.FIELDS.items()
        if key in given and key != "customer_id"
    }
    body: Json = {
        "id": number,
        "subject": args.get("subject") or "A question about my order",
        "description": args.get("description") or args.get("subject") or "Hello, can you help?",
        "status": "open",
        "priority": args.get("priority") or "normal",
        "requester_id": person["user_id"],
        "assignee_id": int(_AGENT),
        "tags": list(args.get("tags") or []),
        "external_id": external,
        "fields": fields,
        "created_at": now,
        "updated_at": now,
        "comments": [],
        "audits": [],
    }
    db.put("ticket", number, body)
    created = body | {"status": "new"}
    helpdesk.tell(
        db, created, "created", {}, actor=str(person["user_id"]), twice_after_s=args.get("twice_s")
    )
    made = {name: person[name] for name in ("email", "name", "customer_id")}
    return {"ticket_id": str(number), "requester_id": str(person["user_id"]), **made}


def customer(db: Db, args: Json) -> Json:
    """The customer of an address, made when new. Without an address a new one is invented."""
    name = str(args.get("name") or "")
    typed = str(args.get("email") or "")
    if not typed:
        number = db.next_number("invented", 1)
        name = name or f"Visitor {number}"
        typed = f"visitor.{number}@mail.example"
    bare = typed.lower()
    found = db.get("customer", bare)
    if found is not None:
        return found
    user = db.next_number("user", _FIRST_USER)
    name = name or bare.partition("@")[0].replace(".", " ").title()
    db.put("user", user, {"id": user, "name": name, "email": typed, "role": "end-user"})
    made = {
        "email": typed,
        "name": name,
        "user_id": user,
        "customer_id": args.get("customer_id") or new_id("cus_", 14),
    }
    return db.put("customer", bare, made)


def comment(db: Db, args: Json) -> Json:
    """An agent or the customer writes on a ticket; a customer's message reopens it."""
    found = _ticket(db, args)
    by_agent = args.get("author", "agent") == "agent"
    author = _AGENT if by_agent else str(found["requester_id"])
    said = {
        "body": args.get("body") or "Thank you, we look into it.",
        "public": args.get("public", True),
    }
    changes: Json = {}
    if not by_agent and found["status"] in ("pending", "hold", "solved"):
        changes["status"] = "open"
    if args.get("status"):
        changes["status"] = one_of(args["status"], helpdesk.STATUSES)
    helpdesk.write(
        db, found, changes, comment=said, author=author, twice_after_s=args.get("twice_s")
    )
    return {"ticket_id": str(found["id"])}


def ticket_status(db: Db, args: Json) -> Json:
    """An agent sets a ticket's status."""
    found = _ticket(db, args)
    changes = {"status": one_of(args["status"], helpdesk.STATUSES)}
    helpdesk.write(db, found, changes, author=_AGENT)
    return {"ticket_id": str(found["id"]), "status": found["status"]}


def priority(db: Db, args: Json) -> Json:
    """An agent sets a ticket's priority."""
    found = _ticket(db, args)
    helpdesk.write(
        db, found, {"priority": one_of(args["priority"], helpdesk.PRIORITIES)}, author=_AGENT
    )
    return {"ticket_id": str(found["id"])}


def refund_request(db: Db, args: Json) -> Json:
    """An agent presses the refund macro. Ticket, customer and charge are made when missing."""
    found, person = _ticket_and_person(db, args)
    amount = int(args.get("amount_minor") or 2500)
    currency = str(args.get("currency") or "EUR").upper()
    sold = {"customer_id": person["customer_id"], "amount_minor": amount, "currency": currency}
    paid = till.charge(db, args | sold)
    refund_id = str(args.get("refund_id") or f"rf_{secrets.token_hex(6)}")
    order = str(args.get("order_id") or db.next_number("order", 970_001))
    said = {
        "refund_id": refund_id,
        "ticket_id": str(found["id"]),
        "requester_id": str(person["user_id"]),
        "requester_email": person["email"],
        "requester_name": person["name"],
        "customer_id": person["customer_id"],
        "order_id": order,
        "charge_id": paid["charge_id"],
        "amount_minor": amount,
        "currency": currency,
    }
    db.put("ask", refund_id, {**said, "charge": paid["charge_id"], "email": person["email"]})
    sent = helpdesk.send_macro(
        db, "meshline.refund_requested", found, said, twice_after_s=args.get("twice_s")
    )
    return {
        "delivery_id": sent,
        "email": person["email"],
        "name": person["name"],
        **{
            name: said[name]
            for name in ("refund_id", "ticket_id", "charge_id", "customer_id", "order_id")
        },
    }


def cancellation_request(db: Db, args: Json) -> Json:
    """An agent presses the cancellation macro; the subscription is made when missing."""
    found, person = _ticket_and_person(db, args)
    key = str(args.get("subscription_id") or new_id("sub_", 16))
    if db.get("subscription", key) is None:
        db.put(
            "subscription",
            key,
            {
                "id": key,
                "object": "subscription",
                "customer": person["customer_id"],
                "status": "active",
                "cancel_at_period_end": False,
                "metadata": {},
            },
        )
    cancellation = str(args.get("cancellation_id") or f"cn_{secrets.token_hex(6)}")
    said = {
        "cancellation_id": cancellation,
        "ticket_id": str(found["id"]),
        "requester_email": person["email"],
        "requester_name": person["name"],
        "customer_id": person["customer_id"],
        "subscription_id": key,
    }
    db.put("cancel", cancellation, said)
    sent = helpdesk.send_macro(
        db, "meshline.cancellation_requested", found, said, twice_after_s=args.get("twice_s")
    )
    return {**said, "delivery_id": sent}


def _ticket(db: Db, args: Json) -> Json:
    number = str(args["ticket_id"]).removeprefix("desk:")
    found = db.get("ticket", number)
    if found is None:
        raise ActRefused(f"There is no ticket {number}.")
    return found


def _ticket_and_person(db: Db, args: Json) -> tuple[Json, Json]:
    """The ticket and who asks on it; both made when `ticket_id` is missing."""
    if not args.get("ticket_id"):
        args = {**args, "ticket_id": ticket(db, args)["ticket_id"]}
    found = _ticket(db, args)
    user = db.get("user", found["requester_id"]) or {}
    return found, db.get("customer", str(user["email"]).lower()) or {}
