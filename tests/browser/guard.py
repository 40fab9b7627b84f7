"""Watches pages: no console error, no page error, no CSP report, no request to another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

_TELL_OF_POLICY = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP report: ${event.violatedDirective} refused ${event.blockedURI || "inline"}`));
"""
# What Chromium says of its own accord when a page or a form is answered with 4xx.
_STATUS = re.compile(r"the server responded with a status of (\d{3})")


class Guard:
    """Collects what went wrong in the browsers of one test; `verify` fails with all of it."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        self._expected: set[int] = set()
        self._expected_texts: tuple[str, ...] = ()
        self.problems: list[str] = []

    def watch(self, context: BrowserContext, *, javascript: bool = True) -> None:
        """Look at everything that pages of this context do from now on."""
        if javascript:
            context.add_init_script(_TELL_OF_POLICY)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.problems.append(f"page error: {error.error}"))
        context.on("request", self._asked)
        context.on("page", lambda page: page.on("crash", self._crashed))

    def expect_status(self, *statuses: int) -> None:
        """These refusals are what the test is about: the browser's line on them is no error."""
        self._expected.update(statuses)

    def expect_text(self, *texts: str) -> None:
        """Console errors that hold one of these are what the test is about."""
        self._expected_texts += texts

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """What a tool does to the page in the meantime is not the page's fault."""
        self.verify()
        yield
        self.problems.clear()

    def verify(self) -> None:
        """Fail if anything was noted."""
        assert not self.problems, "The browser complained:\n" + "\n".join(self.problems)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        status = _STATUS.search(message.text)
        if status and int(status[1]) in self._expected:
            return
        if any(text in message.text for text in self._expected_texts):
            return
        place = message.location.get("url") or (message.page.url if message.page else "")
        self.problems.append(f"console error: {message.text} ({place})")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.netloc != self._host:
            self.problems.append(f"request to another host: {request.url}")

    def _crashed(self, page: Page) -> None:
        self.problems.append(f"the page crashed: {page.url}")
