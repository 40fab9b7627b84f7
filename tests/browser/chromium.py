"""Debian's Chromium, found and started as a closed network wants it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "Chromium is missing, and the browser tests need it. Install it with: "
    "sudo apt-get update && sudo apt-get install -y chromium fonts-liberation"
)
# It looks for updates, accounts and models by itself; in a closed network each of these waits.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


def find() -> str | None:
    """The path of an installed Chromium, or None. MESHLINE_CHROMIUM names another one."""
    named = os.environ.get("MESHLINE_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def running(path: str) -> Iterator[Browser]:
    """A headless browser; ended at the end, with Playwright's event loop."""
    # Chromium refuses its sandbox to root, which is who runs tests in a container.
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, headless=True, args=[*QUIET, *as_root]
        )
        try:
            yield browser
        finally:
            browser.close()
