"""People in front of a browser: each signs in by the form once; later pages bring the cookies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from tests.browser.guard import Guard

DESKTOP, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 20_000
Theme = Literal["light", "dark"]


class Visitors:
    """Opens browsers for people of one console; `close` ends them all."""

    def __init__(
        self,
        browser: Browser,
        guard: Guard,
        *,
        address: str,
        passwords: Mapping[str, str],
        kept: dict[str, StorageState],
    ) -> None:
        self._browser, self._guard, self._address = browser, guard, address
        self._passwords, self._kept = passwords, kept
        self._open = ExitStack()

    def stranger(self, **how: Any) -> Page:
        """A page of a browser in which nobody has signed in."""
        return self._context(None, **how).new_page()

    def person(self, name: str, **how: Any) -> Page:
        """A page on which this person is signed in; a browser of their own each time."""
        if name not in self._kept:
            page = self.stranger()
            sign_in(page, name, self._passwords[name])
            self._kept[name] = page.context.storage_state()
            page.context.close()
        return self._context(self._kept[name], **how).new_page()

    def become(self, page: Page, name: str) -> None:
        """Let the page's browser have this person's cookies instead of its own."""
        other = self.person(name)
        page.context.add_cookies(
            [one for one in other.context.cookies() if "session" in str(one["name"])]  # type: ignore[misc]
        )

    def close(self) -> None:
        """Close every browser."""
        self._open.close()

    def _context(
        self,
        state: StorageState | None,
        *,
        theme: Theme = "light",
        size: tuple[int, int] = DESKTOP,
        scale: float = 1,
        javascript: bool = True,
    ) -> BrowserContext:
        context = self._browser.new_context(
            base_url=self._address,
            storage_state=state,
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=scale,
            color_scheme=theme,
            reduced_motion="reduce",
            java_script_enabled=javascript,
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(PATIENCE_MS)
        self._guard.watch(context, javascript=javascript)
        self._open.callback(context.close)
        return context


def sign_in(page: Page, name: str, password: str) -> None:
    """Sign in through the form, from wherever the door is shown."""
    if "/signin/" not in page.url:
        page.goto("/signin/")
    page.get_by_label("Name or e-mail").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("nav.side").wait_for(state="attached")
