"""axe on a page: all rules in the theme it is in, then the rules of colour in the other one."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()
_ALL: dict[str, Any] = {"resultTypes": ["violations"]}
# A theme changes colours and nothing else, so the other theme is asked about colours.
_COLOURS: dict[str, Any] = {**_ALL, "runOnly": ["color-contrast", "link-in-text-block"]}


def violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe finds on the page as it stands: rule, impact and the first elements."""
    found = _AXE.run(page, options=_COLOURS if colours_only else _ALL).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): "
        + "; ".join(" ".join(map(str, node["target"])) for node in one["nodes"][:4])
        for one in found
    ]


def in_both_themes(page: Page) -> list[str]:
    """What axe finds in light and in dark."""
    page.emulate_media(color_scheme="light")
    light = violations(page)
    page.emulate_media(color_scheme="dark")
    return light + [f"dark: {line}" for line in violations(page, colours_only=True)]


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than the window: nobody scrolls sideways."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
