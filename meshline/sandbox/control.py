"""The sandbox's own routes: switches, books, record, acts, story, page; for loopback only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from meshline.sandbox import acts, books, faults, page, scenarios
from meshline.sandbox.player import Player
from meshline.sandbox.state import Json
from meshline.sandbox.wire import Answer, Request
from meshline.sandbox.world import World

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Control:
    """Answers everything that is not a vendor's API."""

    def __init__(self, world: World, player: Player) -> None:
        self._world, self._player = world, player
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): self._page,
            ("GET", "/_health"): lambda request: Answer(200, {"ok": True}),
            ("GET", "/_faults"): self._faults,
            ("POST", "/_faults"): self._set_fault,
            ("DELETE", "/_faults"): self._clear_fault,
            ("GET", "/_books"): self._books,
            ("GET", "/_record"): self._record,
            ("POST", "/_act"): self._act,
            ("GET", "/_story"): lambda request: self._story(),
            ("POST", "/_story/start"): lambda request: self._told(self._player.start),
            ("POST", "/_story/pause"): lambda request: self._told(self._player.pause),
            ("POST", "/_story/again"): lambda request: self._told(self._player.again),
            ("POST", "/_story/answer"): self._answer,
        }

    def __call__(self, request: Request) -> Answer:
        """The answer; a form of the page is sent back to the page."""
        if not _asked_from_here(request):
            return Answer(403, {"error": "Only a loopback address may ask."})
        path, method = request.path, "GET" if request.method == "HEAD" else request.method
        run = self._routes.get((method, path))
        if run is None and method == "DELETE" and path.startswith("/_faults/"):
            run = self._clear_fault
        if run is None:
            known = any(path == p for _, p in self._routes)
            return Answer(
                405 if known else 404, {"error": f"There is no {request.method} {path} here."}
            )
        try:
            answer = run(request)
        except ValueError as refused:
            answer = Answer(400, {"error": str(refused)})
            if _from_form(request):
                answer = self._page(request, refused=str(refused))
        if _from_form(request) and answer.status < 400:
            return Answer(303, "", {"Location": "/"})
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def _page(self, request: Request, refused: str = "") -> Answer:
        """The page; after a form that was not taken it says why."""
        policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'"
        headers = {"Content-Security-Policy": policy}
        story = self._player.told()
        with self._world.record.read() as db:
            html = page.render(
                story=story,
                books=books.books(db, brief=True),
                switched_on=faults.switched_on(db),
                record=books.record(db, system="", since=max(page.last_id(db) - 40, 0), limit=40),
                refused=refused,
            )
        return Answer(400 if refused else 200, html, headers, kind="text/html; charset=utf-8")

    def _faults(self, request: Request) -> Answer:
        with self._world.record.read() as db:
            found = [one.as_json() for one in faults.switched_on(db)]
        return Answer(200, {"faults": found, "kinds": list(faults.KINDS), "ops": faults.OPS})

    def _set_fault(self, request: Request) -> Answer:
        wanted = _said(request)
        if "clear" in wanted:
            which = True if wanted["clear"] in (True, "true", "all") else wanted["clear"]
            with self._world.record.write() as db:
                return Answer(200, {"cleared": faults.switch_off(db, which)})
        charge = wanted.pop("charge", "")
        if charge:
            wanted["match"] = {"charge": charge}
        with self._world.record.write() as db:
            found = faults.switch_on(db, wanted)
        return Answer(201, found.as_json())

    def _clear_fault(self, request: Request) -> Answer:
        one = request.path.removeprefix("/_faults").strip("/")
        with self._world.record.write() as db:
            return Answer(200, {"cleared": faults.switch_off(db, one or True)})

    def _books(self, request: Request) -> Answer:
        brief = request.query.get("brief", "") not in ("", "0")
        with self._world.record.read() as db:
            found = books.books(db, brief=brief)
        told: Json = {"generation": self._player.place.generation}
        if not brief:
            told["expected"] = books.expected(self._player.plans())
        return Answer(200, told | found)

    def _record(self, request: Request) -> Answer:
        asked = request.query
        since, limit = int(asked.get("since") or 0), int(asked.get("limit") or 500)
        with self._world.record.read() as db:
            found = books.record(
                db, system=asked.get("system", ""), since=since, limit=min(max(limit, 0), 5000)
            )
        return Answer(200, found)

    def _act(self, request: Request) -> Answer:
        wanted = _said(request)
        name = str(wanted.pop("do", ""))
        with self._world.record.write() as db:
            if name == "scenario":
                made = scenarios.play(db, str(wanted.get("name", "")), seed=self._world.seed)
            else:
                made = acts.perform(db, name, wanted)
        self._world.stir()
        return Answer(200, made)

    def _story(self) -> Answer:
        return Answer(200, self._player.told())

    def _told(self, change: Callable[[], None]) -> Answer:
        change()
        return self._story()

    def _answer(self, request: Request) -> Answer:
        to = str(_said(request).get("to", ""))
        if to not in ("replay", "backfill", "escalate"):
            raise ValueError("Say `to`: replay, backfill or escalate.")
        self._player.answer(to)
        return self._story()


def _said(request: Request) -> dict[str, Any]:
    """The body's fields, from a form or from JSON."""
    if "form" in request.headers.get("content-type", ""):
        return {name: value for name, value in request.form().items() if value != ""}
    return request.json()


def _from_form(request: Request) -> bool:
    return request.method == "POST" and "form" in request.headers.get("content-type", "")


def _asked_from_here(request: Request) -> bool:
    """Refuse other sites' forms, and names that were made to point to this machine."""
    hosts = [f"//{request.headers.get('host', '')}"]
    hosts += [origin for origin in [request.headers.get("origin")] if origin]
    try:
        return all(urlsplit(host).hostname in _LOOPBACK for host in hosts)
    except ValueError:
        return False
