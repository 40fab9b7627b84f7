"""`meshline up` as a person uses it: all runs, comes back when killed, and stops together."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshline.local import processes, state
from tests.whole_set import own_environment

# One set for all of these tests: the same process runs them, in order.
pytestmark = pytest.mark.xdist_group("demo")

PARTS = {"postgres", "broker", "web", "worker", "beat", "sandbox"}


def test_console_answers_and_every_part_runs(demo: state.Running) -> None:
    with urllib.request.urlopen(f"{demo.address}/api/v1/healthz", timeout=10) as answer:  # noqa: S310
        assert json.load(answer) == {"status": "ok"}
    assert set(_children(demo)) == PARTS


def test_doctor_finds_nothing_broken(demo: state.Running) -> None:
    _eventually(lambda: _meshline(demo, "doctor").returncode == 0, within_s=40)
    said = _meshline(demo, "doctor").stdout
    assert "application meshline_app, owner meshline_owner" in said
    assert "broken" not in said


def test_second_up_says_where_the_first_one_is(demo: state.Running) -> None:
    second = _meshline(demo, "up")
    assert second.returncode == 1
    assert demo.address in second.stderr
    assert "meshline down" in second.stderr


def test_a_web_server_beside_the_set_takes_a_port_of_its_own(demo: state.Running) -> None:
    refused = _meshline(demo, "up", "--only", "web", MESHLINE_PORT=str(demo.ports["web"]))
    assert refused.returncode == 1
    assert "MESHLINE_PORT" in refused.stderr

    with subprocess.Popen(
        [sys.executable, "-m", "meshline.cli", "up", "--only", "web"],
        env=own_environment(MESHLINE_VAR=str(_home(demo))),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as second:
        assert second.stdout is not None
        listens = next(line for line in second.stdout if line.startswith("Web listens at "))
        address = listens.split()[3].rstrip("/,")
        assert address != demo.address
        assert _ask(f"{address}/api/v1/healthz") == {"status": "ok"}
        second.terminate()
    assert second.returncode == 0
    assert _ask(f"{demo.address}/api/v1/healthz") == {"status": "ok"}


@pytest.mark.parametrize("name", ["worker", "web", "beat", "broker"])
def test_killed_part_comes_back(demo: state.Running, name: str) -> None:
    before = _children(demo)[name]
    killed = _ask(f"{demo.environment['SUPERVISOR_URL']}/kill/{name}", b"")
    assert killed == {"killed": name, "pid": before["pid"]}
    _eventually(lambda: _children(demo)[name]["pid"] not in (None, before["pid"]))


def test_web_answers_after_a_database_session_was_killed(demo: state.Running) -> None:
    def kill() -> bool:
        try:
            _ask(f"{demo.environment['SUPERVISOR_URL']}/kill/postgres-backend", b"")
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    _eventually(kill)
    _eventually(lambda: _meshline(demo, "doctor").returncode == 0, within_s=60)


def test_no_part_outlives_a_killed_supervisor(demo: state.Running) -> None:
    pids = [child["pid"] for child in _children(demo).values() if child["pid"]]
    assert len(pids) >= len(PARTS) - 1
    processes.signal_one(demo.pid, signal.SIGKILL)
    for pid in pids:
        assert processes.gone(pid, 20), f"process {pid} is left"


def _children(demo: state.Running) -> dict[str, dict[str, Any]]:
    found = _ask(f"{demo.environment['SUPERVISOR_URL']}/children")["children"]
    return {child["name"]: child for child in found}


def _ask(address: str, body: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(address, data=body, timeout=10) as answer:  # noqa: S310
        return dict(json.load(answer))


def _home(demo: state.Running) -> Path:
    return Path(demo.environment["MESHLINE_PILOT_LOGINS"]).parent


def _meshline(demo: state.Running, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshline.cli", *words],
        env=own_environment(MESHLINE_VAR=str(_home(demo)), **given),
        capture_output=True,
        text=True,
        check=False,
    )


def _eventually(holds: Callable[[], bool], within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "It did not come about in time."
        time.sleep(0.1)
