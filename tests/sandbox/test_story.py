"""The story's plan: the same every time, with the numbers that the chapters speak of."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from meshline.sandbox.acts import ACTS
from meshline.sandbox.chapters import write
from meshline.sandbox.people import person
from meshline.sandbox.story import LATE_CARTS, SHOP_CHANGES_IN, TWICE, Plan
from meshline.sandbox.watch import GATES


def _plan(generation: int = 1, pace: str = "demo", seed: int = 7) -> Plan:
    return write(seed=seed, generation=generation, pace=pace)


def _everything(plan: Plan) -> list[tuple[int, str, Any]]:
    """All that happens, with what follows from it: (chapter, act, args)."""
    first = [(a.chapter, a.do, a.args) for a in plan.actions]
    return first + [(a.chapter, do, args) for a in plan.actions for _, do, args in a.then]


def _args(plan: Plan, do: str, chapter: int | None = None) -> list[Any]:
    return [args for c, name, args in _everything(plan) if name == do and chapter in (None, c)]


def test_the_same_seed_tells_the_same_story() -> None:
    assert _plan().actions == _plan().actions
    assert _plan(seed=8).actions != _plan().actions


def test_fourteen_webhooks_come_twice_in_chapter_one() -> None:
    doubled = Counter(
        (chapter, "at once" if delay == 0 else "apart")
        for chapter, _, args in _everything(_plan())
        for delay in (args.get("twice_s"), args.get("habit", {}).get("twice_s"))
        if delay is not None
    )

    assert sum(doubled.values()) == TWICE == 14
    assert set(doubled) == {(1, "at once"), (1, "apart")}


def test_acknowledgements_and_requests_are_among_those_that_come_twice() -> None:
    asks = _args(_plan(), "refund_request", 1)

    assert sum(ask["twice_s"] is not None for ask in asks) == 5
    assert sum("twice_s" in ask["habit"] for ask in asks) == 4


def test_about_two_hundred_customers_and_sixty_refunds_in_chapter_one() -> None:
    plan = _plan()
    people = {args["email"].lower().replace("+cart", "")
              for do in ("ticket", "cart") for args in _args(plan, do)}  # fmt: skip

    assert 190 <= len(people) <= 215
    assert 50 <= len(_args(plan, "refund_request", 1)) <= 65


def test_maja_waits_for_218_euros_on_her_ticket() -> None:
    maja = next(ask for ask in _args(_plan(), "refund_request") if ask["ticket_id"] == "48213")

    assert (maja["amount_minor"], maja["currency"], maja["order_id"]) == (21800, "EUR", "90417")
    only_hers = {"charge": maja["charge_id"]}
    switches = [f for f in _args(_plan(), "fault") if f.get("match") == only_hers]
    assert [switch["fault"] for switch in switches] == ["ack_no_apply"]


def test_twelve_carts_are_unknown_and_become_known() -> None:
    plan = _plan()
    unknown = {cart["cart_token"] for cart in _args(plan, "cart", 5) if cart.get("known") is False}

    assert len(plan.marks["carts"]) == len(unknown) == LATE_CARTS == 12
    assert {one["cart_token"] for one in _args(plan, "cart_known", 5)} == unknown


def test_customers_name_their_cart_in_every_way() -> None:
    late = [ticket for ticket in _args(_plan(), "ticket", 5) if "abandoned-cart" in ticket["tags"]]

    ways = Counter(
        "token" if t.get("cart_token") else "order" if t.get("order_id") else "address"
        for t in late
    )
    assert min(ways["token"], ways["order"], ways["address"]) >= 3
    assert any(t["email"] != t["email"].lower() for t in late)
    assert any("+cart" in t["email"] for t in late)


@pytest.mark.parametrize("pace", ["demo", "check"])
def test_every_ticket_is_answered_in_time_but_two(pace: str) -> None:
    """The first reply is promised within 18 s at demo pace."""
    plan = _plan(pace=pace)
    replies = {
        args["ticket_id"]: delay
        for action in plan.actions
        for delay, do, args in action.then
        if do == "comment" and args.get("author") != "customer"
    }
    opened = {args["ticket_id"] for args in _args(plan, "ticket")}

    assert opened - set(replies) == {plan.marks["sleeper"][0], plan.marks["escalate"][0]}
    assert max(replies.values()) < 12


@pytest.mark.parametrize("name", ["ticket_id", "refund_id", "charge_id", "cancellation_id"])
def test_no_id_comes_in_two_generations(name: str) -> None:
    first, second = (
        {args[name] for _, do, args in _everything(_plan(generation))
         if name in args and do in ("ticket", "refund_request", "cancellation_request")}
        for generation in (1, 2)
    )  # fmt: skip

    assert first
    assert not first & second


def test_everything_planned_can_be_done() -> None:
    plan = _plan()

    assert {do for _, do, _ in _everything(plan)} <= {*ACTS, "kill_worker"}
    assert {action.gate for action in plan.actions} - {""} == set(GATES)
    assert {action.chapter for action in plan.actions} == set(range(1, 8))


def test_the_check_tells_the_same_story_faster() -> None:
    def told(plan: Plan) -> Counter[str]:
        return Counter(do for _, do, _ in _everything(plan))

    check = _plan(pace="check")
    assert told(check) == told(_plan())
    assert sum(check.lengths) < sum(_plan().lengths)
    assert check.expected
    assert sorted(map(str, check.expected)) == sorted(map(str, _plan().expected))


def test_five_matters_are_left_for_the_visitor() -> None:
    left = [value["reason"] for _, kind, value in _plan().expected if kind == "left_open"]

    assert sorted(left) == [
        "ambiguous_refund", "callback_timeout", "callback_timeout", "invoice_after_cancellation",
        "refund_reversed",
    ]  # fmt: skip


def test_customers_have_names_of_their_own() -> None:
    names = [person(7, "g1", number).name for number in range(210)]
    emails = [person(7, "g1", number).email for number in range(210)]

    assert names[0] == "Maja Lindqvist"
    assert len(set(names)) == len(names)
    assert len(set(emails)) == len(emails)


def test_the_shop_begins_to_send_a_field_late_and_only_then() -> None:
    plan = write(seed=1, generation=1, pace="demo")
    carts = [one for one in plan.actions if one.do == "cart"]

    before = [one for one in carts if one.chapter < SHOP_CHANGES_IN]
    after = [one for one in carts if one.chapter >= SHOP_CHANGES_IN]

    assert not any(one.args["new_fields"] for one in before)
    assert {one.args["new_fields"]["delivery_speed"] for one in after} == {"express", "standard"}
    assert len(after) >= LATE_CARTS
