"""The demo story's chapters as the ribbon names them before the sandbox tells its own."""

from __future__ import annotations

_TITLES = (
    ("Live", "straight through"),
    ("Silence", "recovers alone"),
    ("Safe hands", "replay by a person"),
    ("Somebody else\u2019s hands", "adopted"),
    ("Context", "backfill"),
    ("Promises", "escalation"),
    ("Pull the plug", "nothing lost"),
    ("The books", "0 lost, 0 doubled"),
)
CHAPTERS: tuple[dict[str, object], ...] = tuple(
    {"n": n, "title": title, "subtitle": subtitle} for n, (title, subtitle) in enumerate(_TITLES, 1)
)
