"""From sign-in to a solved ticket: what is done is skipped, what is unsure is asked again."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors, sign_in
from tests.browser.world import World
from tests.flows.stack import Stack

SETTLES_WITHIN_MS = 60_000
REASON = "Billing says that it is well again."


def test_an_agent_signs_in_replays_and_sees_the_ticket_solved(
    visitors: Visitors, world: World, stack: Stack
) -> None:
    ticket = world.silent[0]
    handoff = world.handoff(ticket)
    page = visitors.stranger()
    page.goto("/handoffs/")
    sign_in(page, "nadia", stack.passwords["nadia"])
    expect(page, "whoever asked for a page is led back to it").to_have_url(re.compile("/handoffs/"))

    page.get_by_role("link", name="Today", exact=True).first.click()
    expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile("^Handoffs")).first.click()
    page.goto(f"/handoffs/?ticket=desk:{ticket}")
    page.locator("#handoff-list li.item h2 a").click()
    expect(page).to_have_url(re.compile(f"/handoffs/{handoff['id']}/"))

    page.locator('[data-key="r"]').click()
    plan = page.locator("#button .plan")
    expect(plan.locator("li", has_text="Send the refund")).to_contain_text("Ask again, same key")
    expect(plan.locator("li", has_text="Tell the customer")).to_contain_text("Run")
    assert not world.is_solved(ticket)
    _press(page)

    outcome = page.locator("#press section")
    expect(outcome).to_contain_text(REASON)
    expect(outcome).to_contain_text("is resolved", timeout=SETTLES_WITHIN_MS)
    expect(outcome.locator(".plan li", has_text="Send the refund")).to_be_visible()
    assert stack.until(lambda: world.is_solved(ticket), "the desk has solved it")

    page.goto(f"/tickets/desk:{ticket}/")
    story = page.locator("#main")
    expect(story).to_contain_text("Nadia Arslan pressed Replay")
    expect(story).to_contain_text("Solved")
    page.goto("/")
    expect(page.locator("#main")).to_contain_text(f"You replayed desk:{ticket}")


def test_replay_skips_what_is_done_and_the_second_presser_is_told_who_was_first(
    visitors: Visitors, world: World, stack: Stack, guard: Guard
) -> None:
    address = world.address(world.half_done)
    first, second = visitors.person("nadia"), visitors.person("tomas")
    for page in (first, second):
        page.goto(address)
        page.locator('#handoff-head a[href$="/flow.replay/"]').click()
        plan = page.locator("#button .plan")
        for step, verdict in (
            ("Send the refund", "Skip, already done"),
            ("Move the ticket", "Ask again, same key"),
            ("Tell the customer", "Run"),
        ):
            expect(plan.locator("li", has_text=step)).to_contain_text(verdict)

    _press(first)
    expect(first.locator("#press section")).to_contain_text(REASON)
    guard.expect_status(409)
    _press(second)

    told = second.locator("#press")
    expect(told).to_contain_text("Somebody was first")
    expect(told).to_contain_text("Nadia Arslan pressed Replay")
    expect(second.locator("#handoff-head")).to_contain_text("Resolved", timeout=SETTLES_WITHIN_MS)
    stack.until(lambda: world.is_solved(world.half_done), "the desk has solved it")


def test_the_same_replay_works_without_javascript(
    visitors: Visitors, world: World, stack: Stack
) -> None:
    ticket = world.silent[1]
    page = visitors.person("nadia", javascript=False)
    page.goto(world.address(ticket))
    page.get_by_role("link", name=re.compile("^Replay")).click()
    expect(page.locator(".plan")).to_contain_text("Ask again, same key")
    _press(page)

    expect(page.locator("#toasts")).to_contain_text("eplay")
    stack.until(lambda: world.is_solved(ticket), "the desk has solved it")
    page.goto(world.address(ticket))
    expect(page.locator("#main")).to_contain_text("Resolved")


def test_the_whole_replay_goes_by_keyboard(visitors: Visitors, world: World, stack: Stack) -> None:
    ticket = world.silent[2]
    world.handoff(ticket)
    page = visitors.person("nadia")
    page.goto("/handoffs/")
    keys = page.keyboard
    keys.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    rows = page.locator("#handoff-list [data-row]:visible")
    for number in (0, 1):
        keys.press("j")
        expect(rows.nth(number).locator("a").first).to_be_focused()
    keys.press("k")
    expect(rows.nth(0).locator("a").first).to_be_focused()
    for _ in range(rows.count()):
        if f"desk:{ticket}" in str(page.evaluate("document.activeElement.closest('li').innerText")):
            break
        keys.press("j")
    keys.press("Enter")
    expect(page).to_have_url(re.compile(world.address(ticket)))
    expect(page.locator("#handoff-head")).to_contain_text(f"desk:{ticket}")

    keys.press("r")
    reason = page.locator('#button [name="reason"]')
    expect(reason).to_be_visible()
    _tab_to(page, '[name="reason"]')
    keys.type("Billing is well; r and e typed here press nothing.")
    keys.press("Control+Enter")
    expect(page.locator("#press section")).to_contain_text("Billing is well")
    stack.until(lambda: world.is_solved(ticket), "the desk has solved it")


def _press(page: Page) -> None:
    form = page.locator("#button form")
    form.locator('[name="reason"]').fill(REASON)
    form.locator("button.primary").click()


def _tab_to(page: Page, selector: str, *, at_most: int = 60) -> None:
    for _ in range(at_most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key does not reach {selector}.")
