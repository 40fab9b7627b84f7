"""A vendor's change at night: asked for on the held page, confirmed by another, and let through."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.visitors import Visitors
from tests.browser.world import World
from tests.flows.stack import Stack

NAME = "support.refund.requested"
TITLED = "Dr. " * 60


def test_change_is_let_through_by_two_people_without_a_script(
    visitors: Visitors, world: World, stack: Stack
) -> None:
    made = stack.sandbox.act("refund_request", name=TITLED)
    ticket = f"desk:{made['ticket_id']}"
    stack.until(lambda: [one for one in world.held() if one["ticket"] == ticket], "it is held")

    page = visitors.person("tomas", javascript=False)
    page.goto("/held/")
    page.locator("tr", has_text=ticket).get_by_role("link", name="Release").click()
    page.get_by_role("link", name="Ask for a temporary tolerance").click()
    expect(page.get_by_label("/data/name")).to_be_checked()
    page.get_by_label("In your own words").or_(page.get_by_label("Reason")).fill("Titles")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("#tolerances")).to_contain_text("Waits for a second person")
    expect(page.locator("#tolerances")).to_contain_text("Nobody may do this for themselves")

    other = visitors.person("jonas")
    other.goto(f"/contracts/{NAME}/")
    other.locator("#tolerances").get_by_role("button", name="Confirm").click()
    expect(other.locator("#tolerances")).to_contain_text("ends in")

    page.goto("/held/")
    page.locator("tr", has_text=ticket).get_by_role("link", name="Release").click()
    expect(page.locator("#decide")).to_contain_text("by a temporary tolerance")
    page.locator('#decide [name="reason"]').fill("It is tolerated.")
    page.locator("#decide").get_by_role("button", name="Release").click()
    stack.until(lambda: stack.run(made["ticket_id"]), "the released event has started a run")

    page.goto(f"/contracts/{NAME}/")
    expect(page.locator("#events")).to_contain_text("tolerated")
    page.locator("#tolerances").get_by_role("button", name="End now").click()
    expect(page.locator("#tolerances")).to_contain_text("Over")
