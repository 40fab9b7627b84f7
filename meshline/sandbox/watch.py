"""What the story watches for in the record: was it paged, looked up, resolved, is all quiet."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from urllib.parse import unquote

from meshline.sandbox.helpdesk import FIELDS
from meshline.sandbox.state import Db, Json
from meshline.sandbox.story import MAJA, Plan
from meshline.sandbox.world import API_USER

_HANDED_OVER = re.compile(r"needs a person|hand-?off|handed over|\bHD-", re.IGNORECASE)
_CART = str(FIELDS["cart_token"])
_SILENT_S = 11.0  # longer than an acknowledgement is awaited at demo pace


def tickets(db: Db, plan: Plan, name: str) -> list[Json]:
    """The tickets under a mark that are open by now at the desk."""
    return [found for number in plan.marks.get(name, []) if (found := db.get("ticket", number))]


def all_solved(db: Db, plan: Plan, name: str) -> bool:
    """Whether every ticket under a mark exists and is solved."""
    found = tickets(db, plan, name)
    return len(found) == len(plan.marks[name]) and all(t["status"] == "solved" for t in found)


def handed_over(ticket: Json) -> bool:
    """Whether Meshline's internal note on the ticket speaks of a handoff."""
    return any(
        str(comment["author_id"]) == API_USER
        and not comment["public"]
        and _HANDED_OVER.search(comment["body"])
        for comment in ticket["comments"]
    )


def given_up(db: Db, charge_id: str) -> bool:
    """Whether Meshline asked for a charge three times and has been silent since."""
    row = db.one(
        "SELECT count(*) AS times, max(at) AS last FROM request "
        "WHERE system = 'billing' AND behaviour = 'ack_no_apply' AND about = ?",
        charge_id,
    )
    return bool(row and row["times"] >= 3 and time.time() - row["last"] > _SILENT_S)


def maja_solved(db: Db, plan: Plan) -> bool:
    """Whether Maja's ticket is resolved."""
    found = db.get("ticket", plan.marks["never"][MAJA])
    return found is not None and found["status"] == "solved"


def maja_waits(db: Db, plan: Plan) -> bool:
    """Whether Maja's ticket lies with a person and is not resolved."""
    found = db.get("ticket", plan.marks["never"][MAJA])
    if found is None or found["status"] == "solved":
        return False
    return handed_over(found) or given_up(db, plan.marks["never_charges"][MAJA])


def looked_up(db: Db, plan: Plan) -> bool:
    """Whether each late cart was asked for at the shop, by token, order number or address."""
    rows = db.rows("SELECT path FROM request WHERE system = 'shop' ORDER BY id DESC LIMIT 3000")
    asked = unquote(" ".join(row["path"] for row in rows)).lower()
    found = tickets(db, plan, "carts")
    return len(found) == len(plan.marks["carts"]) and all(
        handed_over(one) or any(mark in asked for mark in _marks_of(db, one)) for one in found
    )


def _marks_of(db: Db, ticket: Json) -> list[str]:
    user = db.get("user", ticket["requester_id"]) or {"email": "?"}
    local = str(user["email"]).lower().partition("@")[0].partition("+")[0]
    external = str(ticket["external_id"] or "")
    return [mark for mark in (local, external.partition("-")[2].lower()) if mark]


def has_cart(ticket: Json) -> bool:
    """Whether Meshline has written the cart into the ticket."""
    by_meshline = (
        event
        for audit in ticket["audits"]
        if str(audit["author_id"]) == API_USER
        for event in audit["events"]
    )
    return any(event.get("field_name") == _CART and event["value"] for event in by_meshline)


def carts_filled(db: Db, plan: Plan) -> int:
    """How many of the late carts are in their tickets."""
    return sum(has_cart(one) for one in tickets(db, plan, "carts"))


def carts_known(db: Db, plan: Plan) -> bool:
    """Whether the shop knows the late carts by now."""
    sql = "SELECT count(*) AS n FROM played WHERE action IN (SELECT value FROM json_each(?))"
    wanted = [a.id for a in plan.actions if a.do == "cart_known"]
    row = db.one(sql, json.dumps(wanted))
    return bool(row and row["n"] == len(wanted))


def pages_about(db: Db, number: str) -> list[Json]:
    """The pages that name a ticket."""
    return [
        page
        for page in db.every("alert")
        if number in json.dumps([page["summary"], page["details"]])
    ]


def paged(db: Db, plan: Plan) -> bool:
    """Whether somebody was paged about the ticket that nobody answered."""
    return bool(pages_about(db, plan.marks["sleeper"][0]))


def acknowledged(db: Db, plan: Plan) -> bool:
    """Whether the page about that ticket was answered."""
    return any(page["status"] != "triggered" for page in pages_about(db, plan.marks["sleeper"][0]))


def escalated(db: Db, plan: Plan) -> bool:
    """Whether the second ticket was escalated: a page, a mail or a note about it."""
    number = plan.marks["escalate"][0]
    found = db.get("ticket", number)
    noted = found is not None and any(
        str(c["author_id"]) == API_USER and "scalat" in c["body"] for c in found["comments"]
    )
    mailed = db.one("SELECT 1 FROM mail WHERE (subject || body) LIKE ? LIMIT 1", f"%{number}%")
    return noted or mailed is not None or bool(pages_about(db, number))


def refund_in_flight(db: Db, plan: Plan) -> bool:
    """Whether billing has just made one of the last refunds, whose slow answer is still to come."""
    return any(db.find("refund", "$.charge", charge) for charge in plan.marks["plug_charges"])


def quiet_s(db: Db) -> float:
    """Seconds since anything moved; 0 while something is queued or planned."""
    busy = db.one(
        "SELECT 1 FROM delivery WHERE state = 'pending' "
        "UNION SELECT 1 FROM due WHERE done = 0 LIMIT 1"
    )
    if busy is not None:
        return 0.0
    row = db.one(
        "SELECT max(coalesce((SELECT max(at) FROM request), 0), "
        "coalesce((SELECT max(at) FROM attempt), 0), "
        "coalesce((SELECT max(at) FROM played), 0)) AS last"
    )
    return round(max(time.time() - (row["last"] if row else 0), 0.0), 1)


GATES: dict[str, Callable[[Db, Plan], bool]] = {
    "looked_up": looked_up,
    "paged": paged,
    "refund_in_flight": refund_in_flight,
}
