"""The embedded PostgreSQL starts where people put their checkouts, and recovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from meshline.local import processes, unprivileged
from meshline.local.postgres import APPLICATION, OWNER, EmbeddedPostgres, PostgresProblem


@pytest.fixture
def server(tmp_path: Path) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "a folder with 'spaces'" / "postgres", durable=False)
    yield server
    server.stop()
    server.forget()


def test_server_starts_under_a_path_with_a_space_with_two_roles(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url(OWNER)) as owner:
        owner.execute("CREATE TABLE kept (word text)")
    with psycopg.connect(server.url(APPLICATION), autocommit=True) as application:
        application.execute("INSERT INTO kept VALUES ('meshline')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE mine (word text)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("DROP TABLE kept")


def test_rows_are_there_after_a_stop_and_a_start(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url(OWNER)) as owner:
        owner.execute("CREATE TABLE kept (word text)")
    address = server.url(OWNER)
    server.stop()

    again = EmbeddedPostgres(server.home, durable=False)
    again.start()
    try:
        assert again.url(OWNER) == address
        assert _words(address) == []
    finally:
        again.stop()


def test_server_answers_again_after_a_backend_was_killed(server: EmbeddedPostgres) -> None:
    server.start()
    _make_rows(server)
    with psycopg.connect(server.url(APPLICATION)) as victim:
        pid = server.a_backend()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert processes.gone(pid, 5)
        with pytest.raises(psycopg.OperationalError):
            victim.execute("SELECT 1")
    server._wait_until_ready(20)
    assert _words(server.url(APPLICATION)) == ["meshline"]


def test_new_process_takes_over_after_the_whole_server_was_killed(server: EmbeddedPostgres) -> None:
    server.start()
    _make_rows(server)
    assert server.process
    server.process.kill()
    server.process.wait()

    again = EmbeddedPostgres(server.home, durable=False)
    again.start()
    try:
        assert _words(again.url(APPLICATION)) == ["meshline"]
    finally:
        again.stop()


def test_process_file_that_names_somebody_else_does_not_keep_the_server_down(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        lock = server.footing.data / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{server.footing.data}\n0\n5432\n")
        server.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_server_left_by_a_dead_supervisor_is_stopped_first(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.process
    left = server.process
    again = EmbeddedPostgres(server.home, durable=False)
    again.start()
    try:
        assert left.wait(5) is not None
        assert again.process
        assert processes.program(again.process.pid) == "postgres"
    finally:
        again.stop()


def test_data_of_another_version_are_refused_with_a_remedy(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.footing.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresProblem, match="make demo-reset"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another footing")
def test_root_without_user_namespaces_gets_a_server_that_nobody_can_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_namespace", lambda: ["/nonexistent/unshare"])
    tmp_path.chmod(0o700)
    closed = tmp_path / "home of root" / "postgres"
    server = EmbeddedPostgres(closed, durable=False)
    try:
        server.start()
        _make_rows(server)
        assert server.footing.uid not in (None, 0)
        assert _words(server.url(APPLICATION)) == ["meshline"]
    finally:
        server.stop()
        server.forget()
    assert not server.footing.data.exists()


def _make_rows(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(OWNER)) as owner:
        owner.execute("CREATE TABLE kept (word text)")
        owner.execute("INSERT INTO kept VALUES ('meshline')")


def _words(address: str) -> list[Any]:
    with psycopg.connect(address) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM kept")]
