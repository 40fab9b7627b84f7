"""Issue an API key and print it, once: {"id", "key", "scopes"}."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from contracts_app.queries.registry import source_named
from contracts_app.services.credentials import issue_key
from meshline.core.errors import BadValue

MAX_DAYS = 3650


class Command(JsonCommand):
    """Send the key as `Authorization: Bearer msh_…`; it is not shown again."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a name and scopes."""
        parser.add_argument("name", nargs="?", default="", help="what the key is for")
        parser.add_argument(
            "--scope",
            "--scopes",
            dest="scopes",
            action="extend",
            nargs="+",
            default=[],
            metavar="SCOPE",
            help="ingest:<source>, runs:read, contracts:read, …",
        )
        parser.add_argument(
            "--source", action="append", default=[], metavar="SLUG", help="short for ingest:SLUG"
        )
        parser.add_argument("--days", type=int, help="days until it expires; without it, never")

    def answer(self, **options: Any) -> Mapping[str, Any]:
        """Issue the key."""
        now = clock.now()
        scopes = [part for text in options["scopes"] for part in text.split(",") if part]
        scopes += [f"ingest:{source_named(slug).name}" for slug in options["source"]]
        if not scopes:
            raise BadValue(
                "A key needs something that it may do.",
                remedy="Name a source with --source, or a scope such as --scope runs:read.",
            )
        return issue_key(
            name=options["name"],
            scopes=scopes,
            expires_at=_end(options["days"], now),
            now=now,
        )


def _end(days: int | None, now: datetime) -> datetime | None:
    """When a key ends that lives so many days. Raises: BadValue."""
    if days is None:
        return None
    if not 1 <= days <= MAX_DAYS:
        raise BadValue(
            f"A key cannot live {days} days.",
            remedy=f"Give --days from 1 to {MAX_DAYS}, or leave it out for a key without an end.",
        )
    return now + timedelta(days=days)
