"""Backfill and Escalate: the two buttons that end elsewhere tell how they end."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitors import Visitors
from tests.browser.world import World
from tests.flows.stack import Stack

SETTLES_WITHIN_MS = 60_000


def test_backfill_completes_the_tickets_and_shows_how_far_it_is(
    visitors: Visitors, world: World, stack: Stack
) -> None:
    address = world.address(world.carts[0])
    for token in world.cart_tokens:
        stack.sandbox.act("cart_known", cart_token=token)
    page = visitors.person("tomas")
    page.goto(address)
    page.locator('[data-key="b"]').first.click()
    form = page.locator("#button form")
    plan = page.locator("#button .plan li", has_text="Write fields into the ticket")
    expect(plan).to_contain_text("Run")
    button = form.locator("button.primary")
    expect(button).to_contain_text(f"{len(world.carts)} tickets")
    form.locator('[name="reason"]').fill("The shop knows these carts by now.")
    button.click()

    page.locator('#press a[href^="/backfills/"]').click()
    live = page.locator("#backfill-live")
    expect(live).to_contain_text(f"{len(world.carts)} of {len(world.carts)} tickets",
                                 timeout=SETTLES_WITHIN_MS)  # fmt: skip
    expect(live).to_contain_text(f"Repaired {len(world.carts)}")
    for ticket in world.carts:
        stack.until(lambda t=ticket: stack.ticket(t)["cart"], "the cart is in the ticket")  # type: ignore[misc]
    page.goto(address)
    expect(page.locator("#handoff-head")).to_contain_text("Resolved")


def test_escalate_pages_until_somebody_has_taken_it(
    visitors: Visitors, world: World, stack: Stack
) -> None:
    ticket = world.partly
    page = visitors.person("nadia")
    page.goto(world.address(ticket))
    stack.sandbox.act("sleep_through", words=f"desk:{ticket}")
    page.locator('[data-key="e"]').first.click()
    form = page.locator("#button form")
    form.locator('[name="reason"]').fill("The customer waits and I cannot mend it.")
    form.locator("button.primary").click()

    outcome = page.locator("#press section")
    expect(outcome).to_contain_text("Paging")
    expect(outcome).to_contain_text("Acknowledged", timeout=SETTLES_WITHIN_MS)
    page.goto(f"/tickets/desk:{ticket}/")
    story = page.locator("#main")
    expect(story).to_contain_text("Nadia Arslan pressed Escalate")
    paged = story.get_by_text(re.compile("Page who is on call: done"))
    assert paged.count() >= 2, "the first page was slept through"
