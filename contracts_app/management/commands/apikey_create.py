"""Issue an API key and print it, once: {"id", "key", "scopes"}."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from contracts_app.services.credentials import issue_key


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
        scopes += [f"ingest:{slug}" for slug in options["source"]]
        days = options["days"]
        return issue_key(
            name=options["name"],
            scopes=scopes,
            expires_at=None if days is None else now + timedelta(days=days),
            now=now,
        )
