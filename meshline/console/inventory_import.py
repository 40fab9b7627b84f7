"""Import into the inventory: the file is shown as what it would change, then pressed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from contracts_app.queries import clock, inventory
from contracts_app.rules.inventory.entry import COLUMNS
from contracts_app.rules.inventory.import_plan import ImportPlan
from contracts_app.rules.inventory.sheet import MAX_BYTES, MAX_ROWS, decode, read_sheet
from meshline.console import access, buttons
from meshline.core.errors import BadValue, Conflict, MeshlineError, NotAllowed, TooLarge
from runbooks.services import inventory as service

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

MOST_SHOWN = 200


@require_http_methods(["GET", "POST"])
def import_page(request: ConsoleRequest) -> HttpResponse:
    """Choose a file; sent, it is judged and shown, and nothing is stored."""
    access.require_reader(request.user)
    permit = service.permit_to_edit(request.user)
    if not permit:
        refusal = NotAllowed(permit.why, remedy=permit.remedy)
        return buttons.refused(request, refusal, back=reverse("console:inventory"))
    if request.method == "GET":
        return _asked(request)
    try:
        text = _uploaded(request)
        return _preview(request, text)
    except (BadValue, TooLarge) as error:
        return _asked(request, error=error, status=422)


@require_POST
def import_apply(request: ConsoleRequest) -> HttpResponse:
    """Do what the preview showed; if anything has moved since, show a new preview instead."""
    access.require_reader(request.user)
    text, digest = request.POST.get("text", ""), request.POST.get("digest", "")
    try:
        done = service.apply_import(text=text, digest=digest, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=reverse("console:inventory"))
    except Conflict as late:
        return _preview(request, text, late=late, status=409)
    except (BadValue, TooLarge) as error:
        return _asked(request, error=error, status=422)
    said = f"{done.added} added, {done.changed} changed, {done.same} were the same already."
    left_out = " 1 row was left out." if done.refused == 1 else ""
    if done.refused > 1:
        left_out = f" {done.refused} rows were left out."
    messages.success(request, f"Imported: {said}{left_out}")
    return redirect("console:inventory")


def _uploaded(request: ConsoleRequest) -> str:
    file = request.FILES.get("file")
    if file is None:
        raise BadValue("No file was chosen.", remedy="Choose a CSV file, then press again.")
    if file.size is None or file.size > MAX_BYTES:
        raise TooLarge(
            f"The file has {file.size} bytes; at most {MAX_BYTES} are read.",
            remedy="Part it into several files with the same header row.",
        )
    return decode(file.read())


def _asked(
    request: ConsoleRequest, *, error: MeshlineError | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "error": error,
        "columns": COLUMNS,
        "most_rows": MAX_ROWS,
        "most_kib": MAX_BYTES // 1024,
    }
    return render(request, "console/inventory/import.html", context, status=status)


def _preview(
    request: ConsoleRequest, text: str, *, late: Conflict | None = None, status: int = 200
) -> HttpResponse:
    sheet = read_sheet(text)
    plan = inventory.plan(sheet)
    missing, all_missing = inventory.missing_from(sheet, limit=MOST_SHOWN)
    context = {
        "plan": plan,
        "missing": missing,
        "all_missing": all_missing,
        "more_missing": all_missing - len(missing),
        "text": text,
        "late": late,
        "titles": COLUMNS,
        "most": MOST_SHOWN,
        **_cut(plan),
    }
    return render(request, "console/inventory/preview.html", context, status=status)


def _cut(plan: ImportPlan) -> dict[str, Any]:
    """The first of each kind, and how many more there are."""
    return {
        name: {"shown": listed[:MOST_SHOWN], "more": max(0, len(listed) - MOST_SHOWN)}
        for name, listed in (
            ("new", plan.new),
            ("changed", plan.changed),
            ("same", plan.same),
            ("problems", plan.problems),
        )
    }
