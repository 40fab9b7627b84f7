"""The `meshline` command: parses arguments and calls one function each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from meshline import mishaps
from meshline.check_cli import add_check
from meshline.contracts_cli import add_contracts
from meshline.deploy_cli import add_can_i_deploy

PARTS = ("web", "worker", "beat", "sandbox")
KILLABLE = ("worker", "web", "beat", "broker", "postgres-backend")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for a usage error, as argparse does)."""
    chosen = _parser().parse_args(arguments)
    try:
        return mishaps.told(lambda: _ended(chosen.run(chosen)))
    except KeyboardInterrupt:
        return 130


def _ended(answer: int | tuple[int, str]) -> int:
    """Print what a command answers with its exit code, if it answers anything."""
    if isinstance(answer, int):
        return answer
    code, told = answer
    print(told)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="meshline", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run web, worker, beat and sandbox with their servers")
    up.add_argument("--only", choices=PARTS, help="run one part alone")
    up.add_argument("--demo", action="store_true", help="load the pilot and play the story")
    up.add_argument("--pace", choices=("demo", "check"), default="demo", help=argparse.SUPPRESS)
    up.set_defaults(run=_up)

    down = commands.add_parser("down", help="stop what `meshline up` runs")
    down.add_argument("--forget", action="store_true", help="remove the kept state as well")
    down.set_defaults(run=_down)

    doctor = commands.add_parser(
        "doctor", help="look at every part; say how to mend what is broken"
    )
    doctor.set_defaults(run=_doctor)

    add_check(commands)
    add_contracts(commands)
    add_can_i_deploy(commands)

    demo = commands.add_parser(
        "demo", help="run the demo; with --check play it at once and compare"
    )
    demo.add_argument("--check", action="store_true", help="print promises kept and end")
    demo.add_argument(
        "--kill",
        action="append",
        default=[],
        choices=KILLABLE,
        help="with --check: kill this process once in the middle of the story",
    )
    demo.set_defaults(run=_demo)
    return parser


def _up(chosen: argparse.Namespace) -> int:
    from meshline.local import supervisor

    return supervisor.up(only=chosen.only, demo=chosen.demo, pace=chosen.pace)


def _down(chosen: argparse.Namespace) -> int:
    from meshline.local import supervisor

    return supervisor.down(forget=chosen.forget)


def _doctor(chosen: argparse.Namespace) -> int:
    from meshline.local import doctor

    return doctor.examine()


def _demo(chosen: argparse.Namespace) -> int:
    if not chosen.check:
        return _up(argparse.Namespace(only=None, demo=True, pace="demo"))
    from meshline.local import demo_check

    return demo_check.main(chosen.kill)


if __name__ == "__main__":
    sys.exit(main())
