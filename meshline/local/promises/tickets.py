"""Promises that customers and agents feel: tickets, letters, carts, notes."""

from __future__ import annotations

from meshline.local.promises.money import vendor_key
from meshline.local.promises.sides import Promise, Sides

LATE_CARTS = 12
# The sandbox and the books round to the same clock; anything earlier was before its cause.
SAME_MOMENT_S = 0.001


def tickets_solved(sides: Sides) -> Promise:
    """Every ticket whose matter is settled is solved, at the desk and in Meshline."""
    tickets = sides.theirs.books["by_ticket"]
    replayed = [one["ticket"] for one in sides.theirs.expected["needs_person"]
                if one["wants"] == "replay"]  # fmt: skip
    wanted = [*sides.theirs.expected["tickets_solved"], *replayed]
    broken = [f"{t} is {tickets[t]['status']}" for t in wanted if tickets[t]["status"] != "solved"]
    done = sides.ours.number(
        "SELECT count(*) FROM orchestration_effect WHERE scope = 'helpdesk.transition_ticket' "
        "AND state = 'done' AND request->>'to' = 'solved'"
    )
    return Promise(
        "Every settled ticket is solved",
        f"{done} solved by flows",
        f"{len(wanted) - len(broken)} of {len(wanted)} solved",
        len(wanted),
        tuple(broken),
    )


def solved_after_acknowledgement(sides: Sides) -> Promise:
    """No ticket was resolved, and no customer told, before billing had it succeeded."""
    settled = {one["ticket"]: (one["settled_at"], one["billing_ids"])
               for one in sides.theirs.books["by_refund"].values()}  # fmt: skip
    rows = sides.ours.rows(
        "SELECT scope, key, ticket FROM orchestration_effect WHERE flow = 'refund-completion' "
        "AND state = 'done' AND (request->>'to' = 'solved' OR scope = 'mail.send')"
    )
    broken, looked_at = [], 0
    for row in rows:
        at = min(sides.theirs.applied_at.get(vendor_key(row), [0.0]))
        truth = settled.get(row["ticket"], (None, []))[0]
        looked_at += 1
        if truth is None or at < truth - SAME_MOMENT_S:
            broken.append(f"{row['ticket']} {row['scope']} before billing had it")
    return Promise(
        "Nothing is called done before billing has acknowledged it",
        f"{looked_at} tickets solved and letters sent",
        f"{looked_at - len(broken)} after billing's own moment",
        looked_at,
        tuple(broken),
    )


def letters_once(sides: Sides) -> Promise:
    """Each customer got each letter exactly once."""
    books = sides.theirs.books
    counts = {(m["to"].lower(), m["template"]): m["count"] for m in books["by_mail"]}
    wanted = [(m["to"].lower(), m["template"]) for m in sides.theirs.expected["mails_once"]]
    broken = [f"{to} got {counts.get((to, name), 0)} {name}" for to, name in wanted
              if counts.get((to, name), 0) != 1]  # fmt: skip
    broken += [f"{to} got {n} {name}" for (to, name), n in counts.items() if n > 1]
    if books["mails_doubled"]:
        broken.append(f"{books['mails_doubled']} letters doubled")
    sent = sides.ours.number(
        "SELECT count(*) FROM orchestration_effect WHERE scope = 'mail.send' AND state = 'done'"
    )
    return Promise(
        "Each customer is told once",
        f"{sent} letters sent",
        f"{books['mails']} letters, {books['mails_doubled']} doubled",
        len(wanted),
        tuple(broken),
    )


def carts_straight(sides: Sides) -> Promise:
    """The agent finds the cart in the ticket."""
    tickets, wanted = sides.theirs.books["by_ticket"], sides.theirs.expected["carts_filled"]
    broken = [f"{t} has no cart" for t in wanted if not tickets[t]["cart"]]
    done = sides.ours.number(
        "SELECT count(*) FROM orchestration_run WHERE flow = 'cart-context' AND replay_of IS NULL "
        "AND state = 'succeeded'"
    )
    return Promise(
        "Tickets about a cart carry it",
        f"{done} enriched alone",
        f"{len(wanted) - len(broken)} of {len(wanted)} tickets carry it",
        len(wanted),
        tuple(broken),
    )


def carts_backfilled(sides: Sides) -> Promise:
    """One press of Backfill completed all that lacked a cart."""
    tickets = sides.theirs.books["by_ticket"]
    wanted = sides.theirs.expected["carts_after_backfill"]
    broken = [f"{t} has no cart" for t in wanted if not tickets[t]["cart"]]
    rows = sides.ours.rows("SELECT id, state, total FROM runbooks_backfill ORDER BY id")
    told = ", ".join(f"BF-{row['id']} {row['state']}, {row['total']} tickets" for row in rows)
    if [(row["state"], row["total"]) for row in rows] != [("done", LATE_CARTS)]:
        broken.append(f"backfills: {told or 'none'}")
    left = sides.ours.number(
        "SELECT count(*) FROM orchestration_handoff WHERE reason = 'partial_enrichment' "
        "AND state <> 'resolved'"
    )
    if left:
        broken.append(f"{left} partial enrichments are still open")
    return Promise(
        "One backfill completes the partial enrichments",
        told or "no backfill",
        f"{len(wanted) - len(broken)} of {len(wanted)} tickets carry it",
        len(wanted),
        tuple(broken),
    )


def notes_internal(sides: Sides) -> Promise:
    """Each handoff stands on its ticket as an internal note with the link; nothing is public."""
    tickets = sides.theirs.books["by_ticket"]
    rows = sides.ours.rows(
        "SELECT DISTINCT ticket FROM orchestration_handoff WHERE ticket <> '' AND "
        "(run_id IS NULL OR run_id IN (SELECT id FROM orchestration_run WHERE NOT internal))"
    )
    wanted = [row["ticket"] for row in rows]
    broken = [f"{t} says nothing of its handoff" for t in wanted
              if not tickets.get(t, {}).get("handed_over")]  # fmt: skip
    public = [t for t, one in tickets.items() if one["public_by_meshline"]]
    broken += [f"{t} has a public comment of ours" for t in public]
    return Promise(
        "Each handoff is on its ticket, as an internal note",
        f"{len(wanted)} tickets with a handoff",
        f"{sum(bool(one['handed_over']) for one in tickets.values())} noted, {len(public)} public",
        len(wanted),
        tuple(broken),
    )


def reopened(sides: Sides) -> Promise:
    """A success that fails later opens ticket and promise again, and a person has it."""
    asked, tickets = sides.theirs.books["by_refund"], sides.theirs.books["by_ticket"]
    wanted = [asked[r]["ticket"] for r in sides.theirs.expected["refunds_reversed"]]
    broken = [f"{t} is {tickets[t]['status']}" for t in wanted if tickets[t]["status"] != "open"]
    again = sides.ours.rows(
        "SELECT DISTINCT ticket FROM orchestration_slatimer WHERE metric = 'refund_confirmed' "
        "AND generation > 1"
    )
    ours = {row["ticket"] for row in again}
    broken += [f"the promise on {t} was not opened again" for t in wanted if t not in ours]
    return Promise(
        "A refund that fails later reopens ticket and promise",
        f"{len(ours)} promises opened again",
        f"{sum(tickets[t]['status'] == 'open' for t in wanted)} of {len(wanted)} tickets open",
        len(wanted),
        tuple(broken),
    )


PROMISES = (
    tickets_solved,
    solved_after_acknowledgement,
    letters_once,
    carts_straight,
    carts_backfilled,
    notes_internal,
    reopened,
)
