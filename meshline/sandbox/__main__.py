"""`python -m meshline.sandbox`: the simulated vendors as one process."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path

from meshline.sandbox.control import Control
from meshline.sandbox.courier import Courier
from meshline.sandbox.mail import MailServer
from meshline.sandbox.player import Player
from meshline.sandbox.server import Server
from meshline.sandbox.state import Record
from meshline.sandbox.world import World

_SECRETS = ("billing", "helpdesk", "shop", "pager", "api_token")


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every line it hears
    try:
        secrets = _read_secrets(given.secrets)
        record = Record(given.record)
    except (OSError, ValueError) as problem:
        sys.stderr.write(f"The sandbox cannot start: {problem}\n")
        return 2
    world = World(record, secrets, given.ingest, given.supervisor or "", given.pace, given.seed)
    player, courier = Player(world), Courier(world)
    mail = MailServer(world, given.smtp_port)
    try:
        server = Server(world, given.port, Control(world, player))
        mail.begin()
    except OSError as problem:
        sys.stderr.write(f"The sandbox cannot listen: {problem}. Give free ports, or 0.\n")
        return 2
    ended = _told_to_end()
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    courier.begin()
    player.begin()
    if given.autostart:
        player.start()
    listens = {
        "http": f"http://127.0.0.1:{server.server_address[1]}",
        "smtp": f"smtp://127.0.0.1:{mail.port}",
    }
    sys.stdout.write(json.dumps(listens) + "\n")
    sys.stdout.flush()
    ended.wait()
    server.shutdown()
    player.end()
    courier.end()
    mail.end()
    server.server_close()
    record.close()
    return 0


def _told_to_end() -> threading.Event:
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    return ended


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m meshline.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="for HTTP; 0 finds a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="for SMTP; 0 finds a free one")
    parser.add_argument(
        "--record", type=Path, required=True, help="the SQLite file; made when missing"
    )
    parser.add_argument("--ingest", required=True, help="Meshline's address, http://127.0.0.1:8000")
    parser.add_argument(
        "--secrets", type=Path, required=True, help=f"JSON with {', '.join(_SECRETS)}"
    )
    parser.add_argument("--supervisor", help="the supervisor's page, for chapter 7")
    parser.add_argument("--pace", choices=("demo", "check"), default="demo")
    parser.add_argument("--seed", type=int, default=7, help="the same seed tells the same story")
    parser.add_argument("--autostart", action="store_true", help="start the story at once")
    return parser


def _read_secrets(path: Path) -> dict[str, str]:
    found = json.loads(path.read_text())
    missing = [name for name in _SECRETS if not (isinstance(found, dict) and found.get(name))]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}.")
    return {name: str(found[name]) for name in _SECRETS}


if __name__ == "__main__":
    sys.exit(main())
