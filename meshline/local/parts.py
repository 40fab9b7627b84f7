"""The commands of web, worker, beat and sandbox, and how each is started."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, BinaryIO, Protocol
from urllib.parse import urlsplit

from meshline.bodies import READING_THREADS
from meshline.env import var_dir
from meshline.local import environment, places

WEB_PROCESSES = 2  # for two cores
WEB_CONNECTIONS = 1024  # in each process
WORKER_THREADS = 4  # drains; each has call threads per outside system
_LOG_BYTES = 10 * 1024 * 1024


Process = subprocess.Popen[bytes]


class Server(Protocol):
    """An embedded server: its start() sets `process`, or raises."""

    process: Process | None

    def start(self, log: BinaryIO) -> None:
        """Start it and wait until it answers."""


def web(host: str, port: int, *, count: int = WEB_PROCESSES) -> list[str]:
    """granian over WSGI with `count` processes; one that dies is replaced by its parent."""
    return [
        *_python("granian"),
        "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(count), "--blocking-threads", str(READING_THREADS),
        "--backpressure", str(WEB_CONNECTIONS),
        "--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "5",
        "--no-access-log", "--log-level", "warning", "meshline.wsgi:application",
    ]  # fmt: skip


def worker() -> list[str]:
    """One Celery worker for every queue."""
    return [
        *_python("celery"), "-A", "meshline.celery", "worker",
        "--queues", "runs,sweeps", "--pool", "threads", "--concurrency", str(WORKER_THREADS),
        "--without-gossip", "--without-mingle", "--loglevel", "warning",
    ]  # fmt: skip


def beat() -> list[str]:
    """Celery's beat with the database's schedule, which the admin shows."""
    return [*_python("celery"), "-A", "meshline.celery", "beat", "--loglevel", "warning"]


def sandbox(ports: Mapping[str, int], *, web_url: str, page_url: str, pace: str) -> list[str]:
    """The simulated outside systems, which send their webhooks to `web_url`."""
    return [
        *_python("meshline.sandbox"),
        "--port", str(ports["sandbox"]), "--smtp-port", str(ports["smtp"]),
        "--record", str(var_dir() / "sandbox.sqlite3"), "--ingest", web_url,
        "--supervisor", page_url, "--pace", pace,
        "--secrets", str(var_dir() / "sandbox-secrets.json"),
    ]  # fmt: skip


def spawn(
    name: str, command: list[str], given: Mapping[str, str], log: IO[bytes] | None
) -> Process:
    """Start a child that leads its own process group; `log` None leaves it our output."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=var_dir(),
        env={**given, "MESHLINE_PROCESS": f"meshline-{name}"},
        start_new_session=True,
    )


def health_request(port: int, address: str) -> urllib.request.Request:
    """Ask the web server here for its health, under the host name of the console's `address`."""
    return urllib.request.Request(  # noqa: S310 - our own address
        f"{environment.web_address(port)}/api/v1/healthz",
        headers={"Host": urlsplit(address).netloc},
    )


def web_answers(port: int, address: str) -> bool:
    """Whether the web server here answers; that it answers well is for `meshline doctor`."""
    try:
        with urllib.request.urlopen(health_request(port, address), timeout=2):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def manage(command: list[str], given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one management command to its end; returns its exit code and what it said."""
    return subprocess.run(
        [*_python("meshline.manage"), *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=var_dir(),
        env=dict(given),
    )


def log_path(name: str) -> Path:
    """The file that takes the output of child `name`."""
    return places.private_folder(var_dir() / "log") / f"{name}.log"


def open_log(name: str) -> BinaryIO:
    """The child's log, opened to append; begun anew when it has grown past 10 MiB."""
    path = log_path(name)
    grown = path.exists() and path.stat().st_size > _LOG_BYTES
    return open(path, "wb" if grown else "ab", opener=lambda p, flags: os.open(p, flags, 0o600))


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
