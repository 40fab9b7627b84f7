"""Install the pilot of meshline/pilot/; safe to run twice. Prints what was loaded as JSON."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import transaction

import meshline.pilot
from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from meshline import env
from meshline.core import safejson
from meshline.core.errors import BadValue
from runbooks.services.pilot import PACES, Pilot


class Command(JsonCommand):
    """Unchanged documents are left alone, changed ones become a new version."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the pace, and where secrets and logins come from."""
        parser.add_argument("--pace", default="real", choices=list(PACES))
        parser.add_argument("--users", action="store_true", help="make the demo's accounts too")
        parser.add_argument(
            "--secrets",
            type=Path,
            default=_file("MESHLINE_PILOT_SECRETS"),
            help="JSON file {source: signing secret}; missing ones are made and added to it",
        )
        parser.add_argument(
            "--logins",
            type=Path,
            default=_file("MESHLINE_PILOT_LOGINS"),
            help="JSON file [{username, password, role, name}]: the accounts to make",
        )
        parser.add_argument(
            "--folder", type=Path, default=Path(meshline.pilot.__file__).parent, help="another one"
        )

    def answer(self, **options: Any) -> Mapping[str, Any]:
        """Load everything."""
        secrets = _read(options["secrets"], dict)
        pilot = Pilot(
            folder=options["folder"],
            factor=PACES[options["pace"]],
            now=clock.now(),
            secrets=secrets,
        )
        logins = _read(options["logins"], list)
        accounts = []
        with transaction.atomic():  # a refused document must not cost the passwords just made
            if logins:
                accounts = pilot.accounts({login["username"]: login for login in logins})
            elif options["users"]:
                accounts = pilot.accounts()
            loaded = pilot.load()
        if pilot.made and options["secrets"] is not None:
            _write(options["secrets"], {**secrets, **pilot.made})
        return {
            "documents": [asdict(one) for one in loaded],
            "changed": sum(one.changed for one in loaded),
            "users": [asdict(account) for account in accounts],
            "secrets": pilot.made,
        }


def _file(variable: str) -> Path | None:
    found = env.text(variable, "")
    return Path(found) if found else None


def _read(path: Path | None, kind: type[Any]) -> Any:
    if path is None or not path.exists():
        return kind()
    value = safejson.loads(path.read_bytes())
    if not isinstance(value, kind):
        raise BadValue(f"{path} does not hold a JSON {'object' if kind is dict else 'list'}.")
    return value


def _write(path: Path, value: Mapping[str, str]) -> None:
    """Add what was made to the file, which only its owner reads."""
    with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        json.dump(value, file, indent=1)
