"""The vendors' books: what really happened, counted, to compare with what Meshline says."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

from meshline.sandbox import watch
from meshline.sandbox.state import Db, Json
from meshline.sandbox.story import Plan
from meshline.sandbox.world import API_USER, STAFF_DOMAIN

_EXPECTED = (
    "refunds_exactly_once",
    "refunds_at_most_once",
    "refunds_never",
    "refunds_reversed",
    "cancellations_once",
    "tickets_solved",
    "mails_once",
    "carts_filled",
    "carts_after_backfill",
    "left_open",
    "needs_person",
)


def books(db: Db, *, brief: bool = False) -> Json:
    """All totals since the record began; `brief` leaves the details out."""
    by_refund, by_cancellation = _refunds(db), _cancellations(db)
    found: Json = {
        "refunds_asked": len(by_refund),
        "refunds_made": sum(one["applied"] > 0 for one in by_refund.values()),
        "refunds_doubled": sum(max(one["applied"] - 1, 0) for one in by_refund.values()),
        "cancellations_asked": len(by_cancellation),
        "cancellations_made": sum(one["cancelled"] for one in by_cancellation.values()),
        "cancellations_doubled": sum(
            max(one["applied"] - 1, 0) for one in by_cancellation.values()
        ),
        **_webhooks(db),
        **_mails(db),
        **_pages(db),
        **_ticket_writes(db),
        "quiet_s": watch.quiet_s(db),
    }
    if brief:
        return found
    return found | {
        "by_refund": by_refund,
        "by_cancellation": by_cancellation,
        "by_ticket": _tickets(db, by_refund),
        "by_mail": _by_mail(db),
        "deliveries": _deliveries(db),
    }


def expected(plans: list[tuple[Plan, int]]) -> Json:
    """What the chapters played so far ask of the books; `plans` with the last chapter played."""
    found: dict[str, list[Any]] = {kind: [] for kind in _EXPECTED}
    for plan, last in plans:
        for chapter, kind, value in plan.expected:
            if chapter <= last:
                found[kind].append(value)
    return found


def _refunds(db: Db) -> dict[str, Json]:
    """Each refund that the desk asked for, with what billing made of it.

    applied: the refunds that stand for it: those with its reference, and any other that the API
    made on its charge. One made by hand counts only once it was adopted.
    """
    by_charge: dict[str, list[Json]] = defaultdict(list)
    for refund in db.every("refund"):
        by_charge[refund["charge"]].append(refund)
    by_hand = _objects(db, "billing", "refund_by_hand")
    settled = _settled(db)
    found: dict[str, Json] = {}
    for ask in db.every("ask"):
        reference = ask["refund_id"]
        made = [
            one
            for one in by_charge[ask["charge_id"]]
            if one["metadata"].get("reference") == reference
            or (one["id"] not in by_hand and "reference" not in one["metadata"])
        ]
        found[reference] = {
            "ticket": f"desk:{ask['ticket_id']}",
            "charge": ask["charge_id"],
            "asked": ask["amount_minor"],
            "currency": ask["currency"],
            "applied": len(made),
            "amount": sum(one["amount"] for one in made),
            "status": made[-1]["status"] if made else None,
            "billing_ids": [one["id"] for one in made],
            "settled_at": max((settled.get(one["id"], 0.0) for one in made), default=0.0) or None,
            "by_hand": any(one["id"] in by_hand for one in by_charge[ask["charge_id"]]),
            "customer": ask["requester_name"],
            "email": ask["email"],
        }
    return found


def _settled(db: Db) -> dict[str, float]:
    """When billing knew that a refund had succeeded, by its id; its webhook may be lost."""
    rows = db.rows(
        "SELECT subject, min(made_at) AS at FROM delivery WHERE source = 'billing' AND "
        "json_extract(CAST(body AS TEXT), '$.data.object.status') = 'succeeded' GROUP BY subject"
    )
    return {row["subject"]: row["at"] for row in rows}


def _objects(db: Db, system: str, effect: str) -> set[str]:
    rows = db.rows("SELECT object FROM applied WHERE system = ? AND effect = ?", system, effect)
    return {str(row["object"]) for row in rows}


def _cancellations(db: Db) -> dict[str, Json]:
    rows = db.rows(
        "SELECT object, count(*) AS n FROM applied WHERE effect = 'cancellation' GROUP BY object"
    )
    times = {row["object"]: row["n"] for row in rows}
    invoiced = {one["subscription"] for one in db.every("invoice")}
    found = {}
    for ask in db.every("cancel"):
        subscription = db.get("subscription", ask["subscription_id"]) or {}
        found[ask["cancellation_id"]] = {
            "ticket": f"desk:{ask['ticket_id']}",
            "subscription": ask["subscription_id"],
            "applied": times.get(ask["subscription_id"], 0),
            "cancelled": bool(subscription.get("cancel_at_period_end")),
            "invoiced_after": ask["subscription_id"] in invoiced,
        }
    return found


def _webhooks(db: Db) -> Json:
    row = db.one(
        "SELECT sum(tried) AS sent, sum(taken) AS accepted, sum(twins) AS twice, "
        "sum(again) AS resent, sum(pending) AS pending, sum(dropped) AS dropped, "
        "sum(refused) AS lost FROM ("
        "SELECT max(first_2xx_at IS NOT NULL) AS taken, max(attempts > 0) AS tried, "
        "max(twin > 0 AND first_2xx_at IS NOT NULL) AS twins, "
        "sum(max((SELECT count(*) FROM attempt WHERE delivery_id = delivery.id) - 1, 0)) AS again, "
        "max(state = 'pending') AS pending, "
        "min(state = 'dropped') AS dropped, "
        "max(state = 'refused') AND NOT max(first_2xx_at IS NOT NULL) AS refused "
        "FROM delivery GROUP BY source, external_id)"
    )
    found = {
        name: (row[name] or 0) if row else 0
        for name in ("sent", "accepted", "twice", "resent", "pending", "dropped")
    }
    lost = (row["lost"] or 0) if row else 0
    told = {f"webhooks_{name}": number for name, number in found.items()}
    return told | {"lost": lost}


def _mails(db: Db) -> Json:
    staff = f"%@{STAFF_DOMAIN}"
    row = db.one(
        "SELECT count(*) AS n, coalesce(sum(times), 0) AS total FROM "
        "(SELECT count(*) AS times FROM mail WHERE recipient NOT LIKE ? GROUP BY digest)",
        staff,
    )
    to_staff = db.one("SELECT count(*) AS n FROM mail WHERE recipient LIKE ?", staff)
    total, different = (row["total"], row["n"]) if row else (0, 0)
    return {
        "mails": total,
        "mails_doubled": total - different,
        "mails_to_staff": to_staff["n"] if to_staff else 0,
    }


def _pages(db: Db) -> Json:
    pages = db.every("alert")
    return {
        "pages": len(pages),
        "pages_acknowledged": sum(page["status"] != "triggered" for page in pages),
    }


def _ticket_writes(db: Db) -> Json:
    row = db.one(
        "SELECT count(*) AS n, count(DISTINCT key) AS different FROM applied "
        "WHERE effect = 'ticket_write' AND key != ''"
    )
    total, different = (row["n"], row["different"]) if row else (0, 0)
    return {"ticket_writes": total, "ticket_writes_doubled": total - different}


def _tickets(db: Db, by_refund: dict[str, Json]) -> dict[str, Json]:
    refunds: dict[str, int] = defaultdict(int)
    for one in by_refund.values():
        refunds[one["ticket"]] += one["applied"]
    rows = db.rows("SELECT recipient, count(*) AS n FROM mail GROUP BY recipient")
    mails = {row["recipient"]: row["n"] for row in rows}
    people = {user["id"]: user for user in db.every("user")}
    found = {}
    for ticket in db.every("ticket"):
        user = people[ticket["requester_id"]]
        ours = [one for one in ticket["comments"] if str(one["author_id"]) == API_USER]
        key = f"desk:{ticket['id']}"
        found[key] = {
            "status": ticket["status"],
            "refunds": refunds[key],
            "mails": mails.get(str(user["email"]).lower(), 0),
            "cart": watch.has_cart(ticket),
            "customer": user["name"],
            "email": user["email"],
            "comments_by_meshline": len(ours),
            "public_by_meshline": sum(one["public"] for one in ours),
            "handed_over": watch.handed_over(ticket),
        }
    return found


def _by_mail(db: Db) -> list[Json]:
    rows = db.rows(
        'SELECT recipient AS "to", template, count(*) AS count, '
        "count(DISTINCT message_id) AS distinct_ids "
        "FROM mail GROUP BY recipient, template ORDER BY min(id)"
    )
    return [dict(row) for row in rows]


def _deliveries(db: Db) -> list[Json]:
    answers: dict[int, list[int | None]] = defaultdict(list)
    for row in db.rows("SELECT delivery_id, status FROM attempt ORDER BY id"):
        answers[row["delivery_id"]].append(row["status"])
    found: dict[tuple[str, str], Json] = {}
    for row in db.rows("SELECT * FROM delivery ORDER BY id"):
        key = (row["source"], row["external_id"])
        one = found.setdefault(
            key,
            {
                "source": row["source"],
                "external_id": row["external_id"],
                "kind": row["kind"],
                "subject": row["subject"],
                "status": row["state"],
                "attempts": 0,
                "twice": False,
                "first_2xx_at": None,
                "sha256": hashlib.sha256(row["body"]).hexdigest(),
                "answers": [],
            },
        )
        one["attempts"] += row["attempts"]
        one["twice"] = one["twice"] or row["twin"] > 0
        one["answers"] += answers[row["id"]]
        times = [t for t in (one["first_2xx_at"], row["first_2xx_at"]) if t is not None]
        one["first_2xx_at"] = min(times, default=None)
        if row["state"] == "pending":
            one["status"] = "pending"
    return list(found.values())


def record(db: Db, *, system: str, since: int, limit: int) -> Json:
    """Requests, applied effects and delivery attempts after id `since`, oldest first."""
    wanted = (since, system, system, limit)
    requests = db.rows(
        "SELECT * FROM request WHERE id > ? AND (? = '' OR system = ?) ORDER BY id LIMIT ?", *wanted
    )
    applied = db.rows(
        "SELECT * FROM applied WHERE id > ? AND (? = '' OR system = ?) ORDER BY id LIMIT ?", *wanted
    )
    attempts = db.rows(
        "SELECT a.id, a.at, d.source, d.external_id, d.kind, a.n AS attempt, a.status, a.error, "
        "a.ms "
        "FROM attempt a JOIN delivery d ON d.id = a.delivery_id "
        "WHERE a.id > ? AND (? = '' OR d.source = ?) ORDER BY a.id LIMIT ?",
        *wanted,
    )
    return {
        "requests": [dict(row) for row in requests],
        "applied": [dict(row) for row in applied],
        "deliveries": [dict(row) for row in attempts],
    }
