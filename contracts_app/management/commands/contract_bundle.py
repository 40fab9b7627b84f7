"""Contracts as files: `contract_bundle export FOLDER`, `contract_bundle import PATH…`."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from contracts_app.services.bundles import export_bundle, import_bundle


class Command(JsonCommand):
    """Files come in as drafts; with --publish their owners signed where they were reviewed."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the direction and the paths."""
        parts = parser.add_subparsers(dest="direction", required=True)
        export = parts.add_parser("export", help="write the serving versions into a folder")
        export.add_argument("folder", type=Path)
        export.add_argument("--name", default="", help="one contract only")
        export.add_argument("--drafts", action="store_true", help="drafts and proposals as well")
        bring = parts.add_parser("import", help="take files or folders in")
        bring.add_argument("paths", nargs="+", type=Path)
        bring.add_argument("--publish", action="store_true", help="straight into service")

    def answer(self, **options: Any) -> list[Any]:
        """Write or read the files."""
        if options["direction"] == "export":
            folder, drafts = options["folder"], options["drafts"]
            return [str(f) for f in export_bundle(folder, name=options["name"], drafts_too=drafts)]
        found = import_bundle(options["paths"], publish=options["publish"], now=clock.now())
        return [asdict(one) for one in found]
