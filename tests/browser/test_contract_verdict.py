"""A contract's verdict follows what an owner types, in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors

LIST = "/admin/contracts_app/contractversion/?q=shop.cart.updated"


def test_owner_breaks_a_contract_and_reads_who_would_be_hurt(
    visitors: Visitors, guard: Guard
) -> None:
    page = visitors.person("lena")
    page.goto(LIST)
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("button", name="Start a new draft from this version").click()
    text = page.locator("textarea[name=text]")
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("Compatible")

    written = text.input_value()
    text.fill(written.replace("type: string", "type: [string, integer]", 1))
    expect(verdict).to_contain_text("Breaking")
    expect(verdict).to_contain_text("type-widened")
    expect(verdict).to_contain_text("2.0.0 or higher")

    text.fill(written.replace("name:", "nmae:", 1))
    expect(verdict).to_contain_text("Not judged yet")
    page.get_by_role("link", name="Discard draft").click()
    page.get_by_role("button", name="Yes, I\u2019m sure").click()
    guard.verify()
