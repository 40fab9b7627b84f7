"""Version numbers and ranges: 1.10 stays "1.10"; ranges are ^1, ^1.1, ~1.1, *, or exact."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering

from meshline.core.errors import BadValue

_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})(?:\.(0|[1-9][0-9]{0,5}))?(?:\.(0|[1-9][0-9]{0,5}))?")
_Numbers = tuple[int, int, int]


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version as written; 1.2 and 1.2.0 are equal, 1.10 is newer than 1.9."""

    text: str
    numbers: _Numbers
    given: int  # how many numbers the text names, 1 to 3

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.numbers == other.numbers

    def __lt__(self, other: Version) -> bool:
        return self.numbers < other.numbers

    def __hash__(self) -> int:
        return hash(self.numbers)


def parse_version(text: str) -> Version:
    """Read "2", "1.10" or "1.2.0". Raises BadValue."""
    found = _VERSION.fullmatch(text) if _is_text(text) else None
    if found is None:
        raise BadValue(f"{text!r:.60} is not a version.", remedy="Write it like 1.2.0.")
    given = [int(part) for part in found.groups() if part is not None]
    major, minor, patch = (*given, 0, 0)[:3]
    return Version(text, (major, minor, patch), len(given))


@dataclass(frozen=True)
class Range:
    """A range as written, from `low` up to but not including `high` (None: no end)."""

    text: str
    low: _Numbers
    high: _Numbers | None

    def __str__(self) -> str:
        return self.text

    def __contains__(self, version: Version) -> bool:
        return self.low <= version.numbers and (self.high is None or version.numbers < self.high)


def parse_range(text: str) -> Range:
    """Read "^1" (1.x), "^1.1" (from 1.1, below 2), "~1.1" (1.1.x), "*" or an exact version.

    Raises: BadValue.
    """
    if text == "*":
        return Range(text, (0, 0, 0), None)
    operator = text[:1] if _is_text(text) and text[:1] in ("^", "~") else ""
    try:
        base = parse_version(text[len(operator) :] if operator else text)
    except BadValue:
        raise BadValue(
            f"{text!r:.60} is not a version range.", remedy="Write it like ^1, ^1.1 or 1.2.0."
        ) from None
    return Range(text, base.numbers, _end(operator, base))


def matches(range_text: str, version_text: str) -> bool:
    """Say whether a version lies in a range. Raises BadValue if either cannot be read."""
    return parse_version(version_text) in parse_range(range_text)


def best(range_text: str, versions: Iterable[str]) -> str | None:
    """Return the newest of these versions that lies in the range, as written, or None."""
    wanted = parse_range(range_text)
    fitting = [version for version in map(parse_version, versions) if version in wanted]
    return max(fitting).text if fitting else None


def bump(version_text: str, step: str) -> str:
    """Return the next version after a "major", "minor" or "patch" change. Raises BadValue."""
    major, minor, patch = parse_version(version_text).numbers
    match step:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"
    raise BadValue(f"{step!r} is no version step.", remedy="Use major, minor or patch.")


def _end(operator: str, base: Version) -> _Numbers:
    major, minor, patch = base.numbers
    if operator == "^" and (major > 0 or base.given == 1):
        return (major + 1, 0, 0)
    if (operator == "^" and (minor > 0 or base.given == 2)) or operator == "~":
        return (major + 1, 0, 0) if base.given == 1 else (major, minor + 1, 0)
    return (major, minor, patch + 1)


def _is_text(value: object) -> bool:
    return isinstance(value, str)  # documents may hold anything where a version belongs
