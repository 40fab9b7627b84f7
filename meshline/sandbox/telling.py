"""What the story says at each moment, for the ribbon in the console and the sandbox's own page."""

# ruff: noqa: RUF001 - apostrophes as people write them
from __future__ import annotations

from dataclasses import dataclass

from meshline.sandbox import watch
from meshline.sandbox.state import Db, Json
from meshline.sandbox.story import LATE_CARTS, MAJA, TOTAL_S, Plan

TITLES = (
    ("Live", "straight through"),
    ("Silence", "recovers alone"),
    ("Safe hands", "replay by a person"),
    ("Somebody else’s hands", "adopted"),
    ("Context", "backfill"),
    ("Promises", "escalation"),
    ("Pull the plug", "nothing lost"),
    ("The books", "0 lost, 0 doubled"),
)


@dataclass(frozen=True)
class Said:
    """One moment's words. `wants`: the button the story waits for, on `ticket`."""

    bold: str
    text: str
    ticket: str | None = None
    wants: str | None = None


def say(db: Db, plan: Plan, *, state: str, chapter: int) -> Said:
    """The words of this moment."""
    if state == "not_started":
        return Said(
            "Nothing has happened yet.",
            "Press Start: three vendors begin to send webhooks, drop some, send some twice, and "
            "fail. You will be asked to press a button in chapters 3, 5 and 6.",
        )
    if state == "done":
        return Said(
            "The story is told, the day goes on.",
            "A few handoffs are left for you. Compare what Meshline says with the vendors’ books.",
        )
    return _CHAPTERS[chapter - 1](db, plan)


def _live(db: Db, plan: Plan) -> Said:
    return Said(
        "Refunds, replies and carts come in, several a second.",
        "Most go straight through. 14 webhooks arrive twice, some at the same moment; each counts "
        "once.",
    )


def _silence(db: Db, plan: Plan) -> Said:
    if watch.all_solved(db, plan, "silence"):
        return Said(
            "All of them recovered, and nobody had to look.", "One refund each in billing’s books."
        )
    return Said(
        "Billing has gone quiet.",
        "It drops a webhook, answers 503, does a refund and times out. Meshline waits, asks, and "
        "asks again with the same key.",
    )


def _safe_hands(db: Db, plan: Plan) -> Said:
    ticket = f"desk:{plan.marks['never'][MAJA]}"
    bold = "Billing accepted Maja’s refund and will not say so."
    if watch.maja_solved(db, plan):
        return Said(
            "Maja has her money, once.",
            "Billing acknowledged it, and only then was her ticket resolved.",
            ticket,
        )
    if watch.maja_waits(db, plan):
        text = (
            "Meshline probed, asked again with the same key, and handed over. "
            "Your turn: open the handoff and press Replay."
        )
        return Said(bold, text, ticket, "replay")
    return Said(
        bold,
        "Meshline probes billing and asks again with the same key. Her ticket stays open.",
        ticket,
    )


def _somebody_else(db: Db, plan: Plan) -> Said:
    if watch.all_solved(db, plan, "adopted"):
        return Said(
            "Two refunds that somebody made by hand were adopted, not repeated.",
            "A success that failed later opened its ticket again. Both unclear ones lie with a "
            "person.",
            f"desk:{plan.marks['reversed'][0]}",
        )
    return Said(
        "Somebody refunds in billing’s own screen.",
        "Meshline looks by reference, then by charge, before any money moves.",
    )


def _context(db: Db, plan: Plan) -> Said:
    done = watch.carts_filled(db, plan)
    ticket = f"desk:{plan.marks['carts'][0]}"
    if done == LATE_CARTS:
        return Said(
            f"All {LATE_CARTS} tickets have their cart.",
            "One backfill, one ticket, one reason.",
            ticket,
        )
    if watch.carts_known(db, plan):
        return Said(
            f"The shop knows the {LATE_CARTS} carts now.",
            f"{done} of {LATE_CARTS} are in their tickets. Your turn: Backfill enrichment.",
            ticket,
            "backfill",
        )
    return Said(
        f"{LATE_CARTS} customers answer a mail about a cart that the shop does not know yet.",
        "Partial enrichments: counted, and in sight.",
    )


def _promises(db: Db, plan: Plan) -> Said:
    other = plan.marks["escalate"][0]
    if db.get("ticket", other) is not None and not watch.escalated(db, plan):
        heard = (
            "The second page was answered. "
            if watch.acknowledged(db, plan)
            else "The first page goes unheard. "
        )
        return Said(
            "A promise is broken, and who is on call is paged.",
            f"{heard}Your turn: do not wait for the next one, press Escalate on this ticket.",
            f"desk:{other}",
            "escalate",
        )
    sleeper = f"desk:{plan.marks['sleeper'][0]}"
    if watch.acknowledged(db, plan):
        return Said(
            "Paged until somebody answered.",
            "The page and the answer stand on the ticket.",
            sleeper,
        )
    return Said(
        "Hanne has had no reply.",
        "At 75 % the ticket is warned, at 100 % who is on call is paged.",
        sleeper,
    )


def _plug(db: Db, plan: Plan) -> Said:
    if watch.all_solved(db, plan, "plug"):
        return Said(
            "The worker is back, and each refund was made once.",
            "Nothing was lost while it was gone.",
        )
    return Said(
        "Billing is slow, and in the middle of a refund the worker is killed.",
        "Another one finds the lease lapsed and asks billing with the same key.",
    )


def _books(db: Db, plan: Plan) -> Said:
    return Said(
        "Everybody puts down the pen.",
        "What Meshline says is compared with what the vendors wrote down.",
    )


_CHAPTERS = (_live, _silence, _safe_hands, _somebody_else, _context, _promises, _plug, _books)


def as_json(db: Db, plan: Plan, *, state: str, chapter: int, elapsed_s: float, pace: str) -> Json:
    """What `GET /_story` answers."""
    said = say(db, plan, state=state, chapter=chapter)
    waits = state == "running"
    where = {"not_started": 0, "done": len(TITLES) + 1}.get(state, chapter)
    chapters = [
        {
            "n": n,
            "title": title,
            "subtitle": subtitle,
            "state": "done" if n < where else "now" if n == where else "next",
        }
        for n, (title, subtitle) in enumerate(TITLES, 1)
    ]
    title, subtitle = TITLES[chapter - 1]
    return {
        "state": state,
        "generation": plan.generation,
        "pace": pace,
        "chapter": chapter,
        "of": len(TITLES),
        "title": title,
        "subtitle": subtitle,
        "elapsed_s": round(elapsed_s),
        "total_s": TOTAL_S[pace],
        "text_bold": said.bold,
        "text": said.text,
        "ticket": said.ticket,
        "wants": said.wants if waits else None,
        "chapters": chapters,
    }
