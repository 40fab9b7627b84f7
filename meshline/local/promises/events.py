"""Promises about what comes in: nothing lost, nothing twice, nothing that is our own echo."""

from __future__ import annotations

from collections import Counter

from meshline.local.promises.sides import Promise, Sides

TWICE = 14

_KEPT = """
SELECT k.source, k.external_id, encode(sha256(b.raw), 'hex') AS sha256, k.duplicates
  FROM orchestration_eventkey k JOIN orchestration_eventbody b ON b.id = k.event_id
 WHERE k.source <> 'meshline'
"""
_TIMES = """
SELECT source, external_id, count(*) AS times FROM orchestration_event
 WHERE source <> 'meshline' GROUP BY source, external_id
"""
_HELD = """
SELECT k.source, k.external_id, h.violations->0->>'rule' AS rule
  FROM orchestration_heldevent h JOIN orchestration_eventkey k ON k.event_id = h.event_id
"""


def nothing_lost(sides: Sides) -> Promise:
    """Each delivery answered with 2xx is one event with the raw bytes of the first."""
    bytes_of = {(r["source"], r["external_id"]): r["sha256"] for r in sides.ours.rows(_KEPT)}
    times = {(r["source"], r["external_id"]): r["times"] for r in sides.ours.rows(_TIMES)}
    taken = {(d["source"], d["external_id"]): d["sha256"] for d in sides.theirs.taken}
    broken = [f"{s} {i} is not stored" for s, i in taken if (s, i) not in times]
    broken += [f"{s} {i} is stored {n} times" for (s, i), n in times.items() if n != 1]
    broken += [f"{s} {i} has other bytes" for (s, i), digest in taken.items()
               if (s, i) in times and bytes_of.get((s, i)) != digest]  # fmt: skip
    broken += [f"{s} {i} was never sent" for s, i in times if (s, i) not in _sent(sides)]
    return Promise(
        "Every webhook that was taken is one event, byte for byte",
        f"{len(times)} events",
        f"{len(taken)} webhooks taken",
        len(taken),
        tuple(broken),
    )


def _sent(sides: Sides) -> set[tuple[str, str]]:
    return {(d["source"], d["external_id"]) for d in sides.theirs.books["deliveries"]}


def all_delivered(sides: Sides) -> Promise:
    """No webhook was refused for good, none is still under way, none was held or in conflict.

    News that was overtaken on the way is held as late, and only that.
    """
    books, ours = sides.theirs.books, sides.ours
    overtaken, rows = _overtaken(sides), ours.rows(_HELD)
    late = [r for r in rows if r["rule"] == "late" and (r["source"], r["external_id"]) in overtaken]
    held = len(rows) - len(late)
    conflicts = ours.number("SELECT count(*) FROM orchestration_deliveryconflict")
    wrong = {
        "refused for good": books["lost"],
        "still under way": books["webhooks_pending"],
        "held": held,
        "in conflict": conflicts,
    }
    return Promise(
        "No webhook is refused, held or still under way",
        f"{held} held, {len(late)} late, {conflicts} in conflict",
        f"{books['lost']} lost of {books['webhooks_sent']} sent",
        int(books["webhooks_sent"]),
        tuple(f"{number} {what}" for what, number in wrong.items() if number),
    )


def _overtaken(sides: Sides) -> set[tuple[str, str]]:
    """What was taken after later news of the same matter, by the vendors' books."""
    first: dict[tuple[str, str], float] = {}
    found = set()
    for one in reversed(sides.theirs.taken):  # the books list them in the order they were made
        matter, moment = (one["source"], one["subject"]), one["first_2xx_at"]
        if moment > first.get(matter, moment):
            found.add((one["source"], one["external_id"]))
        first[matter] = min(moment, first.get(matter, moment))
    return found


def duplicates_stopped(sides: Sides) -> Promise:
    """The webhooks that came twice were taken, counted, and made no second event."""
    counted = {(r["source"], r["external_id"]): r["duplicates"] for r in sides.ours.rows(_KEPT)}
    tallied = sides.ours.number(
        "SELECT sum(count) FROM orchestration_tally WHERE metric = 'duplicate'"
    )
    twice = [d for d in sides.theirs.books["deliveries"] if d["twice"]]
    broken = [f"{d['external_id']} was not counted" for d in twice
              if not counted.get((d["source"], d["external_id"]))]  # fmt: skip
    answers = Counter(code for d in sides.theirs.taken for code in d["answers"] if code == 202)
    again = answers[202] - len(sides.theirs.taken)
    total = sum(counted.values())
    if len(twice) != TWICE:
        broken.append(f"the story sent {len(twice)} twice, not {TWICE}")
    # A second delivery may have been taken without its sender hearing of it, never the reverse.
    if total < again or (sides.calm and total != again):
        broken.append(f"{total} counted, {again} answered a second time")
    if tallied != total:
        broken.append(f"{tallied} on Today, {total} stopped")
    return Promise(
        "Duplicates are stopped at the door",
        f"{total} stopped",
        f"{len(twice)} sent twice, {again} taken again",
        len(twice),
        tuple(broken),
    )


def echoes_start_nothing(sides: Sides) -> Promise:
    """Events of our own writes are kept and start no run."""
    echoes = sides.ours.number("SELECT count(*) FROM orchestration_event WHERE own_write")
    started = sides.ours.rows(
        "SELECT r.id FROM orchestration_run r JOIN orchestration_event e ON e.id = r.event_id "
        "WHERE e.own_write"
    )
    return Promise(
        "Our own writes come back and start nothing",
        f"{echoes} echoes, {len(started)} runs of them",
        f"{sides.theirs.books['ticket_writes']} ticket writes",
        echoes,
        tuple(f"run {row['id']}" for row in started),
    )


PROMISES = (nothing_lost, all_delivered, duplicates_stopped, echoes_start_nothing)
