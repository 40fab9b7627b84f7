"""The audit log: filters in the address, pages by key, one entry opened, and the file of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from contracts_app.models import AuditEntry, Contract
from contracts_app.queries import audit as trails
from contracts_app.queries import clock, people
from meshline.console.addresses import chips, with_query
from meshline.console.export import csv_answer
from meshline.console.runs import since_of
from meshline.core.redact import mask, mask_text
from runbooks.rules.permit import may

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from meshline.console.access import ConsoleRequest

FILTERS = ("q", "ticket", "contract", "actor", "action", "run", "object", "since", "until")
LABELS = {
    "q": "Search",
    "ticket": "Ticket",
    "contract": "Contract",
    "actor": "Who",
    "action": "Action",
    "run": "Run",
    "object": "Object",
    "since": "Since",
    "until": "Until",
}
PERIODS = {"1h": "last hour", "today": "today", "7d": "7 days", "28d": "28 days"}
ACTIONS = {
    "flow.*": "presses on runs",
    "run.*": "runs",
    "handoff.*": "handoffs",
    "event.*": "held events",
    "backfill.*": "backfills",
    "contract.*": "contracts",
    "inventory.*": "inventory",
    "ids.*": "merges",
    "source.*": "sources",
    "timer.*": "promises",
    "user.*": "accounts",
    "session.*": "sign-ins",
}
ENGINE = "engine"
MOST_EXPORTED = 10_000
# Words are looked for in reasons, which have no index: in this stretch, unless one is chosen.
SEARCHED = timedelta(days=28)


@dataclass(frozen=True)
class Sight:
    """What one reader sees: everything, or what they did, or what concerns their contracts."""

    own: str = ""
    contracts: frozenset[str] | None = None

    @property
    def sentence(self) -> str:
        """What is left out, for the page; empty if nothing is."""
        if self.contracts is not None:
            return "You see what concerns the contracts that you own."
        return "You see what you did yourself." if self.own else ""


@dataclass(frozen=True)
class Line:
    """One entry as the page shows it."""

    entry: AuditEntry
    who: str
    time: str
    day: str
    reason: str
    by_person: bool


@require_GET
def audit_log(request: ConsoleRequest) -> HttpResponse:
    """The log, newest first; `?entry=` opens one entry in its place."""
    sight = sight_of(request.user)
    now = clock.now()
    filters = {name: request.GET[name][:200] for name in FILTERS if request.GET.get(name)}
    trail = _trail(sight, filters, request, now)
    names = _names(entry.actor for entry in trail.entries)
    address = reverse("console:audit")
    opened = _uuid(request.GET.get("entry"))
    context = {
        "now": now,
        "sight": sight,
        "lines": [_line(entry, names, now) for entry in trail.entries],
        "opened": opened,
        "opened_detail": _opened(trail.entries, opened),
        "filters": filters,
        "chips": chips(address, filters, LABELS),
        "periods": PERIODS,
        "actions": ACTIONS,
        "contracts": _contracts(sight),
        "people": [] if sight.own and sight.contracts is None else _people(),
        "here": with_query(address, filters),
        "older_url": _page_url(filters, before=trail.older),
        "newer_url": _page_url(filters, after=trail.newer),
        "newest_url": with_query(address, filters) if trail.newer else "",
        "csv_url": with_query(reverse("console:audit-csv"), filters),
        "keep": _keep(request),
    }
    return render(request, "console/audit/page.html", context)


@require_GET
def audit_csv(request: ConsoleRequest) -> HttpResponse:
    """The entries that the filters leave, newest first, as a file for a spreadsheet."""
    sight = sight_of(request.user)
    now = clock.now()
    filters = {name: request.GET[name][:200] for name in FILTERS if request.GET.get(name)}
    trail = _find(sight, filters, now, limit=MOST_EXPORTED)
    header = ("at", "entry", "actor", "role", "action", "object_type", "object_id", "contract",
              "contract_version", "ticket", "run_id", "reason", "digest_before", "digest_after",
              "address", "request_id", "detail")  # fmt: skip
    cut = (
        f"Cut after {MOST_EXPORTED} entries: choose a shorter period to see the older ones."
        if trail.older
        else ""
    )
    return csv_answer("audit-log.csv", header, map(_cells, trail.entries), cut=cut)


def sight_of(user: User) -> Sight:
    """Return what the user may see of the log, by the roles they hold now.

    Raises: PermissionDenied for a role that reads none of it.
    """
    roles = people.roles_of(user)
    permit = may(roles, "audit.read")
    if not permit:
        raise PermissionDenied("Your role does not read the audit log.")
    if not permit.own_only:
        return Sight()
    own = user.get_username() if "support_agent" in roles else ""
    owner = "contract_owner" in roles
    return Sight(own, people.owned_contracts(user) if owner else None)


def _trail(
    sight: Sight, filters: dict[str, str], request: ConsoleRequest, now: datetime
) -> trails.Trail:
    """The page that is asked for; an entry that is to be opened brings its own page along."""
    before, after = _uuid(request.GET.get("before")), _uuid(request.GET.get("after"))
    trail = _find(sight, filters, now, before=before, after=after)
    wanted = _uuid(request.GET.get("entry"))
    if wanted is None or any(entry.pk == wanted for entry in trail.entries):
        return trail
    entry = trails.entry_with_id(wanted, contracts=sight.contracts, own=sight.own)
    if entry is None:
        return trail
    older = _find(sight, filters, now, before=wanted)
    return trails.Trail([entry, *older.entries], older.older, entry.pk)


def _find(
    sight: Sight,
    filters: dict[str, str],
    now: datetime,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = trails.PAGE,
) -> trails.Trail:
    run, since = _uuid(filters.get("run")), since_of(filters.get("since", ""), now)
    q = filters.get("q", "").strip()
    if filters.get("run") and run is None:
        return trails.Trail([], None)
    return trails.trail(
        ticket=filters.get("ticket", ""),
        contract=filters.get("contract", ""),
        actor=filters.get("actor", ""),
        action=filters.get("action", ""),
        object_id=filters.get("object", ""),
        run_id=run,
        contracts=sight.contracts,
        own=sight.own,
        q=q,
        since=since or (now - SEARCHED if q and _uuid(q) is None else None),
        until=since_of(filters.get("until", ""), now),
        before=before,
        after=after,
        limit=limit,
    )


def _line(entry: AuditEntry, names: dict[str, str], now: datetime) -> Line:
    local = timezone.localtime(entry.at)
    today = local.date() == timezone.localtime(now).date()
    return Line(
        entry=entry,
        who=names.get(entry.actor, entry.actor),
        time=f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}",
        day="" if today else f"{local.day} {local:%b %Y}",
        reason=mask_text(entry.reason),
        by_person=entry.actor in names,
    )


def _opened(entries: Iterable[AuditEntry], opened: UUID | None) -> dict[str, Any] | None:
    for entry in entries:
        if entry.pk == opened:
            utc = entry.at.isoformat().replace("+00:00", "Z")
            return {"utc": utc, "detail": mask(entry.detail)}
    return None


def _names(actors: Iterable[str]) -> dict[str, str]:
    rows = get_user_model().objects.filter(username__in=set(actors))
    return {row.get_username(): row.get_full_name() or row.get_username() for row in rows}


def _people() -> list[tuple[str, str]]:
    rows = get_user_model().objects.order_by("first_name", "last_name", "username")[:200]
    listed = [(row.get_username(), row.get_full_name() or row.get_username()) for row in rows]
    return [(ENGINE, "the engine"), *listed]


def _contracts(sight: Sight) -> list[str]:
    rows = Contract.objects.order_by("name")
    if sight.contracts is not None:
        rows = rows.filter(name__in=sight.contracts)
    return list(rows.values_list("name", flat=True)[:500])


def _page_url(filters: dict[str, str], **place: UUID | None) -> str:
    if not any(place.values()):
        return ""
    return with_query(reverse("console:audit"), {**filters, **place})


def _keep(request: ConsoleRequest) -> str:
    """The page's address without the opened entry, so that opening one leaves the list as it is."""
    names = (*FILTERS, "before", "after")
    kept = {name: request.GET[name] for name in names if name in request.GET}
    return with_query(reverse("console:audit"), kept)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _cells(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.at,
        entry.pk,
        entry.actor,
        entry.role,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.contract,
        entry.contract_version,
        entry.ticket,
        entry.run_id,
        mask_text(entry.reason),
        entry.before,
        entry.after,
        entry.address,
        entry.request_id,
        mask_text(json.dumps(entry.detail, ensure_ascii=False, sort_keys=True)),
    )
