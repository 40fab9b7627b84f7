"""Pictures of the demo's own story for the docs; the player presses what a visitor would press."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from tests.browser.visitors import PHONE, Visitors

STORY_WITHIN_S = 300.0
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
        while (story := self._story())["state"] != "done":
            assert time.monotonic() < ends_at, f"The story stands still: {story}"
            answer = answers.pop(story["wants"], None) if story["wants"] else None
            if answer:
                answer(story["ticket"])
            time.sleep(0.5)
        assert not answers, f"The story never asked for {', '.join(answers)}."
        self._after(nadia)

    def _replay(self, page: Page, ticket: str) -> None:
        page.goto("/")
        self._take(page, "today-demo")
        self._open_handoff(page, ticket)
        self._take(page, "handoff")
        page.locator('a[data-key="r"]').click()
        form = page.locator("#button form")
        form.locator('[name="reason"]').fill(REASONS["flow.replay"])
        self._take(page, "replay")
        form.locator("button.primary").click()
        page.locator("#press section[id^=press-]").wait_for()

    def _backfill(self, page: Page, ticket: str) -> None:
        self._open_handoff(page, ticket)
        self._press(page, "flow.backfill")
        page.locator('#press a[href^="/backfills/"]').click()
        page.wait_for_timeout(2500)
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

    def _after(self, nadia: Page) -> None:
        auditor, owner = self._visitors.person(AUDITS), self._visitors.person(OWNS)
        for name, page, address in (
            ("today", nadia, "/"),
            ("ticket", nadia, "/tickets/desk:48213/"),
            ("sla", nadia, "/sla/"),
            ("contract", nadia, "/contracts/support.refund.requested/"),
            ("held", nadia, "/held/"),
            ("audit", auditor, "/audit/"),
        ):
            page.goto(address)
            self._take(page, name)
        nadia.goto("/tickets/desk:48213/")
        nadia.locator('a[href^="/runs/"]').first.click()
        self._take(nadia, "run")
        owner.goto("/admin/contracts_app/contractversion/")
        owner.get_by_role("link", name="support.refund.requested").first.click()
        self._take(owner, "admin-contract")
        dark = self._visitors.person(WORKS, theme="dark")
        dark.goto("/")
        self._take(dark, "today-dark")
        phone = self._visitors.person(WORKS, size=PHONE, scale=1.5)
        phone.goto("/handoffs/")
        self._take(phone, "handoffs-phone")

    def _open_handoff(self, page: Page, ticket: str) -> None:
        """From the ticket's rows in the inbox; a handoff may be some moments late."""
        for _ in range(40):
            page.goto(f"/handoffs/?ticket={ticket}")
            link = page.locator("#handoff-list li.item h2 a")
            if link.count():
                page.goto(str(link.first.get_attribute("href")))
                return
            page.wait_for_timeout(500)
        raise AssertionError(f"No handoff of {ticket} is listed.")

    def _take(self, page: Page, name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
        page.mouse.move(0, 0)
        page.screenshot(path=self._folder / f"{name}.png", full_page=True, animations="disabled")

    def _story(self) -> dict[str, Any]:
        story: dict[str, Any] = httpx.get(f"{self._sandbox}/_story", timeout=10).json()
        return story
