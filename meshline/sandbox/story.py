"""The story's plan: who does what in which chapter. Pure; the same seed gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from meshline.sandbox.people import Person, person, secret_text
from meshline.sandbox.state import Json

MAJA, OREN, PRIYA, CARLA, IVO, AMINA, SOFIA, AYLIN, DUNJA, HANNE = range(10)
TWICE = 14
LATE_CARTS = 12
# From this chapter on the shop sends a field of a cart that it has announced to nobody.
SHOP_CHANGES_IN = 5
_RESERVED = {MAJA: 48213, OREN: 48219, PRIYA: 48222}
_FIRST_TICKET = 48201
_LENGTHS = {
    "demo": (18.0, 12.0, 8.0, 12.0, 12.0, 10.0, 10.0, 5.0),
    "check": (12.0, 10.0, 4.0, 7.0, 7.0, 3.0, 6.0, 3.0),
}
TOTAL_S = {"demo": 120, "check": 75}
Then = tuple[float, str, Json]


@dataclass(frozen=True)
class Action:
    """One thing that happens. `at`: seconds into its chapter; `then`: what follows, by itself.

    `gate` names what must be seen first (see player.py); past `patience_s` it happens anyway.
    """

    id: str
    chapter: int
    at: float
    do: str
    args: Json
    then: tuple[Then, ...] = ()
    gate: str = ""
    patience_s: float = 12.0


@dataclass
class Plan:
    """All of one generation. `marks`: tickets (or charges) that a chapter waits for."""

    generation: int
    lengths: tuple[float, ...]
    actions: list[Action] = field(default_factory=list)
    marks: dict[str, list[str]] = field(default_factory=dict)
    expected: list[tuple[int, str, Any]] = field(default_factory=list)

    def mark(self, name: str, value: str) -> None:
        """Remember a ticket or charge under a name."""
        self.marks.setdefault(name, []).append(value)

    def expect(self, chapter: int, kind: str, value: Any) -> None:
        """What the vendors' books must say once the chapter is played."""
        self.expected.append((chapter, kind, value))


class Writer:
    """Writes a plan, chapter by chapter, and gives out people and ticket numbers."""

    def __init__(self, seed: int, generation: int, pace: str) -> None:
        self.seed, self.generation = seed, generation
        self.plan = Plan(generation, _LENGTHS[pace])
        self.lot = random.Random(f"{seed}/plan")  # noqa: S311 - a story, not a secret
        self._next_person = HANNE + 1
        shift = (generation - 1) * 1000
        self._reserved = {who: number + shift for who, number in _RESERVED.items()}
        self._tickets = self._numbers(_FIRST_TICKET + shift)
        self._counts: dict[int, int] = {}

    def _numbers(self, first: int) -> Iterator[int]:
        number = first
        while True:
            if number not in self._reserved.values():
                yield number
            number += 1

    def who(self, number: int | None = None) -> Person:
        """The person of a number, or the next one."""
        if number is None:
            number, self._next_person = self._next_person, self._next_person + 1
        return person(self.seed, f"g{self.generation}", number)

    def ticket_number(self, who: Person) -> str:
        """A ticket number that no other ticket has, in any generation."""
        return str(self._reserved.get(who.number) or next(self._tickets))

    def reference(self, prefix: str, who: Person) -> str:
        """`rf_…` or `cn_…` with twelve hexadecimal digits."""
        return prefix + secret_text(self.seed, self.generation, who.number, prefix, length=12)

    def act(
        self,
        chapter: int,
        at: float,
        do: str,
        args: Json,
        *,
        then: tuple[Then, ...] = (),
        gate: str = "",
        patience_s: float = 12.0,
    ) -> None:
        """Add one action."""
        n = self._counts[chapter] = self._counts.get(chapter, 0) + 1
        name = f"g{self.generation}.{chapter}.{n:03d}"
        self.plan.actions.append(Action(name, chapter, at, do, args, then, gate, patience_s))

    def spread(self, chapter: int, count: int, first: float, last: float) -> list[float]:
        """`count` moments between two shares of the chapter's length, a little uneven."""
        length = self.plan.lengths[chapter - 1]
        step = (last - first) * length / max(count, 1)
        return [first * length + step * (n + self.lot.uniform(0.1, 0.9)) for n in range(count)]

    # --- Cases: a customer's whole matter, opened at one moment -------------------------------

    def refund(
        self,
        chapter: int,
        at: float,
        who: Person,
        *,
        habit: Json | None = None,
        wrong: Json | None = None,
        twice: dict[str, float] | None = None,
        kind: str = "refunds_exactly_once",
    ) -> str:
        """Ticket, agent's reply, refund macro. `wrong`: the switch for this charge alone."""
        ticket, reference = self.ticket_number(who), self.reference("rf_", who)
        doubled = twice or {}
        reply: Json = {"ticket_id": ticket, "body": _pick(_REPLIES, who)}
        reply["twice_s"] = doubled.get("comment")
        ask = _asking(who, ticket, reference) | {"twice_s": doubled.get("request")}
        ask["habit"] = (habit or {}) | ({"twice_s": doubled["ack"]} if "ack" in doubled else {})
        if wrong is not None:
            switch = {"system": "billing", "match": {"charge": who.charge_id}} | wrong
            self.act(chapter, max(at - 0.05, 0.0), "fault", switch)
        subject = _pick(_REFUND_SUBJECTS, who).format(order=who.order_id)
        opened = _opening(who, ticket, subject, ["refund"])
        opened |= {"order_id": who.order_id, "twice_s": doubled.get("ticket")}
        then: tuple[Then, ...] = ((0.3, "comment", reply), (0.5, "refund_request", ask))
        self.act(chapter, at, "ticket", opened, then=then)
        self.plan.expect(chapter, kind, reference)
        if kind == "refunds_exactly_once":
            self.plan.expect(chapter, "tickets_solved", f"desk:{ticket}")
            self._mail(chapter, who, ticket, "refund-confirmed")
        return ticket

    def cancellation(self, chapter: int, at: float, who: Person) -> str:
        """Ticket, agent's reply, cancellation macro."""
        ticket, reference = self.ticket_number(who), self.reference("cn_", who)
        reply = {"ticket_id": ticket, "body": "I end it for you; billing will confirm by mail."}
        ask = {
            "ticket_id": ticket,
            "cancellation_id": reference,
            "subscription_id": who.subscription_id,
        }
        opened = _opening(who, ticket, "Please end my subscription", ["subscription"])
        self.act(
            chapter,
            at,
            "ticket",
            opened,
            then=((0.3, "comment", reply), (0.6, "cancellation_request", ask)),
        )
        self.plan.expect(chapter, "cancellations_once", reference)
        self.plan.expect(chapter, "tickets_solved", f"desk:{ticket}")
        self._mail(chapter, who, ticket, "cancellation-confirmed")
        return ticket

    def question(self, chapter: int, at: float, who: Person) -> str:
        """A ticket that people answer; every third customer writes back."""
        ticket = self.ticket_number(who)
        wait = 1.0 + who.number % 7 * 0.4
        then: list[Then] = [(wait, "comment", {"ticket_id": ticket, "body": _pick(_ANSWERS, who)})]
        if who.number % 3 == 0:
            back = {"ticket_id": ticket, "author": "customer", "body": "Thank you. And the shelf?"}
            then.append((wait + 2.0, "comment", back))
            then.append(
                (wait + 3.5, "comment", {"ticket_id": ticket, "body": "The shelf as well."})
            )
        then.append((wait + 5.0, "ticket_status", {"ticket_id": ticket, "status": "solved"}))
        self.act(
            chapter,
            at,
            "ticket",
            _opening(who, ticket, _pick(_QUESTIONS, who), []),
            then=tuple(then),
        )
        self.plan.expect(chapter, "tickets_solved", f"desk:{ticket}")
        return ticket

    def cart(self, chapter: int, at: float, who: Person, *, twice_s: float | None = None) -> None:
        """A customer fills a cart and says nothing."""
        self.act(chapter, at, "cart", _cart(who, chapter) | {"twice_s": twice_s})

    def cart_ticket(self, chapter: int, at: float, who: Person, *, known: bool) -> str:
        """A ticket that answers an abandoned-cart mail, by token, order number or address alone."""
        ticket = self.ticket_number(who)
        opened = _opening(who, ticket, _pick(_CART_SUBJECTS, who), ["abandoned-cart"]) | {
            "email": who.typed_email()
        }
        carries = who.number // 3 % 3
        if carries == 0:
            opened["cart_token"] = who.cart_token
        elif carries == 1:
            opened["order_id"] = who.order_id
        cart = _cart(who, chapter) | {
            "known": known,
            "order_id": who.order_id if carries == 1 else "",
        }
        self.act(chapter, max(at - 0.5, 0.0), "cart", cart)
        reply = {"ticket_id": ticket, "body": "Happy to help with your cart."}
        solved = {"ticket_id": ticket, "status": "solved"}
        then: tuple[Then, ...] = ((3.0, "comment", reply),)
        if known:
            then += ((8.0, "ticket_status", solved),)
            self.plan.expect(chapter, "tickets_solved", f"desk:{ticket}")
        self.act(chapter, at, "ticket", opened, then=then)
        self.plan.expect(
            chapter, "carts_filled" if known else "carts_after_backfill", f"desk:{ticket}"
        )
        return ticket

    def _mail(self, chapter: int, who: Person, ticket: str, template: str) -> None:
        mail = {"to": who.email, "template": template, "ticket": f"desk:{ticket}"}
        self.plan.expect(chapter, "mails_once", mail)


def _opening(who: Person, ticket: str, subject: str, tags: list[str]) -> Json:
    return {
        "ticket_id": ticket,
        "name": who.name,
        "email": who.email,
        "customer_id": who.customer_id,
        "subject": subject,
        "tags": tags,
    }


def _asking(who: Person, ticket: str, reference: str) -> Json:
    return {
        "ticket_id": ticket,
        "refund_id": reference,
        "charge_id": who.charge_id,
        "order_id": who.order_id,
        "amount_minor": who.amount_minor,
        "currency": who.currency,
    }


def _cart(who: Person, chapter: int) -> Json:
    speed = _pick(("express", "standard"), who)
    return {
        "new_fields": {"delivery_speed": speed} if chapter >= SHOP_CHANGES_IN else {},
        "name": who.name,
        "email": who.email,
        "cart_token": who.cart_token,
        "total_minor": who.amount_minor,
        "currency": who.currency,
        "promo_code": _pick(("", "HARBOUR10", "PINE5"), who),
        "value_minor": 12000 + who.number * 937,
    }


def _pick(texts: tuple[str, ...], who: Person) -> str:
    return texts[who.number % len(texts)]


_REPLIES = (
    "I am sorry about this. I have asked billing to send the money back.",
    "Thank you for the pictures. The refund is on its way to billing.",
    "Of course. You will have a mail as soon as billing confirms it.",
)
_REFUND_SUBJECTS = (
    "Parcel arrived crushed",
    "Refund for order {order}",
    "Wrong colour, I would like my money back",
    "Lamp broken on arrival",
    "Sent back order {order}, where is the refund?",
)
_QUESTIONS = (
    "Where is my parcel?",
    "Does the lamp fit a pine shelf?",
    "Can I change the address?",
    "Invoice with our company's name, please",
    "Is the stool oiled or painted?",
)
_ANSWERS = (
    "It left us this morning; here is the number to follow it.",
    "Yes, it does. Measure 32 cm.",
    "Changed. You get a mail in a minute.",
    "Oiled, with linseed.",
)
_CART_SUBJECTS = (
    "Re: you left something behind",
    "Re: your cart is waiting",
    "About the mail with my cart",
)
