"""What `meshline up` and `meshline down` say to the person at the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from meshline.local.state import Login, Running


def event(text: str) -> None:
    """One line of progress or news, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def problem(text: str) -> None:
    """What keeps the command from going on."""
    event(f"meshline: {text}")


@contextmanager
def step(title: str) -> Generator[None]:
    """Say what begins and, when it is done, how long it took."""
    began = time.monotonic()
    yield
    event(f"  {title}: {time.monotonic() - began:.1f} s")


def ready(address: str, logins: list[Login]) -> None:
    """The console's address first, then who may sign in, then how to stop."""
    lines = [f"Meshline is at {address}/", ""]
    if logins:
        width = max(len(login.name) for login in logins)
        lines.append("Sign in as")
        lines += [
            f"  {login.username:<8} {_password(login):<21} {login.name:<{width}}  "
            f"{login.role.replace('_', ' ')}"
            for login in logins
        ]
        lines.append("")
    lines.append("Ctrl-C stops everything; the state is kept for the next time.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def web_alone(address: str, port_address: str) -> None:
    """Where one web server listens that was started by itself, and what people open."""
    opened = "" if address == port_address else f", opened as {address}/"
    sys.stdout.write(f"Web listens at {port_address}/{opened}\n")
    sys.stdout.flush()


def _password(login: Login) -> str:
    return "(changed)" if login.changed else login.password


def already_running(running: Running) -> None:
    """Somebody started it before."""
    problem(
        f"it runs already, at {running.address}/ (process {running.pid}). "
        "`meshline down` stops it; MESHLINE_VAR=another/folder runs a second one."
    )


def stopped(*, was_running: bool) -> None:
    """Everything has ended."""
    event("Meshline has stopped." if was_running else "Meshline was not running.")
