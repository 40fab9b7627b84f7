"""The three-flow pilot: who takes which seat, why, and why the others wait."""

from __future__ import annotations

import random

import pytest

from contracts_app.rules.inventory.entry import FlowEntry, entry_of
from contracts_app.rules.inventory.pilot_proposal import Proposal, propose

QUIET = dict.fromkeys(
    ["money", "compliance", "service_level_breach", "friction", "analytics"], "no"
)


def ready(name: str, **cells: str) -> FlowEntry:
    """A flow that could begin today; its risk is low unless an answer says more."""
    base = {
        "name": f"x.{name}", "title": name, "kind": "event", "producer": "desk",
        "consumers": "crm", "owner": "ops", "manual_fallback": "by hand", "frequency": "daily",
    }  # fmt: skip
    return entry_of({**base, **QUIET, **cells})


REFUND = ready("refund", money="yes", service_level_breach="yes", kind="command")
INVOICE = ready("invoice", money="yes", producer="billing")
CANCEL = ready("cancel", service_level_breach="yes", service_level="PT1H", kind="callback")
CART = ready("cart", friction="yes", kind="enrichment", producer="shop")
REPORT = ready("report", analytics="yes")


def taken(proposal: Proposal) -> list[str]:
    return [one.entry.name.removeprefix("x.") for one in proposal.chosen]


@pytest.mark.parametrize(
    ("entries", "chosen"),
    [
        ([], []),
        ([REPORT], ["report"]),
        ([REPORT, CART, CANCEL, INVOICE, REFUND], ["refund", "cancel", "invoice"]),
        ([REPORT, CART, CANCEL, REFUND], ["refund", "cancel", "cart"]),
        # No service level anywhere: the seat goes to the next risk.
        ([REFUND, INVOICE, CART], ["refund", "invoice", "cart"]),
        # A low-risk flow of another kind does not displace a riskier promise.
        ([REFUND, ready("reply", service_level="PT1H", service_level_breach="yes", kind="command"),
          ready("tidy", service_level="P1D", kind="event"), CART], ["refund", "reply", "cart"]),
        # All of one kind: the third seat is the next one in order of risk.
        ([INVOICE, ready("b", service_level="PT1H"), ready("c", friction="yes")],
         ["invoice", "b", "c"]),
    ],
)  # fmt: skip
def test_seats_go_to_money_a_promise_and_another_kind(
    entries: list[FlowEntry], chosen: list[str]
) -> None:
    assert taken(propose(entries)) == chosen


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({"owner": ""}, "Nobody owns it"),
        ({"manual_fallback": ""}, "nothing to fall back on"),
        ({"money": ""}, "1 of the questionnaire's questions"),
        ({"consumers": ""}, "Name who sends it and who uses it"),
    ],
)
def test_flow_that_is_not_ready_waits_and_is_told_what_it_lacks(
    lacks: dict[str, str], says: str
) -> None:
    proposal = propose([ready("a", **{"money": "yes", **lacks}), CART])

    assert taken(proposal) == ["cart"]
    assert not proposal.complete
    (other,) = proposal.others
    assert not other.ready
    assert says in " ".join(other.why)


def test_same_inventory_in_any_order_gives_the_same_proposal() -> None:
    entries = [REFUND, INVOICE, CANCEL, CART, REPORT, ready("a"), ready("b", owner="")]
    first = propose(entries)
    for seed in range(20):
        random.Random(seed).shuffle(entries)  # noqa: S311
        assert propose(entries) == first


def test_each_choice_and_each_wait_has_its_reasons() -> None:
    proposal = propose([REFUND, CANCEL, CART, INVOICE, REPORT, ready("lost", owner="")])

    why = {one.entry.title: " ".join(one.why) for one in proposal.chosen}
    assert "Money moves" in why["refund"]
    assert "Its service level is 1 h" in why["cancel"]
    assert "an event, which the others are not" in why["invoice"]
    assert all("ops owns it" in told and "by hand" in told for told in why.values())
    assert [one.ready for one in proposal.others] == [True, True, False]
    waits = {one.entry.title: " ".join(one.why) for one in proposal.others}
    assert "Its risk is medium; all three weigh more." in waits["cart"]
    assert "like x.invoice" in waits["report"]


def test_equally_risky_flow_of_a_kind_that_is_taken_is_told_so() -> None:
    twin = ready("twin", money="yes", service_level_breach="yes", kind="command")

    waits = {one.entry.title: one.why for one in propose([REFUND, CANCEL, INVOICE, twin]).others}

    (why, *_) = waits["twin"]
    assert why == (
        "It is a command like x.refund: as risky, but one of a kind is enough to begin with."
    )


def test_seat_without_a_fitting_flow_says_so() -> None:
    (only,) = propose([REPORT]).chosen

    assert only.why[0] == (
        "No flow where a failure costs money is ready; this is the next one in order of risk."
    )
