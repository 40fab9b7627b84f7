"""`meshline check`: its arguments, and which of the checks they ask for."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

FORMATS = ("text", "json", "junit", "annotations")
DIRECTIONS = ("backward", "forward", "full")
POLICIES = ("strict", "tolerant_reader")


def add_check(commands: Any) -> None:
    """Add the command to the parser's commands."""
    check = commands.add_parser(
        "check",
        help="check documents together; with --old or --against compare contracts",
        description="Exit code: 0 fine, 1 refused, 2 unreadable or usage, 3 undecided.",
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files or folders")
    compared = check.add_mutually_exclusive_group()
    compared.add_argument(
        "--old", type=Path, metavar="OLD", help="compare with this file or folder"
    )
    compared.add_argument(
        "--against",
        metavar="REGISTRY_URL",
        help="compare with what a registry has in service; its key is in MESHLINE_API_KEY",
    )
    check.add_argument("--format", choices=FORMATS, default="text", dest="form")
    check.add_argument(
        "--direction", choices=DIRECTIONS, default="backward", help="for two bare JSON Schemas"
    )
    check.add_argument(
        "--policy", choices=POLICIES, default="strict", help="for two bare JSON Schemas"
    )
    check.set_defaults(run=run_check)


def run_check(chosen: argparse.Namespace) -> tuple[int, str]:
    """Run the check that was asked for; return the exit code and what to print."""
    if chosen.old is None and chosen.against is None and chosen.form == "text":
        from runbooks.rules.document_check import check_files

        code, lines = check_files(chosen.files)
        return code, "\n".join(lines)
    from runbooks.rules.change_output import rendered

    try:
        report = _report(chosen)
    except OSError as error:  # 1 would say that something breaks
        return 2, f"{error.filename}:1: It cannot be read: {error.strerror}."
    return report.exit_code, rendered(report, chosen.form)


def _report(chosen: argparse.Namespace) -> Any:
    if chosen.old is not None:
        from runbooks.rules.change_check import check_changes

        return check_changes(
            chosen.old,
            chosen.files,
            direction=chosen.direction,
            policy=chosen.policy,
            processes=True,
        )
    if chosen.against is not None:
        from meshline.check_against import check_against

        return check_against(chosen.against, os.environ.get("MESHLINE_API_KEY", ""), chosen.files)
    from runbooks.rules.document_check import report_of

    return report_of(chosen.files)
