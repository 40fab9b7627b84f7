"""Give a database role what the application needs, the audit append-only: print what was given."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from contracts_app.management.output import JsonCommand
from contracts_app.services.grants import grant_application


class Command(JsonCommand):
    """For a database whose default privileges were not set before the first migration."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the role's name."""
        parser.add_argument("role", help="the user of DATABASE_URL")

    def answer(self, **options: Any) -> Mapping[str, Any]:
        """Grant."""
        return {"role": options["role"], **grant_application(options["role"])}
