"""The editor on a document's page, as a person uses it: by its keys, never by its field."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

FIELD = "textarea[name=text]"


def editor(page: Page) -> Locator:
    """Where one types."""
    return page.locator(".document-editor .cm-content")


def written(page: Page) -> str:
    """The text as the form would send it."""
    return page.locator(FIELD).input_value()


def write(page: Page, text: str) -> None:
    """Put a text in the place of all that stands there, as a person pastes it."""
    editor(page).focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    assert written(page) == text
