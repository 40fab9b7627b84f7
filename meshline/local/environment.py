"""What the children need to know: addresses, secrets and switches, as environment variables."""

from __future__ import annotations

import base64
import os
import runpy
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from meshline import env
from meshline.core import yaml12
from meshline.local import places, state

_PEOPLE = env.ROOT / "meshline" / "pilot" / "people.yaml"
# Deadlines of the demo are seconds, so a dead worker's runs must be free within seconds too.
_DEMO_PACE = {"MESHLINE_LEASE_S": "6", "MESHLINE_CALL_TIMEOUT_S": "4"}


# Where the settings are looked at before there is a server of ours.
_NOT_YET = {
    "DATABASE_URL": "postgresql://meshline@localhost/meshline",
    "BROKER_URL": "redis://localhost/0",
}


def check_settings(given: Mapping[str, str]) -> None:
    """Read every setting as the parts will, with `given` in the environment.

    Raises: SettingError. Nothing is kept: this process does without settings.
    """
    ours = dict(os.environ)
    missing = {name: value for name, value in _NOT_YET.items() if not ours.get(name)}
    os.environ.update({**missing, **given})
    try:
        runpy.run_module("meshline.settings")
        if ours.get("MIGRATE_DATABASE_URL"):
            env.database("MIGRATE_DATABASE_URL")
    finally:
        os.environ.clear()
        os.environ.update(ours)


def hold_web_port(wanted: int) -> socket.socket:
    """Hold MESHLINE_PORT if it is given, else `wanted` if it is free, else a free port.

    Raises: SettingError if the given one is taken or not for this user.
    """
    given = env.port("MESHLINE_PORT")
    if given is None:
        return places.hold_port(wanted)
    try:
        return places.hold_this_port(given)
    except PermissionError:
        raise env.SettingError(
            f"MESHLINE_PORT is {given}, and a port so low needs root. Give one above 1023 and let "
            "a proxy listen on the low one."
        ) from None
    except OSError:
        raise env.SettingError(
            f"MESHLINE_PORT is {given}, and something listens there already. "
            "Stop it, or give another port; without MESHLINE_PORT a free one is found."
        ) from None


def choose_ports(*, web: bool = True) -> tuple[dict[str, int], socket.socket | None]:
    """A port for each listener: the one given, the one used last time, else a free one.

    The socket holds the web server's port (places.hold_port) for as long as it is open; without
    `web` none is held, since that server is another's to start.

    Raises: SettingError if MESHLINE_PORT is taken.
    """
    before: dict[str, int] = state.kept("ports.json", dict)
    last = before.get("web", 8000)
    held = hold_web_port(last) if web else None
    ports = {"web": places.port_of(held) if held else env.port("MESHLINE_PORT") or last}
    for name in ("sandbox", "smtp", "page", "broker"):
        found = places.free_port(before.get(name, 0))
        while found in ports.values():
            found = places.free_port()
        ports[name] = found
    state.write_private(env.var_dir() / "ports.json", ports)
    return ports, held


def host() -> str:
    """The address that the web server listens on."""
    return os.environ.get("MESHLINE_HOST") or "127.0.0.1"


def common(ports: Mapping[str, int]) -> dict[str, str]:
    """What every child gets, made for what the environment does not say."""
    given = os.environ
    console = _console(ports["web"])
    address = urlsplit(console)
    plain = address.scheme == "http"  # only ever a loopback address
    made = state.kept("secrets.json", _make_secrets)
    return {
        "DJANGO_SETTINGS_MODULE": "meshline.settings",
        "MESHLINE_VAR": str(env.var_dir()),
        "MESHLINE_CONSOLE_URL": console,
        "MESHLINE_INSECURE_LOOPBACK": given.get("MESHLINE_INSECURE_LOOPBACK") or str(int(plain)),
        "MESHLINE_ALLOWED_HOSTS": given.get("MESHLINE_ALLOWED_HOSTS")
        or f"localhost,127.0.0.1,[::1],{address.hostname}",
        **{name: given.get(name) or value for name, value in made.items()},
    }


def _console(port: int) -> str:
    """The address that people open. Raises: SettingError."""
    if os.environ.get("MESHLINE_CONSOLE_URL"):
        return env.url("MESHLINE_CONSOLE_URL")
    if host() not in env.LOOPBACK:
        raise env.SettingError(
            f"MESHLINE_CONSOLE_URL is not set, and MESHLINE_HOST is {host()!r:.60}. Set it to the "
            "address that people open: https://…, or http://127.0.0.1:<port> for this machine only."
        )
    return web_address(port)


def web_address(port: int) -> str:
    """Where the web server here listens."""
    return f"http://[{host()}]:{port}" if ":" in host() else f"http://{host()}:{port}"


def sandbox(ports: Mapping[str, int]) -> dict[str, str]:
    """Addresses and tokens of the simulated systems, and the demo's own pages."""
    base = f"http://127.0.0.1:{ports['sandbox']}"
    token = state.kept("sandbox-secrets.json", _make_sandbox_secrets)["api_token"]
    systems = {
        "HELPDESK": f"{base}/helpdesk",
        "BILLING": f"{base}/billing",
        "SHOP": f"{base}/shop",
        "MAIL": f"smtp://127.0.0.1:{ports['smtp']}",
        "MAIL_LOG": f"{base}/mail",
        "PAGER": f"{base}/pager",
    }
    found = {
        "MESHLINE_ORGANISATION": "Harbour & Pine",
        "SANDBOX_URL": base,
        "SUPERVISOR_URL": f"http://127.0.0.1:{ports['page']}",
    }
    for name, address in systems.items():
        found[f"MESHLINE_{name}_URL"] = address
        found[f"MESHLINE_{name}_TOKEN"] = token
    # The pilot installs the same webhook secrets and makes the people that can sign in.
    found["MESHLINE_PILOT_SECRETS"] = str(env.var_dir() / "sandbox-secrets.json")
    found["MESHLINE_PILOT_LOGINS"] = str(_logins_path())
    found |= {name: os.environ.get(name) or value for name, value in _DEMO_PACE.items()}
    return found


def logins() -> list[state.Login]:
    """The demo's people and their passwords, made once."""
    return [state.Login(**one) for one in state.kept(_logins_path().name, _make_logins)]


def note_changed(accounts: Iterable[Mapping[str, Any]]) -> list[state.Login]:
    """Keep, beside each login, whether its person has taken another password by now.

    `accounts` are the users that pilot_load printed: without a password where it is not ours.
    """
    changed = {one["username"] for one in accounts if one["password"] is None}
    noted = [replace(login, changed=login.username in changed) for login in logins()]
    state.write_private(_logins_path(), [asdict(login) for login in noted])
    return noted


def _logins_path() -> Path:
    return env.var_dir() / "logins.json"


def _make_logins() -> list[dict[str, Any]]:
    # Four groups of four letters: easy to copy from a terminal, 80 bits.
    def password() -> str:
        return "-".join(base64.b32encode(secrets.token_bytes(10)).decode().lower()[i : i + 4]
                        for i in range(0, 16, 4))  # fmt: skip

    people: Any = yaml12.load(_PEOPLE.read_bytes(), name=_PEOPLE.name).value
    return [
        asdict(state.Login(one["username"], password(), one["roles"][0], one["name"]))
        for one in people["people"]
        if one["demo_login"]
    ]


def _make_secrets() -> dict[str, str]:
    return {
        "MESHLINE_SECRET_KEY": secrets.token_urlsafe(50),
        "MESHLINE_SECRET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def _make_sandbox_secrets() -> dict[str, str]:
    made = {
        name: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        for name in ("billing", "helpdesk", "shop", "pager")
    }
    return {**made, "api_token": secrets.token_urlsafe(24)}
