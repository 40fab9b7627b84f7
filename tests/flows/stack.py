"""Everything that ships, as processes: web, worker and sandbox on a database of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import dict_row

from meshline.local import parts, places, processes
from meshline.local.demo_browser import Browser, Page
from tests.flows.crash_points import FLAG, POINT
from tests.sandbox_process import Sandbox, running_sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
BROKER_NUMBER = 15  # the test workers themselves have 0 to 8
CALL_TIMEOUT_S, LEASE_S = 2, 3
PATIENCE_S = 60.0  # alone on two cores a flow takes five seconds at most
PEOPLE = (
    ("nadia", "support_agent", "Nadia Arslan"),
    ("tomas", "ops_lead", "Tomás Oliveira"),
    ("lena", "contract_owner", "Lena Moritz"),
    ("jonas", "runtime_owner", "Jonas Keller"),
    ("edda", "product_owner", "Edda Brandt"),
    ("oskar", "manager", "Oskar Ruud"),
    ("ines", "auditor", "Ines Falk"),
    ("henrike", "admin", "Henrike Sand"),
)
TRAPPED = {
    "celery": "tests.flows.crash_points",
    "meshline.wsgi:application": "tests.flows.crashing_wsgi:application",
}

Row = dict[str, Any]
T = TypeVar("T")


class Stack:
    """The processes, and what a test asks of them."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        self.folder, self.database, self.broker = folder, database, broker
        self._held_port = places.hold_port()
        self.port = places.port_of(self._held_port)
        self.address = f"http://127.0.0.1:{self.port}"
        self.passwords = {name: f"pass-word-of-{name}-1234" for name, _, _ in PEOPLE}
        self.sandbox: Sandbox
        self._children: dict[str, parts.Process] = {}
        self._reading: psycopg.Connection[Row] | None = None

    # --- The processes ----------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """What each child gets."""
        told = {
            f"MESHLINE_{name.upper()}_{part}": value
            for name, system in self.sandbox.systems().items()
            for part, value in (("URL", system["base_url"]), ("TOKEN", system["token"]))
        }
        return {
            **os.environ,
            **told,
            "DJANGO_SETTINGS_MODULE": "meshline.settings",
            "DATABASE_URL": self.database,
            "BROKER_URL": self.broker,
            "MESHLINE_CONSOLE_URL": self.address,
            "MESHLINE_CALL_TIMEOUT_S": str(CALL_TIMEOUT_S),
            "MESHLINE_LEASE_S": str(LEASE_S),
            "MESHLINE_PILOT_SECRETS": str(self.folder / "secrets.json"),
            "MESHLINE_PILOT_LOGINS": str(self.folder / "logins.json"),
        }

    def load_pilot(self) -> None:
        """Publish the pilot's documents and make its people."""
        logins = [
            {"username": name, "password": self.passwords[name], "role": role, "name": title}
            for name, role, title in PEOPLE
        ]
        (self.folder / "logins.json").write_text(json.dumps(logins))
        command = [sys.executable, "-m", "tests.flows.load_pilot"]
        done = subprocess.run(
            command, env=self.environment(), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self, name: str, *, crash: str = "") -> None:
        """Start web or worker; returns at once. `crash` names where it dies (crash_points.py)."""
        # One web process starts in half the time of two; who dies needs another beside it.
        web = parts.web("127.0.0.1", self.port, count=2 if crash else 1)
        command = parts.worker() if name == "worker" else web
        given = self.environment()
        if crash:
            given |= {POINT: crash, FLAG: str(self.arm(crash))}
            command = [TRAPPED.get(word, word) for word in command]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                command, env=given, cwd=ROOT, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def arm(self, crash: str) -> Path:
        """Let the trap of this name close once more; returns the file that who dies removes."""
        flag = self.folder / f"{crash}.flag"
        flag.touch()
        return flag

    def kill(self, name: str) -> None:
        """SIGKILL the process and whatever it started; nobody is told."""
        child = self._children.pop(name)
        processes.signal_group(child.pid, signal.SIGKILL)
        child.wait(10)

    def await_death(self, name: str) -> None:
        """Wait until the process has ended by itself."""
        self.until(lambda: self._children[name].poll() is not None, f"{name} has died")
        self.kill(name)

    def freeze(self, name: str) -> None:
        """SIGSTOP: the process is there and does nothing."""
        processes.signal_group(self._children[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        processes.signal_group(self._children[name].pid, signal.SIGCONT)

    def await_web(self) -> None:
        """Wait until the web server answers."""
        self.until(lambda: parts.web_answers(self.port, self.address), "the web server answers")

    def stop(self) -> None:
        """End every child."""
        if self._reading is not None:
            self._reading.close()
        for child in self._children.values():
            processes.signal_group(child.pid, signal.SIGCONT)
            processes.stop(child, signal.SIGTERM, 10)
        self._held_port.close()

    # --- What a test asks -------------------------------------------------------------------

    def rows(self, sql: LiteralString, *values: object) -> list[Row]:
        """Rows of Meshline's tables, read as the application."""
        if self._reading is None:
            self._reading = psycopg.connect(self.database, row_factory=dict_row, autocommit=True)
        return self._reading.execute(sql, values).fetchall()

    def until(self, look: Callable[[], T], what: str, *, within_s: float = PATIENCE_S) -> T:
        """What `look` finds, as soon as it finds something."""
        ends_at = time.monotonic() + within_s
        while not (found := look()):
            assert time.monotonic() < ends_at, f"not within {within_s:.0f} s: {what}"
            time.sleep(0.2)
        return found

    def scenario(self, name: str) -> Row:
        """A fresh customer in this trouble; the ids that the vendors made."""
        return self.sandbox.act("scenario", name=name)

    def run(self, ticket: str, *, flow: str = "refund-completion") -> Row | None:
        """The newest run of a flow for the ticket."""
        found = self.rows(
            "SELECT * FROM orchestration_run WHERE ticket = %s AND flow = %s "
            "ORDER BY ordinal DESC, id DESC LIMIT 1", f"desk:{ticket}", flow,
        )  # fmt: skip
        return found[0] if found else None

    def ended(self, ticket: str, *, flow: str = "refund-completion") -> Row:
        """The ticket's run once it stands still: succeeded, cancelled or with a person."""

        def look() -> Row | None:
            run = self.run(ticket, flow=flow)
            return run if run and run["state"] in ("succeeded", "failed", "cancelled") else None

        found = self.until(look, f"{flow} of desk:{ticket} ends")
        assert found is not None
        return found

    def kinds(self, run: Row) -> list[str]:
        """The run's history in short: step, kind and outcome of each line."""
        lines = self.rows(
            "SELECT path, kind, outcome FROM orchestration_attempt WHERE run_id = %s ORDER BY id",
            run["id"],
        )
        return [f"{one['path']} {one['kind']} {one['outcome']}".strip() for one in lines]

    def handoffs(self, ticket: str) -> list[Row]:
        """All handoffs of the ticket, oldest first."""
        return self.rows(
            "SELECT * FROM orchestration_handoff WHERE ticket = %s ORDER BY id", f"desk:{ticket}"
        )

    def refund(self, made: Row) -> Row:
        """Billing's and the desk's books about one refund."""
        found: Row = self.sandbox.books()["by_refund"][made["refund_id"]]
        return found

    def ticket(self, ticket: str) -> Row:
        """The desk's books about one ticket."""
        found: Row = self.sandbox.books()["by_ticket"][f"desk:{ticket}"]
        return found

    @contextmanager
    def signed_in(self, name: str) -> Iterator[Browser]:
        """A browser without JavaScript in which somebody has signed in."""
        with Browser(self.address) as browser:
            browser.sign_in(name, self.passwords[name])
            yield browser

    def press(self, name: str, handoff: Row, slug: str, *, reason: str = "It is well") -> Page:
        """Open the button's page from the handoff's page and press it."""
        with self.signed_in(name) as browser:
            page = browser.get(f"/handoffs/{handoff['id']}/")
            form = browser.get(page.link(f"/{slug}/")).form(f"/{slug}/")
            return browser.send(form, reason=reason)


@contextmanager
def running_stack(folder: Path, database: str, broker: str) -> Iterator[Stack]:
    """Start everything on an empty, migrated database; stop it at the end."""
    stack = Stack(folder, database, broker)
    with running_sandbox(folder, ingest=stack.address) as sandbox:
        stack.sandbox = sandbox
        try:
            with ThreadPoolExecutor() as pool:
                loading = pool.submit(stack.load_pilot)
                stack.start("web")
                stack.start("worker")
                stack.await_web()
                loading.result()
            yield stack
        finally:
            stack.stop()
