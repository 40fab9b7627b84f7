"""Promises about effects: money moves once, the ledger and the vendors agree."""

from __future__ import annotations

import hashlib
from typing import Any

from meshline.local.promises.sides import Promise, Row, Sides

_LEDGER = "SELECT scope, key, state, adopted, last_run_id FROM orchestration_effect"
_REFUNDS = """
SELECT request->>'reference' AS reference, state, adopted, ticket
  FROM orchestration_effect WHERE scope = 'billing.create_refund'
"""
_OPEN = "SELECT ticket, run_id, reason FROM orchestration_handoff WHERE state <> 'resolved'"


def refunds_once(sides: Sides) -> Promise:
    """Each refund that the story wants made is made exactly once, in full, by its reference."""
    expected, asked = sides.theirs.expected, sides.theirs.books["by_refund"]
    replayed = [one["ticket"] for one in expected["needs_person"] if one["wants"] == "replay"]
    wanted = list(expected["refunds_exactly_once"])
    wanted += [r for r in expected["refunds_at_most_once"] if asked[r]["ticket"] in replayed]
    ours = _by_reference(sides)
    broken = []
    for reference in wanted:
        theirs, rows = asked[reference], ours.get(reference, [])
        if theirs["applied"] != 1:
            broken.append(f"{theirs['ticket']} refunded {theirs['applied']} times")
        elif theirs["amount"] != theirs["asked"] or theirs["status"] != "succeeded":
            broken.append(f"{theirs['ticket']} {theirs['status']}, {theirs['amount']} minor units")
        if [row["state"] for row in rows] != ["done"]:
            broken.append(f"{theirs['ticket']} stands in the ledger as {rows}")
    made = sum(asked[reference]["applied"] for reference in wanted)
    done = sum(row["state"] == "done" for r in wanted for row in ours.get(r, []))
    return Promise(
        "Each refund is made exactly once",
        f"{done} done of {len(wanted)}",
        f"{made} made, {sides.theirs.books['refunds_doubled']} doubled",
        len(wanted),
        tuple(broken),
    )


def refunds_never_twice(sides: Sides) -> Promise:
    """Those left to a person are made at most once, the ambiguous one not at all."""
    expected, asked = sides.theirs.expected, sides.theirs.books["by_refund"]
    limits = dict.fromkeys((*expected["refunds_at_most_once"], *expected["refunds_reversed"]), 1)
    limits |= dict.fromkeys(expected["refunds_never"], 0)
    broken = [f"{asked[r]['ticket']} refunded {asked[r]['applied']} times"
              for r, limit in limits.items() if asked[r]["applied"] > limit]  # fmt: skip
    if sides.theirs.books["refunds_doubled"]:
        broken.append(f"{sides.theirs.books['refunds_doubled']} doubled in billing's books")
    open_tickets = {row["ticket"] for row in sides.ours.rows(_OPEN)}
    unsettled = [r for r in limits if asked[r]["status"] != "succeeded"]
    broken += [f"{asked[r]['ticket']} is nobody's" for r in unsettled
               if asked[r]["ticket"] not in open_tickets]  # fmt: skip
    return Promise(
        "A refund in doubt is never made twice, and lies with a person",
        f"{len(unsettled)} with a person",
        f"{sum(asked[r]['applied'] for r in limits)} of {len(limits)} made",
        len(limits),
        tuple(broken),
    )


def adopted_not_repeated(sides: Sides) -> Promise:
    """A refund made in billing's own screen is found and adopted."""
    exactly = sides.theirs.expected["refunds_exactly_once"]
    asked = sides.theirs.books["by_refund"]
    by_hand = [r for r in exactly if asked[r]["by_hand"]]
    ours = _by_reference(sides)
    broken = [f"{asked[r]['ticket']} applied {asked[r]['applied']} times" for r in by_hand
              if asked[r]["applied"] != 1]  # fmt: skip
    broken += [f"{asked[r]['ticket']} is not marked as adopted" for r in by_hand
               if not all(row["adopted"] for row in ours.get(r, [])) or r not in ours]  # fmt: skip
    adopted = sum(row["adopted"] for rows in ours.values() for row in rows)
    if adopted != len(by_hand):
        broken.append(f"{adopted} adopted, {len(by_hand)} made by hand")
    return Promise(
        "Refunds made by hand are adopted, not repeated",
        f"{adopted} adopted",
        f"{len(by_hand)} made by hand",
        len(by_hand),
        tuple(broken),
    )


def cancellations_once(sides: Sides) -> Promise:
    """Each cancellation reaches billing once."""
    asked = sides.theirs.books["by_cancellation"]
    wanted = sides.theirs.expected["cancellations_once"]
    broken = [f"{asked[c]['ticket']} cancelled {asked[c]['applied']} times" for c in wanted
              if asked[c]["applied"] != 1 or not asked[c]["cancelled"]]  # fmt: skip
    done = sides.ours.rows(
        "SELECT request->>'reference' AS reference FROM orchestration_effect "
        "WHERE scope = 'billing.cancel_subscription' AND state = 'done'"
    )
    ours = sorted(row["reference"] for row in done)
    if ours != sorted(wanted):
        broken.append(f"the ledger has {len(ours)}, the story {len(wanted)}")
    return Promise(
        "Each cancellation is made exactly once",
        f"{len(ours)} done",
        f"{sum(asked[c]['applied'] for c in wanted)} made",
        len(wanted),
        tuple(broken),
    )


def keys_once(sides: Sides) -> Promise:
    """No vendor applied anything twice under one idempotency key."""
    twice = {key: at for key, at in sides.theirs.applied_at.items() if len(at) > 1}
    books = sides.theirs.books
    broken = [f"{key} applied {len(at)} times" for key, at in twice.items()]
    for name in ("cancellations_doubled", "mails_doubled", "ticket_writes_doubled"):
        if books[name]:
            broken.append(f"{books[name]} {name.replace('_', ' ')}")
    effects = sides.ours.number("SELECT count(*) FROM orchestration_effect WHERE state = 'done'")
    return Promise(
        "No effect is applied twice",
        f"{effects} effects, each under one key",
        f"{len(sides.theirs.applied_at)} keys, {len(twice)} doubled",
        len(sides.theirs.applied_at),
        tuple(broken),
    )


def ledger_agrees(sides: Sides) -> Promise:
    """Done in the ledger is applied at the vendor, and the other way round.

    A vendor that said 200 and did nothing is the one excuse, while a person has it in sight.
    """
    applied = sides.theirs.applied_at
    in_sight = {row["run_id"] for row in sides.ours.rows(_OPEN)}
    rows = sides.ours.rows(_LEDGER)
    by_key = {vendor_key(row): row for row in rows}
    broken = [f"{key} is in no ledger" for key in applied
              if key not in by_key and key.removesuffix(":adopt") not in by_key]  # fmt: skip
    for key, row in by_key.items():
        done, nobody = row["state"] == "done", row["last_run_id"] not in in_sight
        if done and key not in applied and not row["adopted"] and nobody:
            broken.append(f"{row['key']} is done, and not in the vendor's books")
        if not done and key in applied:
            broken.append(f"{row['key']} is applied, and {row['state']} in the ledger")
        if row["state"] in ("unknown", "intent") and nobody:
            broken.append(f"{row['key']} is {row['state']}, and nobody has it in sight")
    settled = sum(row["state"] == "done" for row in rows)
    return Promise(
        "The ledger agrees with the vendors",
        f"{settled} done of {len(rows)}",
        f"{len(applied)} applied",
        len(rows),
        tuple(broken),
    )


def vendor_key(row: Row) -> str:
    """The key as the vendor saw it: a letter's Message-ID is made of ours."""
    if row["scope"] == "mail.send":
        return hashlib.sha256(row["key"].encode()).hexdigest()[:32] + "@meshline"
    return str(row["key"])


def _by_reference(sides: Sides) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in sides.ours.rows(_REFUNDS):
        found.setdefault(row["reference"], []).append(row)
    return found


PROMISES = (
    refunds_once,
    refunds_never_twice,
    adopted_not_repeated,
    cancellations_once,
    keys_once,
    ledger_agrees,
)
