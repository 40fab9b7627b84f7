"""A child that dies is started again; no child outlives the process that started it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from meshline.local import places, processes
from meshline.local.broker import EmbeddedBroker
from meshline.local.keeper import Keeper
from meshline.local.leash import Leash
from meshline.local.page import Page

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def leash() -> Generator[Leash]:
    leash = Leash()
    yield leash
    leash.close()


def test_killed_child_is_started_again_and_ends_with_its_keeper(leash: Leash) -> None:
    keeper = Keeper("sleeper", _sleeper, leash, say=lambda _: None)
    keeper.begin()
    first = keeper.kill()

    _eventually(lambda: keeper.facts().pid not in (None, first))
    second = keeper.facts().pid
    assert second is not None
    assert keeper.facts().restarts == 1

    keeper.end()
    assert processes.program(second) == ""


def test_child_that_cannot_start_is_tried_again_until_it_can(leash: Leash) -> None:
    tries: list[str] = []
    said: list[str] = []

    def stubborn() -> subprocess.Popen[bytes]:
        tries.append("try")
        if len(tries) == 2:
            raise OSError("The port is taken.")
        return _sleeper()

    keeper = Keeper("stubborn", stubborn, leash, say=said.append)
    keeper.begin()
    keeper.kill()

    _eventually(lambda: len(tries) == 3 and keeper.facts().pid is not None)
    keeper.end()
    assert said == [
        "stubborn ended (SIGKILL); starting it again.",
        "stubborn does not start: The port is taken.",
    ]


def test_what_a_killed_child_had_started_goes_with_it(leash: Leash, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    script = (
        "import pathlib, subprocess, sys, time;"
        "pid = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid;"
        f"pathlib.Path({str(note)!r}).write_text(str(pid)); time.sleep(600)"
    )
    keeper = Keeper(
        "parent", lambda: _start([sys.executable, "-c", script]), leash, say=lambda _: None
    )
    keeper.begin()
    _eventually(note.exists)
    _eventually(lambda: note.read_text() != "")
    grandchild = int(note.read_text())
    keeper.kill()
    assert processes.gone(grandchild, 5)
    keeper.end()


def test_children_end_when_their_supervisor_is_killed() -> None:
    script = (
        "import subprocess, sys, time\n"
        "from meshline.local.leash import Leash\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True)\n"
        "Leash().hold(child.pid)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert supervisor.stdout
    child = int(supervisor.stdout.readline())
    assert processes.program(child)

    supervisor.kill()
    supervisor.communicate()

    assert processes.gone(child, 5)


def test_broker_comes_back_at_the_same_address(leash: Leash, tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "with space" / "broker")

    def start() -> subprocess.Popen[bytes]:
        broker.start()
        assert broker.process
        return broker.process

    keeper = Keeper("broker", start, leash, say=lambda _: None)
    keeper.begin()
    address = broker.url()
    keeper.kill()
    _eventually(lambda: keeper.facts().restarts == 1 and broker.answers())
    assert broker.url() == address
    keeper.end()


def test_page_lists_and_kills_and_refuses_other_sites(leash: Leash) -> None:
    keeper = Keeper("worker", _sleeper, leash, say=lambda _: None)
    keeper.begin()
    port = places.free_port()
    page = Page(port, lambda: [keeper.facts()], lambda _: keeper.kill())
    page.begin()
    base = f"http://127.0.0.1:{port}"
    try:
        before = _ask(f"{base}/children")["children"][0]
        assert _ask(f"{base}/kill/worker", b"") == {"killed": "worker", "pid": before["pid"]}
        _eventually(lambda: keeper.facts().pid not in (None, before["pid"]))

        for address, headers in (
            (f"{base}/kill/worker", {"Origin": "https://elsewhere.example"}),
            (f"{base}/kill/worker", {"Host": f"elsewhere.example:{port}"}),
            (f"{base}/kill/init", {}),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _ask(address, b"", headers)
            refused.value.close()
        assert keeper.facts().restarts == 1
    finally:
        page.end()
        keeper.end()


def _ask(address: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> dict:  # type: ignore[type-arg]
    request = urllib.request.Request(address, data=body, headers=headers or {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        return dict(json.load(answer))


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, start_new_session=True)


def _sleeper() -> subprocess.Popen[bytes]:
    return _start(SLEEP)


def _eventually(holds: Callable[[], bool], within_s: float = 10) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "It did not come about in time."
        time.sleep(0.02)
