"""The frame of every page: navigation, error pages, and the files that a browser loads."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.urls import include, path
from django.views.generic import TemplateView

from meshline.console.ui import icons, nav

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGE = TemplateView.as_view(template_name="base.html")

# A console of three pages, so that the frame is tested without the others.
pages = [
    path("", PAGE, name="today"),
    path("handoffs/", PAGE, name="handoffs"),
    path("runs/", PAGE, name="runs"),
    path("signout/", PAGE, name="signout"),
    path("demo/start/", PAGE, name="demo-start"),
    path("demo/pause/", PAGE, name="demo-pause"),
]
urlpatterns = [path("", include((pages, "console")))]
three_pages = pytest.mark.urls(__name__)


def entries(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for group in groups for item in group["items"]]


@three_pages
def test_sidebar_lists_only_pages_that_exist() -> None:
    shown = nav.groups(path="/", staff=True, counts={})

    assert [item["entry"].title for item in entries(shown)] == ["Today", "Handoffs", "Runs"]


@three_pages
@pytest.mark.parametrize(
    ("address", "current"), [("/", "Today"), ("/runs/9b41", "Runs"), ("/handoffs/", "Handoffs")]
)
def test_sidebar_marks_the_page_that_one_is_on(address: str, current: str) -> None:
    shown = entries(nav.groups(path=address, staff=False, counts={}))

    assert [item["entry"].title for item in shown if item["current"]] == [current]


def test_sidebar_offers_admin_to_staff_only() -> None:
    def offered(*, staff: bool) -> bool:
        shown = entries(nav.groups(path="/", staff=staff, counts={}))
        return "Admin" in [item["entry"].title for item in shown]

    assert (offered(staff=True), offered(staff=False)) == (True, False)


@three_pages
def test_page_shows_the_reader_what_waits_and_lets_them_sign_out() -> None:
    context = {"user": User(username="nadia", first_name="Nadia", last_name="Arslan")}

    drawn = render_to_string("base.html", context | {"nav_counts": {"handoffs": 3}})

    assert '<span class="count hot">3</span>' in drawn
    assert "Nadia Arslan" in drawn
    assert re.search(r'<form method="post" action="/signout/">', drawn)


@three_pages
def test_page_without_a_reader_or_context_still_has_its_frame() -> None:
    drawn = render_to_string("base.html", {})

    assert '<main id="main"' in drawn
    assert "user-menu" not in drawn
    assert 'id="ribbon"' not in drawn


@three_pages
@pytest.mark.parametrize(
    ("state", "offered", "absent"),
    [
        ("not_started", ">Start</button>", ">Pause</button>"),
        ("running", ">Pause</button>", ">Start</button>"),
        ("paused", ">Go on</button>", ">Pause</button>"),
    ],
)
def test_ribbon_offers_the_press_that_fits_the_story(state: str, offered: str, absent: str) -> None:
    story = {"state": state, "chapter": 3, "of": 8, "title": "Safe hands", "elapsed_s": 48}
    claims = [{"label": "Lost, doubled", "ours": "0, 0", "theirs": "0, 1", "agrees": False}]

    drawn = render_to_string("base.html", {"demo": {"story": story, "claims": claims}})

    assert offered in drawn
    assert absent not in drawn
    assert "differs" in drawn


@pytest.mark.parametrize("status", ["400", "403", "403_csrf", "404", "409", "413", "500", "503"])
def test_error_page_needs_no_database_and_says_what_happened(status: str) -> None:
    drawn = render_to_string(f"{status}.html", {})

    assert f"Status {status[:3]}" in drawn
    assert re.search(r"<h1>[A-Z][^<]+</h1>\s*<p>[A-Z]", drawn)


def test_error_page_escapes_what_it_is_told() -> None:
    drawn = render_to_string("404.html", {"message": "No run <b>.", "remedy": "Search."})

    assert "No run &lt;b&gt;. Search." in drawn


# --- What the content security policy forbids ---------------------------------------------
@pytest.mark.parametrize(
    "forbidden",
    [
        r"\sstyle=",
        r"<style",
        r"\son[a-z]+=",
        r"\shx-on",
        r"<script(?![^>]*\ssrc=)",
        r"\bjs:",
        r"(src|href)=.https?://",
        r"hx-trigger=[^>]*\[",
        r"\|safe\b",
        r"autoescape off",
    ],
)
def test_no_template_has_what_the_policy_would_block(forbidden: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {hit[0]}"
        for file in TEMPLATES
        for hit in re.finditer(forbidden, file.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_every_file_that_a_template_loads_exists() -> None:
    loaded = {
        name
        for file in TEMPLATES
        for name in re.findall(r"""\{% static ['"]([^'"]+)""", file.read_text(encoding="utf-8"))
    }

    assert loaded
    assert [name for name in sorted(loaded) if not finders.find(name)] == []


def test_every_icon_that_a_template_names_exists() -> None:
    named = {
        name
        for file in TEMPLATES
        for name in re.findall(r"""\{% icon "([^"]+)""", file.read_text(encoding="utf-8"))
    } | {entry.icon for _, group in nav.GROUPS for entry in group}

    assert sorted(named - set(icons.shapes())) == []


def test_every_file_that_a_stylesheet_loads_exists() -> None:
    for sheet in (ROOT / "static" / "css").rglob("*.css"):
        for address in re.findall(r'url\("([^"]+)"\)', sheet.read_text(encoding="utf-8")):
            assert (sheet.parent / address).is_file(), f"{sheet.name}: {address}"


@pytest.mark.parametrize(
    "sums", sorted((ROOT / "static" / "vendor").glob("*/SHA256SUMS")), ids=lambda p: p.parent.name
)
def test_vendored_files_are_as_they_were_fetched(sums: Path) -> None:
    lines = sums.read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    present = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sums.parent.iterdir()
        if file != sums
    }

    assert present == listed
    assert "LICENSE" in present


def test_scripts_are_short() -> None:
    own = sorted((ROOT / "static" / "js").glob("*.js"))

    assert own
    assert all(len(file.read_text(encoding="utf-8").splitlines()) < 100 for file in own)
