"""Make an account with a role and print it: {"username", "password", "role"}."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from contracts_app.services.people import create_user
from contracts_app.services.roles import roles
from meshline.core.errors import BadValue


class Command(JsonCommand):
    """Without --password a strong one is made; it is printed here and kept nowhere."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account's name and role."""
        parser.add_argument("username", nargs="?", help="made up if left out")
        parser.add_argument(
            "--role", required=True, action="append", choices=list(roles()), help="one and no more"
        )
        parser.add_argument("--name", default="", help="first and last name")
        parser.add_argument("--email", default="")
        parser.add_argument("--password", help="at least 12 characters; random if left out")

    def answer(self, **options: Any) -> Mapping[str, Any]:
        """Make the account."""
        role, *others = options["role"]
        if others:
            raise BadValue(
                "An account is made with one role.",
                remedy="Give --role once; the administration gives a person more of them.",
            )
        username = options["username"]
        if username is not None and not username.strip():
            raise BadValue(
                "The account's name is empty.",
                remedy="Write one, or leave it out to have one made.",
            )
        made = create_user(
            username=username or f"{role}-{secrets.token_hex(3)}",
            roles=[role],
            name=options["name"],
            email=options["email"],
            password=options["password"],
            now=clock.now(),
        )
        return {"username": made.user.username, "password": made.password, "role": role}
