"""Named scripts: a fresh customer in trouble, and an ordinary day's trickle."""

from __future__ import annotations

from collections.abc import Callable

from meshline.sandbox import acts, desk, till
from meshline.sandbox.people import Person, person
from meshline.sandbox.state import Db, Json
from meshline.sandbox.wire import ActRefused
from meshline.sandbox.world import later

_REPLY = "Thank you for writing. I have asked billing to send the money back."


def play(db: Db, name: str, *, seed: int) -> Json:
    """Play a scenario for a customer that nobody has seen before. Raises ActRefused."""
    script = SCENARIOS.get(name)
    if script is None:
        raise ActRefused(f"There is no scenario {name!r}; there are {', '.join(SCENARIOS)}.")
    return script(db, _stranger(db, seed))


def _stranger(db: Db, seed: int) -> Person:
    return person(seed, "t", db.next_number("trickle", 2000))


def _wrong(
    db: Db, kind: str, op: str, times: int | None = 1, delay_s: float | None = None, **match: str
) -> None:
    acts.fault(
        db,
        {
            "system": "billing",
            "op": op,
            "fault": kind,
            "times": times,
            "delay_s": delay_s,
            "match": match,
            "made": "hand",
        },
    )


def _refund(db: Db, who: Person, **more: object) -> Json:
    found = desk.ticket(
        db,
        {
            "name": who.name,
            "email": who.email,
            "customer_id": who.customer_id,
            "subject": f"Refund for order {who.order_id}",
            "order_id": who.order_id,
            "tags": ["refund"],
        },
    )
    later(db, 2.0, "comment", {"ticket_id": found["ticket_id"], "body": _REPLY})
    return desk.refund_request(
        db,
        {
            "ticket_id": found["ticket_id"],
            "charge_id": who.charge_id,
            "order_id": who.order_id,
            "amount_minor": who.amount_minor,
            "currency": who.currency,
            **more,
        },
    )


def plain(db: Db, who: Person) -> Json:
    """Nothing is wrong: one refund, straight through."""
    return _refund(db, who)


def lost_ack(db: Db, who: Person) -> Json:
    """Billing does the refund and never says so."""
    _wrong(db, "drop_webhook", "*", None, charge=who.charge_id)
    return _refund(db, who)


def never_applied(db: Db, who: Person) -> Json:
    """Billing says 200 and drops it, again and again, until the switch is turned off."""
    _wrong(db, "ack_no_apply", "create_refund", None, charge=who.charge_id)
    return _refund(db, who)


def done_and_timed_out(db: Db, who: Person) -> Json:
    """Billing does the refund and the connection dies before the answer."""
    _wrong(db, "do_and_time_out", "create_refund", charge=who.charge_id)
    return _refund(db, who)


def outage(db: Db, who: Person) -> Json:
    """Billing answers 503 three times."""
    _wrong(db, "status", "create_refund", 3, charge=who.charge_id)
    return _refund(db, who)


def done_by_hand(db: Db, who: Person) -> Json:
    """Somebody has made the same refund in billing's own screen a moment before."""
    till.refund_by_hand(
        db,
        {
            "charge_id": who.charge_id,
            "amount_minor": who.amount_minor,
            "currency": who.currency,
            "customer_id": who.customer_id,
        },
    )
    return _refund(db, who)


def ambiguous_partial(db: Db, who: Person) -> Json:
    """Somebody has refunded a part of it by hand: nobody can tell whether that was this refund."""
    till.refund_by_hand(
        db,
        {
            "charge_id": who.charge_id,
            "amount_minor": max(who.amount_minor // 3, 1),
            "charge_amount": who.amount_minor * 3,
            "currency": who.currency,
        },
    )
    return _refund(db, who)


def success_then_failure(db: Db, who: Person) -> Json:
    """The refund succeeds, and five seconds later the bank sends it back."""
    return _refund(db, who, habit={"fail_after_s": 5.0})


def late_ack(db: Db, who: Person) -> Json:
    """The acknowledgement comes four seconds late."""
    _wrong(db, "late_webhook", "refund.updated", delay_s=4.0, charge=who.charge_id)
    return _refund(db, who)


def out_of_order(db: Db, who: Person) -> Json:
    """`refund.updated` (succeeded) comes before `refund.created` (pending)."""
    _wrong(db, "out_of_order", "refund.created", delay_s=3.0, charge=who.charge_id)
    return _refund(db, who, habit={"pending": True})


def twice(db: Db, who: Person) -> Json:
    """Request and acknowledgement are each delivered twice at the same moment."""
    return _refund(db, who, habit={"twice_s": 0.0}, twice_s=0.0)


def unknown_cart(db: Db, who: Person) -> Json:
    """A ticket answers an abandoned-cart mail; the shop knows the cart ten seconds later."""
    found = desk.ticket(
        db,
        {
            "name": who.name,
            "email": who.typed_email(),
            "subject": "Re: you left something behind",
            "tags": ["abandoned-cart"],
            "cart_token": who.cart_token,
        },
    )
    made = acts.cart(
        db,
        {
            "name": who.name,
            "email": who.email,
            "cart_token": who.cart_token,
            "total_minor": who.amount_minor,
            "currency": who.currency,
            "known": False,
        },
    )
    later(
        db,
        3.0,
        "comment",
        {"ticket_id": found["ticket_id"], "body": "Happy to help with your cart."},
    )
    later(db, 10.0, "cart_known", {"cart_token": made["cart_token"]})
    return found | made


def clock_drift(db: Db, who: Person) -> Json:
    """Billing's clock runs two minutes fast for half a minute."""
    acts.fault(
        db,
        {"system": "billing", "fault": "clock_fast", "delay_s": 120, "seconds": 30, "made": "hand"},
    )
    return _refund(db, who)


SCENARIOS: dict[str, Callable[[Db, Person], Json]] = {
    script.__name__: script
    for script in (
        plain,
        lost_ack,
        never_applied,
        done_and_timed_out,
        outage,
        done_by_hand,
        ambiguous_partial,
        success_then_failure,
        late_ack,
        out_of_order,
        twice,
        unknown_cart,
        clock_drift,
    )
}


# --- The trickle ----------------------------------------------------------------------------


def trickle(db: Db, *, seed: int) -> Json:
    """One more ordinary event of the day: a question, a cart or a refund, all healthy."""
    who = _stranger(db, seed)
    kind = who.number % 3
    if kind == 0:
        return _refund(db, who)
    if kind == 1:
        return acts.cart(
            db,
            {
                "name": who.name,
                "email": who.email,
                "cart_token": who.cart_token,
                "total_minor": who.amount_minor,
                "currency": who.currency,
            },
        )
    found = desk.ticket(
        db,
        {
            "name": who.name,
            "email": who.email,
            "customer_id": who.customer_id,
            "subject": "Which lamp fits the pine shelf?",
        },
    )
    later(
        db,
        2.5,
        "comment",
        {"ticket_id": found["ticket_id"], "body": "The brass one, it is in stock."},
    )
    later(db, 9.0, "ticket_status", {"ticket_id": found["ticket_id"], "status": "solved"})
    return found
