"""Nothing to show, nothing there, not allowed, no connection: each says so, and what to do."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors
from tests.browser.world import World


def test_lists_without_a_row_say_why_and_lead_on(visitors: Visitors) -> None:
    page = visitors.person("tomas")
    for address, says in (
        ("/handoffs/?reason=no_such_reason", "No handoff fits these filters"),
        ("/runs/?q=nobody", "No run"),
        ("/held/?q=nobody", "No held event fits these filters"),
        ("/search/?q=nobody-of-this-name", "nobody-of-this-name"),
        ("/audit/?q=nobody-of-this-name", "No"),
    ):
        page.goto(address)
        expect(page.locator("#main")).to_contain_text(says)
    page.goto("/handoffs/?reason=no_such_reason")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("#handoff-list li.item").first).to_be_visible()


def test_address_that_leads_nowhere_leads_back(visitors: Visitors, guard: Guard) -> None:
    guard.expect_status(404)
    page = visitors.person("tomas")
    for address in ("/no/such/page/", "/handoffs/999999/", "/tickets/desk:1/"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 404
        page.get_by_role("link", name="Back to Today").click()
        expect(page).to_have_title(re.compile("Today"))


def test_administration_tells_an_agent_that_it_is_not_theirs(
    visitors: Visitors, guard: Guard
) -> None:
    guard.expect_status(403)
    page = visitors.person("nadia")
    answer = page.goto("/admin/")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("#main")).to_contain_text("Your role has no part in the administration")
    expect(page.locator("nav.side").get_by_role("link", name="Admin")).to_have_count(0)


def test_page_says_that_it_is_offline_and_goes_on_by_itself(
    visitors: Visitors, guard: Guard
) -> None:
    guard.expect_text("net::ERR_INTERNET_DISCONNECTED")
    page = visitors.person("tomas")
    page.goto("/runs/")
    rows = page.locator("#runs-table tbody tr").count()

    page.context.set_offline(True)
    expect(page.locator("[data-offline]")).to_be_visible()
    expect(page.locator("[data-live]")).to_contain_text("Offline")
    assert page.locator("#runs-table tbody tr").count() == rows

    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()
    expect(page.locator("[data-live]")).to_contain_text("Live")


def test_an_open_list_tells_of_new_rows_and_shifts_none(visitors: Visitors, world: World) -> None:
    page = visitors.person("tomas")
    page.goto("/runs/")
    first = page.locator("#runs-table tbody tr").first.get_attribute("id")
    made = world.stack.scenario("plain")

    pill = page.locator("#runs-table").get_by_text(re.compile("new$"))
    expect(pill).to_be_visible()
    assert page.locator("#runs-table tbody tr").first.get_attribute("id") == first
    pill.click()
    expect(page.locator("#runs-table")).to_contain_text(f"desk:{made['ticket_id']}")
