"""The story's player and the clockwork behind it: one thread that does what is due."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

from meshline.sandbox import acts, chapters, faults, scenarios, telling, watch
from meshline.sandbox.state import Db, Json
from meshline.sandbox.story import Action, Plan
from meshline.sandbox.wire import ActRefused
from meshline.sandbox.world import World, later

_LOG = logging.getLogger(__name__)
_TICK_S = 0.05
_PATIENCE_S = (25.0, 35.0, 75.0, 30.0, 60.0, 60.0, 60.0, 15.0)  # by chapter, whatever happens
_ANSWER_S = 28.0  # how long the story waits for the visitor's button
_SETTLE_S = 10.0  # how long an answer may take to show at the vendors
_LINGER_S = {"demo": 2.5, "check": 0.3}
_TRICKLE_S, _SLOW_TRICKLE_S, _BUSY_DAY_S = 4.0, 15.0, 600.0


@dataclass(frozen=True)
class Place:
    """Where the story stands; kept in the record. Units: seconds of running time."""

    state: str = "not_started"
    generation: int = 1
    chapter: int = 1
    at: float = 0.0
    elapsed: float = 0.0
    seen: dict[str, float] = field(default_factory=dict)  # moments of this chapter, by name


class Player:
    """Plays the story from where the record says it stands."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        with world.record.read() as db:
            self.place = Place(**(db.kept("story") or {}))
            played = db.rows("SELECT action FROM played")
        self.plan = self._write_plan(self.place.generation)
        self._played = {str(row["action"]) for row in played}
        self._saved = self._trickled = time.monotonic()
        self._done_since = time.monotonic()

    def _write_plan(self, generation: int) -> Plan:
        return chapters.write(seed=self._world.seed, generation=generation, pace=self._world.pace)

    def begin(self) -> None:
        """Start the thread; the story itself goes on only if it was running."""
        self._thread.start()

    def end(self) -> None:
        """Stop; the place is kept."""
        self._ending.set()
        self._thread.join(timeout=5)
        with self._lock, self._world.record.write() as db:
            self._save(db)

    # --- What people ask of it ------------------------------------------------------------

    def start(self) -> None:
        """Begin the story, or go on after a pause; nothing when it runs or is done."""
        if self.place.state in ("not_started", "paused"):
            self._set(state="running")

    def pause(self) -> None:
        """Hold the story, or go on."""
        flipped = {"running": "paused", "paused": "running"}.get(self.place.state)
        if flipped:
            self._set(state=flipped)

    def again(self) -> None:
        """Start over with fresh customers, tickets and ids."""
        with self._lock, self._world.record.write() as db:
            faults.switch_off(db, {"made": "story"})
            generation = self.place.generation + (self.place.state != "not_started")
            self.plan = self._write_plan(generation)
            self.place = Place(state="running", generation=generation)
            self._save(db)

    def answer(self, to: str) -> None:
        """Somebody has done what the story asked for; it need not wait any longer."""
        self._set(seen={**self.place.seen, f"answer.{to}": self.place.at})

    def _set(self, **changes: object) -> None:
        with self._lock, self._world.record.write() as db:
            self.place = replace(self.place, **changes)  # type: ignore[arg-type] # names of our own fields
            self._save(db)

    def told(self) -> Json:
        """What `GET /_story` answers."""
        place, plan = self.place, self.plan
        with self._world.record.read() as db:
            return telling.as_json(
                db,
                plan,
                state=place.state,
                chapter=place.chapter,
                elapsed_s=place.elapsed,
                pace=self._world.pace,
            )

    def plans(self) -> list[tuple[Plan, int]]:
        """The plan of every generation, each with the last chapter that is played to its end."""
        place = self.place
        last = len(telling.TITLES) if place.state == "done" else place.chapter - 1
        before = [(self._write_plan(n), len(telling.TITLES)) for n in range(1, place.generation)]
        return [*before, (self.plan, last)]

    # --- The thread -----------------------------------------------------------------------

    def _run(self) -> None:
        before = time.monotonic()
        while not self._ending.wait(_TICK_S):
            now = time.monotonic()
            passed, before = min(now - before, 1.0), now
            try:
                self._do_due()
                self._trickle(now)
                if self.place.state == "running":
                    with self._lock:
                        self._tick(passed)
            except Exception:  # noqa: BLE001 - the story must go on
                _LOG.exception("The story stumbled; it goes on.")
                time.sleep(0.5)

    def _do_due(self) -> None:
        """Do what was planned for now; an act that cannot be done is noted and left."""
        sql = (
            "SELECT id, act, args FROM due WHERE done = 0 AND due_at <= ? ORDER BY due_at LIMIT 50"
        )
        with self._world.record.read() as db:
            rows = db.rows(sql, time.time())
        for row in rows:
            problem = None
            try:
                with self._world.record.write() as db:
                    db.run("UPDATE due SET done = 1 WHERE id = ?", row["id"])
                    acts.perform(db, row["act"], json.loads(row["args"]))
            except ActRefused as refused:
                problem = str(refused)
                _LOG.warning("%s was not done: %s", row["act"], problem)
                with self._world.record.write() as db:
                    db.run("UPDATE due SET done = 1, problem = ? WHERE id = ?", problem, row["id"])
        if rows:
            self._world.stir()

    def _trickle(self, now: float) -> None:
        if self.place.state != "done" or self._world.pace == "check":
            self._done_since = now
            return
        busy = now - self._done_since < _BUSY_DAY_S
        if now - self._trickled >= (_TRICKLE_S if busy else _SLOW_TRICKLE_S):
            self._trickled = now
            with self._world.record.write() as db:
                scenarios.trickle(db, seed=self._world.seed)
            self._world.stir()

    def _tick(self, passed: float) -> None:
        place = self.place
        self.place = replace(place, at=place.at + passed, elapsed=place.elapsed + passed)
        with self._world.record.read() as db:
            ready = self._ready(db)
        for action in ready:
            self._play(action)
        with self._world.record.read() as db:
            seen = self._look(db)
            over = self._is_over(db, seen)
        if seen != place.seen or over or time.monotonic() - self._saved > 1.0:
            self.place = replace(self.place, seen=seen)
            with self._world.record.write() as db:
                self._watch_faults(db)
                if over:
                    self._turn_page(db)
                self._save(db)

    def _save(self, db: Db) -> None:
        db.keep("story", asdict(self.place))
        self._saved = time.monotonic()

    def _ready(self, db: Db) -> list[Action]:
        """The actions of this chapter that are due, not played, and whose gate is open."""
        return [
            action
            for action in self.plan.actions
            if action.chapter == self.place.chapter
            and action.at <= self.place.at
            and action.id not in self._played
            and (
                not action.gate
                or self.place.at >= action.at + action.patience_s
                or watch.GATES[action.gate](db, self.plan)
            )
        ]

    def _play(self, action: Action) -> None:
        """Do one action, with what follows from it, in one transaction that marks it as played."""
        self._played.add(action.id)
        try:
            with self._world.record.write() as db:
                sql = "INSERT OR IGNORE INTO played (action, at) VALUES (?, ?)"
                db.run(sql, action.id, time.time())
                if action.do != "kill_worker":
                    acts.perform(db, action.do, action.args)
                for delay, name, args in action.then:
                    later(db, delay, name, args)
        except ActRefused as refused:
            _LOG.warning("%s (%s) was not done: %s", action.id, action.do, refused)
        if action.do == "kill_worker":
            threading.Thread(target=self._pull_the_plug, daemon=True).start()
        self._world.stir()

    def _pull_the_plug(self) -> None:
        """Ask the supervisor to kill the worker; without a supervisor nothing is killed."""
        if not self._world.supervisor.startswith("http"):
            return
        address = f"{self._world.supervisor.rstrip('/')}/kill/worker"
        asked = urllib.request.Request(address, data=b"", method="POST")  # noqa: S310 - http, seen above
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 - as above
                _LOG.info("The worker was killed: %s", answer.read(500).decode("utf-8", "replace"))
        except OSError as problem:
            _LOG.warning("The supervisor at %s did not kill the worker: %s", address, problem)

    def _look(self, db: Db) -> dict[str, float]:
        """The chapter's moments seen so far, with when they were seen first."""
        moments = self._moments(db)
        seen = dict(self.place.seen)
        for name, holds in moments.items():
            if name not in seen and holds():
                seen[name] = self.place.at
        return seen

    def _moments(self, db: Db) -> dict[str, Callable[[], bool]]:
        """What this chapter waits for: `asked` starts the visitor's patience, `met` ends it."""
        plan = self.plan
        by_chapter: dict[int, dict[str, Callable[[], bool]]] = {
            2: {"met": lambda: watch.all_solved(db, plan, "silence")},
            3: {
                "asked": lambda: watch.maja_waits(db, plan),
                "met": lambda: watch.maja_solved(db, plan),
            },
            4: {"met": lambda: watch.all_solved(db, plan, "adopted")},
            5: {
                "asked": lambda: watch.carts_known(db, plan),
                "met": lambda: watch.carts_filled(db, plan) == len(plan.marks["carts"]),
            },
            6: {
                "asked": lambda: bool(watch.tickets(db, plan, "escalate")),
                "met": lambda: watch.acknowledged(db, plan) and watch.escalated(db, plan),
            },
            7: {"met": lambda: watch.all_solved(db, plan, "plug")},
            8: {"met": lambda: watch.quiet_s(db) > 1.5},
        }
        return by_chapter.get(self.place.chapter, {"met": lambda: True})

    def _is_over(self, db: Db, seen: dict[str, float]) -> bool:
        place, number = self.place, self.place.chapter
        left = any(a.chapter == number and a.id not in self._played for a in self.plan.actions)
        if left or place.at < self.plan.lengths[number - 1]:
            return False
        met = "met" in seen and place.at >= seen["met"] + _LINGER_S[self._world.pace]
        waited = "asked" in seen and place.at >= seen["asked"] + _ANSWER_S
        answers = [at for name, at in seen.items() if name.startswith("answer.")]
        waited = waited or any(place.at >= at + _SETTLE_S for at in answers)
        return met or waited or place.at >= _PATIENCE_S[number - 1]

    def _watch_faults(self, db: Db) -> None:
        """Billing comes to its senses about a charge as soon as its handoff lies with a person."""
        pairs = zip(self.plan.marks["never"], self.plan.marks["never_charges"], strict=True)
        for number, charge in pairs:
            ticket = db.get("ticket", number)
            if ticket and (watch.handed_over(ticket) or watch.given_up(db, charge)):
                faults.switch_off_for(db, charge=charge)

    def _turn_page(self, db: Db) -> None:
        """Close the chapter and open the next one."""
        leaving = self.place.chapter
        if leaving == 5:
            for ticket in watch.tickets(db, self.plan, "carts"):
                if watch.has_cart(ticket):
                    later(db, 1.0, "ticket_status", {"ticket_id": ticket["id"], "status": "solved"})
        if leaving == 6:
            for then in chapters.farewell(self.plan).values():
                for delay, name, args in then:
                    later(db, delay, name, args)
        if leaving == len(telling.TITLES):
            faults.switch_off(db, {"made": "story"})
            self.place = replace(self.place, state="done", seen={})
            self._done_since = self._trickled = time.monotonic()
        else:
            self.place = replace(self.place, chapter=leaving + 1, at=0.0, seen={})
