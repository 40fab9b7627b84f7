"""Time zones by name, always from the pinned tzdata package and never from the machine."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files
from zoneinfo import ZoneInfo

from meshline.core.errors import BadValue

# Stored with every timer: promises are computed anew when the world's rules change.
TZDATA_VERSION: str = version("tzdata")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z][A-Za-z0-9_+-]*){0,2}")


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name such as Europe/Berlin. Raises BadValue."""
    if name not in zone_names() or not _NAME.fullmatch(name):
        raise BadValue(f"{name!r:.60} is no time zone.", remedy="Write it like Europe/Berlin.")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def is_zone(name: str) -> bool:
    """Say whether this is the name of an IANA time zone."""
    return name in zone_names()


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones."""
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())
