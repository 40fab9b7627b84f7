"""A contract's verdict follows what an owner types, in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.editor import write, written
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
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("Compatible")

    said = written(page)
    write(page, said.replace("type: string", "type: [string, integer]", 1))
    expect(verdict).to_contain_text("Breaking")
    expect(verdict).to_contain_text("type-widened")
    expect(verdict).to_contain_text("2.0.0 or higher")

    write(page, said.replace("name:", "nmae:", 1))
    expect(verdict).to_contain_text("Not judged yet")
    page.get_by_role("link", name="Discard draft").click()
    page.get_by_role("button", name="Yes, I\u2019m sure").click()
    guard.verify()


def test_owner_reads_what_becomes_of_a_text_that_nobody_can_decide(
    visitors: Visitors, guard: Guard
) -> None:
    page = visitors.person("lena")
    page.goto(LIST.replace("shop.cart.updated", "billing.refund.completed"))
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("button", name="Start a new draft from this version").click()
    verdict = page.locator("#verdict")
    unsure = written(page).replace("^rf_[a-z0-9]{8,32}$", "^rf_[a-z0-9]+$")
    unsure = unsure.replace("mode: full_transitive", "mode: backward_transitive")

    write(page, unsure)
    expect(verdict).to_contain_text("Not decided")
    expect(verdict).to_contain_text("pattern-changed may break")
    expect(verdict).to_contain_text("signed by the contract owner and by the product owner")
    write(page, unsure.replace("on_unknown: review", "on_unknown: block"))
    expect(verdict).to_contain_text("so what is not proved is refused")

    page.get_by_role("link", name="Discard draft").click()
    page.get_by_role("button", name="Yes, I\u2019m sure").click()
    guard.verify()
