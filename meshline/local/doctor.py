"""`meshline doctor`: looks at every part and says how to mend what is broken."""

from __future__ import annotations

import os
import platform
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from meshline import env, mishaps
from meshline.local import databases, parts, state

OLDEST_POSTGRES = 150000
CLOCK_WARN_S = 2.0
BEAT_LATE_S = 30.0
WORKER_WAIT_S = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` is empty when all is well."""

    title: str
    said: str
    mend: str = ""
    broken: bool = False

    def line(self) -> str:
        """As the terminal shows it."""
        mark = "broken" if self.broken else "look" if self.mend else "ok"
        return f"{mark:<7} {self.title}: {self.said}" + (f"\n        {self.mend}" * bool(self.mend))


def examine() -> int:
    """Print what was found; returns 1 if something is broken."""
    env.check_var_dir()
    broken = 0
    for finding in _findings():
        sys.stdout.write(finding.line() + "\n")
        broken += finding.broken
    return 1 if broken else 0


def _findings() -> Iterator[Finding]:
    yield Finding(
        "Versions",
        f"Meshline {version('meshline')}, Python {platform.python_version()}, "
        f"Django {version('django')}, Celery {version('celery')}",
    )
    running = state.alive()
    if running is None and not os.environ.get("DATABASE_URL"):
        yield Finding(
            "Meshline",
            "nothing runs here",
            "Start it with `meshline up` or `make demo`, or set DATABASE_URL and BROKER_URL.",
            broken=True,
        )
        return
    if running:
        os.environ.update({k: v for k, v in running.environment.items() if k not in os.environ})
        yield Finding("Meshline", f"process {running.pid}, console at {running.address}/")
    try:
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")
        django.setup()
    except Exception as error:  # noqa: BLE001 - whatever it is, the doctor reports it
        mend = "Set the variable that is named." if isinstance(error, env.SettingError) else _FILE
        yield Finding("Settings", mishaps.sentence(error) or str(error), mend, broken=True)
        return
    for title, look, mend in _LOOKS:
        yield from _guarded(title, look, mend)


def _guarded(title: str, look: Callable[[], Iterator[Finding]], mend: str) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - whatever it is, the doctor reports it
        if mishaps.is_missing_table(error):
            mend = mishaps.MIGRATE
        yield Finding(title, mishaps.reason(error), mend, broken=True)


def _database() -> Iterator[Finding]:
    from django.db import connection

    number = _one("SELECT current_setting('server_version_num')::int")
    where = connection.settings_dict["HOST"] or "localhost"
    yield Finding(
        "Database",
        f"PostgreSQL {number // 10000}.{number % 10000} at {where}",
        "" if number >= OLDEST_POSTGRES else "Meshline needs PostgreSQL 15 or newer.",
        broken=number < OLDEST_POSTGRES,
    )
    before = time.time()
    there = float(_one("SELECT extract(epoch FROM clock_timestamp())"))
    apart = there - (before + time.time()) / 2
    late = abs(apart) > CLOCK_WARN_S
    yield Finding(
        "Clock",
        f"the database's differs by {apart:+.3f} s from this machine's",
        "Let both machines follow a time server (chrony or systemd-timesyncd)." * late,
    )


def _roles() -> Iterator[Finding]:
    owner_url = os.environ.get("MIGRATE_DATABASE_URL")
    if owner_url:
        try:
            databases.check_one(env.text("DATABASE_URL"), owner_url)
        except env.SettingError as error:
            yield Finding("Roles", str(error), "Migrations would go astray.", broken=True)
            return
    role = _one("SELECT current_user")
    owner = _one("SELECT tableowner FROM pg_tables WHERE tablename = 'django_migrations' LIMIT 1")
    powerful = _one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if owner is None:
        yield Finding("Roles", f"application {role}; nobody owns tables yet", mishaps.MIGRATE)
    elif powerful or owner == role:
        yield Finding(
            "Roles",
            f"the application works as {role}, which owns its tables",
            "Give DATABASE_URL a role of its own and MIGRATE_DATABASE_URL the owner's: "
            "only then is the audit safe from the application itself.",
        )
    else:
        yield Finding("Roles", f"application {role}, owner {owner}")


def _migrations() -> Iterator[Finding]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    yield Finding(
        "Tables",
        f"{len(plan)} migrations are missing" if plan else "up to date",
        mishaps.MIGRATE * bool(plan),
        broken=bool(plan),
    )


def _broker() -> Iterator[Finding]:
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.BROKER_URL, socket_timeout=2) as client:
        began = time.monotonic()
        client.ping()
        took_ms = (time.monotonic() - began) * 1000
        facts: Any = client.info("server")
        waiting: Any = client.llen("runs")
    name = facts.get("server_name", "redis")
    said = facts.get("valkey_version") or facts.get("redis_version")
    yield Finding("Broker", f"{name} {said}, answers in {took_ms:.1f} ms, {waiting} wake-ups wait")


def _worker() -> Iterator[Finding]:
    from meshline.celery import app

    answers = app.control.inspect(timeout=WORKER_WAIT_S).ping() or {}
    yield Finding(
        "Worker",
        f"{len(answers)} answered: {', '.join(sorted(answers))}" if answers else "none answered",
        ""
        if answers
        else "Start one with `meshline up --only worker`; its log is var/log/worker.log.",
        broken=not answers,
    )


def _partitions() -> Iterator[Finding]:
    from orchestration.queries import health

    trouble = health.partition_trouble()
    yield Finding(
        "Partitions",
        trouble or "the months to come have theirs",
        "As the owner's role, move those rows into partitions of their months; "
        "var/log/worker.log says more." * bool(trouble),
    )


def _beat() -> Iterator[Finding]:
    age = _one(
        "SELECT extract(epoch FROM clock_timestamp() - max(last_run_at))"
        " FROM django_celery_beat_periodictask WHERE enabled"
    )
    if age is None or age > BEAT_LATE_S:
        yield Finding(
            "Beat",
            "has not sent anything yet" if age is None else f"sent nothing for {age:.0f} s",
            "Start it with `meshline up --only beat`. Until then the workers sweep by themselves.",
        )
    else:
        yield Finding("Beat", f"sent its last wake-up {age:.0f} s ago")


def _pages() -> Iterator[Finding]:
    from django.conf import settings

    running = state.alive()
    asked: dict[str, urllib.request.Request | str] = {
        "Web": parts.health_request(running.ports["web"], running.address)
        if running
        else settings.CONSOLE_URL and f"{settings.CONSOLE_URL}/api/v1/healthz",
        "Sandbox": settings.SANDBOX_URL and f"{settings.SANDBOX_URL}/_health",
        "Supervisor": settings.SUPERVISOR_URL and f"{settings.SUPERVISOR_URL}/children",
    }
    for title, page in asked.items():
        if page:
            yield _page(title, page)


def _page(title: str, page: urllib.request.Request | str) -> Finding:
    address = page if isinstance(page, str) else page.full_url
    try:
        with urllib.request.urlopen(page, timeout=5) as answer:  # noqa: S310 - our own addresses
            return Finding(title, f"answers {answer.status} at {address}")
    except urllib.error.HTTPError as error:
        error.close()
        said = f"answers {error.code} at {address}"
    except OSError as error:
        said = f"no answer at {address}: {getattr(error, 'reason', error)}"
    part = title.lower()
    mend = f"`meshline up` starts it again by itself; var/log/{part}.log says why it ended."
    return Finding(title, said, mend, broken=True)


def _one(query: str) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None


_FILE = "Mend what it names; docs/operations.md lists the settings."
_DATABASE = "Is the server of DATABASE_URL up? The embedded one starts with `meshline up`."
_LOOKS: tuple[tuple[str, Callable[[], Iterator[Finding]], str], ...] = (
    ("Database", _database, _DATABASE),
    ("Roles", _roles, _DATABASE),
    ("Tables", _migrations, _DATABASE),
    ("Broker", _broker, "Is the server of BROKER_URL up? The embedded one is started again alone."),
    ("Worker", _worker, "Mend the broker first: workers are asked through it."),
    ("Beat", _beat, _DATABASE),
    ("Partitions", _partitions, _DATABASE),
    ("Pages", _pages, "Start the web server with `meshline up`."),
)
