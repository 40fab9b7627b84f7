"""Two customers are merged and parted again in the browser, with JavaScript and without."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.accessible import in_both_themes, too_wide
from tests.browser.guard import Guard
from tests.browser.visitors import PHONE, Visitors


def test_ops_lead_merges_two_customers_and_takes_it_back_without_javascript(
    visitors: Visitors, guard: Guard
) -> None:
    guard.expect_status(422)
    page = visitors.person("tomas", javascript=False)
    page.goto("/merges/")
    page.get_by_role("link", name="Merge two ids").click()
    _filled(page, "cus_merged_1", "Ana+x@Example.com")
    expect(page.locator("#merge-preview")).to_contain_text("is a…@example.com from now on")
    page.get_by_role("button", name="They are one: merge them").click()
    expect(page.locator("h1")).to_contain_text("cus_merged_1")

    page.locator("#take-back summary").click()
    page.get_by_role("button", name="They are two: take it back").click()
    expect(page.locator("#take-back details")).to_have_attribute("open", "")
    page.get_by_label("Ticket", exact=True).fill("desk:4812")
    page.get_by_label("In your own words").fill("two after all")
    page.get_by_role("button", name="They are two: take it back").click()
    expect(page.locator(".title")).to_contain_text("Taken back by")


def test_merges_have_no_violation_on_a_desk_or_a_phone(visitors: Visitors) -> None:
    desk = visitors.person("tomas")
    desk.goto("/merges/add/")
    _filled(desk, "cus_merged_2", "cus_merged_3")
    desk.get_by_role("button", name="They are one: merge them").click()
    expect(desk.locator("#joined")).to_contain_text("none is known")
    one = desk.url
    phone = visitors.person("tomas", size=PHONE)
    for page in (desk, phone):
        for address in ("/merges/", "/merges/?tab=ended", "/merges/add/", one):
            page.goto(address)
            expect(page.locator("h1")).to_be_visible()
            assert in_both_themes(page) == [], address
            assert too_wide(page) == 0, address


def _filled(page: Page, merged: str, into: str) -> None:
    page.get_by_label("Kind", exact=True).select_option("customer")
    page.get_by_label("This one", exact=True).fill(merged)
    page.get_by_label("is now this one").fill(into)
    page.get_by_label("Contract", exact=True).fill("support.refund.requested")
    page.get_by_label("Ticket", exact=True).fill("desk:4812")
    page.get_by_label("In your own words").fill("told by the shop")
    page.get_by_role("button", name="Show what becomes one").click()
