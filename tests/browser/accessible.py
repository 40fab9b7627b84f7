"""axe on a page: all rules in the theme it is in, then the rules of colour in the other one."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()
# Our style sheets are small and none is foreign: axe need not fetch and rewrite them.
_ALL: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
# A theme changes colours and nothing else, so the other theme is asked about colours.
_COLOURS: dict[str, Any] = {**_ALL, "runOnly": ["color-contrast", "link-in-text-block"]}

# A colour that is on its way from one theme to the other belongs to neither.
_STILL = "Promise.allSettled(document.getAnimations().map((one) => one.finished))"


def violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe finds on the page as it stands: rule, impact and the first elements."""
    page.evaluate(_STILL)
    found = _AXE.run(page, options=_COLOURS if colours_only else _ALL).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): "
        + "; ".join(" ".join(map(str, node["target"])) for node in one["nodes"][:4])
        for one in found
    ]


def in_both_themes(page: Page) -> list[str]:
    """What axe finds in light, where the page must be to begin with, and in dark."""
    light = violations(page)
    page.emulate_media(color_scheme="dark")
    dark = [f"dark: {line}" for line in violations(page, colours_only=True)]
    page.emulate_media(color_scheme="light")
    return light + dark


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than the window: nobody scrolls sideways."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
