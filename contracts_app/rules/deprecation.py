"""What the sender of an old version is told: Deprecation (RFC 9745) and Sunset (RFC 8594)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime


@dataclass(frozen=True)
class Deprecation:
    """Since when a version is deprecated, when it ends (midnight UTC), and what replaces it.

    `successor` is the address of the version to use, "" if there is none.
    """

    since: datetime
    sunset_on: date | None = None
    successor: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers of an answer under this version."""
        told = {"Deprecation": f"@{int(self.since.timestamp())}"}
        if self.sunset_on is not None:
            ends = datetime.combine(self.sunset_on, time(), UTC)
            told["Sunset"] = format_datetime(ends, usegmt=True)
        if self.successor:
            told["Link"] = f'<{self.successor}>; rel="successor-version"'
        return told
