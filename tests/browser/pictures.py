"""Pictures of the demo's own story for the docs; the player presses what a visitor would press."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.browser.editor import write, written
from tests.browser.visitors import PHONE, Visitors

STORY_WITHIN_S = 400.0
HIGHEST = 1500
WORKS, LEADS, OWNS, AUDITS = "nadia", "tomas", "lena", "ines"
REASONS = {
    "flow.replay": "Billing says that it is well again.",
    "flow.backfill": "The shop knows these carts by now.",
    "escalate": "The customer waits and I cannot mend it.",
}


class Photographer:
    """Plays the story to its end in browsers and keeps a picture of each page on the way."""

    def __init__(self, visitors: Visitors, sandbox: str, folder: Path) -> None:
        self._visitors, self._sandbox, self._folder = visitors, sandbox, folder
        folder.mkdir(parents=True, exist_ok=True)

    def take_all(self) -> None:
        """The whole story, then the pages that tell of it."""
        door = self._visitors.stranger()
        door.goto("/signin/")
        self._take(door, "signin")
        nadia, tomas = self._visitors.person(WORKS), self._visitors.person(LEADS)
        answers: dict[str, Callable[[str], None]] = {
            "replay": lambda ticket: self._replay(nadia, ticket),
            "backfill": lambda ticket: self._backfill(tomas, ticket),
            "escalate": lambda ticket: self._escalate(tomas, ticket),
        }
        ends_at = time.monotonic() + STORY_WITHIN_S
        replayed = ""
        while (story := self._story())["state"] != "done":
            assert time.monotonic() < ends_at, f"The story stands still: {story}"
            answer = answers.pop(story["wants"], None) if story["wants"] else None
            if answer:
                replayed = replayed or story["ticket"]
                answer(story["ticket"])
            time.sleep(0.5)
        assert not answers, f"The story never asked for {', '.join(answers)}."
        self._after(nadia, replayed)

    def _verdict(self, page: Page) -> None:
        """A draft that breaks: what an owner sees before anybody is asked to sign."""
        page.goto("/admin/contracts_app/contractversion/?q=billing.invoice.created")
        page.locator("#result_list tbody th a").first.click()
        page.get_by_role("button", name="Start a new draft from this version").click()
        write(page, written(page).replace("minimum: 0}", "minimum: 0, maximum: 99999}", 1))
        expect(page.locator("#verdict")).to_contain_text("Breaking")
        page.locator(".document-editor .cm-scroller").evaluate("text => text.scrollTo(0, 300)")
        self._take(page, "verdict")
        page.get_by_role("button", name="Save draft").click()
        draft = page.url
        page.goto("/contracts/billing.invoice.created/?tab=versions")
        page.get_by_role("button", name="Side by side").click()
        page.get_by_role("link", name="Turn round").click()
        self._take(page, "side-by-side")
        page.goto(draft)
        page.get_by_role("link", name="Discard draft").click()
        page.get_by_role("button", name="Yes, I\u2019m sure").click()

    def _replay(self, page: Page, ticket: str) -> None:
        page.goto("/")
        self._take(page, "today-demo")
        self._open_handoff(page, ticket)
        self._take(page, "handoff")
        handoff = page.url
        page.get_by_role("link", name="Open run").first.click()
        self._take(page, "run")
        page.goto(handoff)
        page.locator('a[data-key="r"]').click()
        form = page.locator("#button form")
        form.locator('[name="reason"]').fill(REASONS["flow.replay"])
        self._take(page, "replay", height=1300)
        form.locator("button.primary").click()
        page.locator("#press section[id^=press-]").wait_for()

    def _backfill(self, page: Page, ticket: str) -> None:
        self._open_handoff(page, ticket)
        self._press(page, "flow.backfill")
        page.locator('#press a[href^="/backfills/"]').click()
        page.locator("#backfill-live .tag.good").nth(2).wait_for()
        self._take(page, "backfill")

    def _escalate(self, page: Page, ticket: str) -> None:
        page.goto(f"/tickets/{ticket}/")
        self._press(page, "escalate")

    def _press(self, page: Page, slug: str) -> None:
        page.locator(f'a[href$="/{slug}/"]').first.click()
        form = page.locator("#button form")
        form.locator('[name="reason"]').fill(REASONS[slug])
        form.locator("button.primary").click()
        page.locator("#button form").wait_for(state="detached")

    def _after(self, nadia: Page, ticket: str) -> None:
        auditor, owner = self._visitors.person(AUDITS), self._visitors.person(OWNS)
        for name, page, address in (
            ("today", nadia, "/"),
            ("ticket", nadia, f"/tickets/{ticket}/"),
            ("sla", nadia, "/sla/"),
            ("contract", nadia, "/contracts/support.refund.requested/"),
            ("audit", auditor, f"/audit/?ticket={ticket}"),
            ("inventory", owner, "/inventory/billing.chargeback.opened/"),
            ("pilot", owner, "/inventory/pilot/"),
        ):
            page.goto(address)
            self._take(page, name)
        owner.goto("/contracts/shop.cart.updated/")
        self._take_part(owner, "drift", "#drift")
        owner.goto("/admin/contracts_app/contractversion/?q=support.refund.requested")
        owner.get_by_role("link", name="support.refund.requested").first.click()
        self._take(owner, "admin-contract")
        self._verdict(owner)
        dark = self._visitors.person(WORKS, theme="dark")
        dark.goto("/")
        self._take(dark, "today-dark")
        phone = self._visitors.person(WORKS, size=PHONE, scale=1.5)
        phone.goto("/handoffs/")
        self._take(phone, "handoffs-phone", height=PHONE[1])
        self._hold_an_event()
        leads = self._visitors.person(LEADS)
        leads.goto("/held/")
        leads.locator("#held-list tbody").get_by_role("link", name="Release").first.click()
        self._take(leads, "held")

    def _hold_an_event(self) -> None:
        """An agent's macro names a charge that cannot be one: it breaks its contract."""
        act = {"do": "refund_request", "charge_id": "none", "name": "Rosa Blom"}
        httpx.post(f"{self._sandbox}/_act", json=act, timeout=10).raise_for_status()

    def _open_handoff(self, page: Page, ticket: str) -> None:
        """From the ticket's rows in the inbox; a handoff may be some moments late."""
        for _ in range(40):
            page.goto(f"/handoffs/?ticket={ticket}")
            link = page.locator("#handoff-list li.item h2 a")
            if link.count():
                page.goto(str(link.first.get_attribute("href")).partition("?")[0])
                return
            page.wait_for_timeout(500)
        raise AssertionError(f"No handoff of {ticket} is listed.")

    def _take(self, page: Page, name: str, *, height: int = 0) -> None:
        """One window that is as high as the page, within reason."""
        page.wait_for_load_state("networkidle")
        window = page.viewport_size
        assert window is not None
        wanted = height or min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
        page.set_viewport_size({"width": window["width"], "height": max(wanted, window["height"])})
        page.evaluate(
            "for (const part of document.querySelectorAll('.scroll')) part.scrollTop = 0;"
            "document.activeElement?.blur(); scrollTo(0, 0)"
        )
        page.mouse.move(0, 0)
        page.screenshot(path=self._folder / f"{name}.png", animations="disabled")
        page.set_viewport_size(window)

    def _take_part(self, page: Page, name: str, part: str) -> None:
        """One part of a page, whole."""
        page.wait_for_load_state("networkidle")
        page.locator(part).screenshot(path=self._folder / f"{name}.png", animations="disabled")

    def _story(self) -> dict[str, Any]:
        story: dict[str, Any] = httpx.get(f"{self._sandbox}/_story", timeout=10).json()
        return story
