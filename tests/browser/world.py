"""Customers in trouble, for the browsers to look at: every handoff here is made by a real fault."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.flows.stack import Row, Stack

CARTS = 3
# A ticket that waits long has its promises' runs as well; these are what the world is about.
FLOWS = ("refund-completion", "cart-context")
HANDED_OVER_WITHIN_S = 60.0


@dataclass
class World:
    """The tickets of each trouble, by name; numbers as the desk has them."""

    stack: Stack
    silent: list[str] = field(default_factory=list)
    half_done: str = ""
    partly: str = ""
    carts: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    cart_tokens: list[str] = field(default_factory=list)
    _ready: bool = False

    @classmethod
    def begun(cls, stack: Stack) -> World:
        """Let everything happen at the vendors; what comes of it takes its time."""
        world = cls(stack)
        world.silent = [world._played("never_applied") for _ in range(3)]
        world.half_done = world._refund_without_desk()
        world.partly = world._played("ambiguous_partial")
        for _ in range(CARTS):
            made = stack.scenario("unknown_cart")
            world.carts.append(str(made["ticket_id"]))
            world.cart_tokens.append(str(made["cart_token"]))
        world.plain = [world._played("plain") for _ in range(3)]
        for _ in range(2):
            stack.sandbox.act("refund_request", charge_id="none", name="Rosa Blom")
        return world

    def handoff(self, ticket: str) -> Row:
        """The ticket's handoff, once all of this world's are there and the vendors are well."""
        if not self._ready:
            for each in (*self.silent, self.half_done, self.partly, *self.carts):
                self.stack.until(
                    lambda t=each: self._handoffs(t),  # type: ignore[misc]
                    f"a handoff of desk:{each}",
                    within_s=HANDED_OVER_WITHIN_S,
                )
            self.stack.sandbox.clear_faults()
            self._ready = True
        return self._handoffs(ticket)[0]

    def address(self, ticket: str) -> str:
        """The page of the ticket's handoff."""
        return f"/handoffs/{self.handoff(ticket)['id']}/"

    def held(self) -> list[Row]:
        """The held events that nobody has decided on."""
        return self.stack.until(
            lambda: self.stack.rows(
                "SELECT event_id, ticket FROM orchestration_heldevent WHERE state = 'held' "
                "ORDER BY held_at"
            ),
            "an event is held",
        )

    def is_solved(self, ticket: str) -> bool:
        """Whether the desk's own book says so, with one refund at most."""
        told = self.stack.ticket(ticket)
        return bool(told["status"] == "solved" and told["refunds"] <= 1)

    def _handoffs(self, ticket: str) -> list[Row]:
        return [one for one in self.stack.handoffs(ticket) if one["flow"] in FLOWS]

    def _played(self, scenario: str) -> str:
        return str(self.stack.scenario(scenario)["ticket_id"])

    def _refund_without_desk(self) -> str:
        """Billing does the refund; the desk, which should say so, answers 503."""
        made = self.stack.sandbox.act("ticket", name="Ivo Petrov", subject="My lamp came broken")
        ticket = str(made["ticket_id"])
        self.stack.sandbox.fault(
            "helpdesk", "update_ticket", "status", status=503, times=None, match={"ticket": ticket}
        )
        self.stack.sandbox.act("refund_request", ticket_id=ticket, amount_minor=12900)
        return ticket
