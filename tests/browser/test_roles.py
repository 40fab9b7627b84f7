"""Who may not press sees why not, and pressing all the same is refused and noted."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors
from tests.browser.world import World
from tests.flows.stack import Row


def test_manager_may_look_and_sees_why_not_press(visitors: Visitors, world: World) -> None:
    page = visitors.person("oskar")
    page.goto(world.address(world.partly))
    name = world.handoff(world.partly)["customer_name"]
    expect(page.locator("#handoff-head")).to_be_visible()
    expect(page.locator("#main"), "names are masked for a manager").not_to_contain_text(name)

    page.get_by_role("link", name="Escalate").click()
    said = page.locator("#press")
    expect(said).to_contain_text("You may look, not press")
    expect(said.locator("form")).to_have_count(0)


def test_press_by_a_role_that_may_not_is_refused_with_the_reason(
    visitors: Visitors, world: World, guard: Guard
) -> None:
    """The form is an agent's; the session has become a manager's before the press."""
    guard.expect_status(403)
    page = visitors.person("nadia", javascript=False)
    handoff = world.handoff(world.partly)
    before = _presses(world, handoff)
    page.goto(f"/buttons/handoff/{handoff['id']}/escalate/")
    page.locator('[name="reason"]').fill("I may no longer do this.")
    visitors.become(page, "oskar")
    page.locator("#button form button.primary").click()

    expect(page.locator("#main")).to_contain_text("Nothing was sent")
    assert _presses(world, handoff) == before


def test_auditor_finds_what_was_done_and_downloads_it(visitors: Visitors) -> None:
    page = visitors.person("ines")
    page.goto("/audit/?q=session.open")
    page.goto("/audit/")
    expect(page.locator("#main")).to_contain_text("session.open")
    with page.expect_download() as got:
        page.get_by_role("link", name="Export CSV").click()
    assert b"session.open" in got.value.path().read_bytes()


def _presses(world: World, handoff: Row) -> list[Row]:
    return world.stack.rows(
        "SELECT id FROM runbooks_intervention WHERE handoff_id = %s", handoff["id"]
    )
