"""Load the pilot at a pace at which fifteen minutes are four seconds: a process of its own."""

from __future__ import annotations

import django
from django.core.management import call_command

FACTOR = 1 / 225


def main() -> None:
    """Load into the database that the environment names."""
    django.setup()
    from runbooks.services import pilot

    pilot.PACES = {**pilot.PACES, "check": FACTOR}
    call_command("pilot_load", pace="check")


if __name__ == "__main__":
    main()
