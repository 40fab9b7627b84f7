"""Take what is expected out of JSON that somebody else wrote, and nothing where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_NOT_SLUG = re.compile(r"[^a-z0-9_-]+")


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; nothing for what is no list."""
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))


def text(value: Any) -> str:
    """Return a text, or an empty one."""
    return value if isinstance(value, str) else ""


def slug(value: Any, *, most: int = 80) -> str:
    """Return a text as a lower-case word that begins with a letter, or an empty one."""
    word = _NOT_SLUG.sub("-", text(value).strip().lower()).strip("-_")
    return word[:most] if word[:1].isalpha() else ""


def filled(**fields: Any) -> dict[str, Any]:
    """Return the fields that hold something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
