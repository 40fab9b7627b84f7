"""axe finds nothing on any page, in light and dark, on a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.accessible import in_both_themes, too_wide, violations
from tests.browser.guard import Guard
from tests.browser.visitors import PHONE, Visitors
from tests.browser.world import World

BAD_PAGE = """<!doctype html><html><head><title>x</title></head><body>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><input>
<p style="color:#bbb;background:#fff">Nobody can read this.</p></body></html>"""

CONSOLE = (
    "/",
    "/duplicates/",
    "/search/?q=Maja",
    "/search/?q=",
    "/handoffs/",
    "/handoffs/?state=resolved",
    "/runs/",
    "/held/",
    "/held/?state=conflicts",
    "/backfills/",
    "/sla/",
    "/contracts/",
    "/contracts/support.refund.requested/",
    "/audit/",
    "/account/",
    "/account/password/",
)
ADMIN = (
    "/admin/",
    "/admin/contracts_app/contract/",
    "/admin/contracts_app/contractversion/",
    "/admin/runbooks/runbookversion/",
    "/admin/runbooks/runbookversion/add/",
    "/admin/orchestration/flowversion/",
    "/admin/orchestration/run/",
)


def test_console_has_no_violation_in_either_theme(
    visitors: Visitors, world: World, guard: Guard
) -> None:
    page = visitors.person("tomas")
    ticket = world.partly
    own = (
        world.address(ticket),
        f"/buttons/handoff/{world.handoff(ticket)['id']}/flow.replay/",
        f"/handoffs/{world.handoff(ticket)['id']}/resolve/",
        f"/runs/{world.handoff(ticket)['run_id']}/",
        f"/tickets/desk:{ticket}/",
        f"/receipts/desk:{ticket}/",
        f"/held/?event={world.held()[0]['event_id']}",
    )
    _assert_clean(page, guard, (*CONSOLE, *own))


def test_administration_has_no_violation_in_either_theme(visitors: Visitors, guard: Guard) -> None:
    page = visitors.person("lena")
    _assert_clean(page, guard, ADMIN)
    page.goto("/admin/contracts_app/contractversion/")
    page.get_by_role("link", name="support.refund.requested").first.click()
    _assert_clean(page, guard, (page.url,))


def test_door_and_errors_have_no_violation(visitors: Visitors, guard: Guard) -> None:
    guard.expect_status(404)
    page = visitors.stranger()
    _assert_clean(page, guard, ("/signin/",))
    inside = visitors.person("tomas")
    _assert_clean(inside, guard, ("/no/such/page/", "/runs/?q=nobody"))


def test_phone_has_no_violation_and_nothing_to_scroll_sideways(
    visitors: Visitors, world: World
) -> None:
    page = visitors.person("tomas", size=PHONE)
    found = {}
    for address in (
        "/", "/handoffs/", world.address(world.partly), f"/tickets/desk:{world.partly}/",
        "/runs/", "/held/", "/sla/", "/contracts/support.refund.requested/", "/audit/",
    ):  # fmt: skip
        page.goto(address)
        wrong = violations(page)
        if sideways := too_wide(page):
            wrong.append(f"{sideways} px too wide")
        if wrong:
            found[address] = wrong
    assert found == {}


@pytest.mark.parametrize("rule", ["image-alt", "label", "color-contrast", "html-has-lang"])
def test_bad_page_is_found_out(visitors: Visitors, guard: Guard, rule: str) -> None:
    """The control: an axe that finds nothing here would find nothing anywhere."""
    page = visitors.stranger()
    page.set_content(BAD_PAGE)
    assert any(line.startswith(f"{rule} ") for line in violations(page))


def _assert_clean(page: Page, guard: Guard, addresses: tuple[str, ...]) -> None:
    found = {}
    for address in addresses:
        page.goto(address)
        with guard.looking_away():
            wrong = in_both_themes(page)
        if wrong:
            found[address] = wrong
        if sideways := too_wide(page):
            found.setdefault(address, []).append(f"{sideways} px too wide")
    assert found == {}
