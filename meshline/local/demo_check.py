"""`meshline demo --check`: play the story at once, then hold Meshline's word against the books."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psycopg

from meshline.env import var_dir
from meshline.local import announce, session
from meshline.local.demo_player import Player, Seen
from meshline.local.promises import engine, events, money, people, tickets
from meshline.local.promises.figures import figures
from meshline.local.promises.sides import Ours, Promise, Sides, connect, read_theirs
from meshline.local.state import Login, Running

PROMISES = (
    *events.PROMISES,
    *money.PROMISES,
    *tickets.PROMISES,
    *people.PROMISES,
    *engine.PROMISES,
)
# All must hold this long after the last fault, without help (the recovery budget).
SETTLE_WITHIN_S = 60.0
QUIET_S = 3.0
LOOK_S = 2.0


def main(kill: Sequence[str] = ()) -> int:
    """Play the story in a fresh folder and print the promises; 0 if all are kept, else 1.

    `kill` names processes that are killed once in the middle of it: worker, web, beat, broker,
    postgres-backend.
    """
    home = var_dir() / "check"
    began = time.monotonic()
    try:
        _forget(home)
        announce.event("Starting everything in a folder of its own.")
        with session.running_demo(home, pace="check") as demo:
            ready_s = time.monotonic() - began
            announce.event(f"Ready after {ready_s:.1f} s. The story begins.")
            code = _play_and_compare(demo, home, tuple(kill), ready_s)
    except session.NotReady as problem:
        announce.problem(f"the demo did not come up:\n{problem}")
        return 1
    except (TimeoutError, httpx.HTTPError, psycopg.Error) as problem:
        announce.problem(f"{problem} The logs are in {home / 'log'}.")
        return 1
    except KeyboardInterrupt:
        announce.event("Stopped.")
        return 130
    if code == 0:
        _forget(home)
    else:
        announce.event(f"What was left is in {home}, the logs in {home / 'log'}.")
    return code


def _play_and_compare(demo: Running, home: Path, kill: tuple[str, ...], ready_s: float) -> int:
    logins = [Login(**one) for one in json.loads((home / "logins.json").read_bytes())]
    player = Player(
        console=demo.address,
        sandbox=demo.environment["SANDBOX_URL"],
        supervisor=demo.environment["SUPERVISOR_URL"],
        logins=logins,
        say=announce.event,
    )
    seen = player.play(kill=kill)
    announce.event("The story is told. Reading both sides.")
    with connect(demo.environment["DATABASE_URL"]) as connection:
        promises, sides = _settled(demo, Ours(connection), seen)
        _print(promises, figures(sides, ready_s=ready_s))
    return 0 if all(promise.kept for promise in promises) else 1


def _settled(demo: Running, ours: Ours, seen: Seen) -> tuple[list[Promise], Sides]:
    """Judge once all is quiet; what is not kept yet may still become so within the budget."""
    until = time.monotonic() + SETTLE_WITHIN_S
    while True:
        sides = _read(demo, ours, seen)
        promises = [judge(sides) for judge in PROMISES]
        quiet = sides.theirs.books["quiet_s"] >= QUIET_S
        if (quiet and all(promise.kept for promise in promises)) or time.monotonic() > until:
            return promises, sides
        time.sleep(LOOK_S)


def _read(demo: Running, ours: Ours, seen: Seen) -> Sides:
    environment = demo.environment
    children = httpx.get(f"{environment['SUPERVISOR_URL']}/children", timeout=10).json()
    theirs = read_theirs(environment["SANDBOX_URL"], environment["MESHLINE_PAGER_TOKEN"])
    return Sides(ours=ours, theirs=theirs, seen=seen, children=children["children"])


def _print(promises: Sequence[Promise], measured: Sequence[tuple[str, str]]) -> None:
    """The table of promises and the figures, on standard output."""
    heads = ("Promise", "Meshline says", "The vendors' books say")
    rows = [(p.title, p.ours, p.theirs) for p in promises]
    widths = [max(len(row[n]) for row in (heads, *rows)) for n in range(3)]

    def line(cells: Sequence[str], last: str) -> str:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"{padded}  {last}"

    lines = ["", line(heads, "Kept"), line(["-" * width for width in widths], "----")]
    for promise, row in zip(promises, rows, strict=True):
        lines.append(line(row, "yes" if promise.kept else "NO"))
        if not promise.kept:
            lines.append(f"    {promise.why}")
    lines.append("")
    width = max(len(name) for name, _ in measured)
    lines += [f"{name.ljust(width)}  {value}" for name, value in measured]
    kept = sum(promise.kept for promise in promises)
    lines += ["", f"{kept} of {len(promises)} promises kept."]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _forget(home: Path) -> None:
    """Remove an earlier check's folder, and whatever server it may have left running."""
    if (home / "postgres").exists():
        from meshline.local.postgres import EmbeddedPostgres

        left = EmbeddedPostgres(home / "postgres")
        left.stop_leftover()
        left.forget()
    shutil.rmtree(home, ignore_errors=True)
