"""Any one process dies in the middle of refunds: nothing is lost, nothing doubled, nobody helps.

The ids are those of the fault matrix. The demo check's own promises are the invariants.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from meshline.local import processes, state
from meshline.local.demo_player import Seen
from meshline.local.promises import engine, events, money
from meshline.local.promises.sides import Ours, Promise, Sides, connect, read_theirs
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.xdist_group("demo")

MANY = 8
RECOVERED_WITHIN_S = 60.0
INVARIANTS: tuple[Callable[[Sides], Promise], ...] = (
    events.nothing_lost,
    money.keys_once,
    money.ledger_agrees,
    engine.runs_end,
    engine.no_lapsed_lease,
    engine.audit_complete,
)


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param("worker", id="F04 worker killed while billing answers"),
        pytest.param("web", id="F61 web killed between commit and answer"),
        pytest.param("broker", id="F17 broker restarted empty"),
        pytest.param("beat", id="F54 beat is gone"),
        pytest.param("postgres-backend", id="F42 one backend killed, all sessions reset"),
        pytest.param("postgres", id="F40 PostgreSQL stopped at once in mid-transaction"),
    ],
)
def test_what_dies_in_the_middle_of_refunds_costs_nothing(demo: state.Running, victim: str) -> None:
    sandbox = Sandbox(demo.environment["SANDBOX_URL"], "")
    sandbox.fault("billing", "create_refund", "slow", delay_s=1.0, seconds=5)
    made = [sandbox.act("scenario", name="plain") for _ in range(MANY)]
    _until(lambda: any(_applied(sandbox, made)), "the first refund is under way")

    _kill(demo, victim)

    made += [sandbox.act("scenario", name="plain") for _ in range(MANY)]
    _until(lambda: _all_told(sandbox, made), "every customer has the money and the letter")
    assert _applied(sandbox, made) == [1] * len(made)
    _until(lambda: not _broken(demo), "the invariants hold", show=lambda: _broken(demo))


def _kill(demo: state.Running, victim: str) -> None:
    supervisor = demo.environment["SUPERVISOR_URL"]
    if victim == "postgres":
        children = httpx.get(f"{supervisor}/children", timeout=10).json()["children"]
        pid = next(child["pid"] for child in children if child["name"] == "postgres")
        processes.signal_one(pid, signal.SIGQUIT)
        return
    _until(
        lambda: httpx.post(f"{supervisor}/kill/{victim}", timeout=10).status_code == 200,
        f"{victim} is up to be killed",
    )


def _applied(sandbox: Sandbox, made: list[dict[str, Any]]) -> list[int]:
    books = sandbox.books()["by_refund"]
    return [books[one["refund_id"]]["applied"] for one in made]


def _all_told(sandbox: Sandbox, made: list[dict[str, Any]]) -> bool:
    tickets = sandbox.books()["by_ticket"]
    stand = [tickets[f"desk:{one['ticket_id']}"] for one in made]
    return all((one["status"], one["mails"]) == ("solved", 1) for one in stand)


def _broken(demo: state.Running) -> list[str]:
    theirs = read_theirs(demo.environment["SANDBOX_URL"], demo.environment["MESHLINE_PAGER_TOKEN"])
    with connect(demo.environment["DATABASE_URL"]) as connection:
        # A calm set has expectations of the story; these tests play none of its chapters.
        sides = Sides(Ours(connection), theirs, Seen(killed={"any": 0}))
        judged = [judge(sides) for judge in INVARIANTS]
    return [f"{promise.title}: {promise.why}" for promise in judged if not promise.kept]


def _until(
    holds: Callable[[], object], what: str, *, show: Callable[[], object] = lambda: ""
) -> None:
    ends_at = time.monotonic() + RECOVERED_WITHIN_S
    while not holds():
        assert time.monotonic() < ends_at, f"{what}: not within the recovery budget. {show()}"
        time.sleep(0.3)
