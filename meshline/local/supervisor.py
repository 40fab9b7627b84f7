"""`meshline up`: runs the servers and every part, keeps them running, stops them together."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from meshline import env
from meshline.local import (
    announce,
    databases,
    environment,
    grants,
    parts,
    places,
    processes,
    state,
)
from meshline.local.keeper import ChildFacts, Keeper
from meshline.local.leash import Leash
from meshline.local.page import Page

if TYPE_CHECKING:
    from meshline.local.postgres import EmbeddedPostgres

PATIENCE_S = 60.0
_KEPT = ("postgres", "broker", "log", "up.lock", "local.json", "ports.json", "secrets.json",
         "logins.json", "sandbox-secrets.json", "sandbox.sqlite3", "sandbox.sqlite3-wal",
         "sandbox.sqlite3-shm")  # fmt: skip


class UpProblem(Exception):
    """A part could not be brought up; the text says which one and what to do."""


def up(*, only: str | None = None, demo: bool = False, pace: str = "demo") -> int:
    """Run until told to stop; returns the exit code. `only` names one part to run alone.

    With DATABASE_URL and BROKER_URL set, no server is started and none is needed installed.
    """
    env.check_var_dir(make=True)
    running = state.alive()
    if running and not only:
        announce.already_running(running)
        return 1
    try:
        supervisor = Supervisor(only=only, demo=demo, pace=pace, beside=running)
        return supervisor.run()
    except Exception as error:
        if type(error).__module__.startswith("meshline"):
            announce.problem(str(error))
            return 1
        raise


def down(*, forget: bool = False) -> int:
    """Stop what runs on this var/; with `forget`, remove the kept state too."""
    env.check_var_dir()
    running = state.alive()
    if running:
        processes.signal_one(running.pid, signal.SIGTERM)
        if not processes.gone(running.pid, 60):
            announce.problem(f"Meshline (process {running.pid}) did not stop within a minute.")
            return 1
    announce.stopped(was_running=running is not None)
    if forget:
        _forget()
    return 0


class Supervisor:
    """The parts of one `meshline up`, in the order in which they start."""

    def __init__(
        self, *, only: str | None, demo: bool, pace: str, beside: state.Running | None
    ) -> None:
        self._only = only
        self._pace = pace
        self._beside = beside
        own_database = bool(os.environ.get("DATABASE_URL"))
        # Simulated systems and people with printed passwords have no place beside real data.
        self._demo = demo or (not own_database and beside is None)
        self._end = threading.Event()
        self._hurry = threading.Event()
        self._keepers: list[Keeper] = []
        self._say = announce.event
        self._database: EmbeddedPostgres | None = None
        self._held_port: socket.socket | None = None
        self._logins: list[state.Login] = []

    def run(self) -> int:
        """Bring everything up, wait, take everything down."""
        places.private_folder(env.var_dir())
        with _only_one(needed=self._beside is None):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._told_to_stop)
            leash = Leash()
            try:
                self._bring_up(leash)
                while not self._end.wait(1):
                    pass
                return 0
            except _Stopped:
                return 0
            finally:
                self._take_down()
                leash.close()

    def _bring_up(self, leash: Leash) -> None:
        if self._beside is not None:
            self._join(leash, self._beside)
            return
        ports, self._held_port = environment.choose_ports(web=self._only in (None, "web"))
        given = environment.common(ports)
        if self._demo:
            given |= environment.sandbox(ports)
        environment.check_settings(given)
        running = state.Running(
            pid=os.getpid(),
            identity=processes.identity(os.getpid()),
            address=given["MESHLINE_CONSOLE_URL"],
            ports=ports,
        )
        state.write(running)
        given |= self._start_servers(leash, ports)
        if self._demo:
            page = Page(ports["page"], self._children, self._kill)
            page.begin()
        everything = {**os.environ, **given}
        self._prepare(everything)
        # Children work as the application; only the migrations above knew the owner.
        everything.pop("MIGRATE_DATABASE_URL", None)
        shared = {k: v for k, v in given.items() if k != "MESHLINE_VAR"}
        running = state.Running(**{**vars(running), "environment": shared})
        state.write(running)
        self._keep_parts(leash, everything, ports)
        if not self._only:
            self._await_answers(ports, running.address)
            state.write(state.Running(**{**vars(running), "ready": True}))
            announce.ready(running.address, self._logins)
        elif self._only == "web":
            self._await_answers(ports, running.address)
            announce.web_alone(running.address, environment.web_address(ports["web"]))

    def _join(self, leash: Leash, beside: state.Running) -> None:
        """Run one part more beside a set; a web server gets a port that nobody has."""
        ports, everything = {**beside.ports}, {**os.environ, **beside.environment}
        everything.pop("MIGRATE_DATABASE_URL", None)
        environment.check_settings(everything)
        if self._only == "web":
            self._held_port = environment.hold_web_port(ports["web"])
            ports["web"] = places.port_of(self._held_port)
        self._keep_parts(leash, everything, ports)
        if self._only == "web":
            self._await_answers(ports, beside.address)
            announce.web_alone(beside.address, environment.web_address(ports["web"]))

    def _start_servers(self, leash: Leash, ports: dict[str, int]) -> dict[str, str]:
        """Start the embedded servers that the environment does not replace; returns addresses."""
        found = {}
        if not os.environ.get("DATABASE_URL"):
            from meshline.local.postgres import APPLICATION, OWNER, EmbeddedPostgres

            with announce.step("Starting PostgreSQL"):
                database = EmbeddedPostgres(env.var_dir() / "postgres")
                self._keep("postgres", leash, _starter(database, "postgres"), signal.SIGINT, 20)
            self._database = database
            found["DATABASE_URL"] = database.url(APPLICATION)
            found["MIGRATE_DATABASE_URL"] = database.url(OWNER)
        if not os.environ.get("BROKER_URL"):
            from meshline.local.broker import EmbeddedBroker

            with announce.step("Starting Valkey"):
                broker = EmbeddedBroker(env.var_dir() / "broker", ports["broker"])
                self._keep("broker", leash, _starter(broker, "broker"))
            found["BROKER_URL"] = broker.url()
        return found

    def _prepare(self, everything: dict[str, str]) -> None:
        """Migrate as the owner; in the demo, load the pilot as the application."""
        given = everything.get("MIGRATE_DATABASE_URL")
        owner = "MIGRATE_DATABASE_URL" if given else "DATABASE_URL"
        owner_url = everything[owner]
        application = env.database_user(everything["DATABASE_URL"])
        as_owner = {
            **everything,
            "DATABASE_URL": owner_url,
            "MESHLINE_APPLICATION_ROLE": application,
            "MESHLINE_STATEMENT_TIMEOUT_S": "0",
        }
        databases.check_one(everything["DATABASE_URL"], owner_url)
        with (
            announce.step("Bringing the tables up to date"),
            grants.as_owner(owner, owner_url, application=application),
        ):
            self._manage(["migrate", "--no-input", "--skip-checks", "--verbosity", "0"], as_owner)
        if self._demo:
            with announce.step("Loading the pilot"):
                environment.logins()
                loaded = self._manage(["pilot_load", "--pace", self._pace], everything)
                self._logins = environment.note_changed(json.loads(loaded)["users"])
        if everything["MESHLINE_INSECURE_LOOPBACK"] == "0" and self._only in (None, "web"):
            with announce.step("Collecting static files"):
                self._manage(["collectstatic", "--no-input", "--verbosity", "0"], everything)

    def _manage(self, command: list[str], everything: dict[str, str]) -> str:
        """Run a management command; returns what it printed. Raises: UpProblem."""
        if self._end.is_set():
            raise _Stopped
        done = parts.manage(command, everything)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()
            last = said.rpartition("\n")[2]
            if last.startswith("meshline: "):
                raise UpProblem(last.removeprefix("meshline: "))
            raise UpProblem(f"`manage.py {' '.join(command)}` failed:\n{said}")
        return done.stdout

    def _keep_parts(self, leash: Leash, everything: dict[str, str], ports: dict[str, int]) -> None:
        commands = {
            "web": parts.web(environment.host(), ports["web"]),
            "worker": parts.worker(),
            "beat": parts.beat(),
        }
        if self._demo or self._only == "sandbox":
            commands["sandbox"] = parts.sandbox(
                ports,
                web_url=f"http://127.0.0.1:{ports['web']}",
                page_url=f"http://127.0.0.1:{ports['page']}",
                pace=self._pace,
            )
        for name, command in commands.items():
            if self._only in (None, name):
                log = None if self._only else parts.open_log(name)
                self._keep(name, leash, _spawner(name, command, everything, log))

    def _keep(
        self,
        name: str,
        leash: Leash,
        start: Callable[[], parts.Process],
        stop_signal: int = signal.SIGTERM,
        patience_s: float = 10,
    ) -> None:
        if self._end.is_set():
            raise _Stopped
        keeper = Keeper(
            name, start, leash, say=self._say, stop_signal=stop_signal, patience_s=patience_s
        )
        self._keepers.append(keeper)
        keeper.begin()

    def _await_answers(self, ports: dict[str, int], address: str) -> None:
        """Wait for the web server, and in the demo for the simulated systems."""
        until = time.monotonic() + PATIENCE_S
        with announce.step("Starting web" if self._only else "Starting web, worker and beat"):
            while silent := self._silent(ports, address):
                if self._end.wait(0.1):
                    raise _Stopped
                if time.monotonic() > until:
                    raise UpProblem(
                        f"{silent} did not answer on port {ports[silent]} within "
                        f"{PATIENCE_S:.0f} s; see {parts.log_path(silent)}."
                    )

    def _silent(self, ports: dict[str, int], address: str) -> str:
        """The part that does not answer yet; empty when all do."""
        if not parts.web_answers(ports["web"], address):
            return "web"
        return (
            "sandbox"
            if self._demo and not self._only and not places.listens(ports["sandbox"])
            else ""
        )

    def _children(self) -> list[ChildFacts]:
        return [keeper.facts() for keeper in self._keepers]

    def _kill(self, name: str) -> int | None:
        if name == "postgres-backend":
            pid = self._database.a_backend() if self._database else None
            if pid is not None:
                processes.signal_one(pid, signal.SIGKILL)
            return pid
        return next((k.kill() for k in self._keepers if k.name == name), None)

    def _told_to_stop(self, number: int, _frame: object) -> None:
        if self._end.is_set() and not self._hurry.is_set():
            self._hurry.set()
            for keeper in self._keepers:
                keeper.kill()
        self._end.set()

    def _take_down(self) -> None:
        """The parts first and side by side, then the servers that they use."""
        self._end.set()
        servers = [k for k in self._keepers if k.name in {"postgres", "broker"}]
        for group in ([k for k in self._keepers if k not in servers], servers):
            threads = [threading.Thread(target=keeper.end) for keeper in group]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._held_port is not None:
            self._held_port.close()
        if self._beside is None:
            state.remove()
            if self._keepers:
                announce.stopped(was_running=True)


class _Stopped(Exception):
    """Told to stop while still coming up."""


class _only_one:  # noqa: N801 - reads as a word in `with`
    """Holds var/up.lock, so that two supervisors never share a data folder. Raises: UpProblem."""

    def __init__(self, *, needed: bool) -> None:
        self._needed = needed
        self._file: IO[str] | None = None

    def __enter__(self) -> None:
        if not self._needed:
            return
        self._file = open(env.var_dir() / "up.lock", "w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UpProblem(
                f"Another `meshline up` works on {env.var_dir()} already. "
                "Stop it with `meshline down`, or set MESHLINE_VAR to another folder."
            ) from None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _starter(server: parts.Server, name: str) -> Callable[[], parts.Process]:
    def start() -> parts.Process:
        server.start(parts.open_log(name))
        assert server.process is not None  # noqa: S101 - start() sets it or raises
        return server.process

    return start


def _spawner(
    name: str, command: list[str], everything: dict[str, str], log: IO[bytes] | None
) -> Callable[[], parts.Process]:
    return lambda: parts.spawn(name, command, everything, log)


def _forget() -> None:
    home = env.var_dir() / "postgres"
    if home.exists():
        from meshline.local.postgres import EmbeddedPostgres

        left = EmbeddedPostgres(home)
        left.stop_leftover()
        left.forget()
    for name in _KEPT:
        path = env.var_dir() / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    announce.event(f"Forgot the kept state in {_short(env.var_dir())}.")


def _short(path: Path) -> str:
    """The path as seen from where the person stands, when that is shorter."""
    try:
        return f"{path.relative_to(Path.cwd())}/"
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(up())
