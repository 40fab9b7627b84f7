"""A sandbox process on free ports, and a small web server that stands where Meshline would."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx

SECRETS = {
    "billing": "whsec_YmlsbGluZyBzZWNyZXQ=",
    "helpdesk": "whsec_aGVscGRlc2sgc2VjcmV0",
    "shop": "whsec_c2hvcCBzZWNyZXQ=",
    "pager": "whsec_cGFnZXIgc2VjcmV0IG9mIDI0IGJ5dGVz",
    "api_token": "token-of-the-tests",
}
T = TypeVar("T")


def until(look: Callable[[], T | None], *, within_s: float = 8.0) -> T:
    """The first thing that `look` finds; fails when there is none in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"Nothing was seen within {within_s} s.")


@dataclass(frozen=True)
class Delivery:
    """One webhook as it came in; header names in lower case."""

    source: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The vendor's name of the event."""
        return str(self.headers.get("x-shopify-topic") or self.json.get("type"))


@dataclass
class Catcher:
    """Takes webhooks and answers `status`; `deliveries` are in the order of arrival."""

    port: int = 0
    status: int = 202
    deliveries: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                source = self.path.removeprefix("/api/v1/ingest/")
                catcher.deliveries.append(Delivery(source, headers, body, time.monotonic()))
                self.send_response(catcher.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Answer no longer; the port is free again."""
        self._server.shutdown()
        self._server.server_close()

    def of(self, kind: str) -> list[Delivery]:
        """The deliveries of a kind so far."""
        return [one for one in list(self.deliveries) if one.kind == kind]

    def wait(self, kind: str, count: int = 1, *, within_s: float = 8.0) -> list[Delivery]:
        """The deliveries of a kind, once there are `count`."""
        return until(lambda: found if len(found := self.of(kind)) >= count else None,
                     within_s=within_s)  # fmt: skip


class RunningSandbox:
    """The process, and the calls a vendor's client makes."""

    def __init__(self, home: Path, ingest: str, *, pace: str = "check") -> None:
        self._home, self._ingest, self._pace = home, ingest, pace
        (home / "secrets.json").write_text(json.dumps(SECRETS))
        self.start()

    def start(self) -> None:
        """Start (again) on the same record."""
        home = self._home
        command = [
            sys.executable, "-m", "meshline.sandbox", "--record", str(home / "record.sqlite3"),
            "--ingest", self._ingest, "--secrets", str(home / "secrets.json"),
            "--pace", self._pace,
        ]  # fmt: skip
        with (self._home / "sandbox.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        listens = json.loads(self._process.stdout.readline())
        self.base = str(listens["http"])
        self.smtp_port = int(listens["smtp"].rsplit(":", 1)[1])
        self.client = httpx.Client(
            base_url=self.base,
            headers={
                "Authorization": f"Bearer {SECRETS['api_token']}",
                "X-Shopify-Access-Token": SECRETS["api_token"],
            },
            timeout=10,
            verify=False,  # noqa: S501 - loopback without TLS; reading certificates takes its time
        )

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        self.client.close()
        self._process.kill()
        self._forget()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.client.close()
        self._process.terminate()
        return self._forget()

    def _forget(self) -> int:
        code = self._process.wait(timeout=20)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def log(self) -> str:
        """What the process said so far."""
        return (self._home / "sandbox.log").read_text()

    def act(self, do: str, **args: Any) -> Any:
        """Let something happen at a vendor; returns the ids made."""
        answer = self.client.post("/_act", json={"do": do, **args})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, system: str, fault: str, op: str = "*", **more: Any) -> None:
        """Turn a switch on."""
        wanted = {"system": system, "op": op, "fault": fault, **more}
        answer = self.client.post("/_faults", json=wanted)
        assert answer.status_code == 201, answer.text

    def clear_faults(self) -> None:
        """Turn all switches off."""
        self.client.post("/_faults", json={"clear": True})

    def books(self) -> Any:
        """What the vendors wrote down."""
        return self.client.get("/_books").json()

    def record(self, system: str = "") -> Any:
        """Every request, effect and delivery."""
        return self.client.get("/_record", params={"system": system, "limit": 5000}).json()

    def refund(self, ask: Any, *, key: str = "key-1", **more: Any) -> httpx.Response:
        """Ask billing for the refund that the desk asked for."""
        form = {
            "charge": ask["charge_id"], "amount": "2500", "metadata[reference]": ask["refund_id"],
            **more,
        }  # fmt: skip
        return self.client.post("/billing/v1/refunds", data=form, headers={"Idempotency-Key": key})
