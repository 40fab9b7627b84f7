"""The eight chapters of the story: what is planned in each."""

from __future__ import annotations

from meshline.sandbox.story import (
    AMINA,
    AYLIN,
    CARLA,
    DUNJA,
    HANNE,
    IVO,
    LATE_CARTS,
    MAJA,
    OREN,
    PRIYA,
    SOFIA,
    Plan,
    Then,
    Writer,
)

_NEVER = {"op": "create_refund", "fault": "ack_no_apply"}
# Chapter 1: which of the plain refunds, tickets and carts come twice, and how far apart (seconds).
_TWICE_REFUNDS: dict[int, dict[str, float]] = {
    2: {"request": 0.0},
    4: {"ack": 0.0},
    7: {"request": 0.0},
    9: {"ack": 0.0},
    11: {"ticket": 0.0},
    12: {"request": 0.0},
    14: {"ack": 0.4},
    17: {"request": 0.4},
    19: {"ack": 0.4},
    21: {"ticket": 1.0},
    22: {"request": 0.4},
    24: {"comment": 0.7},
}
_TWICE_CARTS = {2: 0.0, 5: 0.5}


def write(*, seed: int, generation: int, pace: str) -> Plan:
    """The whole story of one generation. `pace` is demo or check."""
    w = Writer(seed, generation, pace)
    for chapter in (_live, _silence, _safe_hands, _somebody_else, _context, _promises, _plug):
        chapter(w)
    sleeper_chapter, at = (5, 2.0) if pace == "demo" else (3, 0.1)
    _sleeper(w, sleeper_chapter, at)
    w.plan.actions.sort(key=lambda action: (action.chapter, action.at, action.id))
    return w.plan


def _live(w: Writer) -> None:
    for who, at in ((MAJA, 0.4), (OREN, 0.8), (PRIYA, 1.2)):
        somebody = w.who(who)
        kind = "refunds_at_most_once"
        ticket = w.refund(1, at, somebody, wrong=_NEVER, kind=kind)
        w.plan.mark("never", ticket)
        w.plan.mark("never_charges", somebody.charge_id)
        if who == MAJA:
            w.plan.expect(1, "needs_person", {"ticket": f"desk:{ticket}", "wants": "replay"})
        else:
            w.plan.expect(
                1, "left_open", {"ticket": f"desk:{ticket}", "reason": "callback_timeout"}
            )
    for n, at in enumerate(w.spread(1, 52, 0.05, 0.92)):
        w.refund(1, at, w.who(), twice=_TWICE_REFUNDS.get(n))
    for n, at in enumerate(w.spread(1, 14, 0.05, 0.9)):
        w.cart(1, at, w.who(), twice_s=_TWICE_CARTS.get(n))
    for at in w.spread(1, 22, 0.0, 0.8):
        w.question(1, at, w.who())
    for at in w.spread(1, 14, 0.1, 0.9):
        w.cart_ticket(1, at, w.who(), known=True)
    for at in w.spread(1, 3, 0.2, 0.8):
        w.cancellation(1, at, w.who())


def _silence(w: Writer) -> None:
    troubles: tuple[tuple[float, dict[str, object] | None, dict[str, object] | None], ...] = (
        (0.1, {"op": "*", "fault": "drop_webhook"}, None),
        (0.2, None, {"pending": True, "settle_s": 10.0}),
        (0.6, {"op": "create_refund", "fault": "do_and_time_out", "times": 1}, None),
        (1.0, {"op": "refund.updated", "fault": "late_webhook", "delay_s": 4.0}, None),
        (1.4, {"op": "refund.created", "fault": "out_of_order", "delay_s": 3.0}, {"pending": True}),
        *(
            (
                1.8 + n * 0.3,
                {"op": "create_refund", "fault": "status", "status": 503, "times": 3},
                None,
            )
            for n in range(5)
        ),
        (
            3.4,
            {"op": "create_refund", "fault": "status", "status": 429, "retry_after": 1, "times": 1},
            None,
        ),
    )
    for at, wrong, habit in troubles:
        w.plan.mark("silence", w.refund(2, at, w.who(), wrong=wrong, habit=habit))
    _background(w, 2, questions=10, carts=5, cancellations=2)


def _safe_hands(w: Writer) -> None:
    _background(w, 3, questions=6, carts=4, cancellations=2)


def _somebody_else(w: Writer) -> None:
    for number, at in ((CARLA, 0.3), (IVO, 0.9)):
        who = w.who(number)
        by_hand = {
            "charge_id": who.charge_id,
            "amount_minor": who.amount_minor,
            "currency": who.currency,
            "customer_id": who.customer_id,
        }
        w.act(4, at, "refund_by_hand", by_hand)
        w.plan.mark("adopted", w.refund(4, at + 1.2, who))
    amina = w.who(AMINA)
    part = {
        "charge_id": amina.charge_id,
        "amount_minor": amina.amount_minor // 3,
        "currency": amina.currency,
        "charge_amount": amina.amount_minor * 3,
        "customer_id": amina.customer_id,
    }
    w.act(4, 0.5, "refund_by_hand", part)
    ticket = w.refund(4, 1.7, amina, kind="refunds_never")
    w.plan.expect(4, "left_open", {"ticket": f"desk:{ticket}", "reason": "ambiguous_refund"})
    aylin = w.who(AYLIN)
    ticket = w.refund(
        4, 0.4, aylin, habit={"settle_s": 0.4, "fail_after_s": 3.5}, kind="refunds_reversed"
    )
    w.plan.mark("reversed", ticket)
    w.plan.expect(4, "left_open", {"ticket": f"desk:{ticket}", "reason": "refund_reversed"})
    dunja = w.who(DUNJA)
    ticket = w.cancellation(4, 0.2, dunja)
    w.act(
        4,
        5.0,
        "invoice",
        {"subscription_id": dunja.subscription_id, "amount_minor": 2900, "currency": "EUR"},
    )
    w.plan.expect(
        4, "left_open", {"ticket": f"desk:{ticket}", "reason": "invoice_after_cancellation"}
    )
    _background(w, 4, questions=6, carts=3, cancellations=1)


def _context(w: Writer) -> None:
    late = [w.who(SOFIA), *(w.who() for _ in range(LATE_CARTS - 1))]
    for n, who in enumerate(late):
        ticket = w.cart_ticket(5, 0.6 + n * 0.15, who, known=False)
        w.plan.mark("carts", ticket)
        w.act(5, 4.0, "cart_known", {"cart_token": who.cart_token}, gate="looked_up")
    w.plan.expect(
        5, "needs_person", {"ticket": f"desk:{w.plan.marks['carts'][0]}", "wants": "backfill"}
    )
    for at in w.spread(5, 4, 0.1, 0.6):
        w.cart_ticket(5, at, w.who(), known=True)
    _background(w, 5, questions=4, carts=2, cancellations=0)


def _promises(w: Writer) -> None:
    who = w.who()
    ticket = _unanswered(w, 6, 0.2, w.ticket_number(who), who.number, gate="paged")
    w.plan.mark("escalate", ticket)
    w.plan.expect(6, "needs_person", {"ticket": f"desk:{ticket}", "wants": "escalate"})
    _background(w, 6, questions=4, carts=2, cancellations=0)


def _sleeper(w: Writer, chapter: int, at: float) -> None:
    """The ticket of chapter 6 whose promise breaks; it is opened early enough to be due there."""
    hanne = w.who(HANNE)
    number = w.ticket_number(hanne)
    w.act(chapter, max(at - 0.1, 0.0), "sleep_through", {"words": number})
    w.plan.mark("sleeper", _unanswered(w, chapter, at, number, HANNE, gate=""))


def _unanswered(w: Writer, chapter: int, at: float, ticket: str, number: int, *, gate: str) -> str:
    """A ticket that nobody answers until the story sees to it."""
    who = w.who(number)
    opened = {
        "ticket_id": ticket,
        "name": who.name,
        "email": who.email,
        "customer_id": who.customer_id,
        "subject": "Nobody has answered me yet",
        "tags": ["delivery"],
        "priority": "high",
    }
    w.act(chapter, at, "ticket", opened, gate=gate, patience_s=20.0)
    return ticket


def _plug(w: Writer) -> None:
    w.act(
        7,
        0.2,
        "fault",
        {
            "system": "billing",
            "op": "create_refund",
            "fault": "slow",
            "delay_s": 2.0,
            "seconds": 8.0,
        },
    )
    for n in range(5):
        who = w.who()
        w.plan.mark("plug", w.refund(7, 0.4 + n * 0.2, who))
        w.plan.mark("plug_charges", who.charge_id)
    w.act(7, 1.4, "kill_worker", {}, gate="refund_in_flight", patience_s=6.0)
    _background(w, 7, questions=3, carts=2, cancellations=0)


def _background(w: Writer, chapter: int, *, questions: int, carts: int, cancellations: int) -> None:
    """The ordinary day around the chapter's trouble."""
    for at in w.spread(chapter, questions, 0.0, 0.6):
        w.question(chapter, at, w.who())
    for at in w.spread(chapter, carts, 0.0, 0.8):
        w.cart(chapter, at, w.who())
    for at in w.spread(chapter, cancellations, 0.1, 0.5):
        w.cancellation(chapter, at, w.who())


def farewell(plan: Plan) -> dict[str, tuple[Then, ...]]:
    """What agents do at a chapter's end, so that its tickets do not stay unanswered."""
    said = "I am sorry that you had to wait. Your parcel arrives tomorrow."
    then: dict[str, tuple[Then, ...]] = {}
    for name in ("sleeper", "escalate"):
        ticket = plan.marks[name][0]
        then[name] = (
            (0.5, "comment", {"ticket_id": ticket, "body": said}),
            (3.0, "ticket_status", {"ticket_id": ticket, "status": "solved"}),
        )
    return then
