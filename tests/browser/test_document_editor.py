"""The editor on document pages, by keyboard; and the same page without JavaScript."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessible import in_both_themes, too_wide, violations
from tests.browser.editor import FIELD, editor, write, written
from tests.browser.guard import Guard
from tests.browser.test_pictures import FOLDER
from tests.browser.visitors import PHONE, Visitors

ADD = "/admin/contracts_app/businesscalendar/add/"
FLOWS = "/admin/orchestration/flowversion/?state__exact=published"
NAME = "editor-hours"


@pytest.fixture
def page(visitors: Visitors) -> Iterator[Page]:
    """A page of a new calendar, its skeleton in the editor; what was saved is discarded."""
    page = visitors.person("lena")
    page.goto(ADD)
    expect(editor(page)).to_be_visible()
    yield page
    page.goto(f"/admin/contracts_app/businesscalendar/?q={NAME}")
    if page.get_by_role("link", name=NAME).count():
        page.get_by_role("link", name=NAME).first.click()
        page.get_by_role("link", name="Discard draft").click()
        page.get_by_role("button", name="Yes, I\u2019m sure").click()


def test_owner_types_mends_folds_leaves_by_keyboard_and_saves(page: Page, guard: Guard) -> None:
    panel, status = page.locator("#verdict"), page.locator(".document-editor .doc-status")
    expect(panel).to_contain_text("Valid.")
    good = written(page).replace("office-hours", NAME)
    write(page, good.replace("zone: Europe/Berlin", "zoen: Europe/Berlin"))
    expect(panel).to_contain_text("It cannot be saved yet.")
    expect(page.locator(".document-editor .cm-lint-marker-error").first).to_be_visible()
    expect(page.locator(".document-editor .cm-lintRange-error", has_text="zoen")).to_be_visible()

    panel.get_by_role("link", name="Line 5", exact=True).first.click()
    expect(editor(page)).to_be_focused()
    expect(status).to_contain_text("YAML · line 5, column 1")
    expect(status).to_contain_text("Line 5: The key 'zoen' is not known here.")
    if os.environ.get("MESHLINE_SCREENSHOTS"):
        page.locator("#content-main").screenshot(path=FOLDER / "editor.png", animations="disabled")
    page.keyboard.press("End")
    page.keyboard.press("Shift+Home")
    page.keyboard.type("zone: Europe/Berlin")
    expect(panel).to_contain_text("Valid.")
    expect(page.locator(".document-editor .cm-lintRange-error")).to_have_count(0)

    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Shift+BracketLeft")
    expect(page.locator(".document-editor .cm-foldPlaceholder")).to_be_visible()
    expect(editor(page)).not_to_contain_text("09:00")

    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    assert written(page).startswith("  meshline:"), "Tab indents"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor(page)).not_to_be_focused()
    assert written(page) == good
    page.get_by_role("button", name="Save draft").press("Enter")
    expect(page.locator("#document-state")).to_contain_text("A draft.")
    assert written(page) == good
    guard.verify()


def test_refused_save_keeps_the_text_and_tells_the_editor_what_is_wrong(
    page: Page, guard: Guard
) -> None:
    bad = written(page).replace("weekly_hours:", "weekly: [")
    write(page, bad)
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".errorlist")).to_contain_text("This is not YAML")
    assert written(page) == bad
    expect(editor(page)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("textbox", name="Document")).to_have_accessible_description(
        re.compile("This is not YAML.*Esc, then Tab, leaves the editor")
    )
    with guard.looking_away():
        assert in_both_themes(page) == []


def test_json_is_known_by_its_look_and_keys_are_offered(page: Page) -> None:
    status = page.locator(".document-editor .doc-status")
    write(page, '{\n  "meshline": "calendar/v1",\n  "name": "x",\n  \n}')
    expect(status).to_contain_text("JSON")
    write(page, "meshline: calendar/v1\n")
    expect(status).to_contain_text("YAML")
    page.keyboard.press("Control+End")
    page.keyboard.type("hol")
    expect(page.get_by_role("option", name="holidays")).to_be_visible()
    page.wait_for_timeout(100)  # a moment too soon, Enter is a new line and no choice
    page.keyboard.press("Enter")
    assert written(page) == "meshline: calendar/v1\nholidays: "


def test_text_of_two_hundred_kilobytes_is_typed_into_and_mirrored_whole(page: Page) -> None:
    rows = "".join(f"  - {{date: 2026-01-05, title: Day {one:06}}}\n" for one in range(4_800))
    text = written(page).replace("holidays: []\n", f"holidays:\n{rows}")
    assert len(text) > 200_000
    write(page, text)
    page.keyboard.press("Control+End")
    page.keyboard.type("x" * 20)
    assert written(page) == f"{text}{'x' * 20}"


def test_published_text_is_read_in_the_editor_and_folded_and_left_with_tab(
    visitors: Visitors, guard: Guard
) -> None:
    page = visitors.person("lena")
    page.goto(FLOWS)
    page.locator("#result_list tbody th a").first.click()
    expect(editor(page)).to_have_attribute("aria-readonly", "true")
    shown = page.locator("pre.doc").first.text_content()
    editor(page).focus()
    page.keyboard.press("Control+Alt+BracketLeft")
    expect(page.locator(".document-editor .cm-foldPlaceholder").first).to_be_visible()
    page.keyboard.type("nothing")
    assert page.locator("pre.doc").first.text_content() == shown
    expect(editor(page)).not_to_contain_text("nothing")
    page.keyboard.press("Tab")
    expect(editor(page)).not_to_be_focused()
    with guard.looking_away():
        assert in_both_themes(page) == []


def test_phone_shows_the_editor_and_nothing_to_scroll_sideways(visitors: Visitors) -> None:
    page = visitors.person("lena", size=PHONE)
    page.goto(ADD)
    write(page, written(page).replace("holidays: []", "holidays: [nothing]"))
    expect(page.locator(".document-editor .cm-lint-marker-error")).to_be_visible()
    assert [*violations(page), *([too_wide(page)] if too_wide(page) else [])] == []


def test_without_javascript_the_field_is_typed_in_and_the_check_stands_beside_it(
    visitors: Visitors,
) -> None:
    page = visitors.person("lena", javascript=False)
    page.goto(ADD)
    field = page.locator(FIELD)
    field.fill(field.input_value().replace("zone:", "zoen:"))
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".errorlist")).to_contain_text("zoen")
    expect(page.locator("#verdict")).to_contain_text("Line 5: The key 'zoen' is not known here.")
    page.locator("#verdict").get_by_role("link", name="Line 5", exact=True).first.click()
    expect(page).to_have_url(re.compile("#id_text$"))
    expect(field).to_be_visible()
    expect(page.locator(".document-editor")).to_have_count(0)
