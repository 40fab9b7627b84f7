"""Promises about people: who is asked, who was first, who is woken, what is left for them."""

from __future__ import annotations

from collections import Counter, defaultdict

from meshline.local.promises.sides import Promise, Row, Sides

PREVIEWED = ("What will happen", "Ask again, same key")
PRESSES = ("replay", "backfill", "escalate")

_UNRECORDED = """
SELECT i.id, i.action FROM runbooks_intervention i JOIN auth_user u ON u.id = i.actor_id
 WHERE i.ticket = '' OR i.contract = '' OR i.reason = '' OR NOT EXISTS (
   SELECT 1 FROM contracts_app_auditentry a
    WHERE a.action = i.action AND a.actor = u.username AND a.ticket = i.ticket
      AND a.contract = i.contract AND a.reason = i.reason
      AND a.detail->>'intervention' = i.id::text)
"""


def left_open(sides: Sides) -> Promise:
    """What needs a person is in front of people, and nothing else is."""
    rows = sides.ours.rows(
        "SELECT ticket, reason FROM orchestration_handoff WHERE state <> 'resolved'"
    )
    ours = Counter((row["ticket"], row["reason"]) for row in rows)
    theirs = Counter((one["ticket"], one["reason"]) for one in sides.theirs.expected["left_open"])
    broken = [f"{t} {r} is not with a person" for t, r in theirs - ours]
    broken += [f"{t} {r} is open, and needs nobody" for t, r in ours - theirs]
    return Promise(
        "Exactly what needs a person is left to people",
        f"{ours.total()} handoffs open",
        f"{theirs.total()} matters in doubt",
        theirs.total(),
        tuple(broken),
    )


def presses_made(sides: Sides) -> Promise:
    """The three buttons were found, pressed and their outcome seen, on the console's pages."""
    seen = sides.seen
    broken = [*seen.problems]
    broken += [f"{name} was never pressed" for name in PRESSES if name not in seen.pressed]
    broken += [f"the outcome of {name} was never seen" for name in PRESSES
               if name not in seen.outcomes]  # fmt: skip
    preview = seen.previews.get("replay", "")
    broken += [f"the preview does not say “{word}”" for word in PREVIEWED if word not in preview]
    return Promise(
        "Replay, Backfill and Escalate work without JavaScript, outcome on screen",
        f"{len(seen.pressed)} pressed, {len(seen.outcomes)} outcomes seen",
        f"{len(sides.theirs.expected['needs_person'])} wanted by the story",
        len(seen.pressed),
        tuple(broken),
    )


def second_is_told(sides: Sides) -> Promise:
    """Two people pressed Replay at the same moment: one run, and one of them is told of it."""
    rows = sides.ours.rows("SELECT handoff_id FROM runbooks_intervention WHERE action = %s",
                           "flow.replay")  # fmt: skip
    told, first = sides.seen.told_first, sides.seen.pressed.get("replay", "nobody")
    broken = []
    if len(rows) != 1:
        broken.append(f"{len(rows)} replays were recorded")
    if len(told) != 1 or first not in told[0]:
        broken.append(f"{len(told)} were told, of {first}")
    return Promise(
        "Two presses make one action, and the second is told who was first",
        f"{len(rows)} replay, first was {first}",
        f"{len(told)} told so",
        len(told),
        tuple(broken),
    )


def presses_recorded(sides: Sides) -> Promise:
    """Each intervention names ticket, contract and reason, and stands in the audit log."""
    total = sides.ours.number("SELECT count(*) FROM runbooks_intervention")
    missing = sides.ours.rows(_UNRECORDED)
    return Promise(
        "Each press is in the audit log: who, why, ticket, contract",
        f"{total} interventions, {total - len(missing)} in the log",
        f"{len(sides.seen.pressed)} pressed",
        total,
        tuple(f"{row['action']} {row['id']}" for row in missing),
    )


def paged_until_answered(sides: Sides) -> Promise:
    """Who is on call is paged until somebody answers, then no more; one was slept through."""
    runs = _pages_by_run(sides, ":sla-escalation:")
    repeated = [name for name, pages in runs.items() if len(pages) > 1]
    broken = _badly_paged(runs)
    if runs and not repeated:
        broken.append("the page that was slept through was not repeated")
    ours = sides.ours.rows(
        "SELECT id FROM orchestration_run WHERE flow = 'sla-escalation' AND state = 'succeeded'"
    )
    if len(ours) != len(runs):
        broken.append(f"{len(ours)} escalations ended, {len(runs)} were paged")
    return Promise(
        "A broken promise pages until somebody answers",
        f"{len(ours)} escalations ended",
        f"{sum(map(len, runs.values()))} pages, {len(repeated)} repeated",
        len(runs),
        tuple(broken),
    )


def escalated_by_hand(sides: Sides) -> Promise:
    """Escalate pages somebody, and their answer ends it."""
    runs = _pages_by_run(sides, ":handoff-escalation:")
    presses = sides.ours.number(
        "SELECT count(*) FROM runbooks_intervention WHERE action = 'escalate'"
    )
    broken = _badly_paged(runs)
    if len(runs) != presses:
        broken.append(f"{presses} pressed, {len(runs)} paged")
    return Promise(
        "Escalate by hand pages until somebody answers",
        f"{presses} pressed",
        f"{len(runs)} paged and answered",
        len(runs),
        tuple(broken),
    )


def _pages_by_run(sides: Sides, flow: str) -> dict[str, list[Row]]:
    """The pages of each escalation, oldest first: a repeat's key differs by its redo number."""
    found: dict[str, list[Row]] = defaultdict(list)
    for page in reversed(sides.theirs.pages):
        if flow in page["dedup_key"]:
            found[page["dedup_key"].partition("#")[0]].append(page)
    return found


def _badly_paged(runs: dict[str, list[Row]]) -> list[str]:
    """Escalations whose last page was not answered."""
    return [f"{key.partition(':')[0]} is unanswered after {len(pages)} pages"
            for key, pages in runs.items() if pages[-1]["status"] == "triggered"]  # fmt: skip


PROMISES = (
    left_open,
    presses_made,
    second_is_told,
    presses_recorded,
    paged_until_answered,
    escalated_by_hand,
)
