"""The demo's ribbon: the story as the sandbox tells it, and our claims beside its books.

Nothing here exists without a sandbox (settings.SANDBOX_URL). Whatever it does not answer in a
second is shown as unknown; no page waits longer for it, and no page fails because of it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from contracts_app.queries import clock
from meshline.console.polling import etagged
from meshline.console.ui import nav
from meshline.core import safejson
from meshline.core.errors import MeshlineError
from orchestration.models import Handoff, HandoffState
from orchestration.queries.claims import Claims, claims

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

TIMEOUT_S = 1.0
KEEP_S = 1.0
# What is under way may stand in one book and not yet in the other for so long.
GRACE_S = 20.0
WANTS = {"flow.replay": "replay", "flow.backfill": "backfill", "escalate": "escalate"}
SAYS = {
    "support_agent": "works the handoffs",
    "ops_lead": "backfills, bulk, escalations",
    "contract_owner": "drafts, sign-off, contracts",
    "runtime_owner": "watches the runs, answers pages",
    "product_owner": "answers for what customers get",
    "manager": "sees promises, presses nothing",
    "auditor": "reads the audit log and every receipt",
    "admin": "users, systems and keys; presses no runbook",
}
AWAY = {
    "state": "away",
    "text_bold": "The sandbox does not answer.",
    "text": "The story waits until it is back; Meshline itself goes on.",
}


@dataclass
class _Heard:
    """What the sandbox said last, and what we could say ourselves at that moment."""

    url: str = ""
    at: float = -KEEP_S
    story: dict[str, Any] | None = None
    books: dict[str, Any] | None = None
    ours: Claims | None = None
    differs_since: dict[str, float] = field(default_factory=dict)


_heard = _Heard()
_asking = threading.Lock()


def ribbon(*, brief: bool = False) -> dict[str, Any] | None:
    """Return the ribbon's context, or None where there is no sandbox.

    `brief`: one line instead of chapters and books, for the pages where people work.
    """
    if not settings.SANDBOX_URL:
        return None
    heard = _listen()
    story = dict(heard.story or AWAY)
    story["link"], story["link_label"] = _link(story)
    return {
        "brief": brief,
        "story": story,
        "away": heard.story is None,
        "chapters": story.get("chapters"),
        "claims": _claims(heard),
        "faults_url": f"{settings.SANDBOX_URL}/",
        "supervisor_url": f"{settings.SUPERVISOR_URL}/" if settings.SUPERVISOR_URL else "",
    }


def told(kind: str, *, ticket: str = "") -> None:
    """Tell the story that a person has pressed what it waits for; an action's name will do.

    The story sees by itself what came of a press; this only spares it a moment. Harmless where
    there is no sandbox, where it does not listen, and for presses that it does not wait for.
    """
    to = WANTS.get(kind, kind)
    if not settings.SANDBOX_URL or to not in WANTS.values():
        return
    story = _get("/_story") or {}
    if story.get("wants") == to and ticket in ("", story.get("ticket")):
        _post("/_story/answer", {"to": to})


def start_once() -> None:
    """Start the story at the first sign-in; a story that was paused stays paused."""
    if not settings.SANDBOX_URL:
        return
    story = _get("/_story")
    if story and story.get("state") == "not_started":
        _post("/_story/start")
        forget()


def logins() -> list[dict[str, str]]:
    """Return who may sign in to the demo and with which password; nobody anywhere else."""
    if not settings.PILOT_LOGINS:
        return []
    try:
        listed = safejson.loads(Path(settings.PILOT_LOGINS).read_bytes())
    except (OSError, MeshlineError):
        return []
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return [
        {
            "name": str(row.get("name", "")),
            "username": str(row.get("username", "")),
            "password": str(row.get("password", "")),
            "role_title": str(row.get("role", "")).replace("_", " ").capitalize(),
            "says": SAYS.get(str(row.get("role", "")), ""),
        }
        for row in rows
        if not row.get("changed")  # what the file says is no longer this person's password
    ]


def forget() -> None:
    """Ask the sandbox anew at the next page."""
    _heard.at = -KEEP_S


@require_GET
@etagged
def ribbon_part(request: ConsoleRequest) -> HttpResponse:
    """The ribbon alone, as it polls itself."""
    found = ribbon(brief="brief" in request.GET)
    if found is None:
        raise Http404("There is no sandbox here, so there is no story.")
    return render(request, "console/demo/_ribbon.html", {"demo": found})


@require_POST
def start(request: ConsoleRequest) -> HttpResponse:
    """Start the story, or go on with it."""
    return _steered(request, "start")


@require_POST
def pause(request: ConsoleRequest) -> HttpResponse:
    """Pause the story."""
    return _steered(request, "pause")


@require_POST
def again(request: ConsoleRequest) -> HttpResponse:
    """Tell the story once more, with other customers."""
    return _steered(request, "again")


def _steered(request: ConsoleRequest, verb: str) -> HttpResponse:
    if not settings.SANDBOX_URL:
        raise Http404("There is no sandbox here, so there is no story.")
    if _post(f"/_story/{verb}") is None:
        messages.error(request, "The sandbox does not answer. `meshline up` starts it again.")
    forget()
    back = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(back if own else "console:today")


def _listen() -> _Heard:
    """Ask the sandbox, unless it was asked a moment ago or somebody else is just asking."""
    stale = time.monotonic() - _heard.at >= KEEP_S or _heard.url != settings.SANDBOX_URL
    if stale and _asking.acquire(blocking=False):
        try:
            if _heard.url != settings.SANDBOX_URL:
                _heard.url, _heard.differs_since = settings.SANDBOX_URL, {}
            _heard.story = _get("/_story")
            _heard.books = _get("/_books?brief=1") if _heard.story else None
            staff = User.objects.exclude(email="").values_list("email", flat=True)
            _heard.ours = claims(staff=staff, now=clock.now())
            _heard.at = time.monotonic()
        finally:
            _asking.release()
    return _heard


def _claims(heard: _Heard) -> list[dict[str, Any]]:
    """Our figures beside theirs; they agree, differ, or cannot be compared yet."""
    ours, books = heard.ours, heard.books
    if ours is None or books is None:
        return []
    asked, made = books.get("refunds_asked", 0), books.get("refunds_made", 0)
    twice, resent = books.get("webhooks_twice", 0), books.get("webhooks_resent", 0)
    doubled = sum(
        int(books.get(f"{what}_doubled", 0)) for what in ("refunds", "cancellations", "mails")
    )
    stopped = ours.duplicates_stopped
    compared = (
        ("Refunds asked for, made", (ours.refunds_asked, ours.refunds_made), (asked, made), None),
        # A delivery whose answer was lost is sent again: stopped, though nobody meant it twice.
        ("Webhooks sent twice, stopped", (stopped,), (twice,), twice <= stopped <= twice + resent),
        ("Mails to customers", (ours.mails,), (books.get("mails", 0),), None),
        ("Lost, doubled", (ours.lost, ours.doubled), (books.get("lost", 0), doubled), None),
    )
    begun = (heard.story or {}).get("state") != "not_started"
    return [
        {
            "label": label,
            "ours": ", ".join(map(str, said)),
            "theirs": ", ".join(map(str, written)),
            "agrees": _agrees(heard, label, said == written if same is None else same, begun),
        }
        for label, said, written, same in compared
    ]


def _agrees(heard: _Heard, label: str, same: bool, begun: bool) -> bool | None:
    """True, False, or None: not begun, or different for a moment, while something is under way."""
    under_way = bool((heard.books or {}).get("webhooks_pending"))
    if same or not begun or under_way:
        heard.differs_since.pop(label, None)
        return True if same and begun else None
    since = heard.differs_since.setdefault(label, time.monotonic())
    return False if time.monotonic() - since > GRACE_S else None


def _link(story: dict[str, Any]) -> tuple[str, str]:
    """Where the person goes that the story waits for; once it is told, what is left to do."""
    wants, ticket = story.get("wants"), str(story.get("ticket") or "")
    rows = Handoff.objects.exclude(state=HandoffState.RESOLVED).order_by("-pk")
    if story.get("state") == "done":
        return _left(rows.count())
    if not wants:
        return "", ""
    found = rows.filter(ticket=ticket).first() if ticket else None
    if found is None and wants == "backfill":
        found = rows.filter(reason="partial_enrichment").first()
    if found is not None:
        return nav.address("console:handoff", found.pk), f"Open {found.reference}"
    return (nav.address("console:ticket", ticket), f"Open {ticket}") if ticket else ("", "")


def _left(handoffs: int) -> tuple[str, str]:
    if not handoffs:
        return "", ""
    said = "Open 1 handoff" if handoffs == 1 else f"Open {handoffs} handoffs"
    return nav.address("console:handoffs"), said


@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_S, trust_env=False)


def _get(path: str) -> dict[str, Any] | None:
    return _asked("GET", path)


def _post(path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
    return _asked("POST", path, body or {})


def _asked(method: str, path: str, body: Any = None) -> dict[str, Any] | None:
    """The sandbox's answer, or None if there is none that can be read."""
    try:
        answer = _client().request(method, f"{settings.SANDBOX_URL}{path}", json=body)
        answer.raise_for_status()
        read = safejson.loads(answer.content)
    except (httpx.HTTPError, MeshlineError):
        return None
    return read if isinstance(read, dict) else None
