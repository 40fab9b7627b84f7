"""From an empty form to the pilot's proposal: the inventory as a contract owner fills it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.accessible import in_both_themes, too_wide, violations
from tests.browser.guard import Guard
from tests.browser.visitors import PHONE, Visitors

FILE = (
    "name;title;kind;owner\n"
    "shop.parcel.lost;Parcel lost;event;support-contracts\n"
    "shop.parcel.found;Parcel found;event;Support Team\n"
)


def test_owner_adds_a_flow_imports_a_file_and_reads_the_proposal(
    visitors: Visitors, guard: Guard, tmp_path: Path
) -> None:
    guard.expect_status(422)
    page = visitors.person("lena")
    page.goto("/inventory/")
    page.get_by_role("link", name="Add a flow").click()
    _answered(page)
    _imported(page, tmp_path)

    page.goto("/inventory/pilot/")
    expect(page.locator("#chosen-1")).to_contain_text("Money moves in it")
    expect(page.locator("#chosen-2")).to_contain_text("Its service level is")
    expect(page.locator("#others")).to_contain_text("Nobody owns it: name an owner")

    page.goto("/inventory/shop.voucher.sent/")
    page.get_by_role("link", name="Draft a contract from this row").click()
    expect(page.locator("#verdict")).to_contain_text("Nothing is in service yet")
    page.get_by_role("button", name="Save draft").click()
    page.goto("/inventory/shop.voucher.sent/")
    expect(page.locator("#next")).to_contain_text("Complete the draft")


def test_inventory_works_without_javascript(visitors: Visitors, guard: Guard) -> None:
    guard.expect_status(422)
    page = visitors.person("tomas", javascript=False)
    page.goto("/inventory/add/")
    page.get_by_role("group", name="Can it cost a customer").get_by_label("Yes").check()
    page.get_by_role("button", name="Show the class").click()
    expect(page.locator("#risk")).to_contain_text("Still open")
    expect(page.locator("#risk")).not_to_contain_text("cost a customer or us money")
    page.get_by_role("button", name="Add the flow").click()
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(re.compile("The name is missing"))


def test_inventory_has_no_violation_on_a_desk_or_a_phone(visitors: Visitors) -> None:
    addresses = (
        "/inventory/",
        "/inventory/?q=nobody+has+this",
        "/inventory/add/",
        "/inventory/support.refund.requested/",
        "/inventory/import/",
        "/inventory/pilot/",
    )
    desk, phone = visitors.person("lena"), visitors.person("lena", size=PHONE)
    reader = visitors.person("oskar")
    found: dict[str, list[str]] = {}
    for address in addresses:
        desk.goto(address)
        phone.goto(address)
        reader.goto(address if address != "/inventory/import/" else "/inventory/")
        wide = [f"{one} px too wide" for one in (too_wide(desk), too_wide(phone)) if one]
        wrong = [*in_both_themes(desk), *violations(phone), *violations(reader), *wide]
        if wrong:
            found[address] = wrong
    assert found == {}


def _answered(page: Page) -> None:
    """The class follows the answers while they are given."""
    page.get_by_label("Name", exact=True).fill("shop.voucher.sent")
    page.get_by_label("Title").fill("Voucher sent")
    page.get_by_label("Kind").select_option("enrichment")
    page.get_by_label("Producer").fill("shop")
    page.get_by_label("Consumers").fill("helpdesk")
    page.get_by_label("Owner").fill("Support contracts")
    page.get_by_label("Service level").fill("2 hours")
    page.get_by_label("Manual fallback").fill("The agent sends the voucher by hand.")
    for asked in ("Can it cost", "Must the customer"):
        page.get_by_role("group", name=asked).get_by_label("Yes").check()
    for asked in ("Can it break a law", "Can it break a promised", "Do figures"):
        page.get_by_role("group", name=asked).get_by_label("No", exact=True).check()
    risk = page.locator("#risk")
    expect(risk).to_contain_text("How often does it happen?")
    page.get_by_label("At least once a day").check()
    expect(risk).to_contain_text("High")
    expect(risk).to_contain_text("financial_harm")

    page.get_by_role("button", name="Add the flow").click()
    owner = page.get_by_label("Owner")
    expect(owner).to_have_accessible_description(re.compile("like support-contracts"))
    owner.fill("support-contracts")
    page.get_by_role("button", name="Add the flow").click()
    expect(page.locator("h1")).to_have_text("shop.voucher.sent")
    expect(page.locator("#next")).to_contain_text("Draft a contract from this row")


def _imported(page: Page, folder: Path) -> None:
    """One good row and one bad cell: the bad one is named, the good one comes in."""
    file = folder / "flows.csv"
    file.write_text(FILE, encoding="utf-8")
    page.goto("/inventory/")
    page.get_by_role("link", name="Import CSV").click()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Show what it would change").click()
    refused = page.locator("#refused")
    for told in ("Row 3", "owner", "Support Team", "like support-team"):
        expect(refused).to_contain_text(told)
    assert violations(page) == []
    page.get_by_role("button", name="Import 1 flow, leave 1 row out").click()
    expect(page.locator("#toasts")).to_contain_text("1 added, 0 changed")
    page.goto("/inventory/?q=shop.parcel")
    expect(page.locator("#inventory-list tbody tr")).to_have_count(1)
