"""`meshline can-i-deploy`: asks a registry; the exit code is for pipelines."""

from __future__ import annotations

import argparse
import os
from typing import Any

CODES = {"yes": 0, "failed": 1, "unverified": 3}
_TOLD = {
    "yes": "Yes: {} may go to {}.",
    "failed": "No: {} may not go to {}.",
    "unverified": "Not known: {} is not verified for {}.",
}


def add_can_i_deploy(commands: Any) -> None:
    """Add the command to the parser's commands."""
    asked = commands.add_parser(
        "can-i-deploy",
        help="ask a registry whether a system's version may go to an environment",
        description="Exit code: 0 yes, 1 failed, 2 not answered, 3 unverified. The key is in "
        "MESHLINE_API_KEY.",
    )
    asked.add_argument("system")
    asked.add_argument("version")
    asked.add_argument("--to", required=True, metavar="ENV", help="such as production")
    asked.add_argument("--against", required=True, metavar="REGISTRY_URL")
    asked.set_defaults(run=run_can_i_deploy)


def run_can_i_deploy(chosen: argparse.Namespace) -> tuple[int, str]:
    """Ask; return the exit code and what to print."""
    from meshline.registry_client import Registry, RegistryError

    try:
        with Registry(chosen.against, os.environ.get("MESHLINE_API_KEY", "")) as registry:
            verdict, reasons = registry.can_deploy(chosen.system, chosen.version, chosen.to)
    except RegistryError as error:
        return 2, str(error)
    lines = [f"  {contract}: {state}: {sentence}" for contract, state, sentence in reasons]
    told = _TOLD[verdict].format(f"{chosen.system} {chosen.version}", chosen.to)
    return CODES[verdict], "\n".join([told, *lines])
