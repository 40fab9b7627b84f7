"""The sandbox as a process of its own on free ports, and a client for its control addresses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

SECRETS = {
    "billing": "whsec_test_billing",
    "helpdesk": "test-helpdesk-secret",
    "shop": "test-shop-secret",
    "pager": "whsec_dGVzdC1wYWdlci1zZWNyZXQtMTIzNDU2Nzg=",
    "api_token": "test-api-token",
}


@dataclass(frozen=True)
class Sandbox:
    """Addresses of a running sandbox, and its control over HTTP."""

    http: str
    smtp: str

    def act(self, do: str, **more: Any) -> dict[str, Any]:
        """Make something happen on the vendors' side."""
        return self._post("/_act", {"do": do, **more})

    def fault(self, system: str, op: str, fault: str, **more: Any) -> dict[str, Any]:
        """Switch a fault on."""
        return self._post("/_faults", {"system": system, "op": op, "fault": fault, **more})

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self._post("/_faults", {"clear": True})

    def books(self) -> dict[str, Any]:
        """What really happened, by the vendors' own record."""
        answer = httpx.get(f"{self.http}/_books", timeout=10)
        answer.raise_for_status()
        books: dict[str, Any] = answer.json()
        return books

    def applied(self) -> list[dict[str, Any]]:
        """Every effect that the vendors applied: when, where, under which key."""
        answer = httpx.get(f"{self.http}/_record", params={"limit": 5000}, timeout=10)
        rows: list[dict[str, Any]] = answer.raise_for_status().json()["applied"]
        return rows

    def systems(self) -> dict[str, Mapping[str, str]]:
        """What `settings.SYSTEMS` says when Meshline talks to this sandbox."""
        token = SECRETS["api_token"]
        at = {name: f"{self.http}/{name}" for name in ("helpdesk", "billing", "shop", "pager")}
        at |= {"mail": self.smtp, "mail_log": f"{self.http}/mail"}
        return {name: {"base_url": url, "token": token} for name, url in at.items()}

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{self.http}{path}", json=body, timeout=10)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made


@contextmanager
def running_sandbox(folder: Path, *, ingest: str = "http://127.0.0.1:9") -> Iterator[Sandbox]:
    """Start a sandbox that posts its webhooks to `ingest`; stop it at the end."""
    secrets = folder / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))
    command = [
        *(sys.executable, "-m", "meshline.sandbox", "--port", "0", "--smtp-port", "0"),
        *("--record", str(folder / "record.sqlite3"), "--ingest", ingest),
        *("--secrets", str(secrets), "--pace", "check"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        addresses = json.loads(line)
        yield Sandbox(addresses["http"], addresses["smtp"])
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
