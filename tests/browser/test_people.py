"""What people do with their own account, and what owners do in the administration."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.editor import write, written
from tests.browser.guard import Guard
from tests.browser.visitors import Visitors, sign_in
from tests.browser.world import World
from tests.flows.stack import Stack

TITLE = "Ask billing for its reason first"


def test_password_is_changed_and_only_the_new_one_opens_the_door(
    visitors: Visitors, stack: Stack, guard: Guard
) -> None:
    guard.expect_status(422)
    fresh, old = "a bridge of seven pines", stack.passwords["henrike"]
    page, elsewhere = visitors.person("henrike"), visitors.stranger()
    sign_in(elsewhere, "henrike", old)
    # A page that polls would go to the door by itself, perhaps in the middle of the next visit.
    elsewhere.goto("/account/")
    page.goto("/account/password/")
    for name, typed in (
        ("old_password", old),
        ("new_password1", "12345678901234"),
        ("new_password2", "12345678901234"),
    ):
        page.locator(f'[name="{name}"]').fill(typed)
    page.get_by_role("button", name="Change password").click()
    expect(page.locator("#main")).to_contain_text("entirely numeric")

    page.locator('[name="old_password"]').fill(old)
    page.locator('[name="new_password1"]').fill(fresh)
    page.locator('[name="new_password2"]').fill(fresh)
    page.get_by_role("button", name="Change password").click()
    expect(page).to_have_url(re.compile("/account/password/done/"))
    page.goto("/account/")
    expect(page).to_have_url(re.compile("/account/"))
    elsewhere.goto("/account/")
    expect(elsewhere, "other sessions end").to_have_url(re.compile("/signin/"))

    sign_in(elsewhere, "henrike", fresh)
    stranger = visitors.stranger()
    stranger.goto("/signin/")
    stranger.get_by_label("Name or e-mail").fill("henrike")
    stranger.get_by_label("Password").fill(old)
    stranger.get_by_role("button", name="Sign in", exact=True).click()
    expect(stranger.locator("#main")).to_contain_text("tries left")


def test_published_runbook_is_on_the_matching_handoff_without_a_restart(
    visitors: Visitors, world: World
) -> None:
    agent = visitors.person("nadia")
    agent.goto(world.address(world.partly))
    expect(agent.locator(".todo")).to_contain_text("Refund refused or reversed")

    owner = visitors.person("lena")
    owner.goto("/admin/runbooks/runbookversion/?q=refund-refused")
    owner.get_by_role("link", name="refund-refused").click()
    owner.get_by_role("button", name="Start a new draft from this version").click()
    expect(owner.locator("#document-state")).to_contain_text("A draft")
    renamed = written(owner).replace("title: Refund refused or reversed", f"title: {TITLE}")
    write(owner, renamed)
    owner.get_by_role("button", name="Save draft").click()
    agent.reload()
    expect(agent.locator(".todo")).not_to_contain_text(TITLE)

    expect(owner.locator("#document-state")).to_contain_text("a second owner")
    second = visitors.person("jonas")
    second.goto(owner.url)
    second.get_by_text("What changes since").click()
    expect(second.locator("pre.diff ins", has_text=TITLE)).to_be_visible()
    second.get_by_role("button", name="Save and publish").click()
    expect(second.locator(".messagelist")).to_contain_text("serves from now on")
    expect(second.locator('[name="text"]'), "what is published is not edited").to_have_count(0)
    agent.reload()
    expect(agent.locator(".todo")).to_contain_text(TITLE)


def test_contract_owner_edits_a_draft_and_is_told_what_is_wrong_with_it(
    visitors: Visitors,
) -> None:
    page = visitors.person("lena")
    page.goto("/admin/contracts_app/contractversion/?q=support.ticket.created")
    page.get_by_role("link", name="support.ticket.created").first.click()
    page.get_by_role("button", name="Start a new draft from this version").click()
    good = written(page)
    write(page, good.replace("type: object", "type: nothing", 1))
    page.get_by_role("button", name="Save", exact=False).first.click()
    expect(page.locator(".errorlist")).to_be_visible()

    write(page, good.replace("title: ", "title: Newly ", 1))
    page.get_by_role("button", name="Save", exact=False).first.click()
    expect(page.locator(".messagelist")).to_be_visible()
    expect(page.locator('[name="text"]')).to_have_value(re.compile("title: Newly "))
