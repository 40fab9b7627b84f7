"""A drawer that is sent with mistakes in it tells them beside the fields, and breaks no rule."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors
from tests.browser.world import World


def test_mistakes_are_told_beside_the_fields_also_after_a_field_was_made_taller(
    visitors: Visitors, world: World, guard: Guard
) -> None:
    """A field that was drawn taller carries a style, which no answer may write back as text."""
    guard.expect_status(422)
    page = visitors.person("nadia")
    page.goto(world.address(world.half_done))
    page.locator('#handoff-head a[href$="/flow.replay/"]').click()
    form = page.locator("#button form")
    reason = form.locator('[name="reason"]')
    reason.hover()  # waits until the drawer has come to rest
    before = reason.bounding_box()
    assert before is not None
    page.mouse.move(before["x"] + before["width"] - 4, before["y"] + before["height"] - 4)
    page.mouse.down()
    page.mouse.move(before["x"] + before["width"] - 4, before["y"] + before["height"] + 60, steps=4)
    page.mouse.up()
    after = reason.bounding_box()
    assert after is not None
    assert after["height"] > before["height"] + 20

    form.locator("button.primary").click()
    expect(form).to_contain_text("Choose a reason or say it in a few words.")

    form.locator('[name="ticket"]').fill("nonsense <x>")
    form.locator("button.primary").click()
    expect(form.locator(".errorlist").first).to_contain_text("nonsense <x>")
    guard.verify()
