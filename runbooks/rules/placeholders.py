"""Place-holders in a runbook's text: `{event.data.refund_id}` is looked up, never computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from meshline.core.safejson import Json

NOT_KNOWN = "—"

_PLACE = re.compile(r"\{([a-z][a-zA-Z0-9_]*(?:\.[A-Za-z0-9_-]+)*)\}")
_MAX_CHARS = 500


def fill(text: str, scope: Mapping[str, Json], *, quote: Callable[[str], str] | None = None) -> str:
    """Return the text with every `{path}` replaced by the value there, or by a dash.

    Values are shown as text on one line, at most 500 characters; maps and lists are not shown.
    `quote` prepares a value for its place (shlex.quote for a script); HTML is escaped later.
    """

    def value_at(found: re.Match[str]) -> str:
        shown = _shown(_look_up(scope, found.group(1)))
        return quote(shown) if quote else shown

    return _PLACE.sub(value_at, text)


def places_in(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, segments) of every place-holder in a text."""
    for found in _PLACE.finditer(text):
        name, *segments = found.group(1).split(".")
        yield name, tuple(segments)


def _look_up(scope: Mapping[str, Json], path: str) -> Any:
    value: Any = scope
    for segment in path.split("."):
        value = value.get(segment) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    match value:
        case None | dict() | list():
            return NOT_KNOWN
        case bool():
            return "yes" if value else "no"
        case _:
            words = " ".join(str(value).split())
            return words if len(words) <= _MAX_CHARS else f"{words[: _MAX_CHARS - 1]}…"
