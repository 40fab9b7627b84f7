"""The sidebar and the phone's tab bar: only pages that exist and that this reader may open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Entry:
    """One page in the sidebar; `count` names the number in `nav_counts` shown beside it."""

    title: str
    icon: str
    url_name: str
    count: str = ""
    hot: bool = False  # the number calls for a person
    short: str = ""  # title in the tab bar; empty: not there


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "",
        (
            Entry("Today", "sun", "console:today", short="Today"),
            Entry("Handoffs", "inbox", "console:handoffs", "handoffs", hot=True, short="Handoffs"),
            Entry("Runs", "git-commit-horizontal", "console:runs", short="Runs"),
            Entry("Held events", "pause", "console:held", "held"),
            Entry("Backfills", "rotate-ccw-clock", "console:backfills", "backfills"),
        ),
    ),
    (
        "Operate",
        (
            Entry("Runbooks", "book-open-check", "console:runbooks"),
            Entry("Incidents", "siren", "console:incidents", "incidents"),
            Entry("On call", "phone-call", "console:oncall"),
            Entry("SLA dashboard", "gauge", "console:sla", short="SLA"),
        ),
    ),
    (
        "Govern",
        (
            Entry("Inventory", "table", "console:inventory"),
            Entry("Contracts", "file-check-corner", "console:contracts"),
            Entry("Rollouts", "split", "console:rollouts", "rollouts"),
            Entry("Merges", "link", "console:merges"),
            Entry("Audit log", "scroll-text", "console:audit"),
            Entry("Debt register", "list-todo", "console:debt", "debt"),
            Entry("Admin", "settings-2", "admin:index"),
        ),
    ),
)


def address(name: str, *args: Any) -> str:
    """Return the address of a page, or "" when there is no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def groups(
    *, path: str, staff: bool, counts: Mapping[str, int], only: Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """Return the sidebar's groups with the pages that exist; `only` names the allowed ones, if set.

    The current page is the entry with the longest address that `path` starts with.
    """
    allowed = None if only is None else set(only)
    shown: list[dict[str, Any]] = []
    for title, entries in GROUPS:
        items: list[dict[str, Any]] = [
            {"entry": entry, "url": url, "count": counts.get(entry.count) or None, "current": False}
            for entry in entries
            if (url := address(entry.url_name))
            and (entry.url_name != "admin:index" or staff)
            and (allowed is None or entry.url_name in allowed)
        ]
        if items:
            shown.append({"title": title, "items": items})
    _mark_current([item for group in shown for item in group["items"]], path)
    return shown


def _mark_current(items: list[dict[str, Any]], path: str) -> None:
    fitting = [
        item
        for item in items
        if path == item["url"] or (item["url"] != "/" and path.startswith(item["url"]))
    ]
    if fitting:
        max(fitting, key=lambda item: len(item["url"]))["current"] = True
