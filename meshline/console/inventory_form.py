"""One flow of the inventory: read, added, edited with its questionnaire, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from contracts_app.models import InventoryFlow
from contracts_app.queries import clock, inventory
from contracts_app.rules.inventory.entry import COLUMNS, LONGEST, FlowEntry, entry_of, read_cell
from contracts_app.rules.inventory.import_plan import changes
from contracts_app.rules.inventory.risk import FREQUENCIES, QUESTIONS, Assessment, assess
from meshline.console import access, buttons
from meshline.console.inventory import KIND_TITLES, NOBODY, rows_of
from meshline.console.ui import nav
from meshline.core.errors import BadValue, Conflict, ContractViolation, NotAllowed, NotFound
from runbooks.services import inventory as service

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

HINTS = {
    "name": "Small letters with a dot between the parts, like billing.refund.completed. A contract "
    "drafted from this row gets the same name.",
    "title": "What happens, in a few words.",
    "kind": "Event: something happened. Command: do this. Enrichment: a fact is added. "
    "Callback: the answer to a request.",
    "producer": "The system that sends it.",
    "consumers": "The systems that use it, parted by spaces.",
    "owner": "The team or person who decides and gets the call.",
    "service_level": "By when it has to be done: 15 min, 2 hours, PT15M. Empty: no promise.",
    "manual_fallback": "What people do by hand when it fails: a runbook's name, or in words.",
    "notes": "Anything that whoever writes the contract should know.",
}
LONG = ("manual_fallback", "notes")
ANSWERS = (("yes", "Yes"), ("no", "No"), ("", "Not known yet"))
TIMES = (*FREQUENCIES.items(), ("", "Not known yet"))


class FlowForm(forms.Form):
    """Every column of a flow; each is read by the rule that reads a file's cells."""

    read = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        for column in COLUMNS:
            self.fields[column] = _field(column)

    def clean(self) -> dict[str, Any]:
        """Read every cell; what is wrong is told beside its field."""
        values: dict[str, Any] = super().clean() or {}
        for column in COLUMNS:
            try:
                values[column] = read_cell(column, values.get(column) or "")
            except BadValue as error:
                self.add_error(column, f"{error.message} {error.remedy}".strip())
        return values

    def entry(self) -> FlowEntry:
        """The flow as it was typed; only of a valid form."""
        return entry_of({column: self.cleaned_data[column] for column in COLUMNS})

    def assessment(self) -> Assessment:
        """The class that the answers on the page give, whatever else is still wrong."""
        texts = {column: str(self[column].value() or "") for column in COLUMNS}
        texts |= {"name": "a.flow", "title": "A flow", "kind": "event"}
        known = {name: text for name, text in texts.items() if name in _READ_FOR_RISK}
        try:
            entry = entry_of({name: read_cell(name, text) for name, text in known.items()})
        except BadValue:
            return assess(entry_of(_NOTHING).answers, has_fallback=False)
        return entry.assessment

    def facts(self) -> list[forms.BoundField]:
        """The fields above the questionnaire."""
        return [self[name] for name in HINTS]

    def questions(self) -> list[forms.BoundField]:
        """The questionnaire's fields."""
        return [self[question.slug] for question in QUESTIONS] + [self["frequency"]]


_NOTHING = {"name": "a.flow", "title": "A flow", "kind": "event"}
_READ_FOR_RISK = (*_NOTHING, "manual_fallback", *(one.slug for one in QUESTIONS), "frequency")


@require_http_methods(["GET", "POST"])
def flow_add(request: ConsoleRequest) -> HttpResponse:
    """A new flow; a press on “Show the class” answers with the class and stores nothing."""
    access.require_reader(request.user)
    form = FlowForm(request.POST or None)
    if request.method == "GET" or "look" in request.POST:
        return _shown(request, form if request.method == "POST" else FlowForm())
    try:
        if not service.permit_to_edit(request.user) or form.is_valid():
            entry = form.entry() if form.is_valid() else entry_of(_NOTHING)
            service.add(entry=entry, by=request.user, now=clock.now())
            messages.success(request, f"{entry.name} is in the inventory.")
            return redirect("console:inventory-flow", entry.name)
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=reverse("console:inventory"))
    except Conflict as taken:
        form.add_error("name", f"{taken.message} {taken.remedy}")
    return _shown(request, form, status=422)


@require_http_methods(["GET", "POST"])
def flow_page(request: ConsoleRequest, name: str) -> HttpResponse:
    """One flow: what is known, its class, what comes next; who may edit gets it as a form."""
    access.require_reader(request.user)
    flow = _flow(name)
    form = FlowForm(request.POST or None, initial=_filled(flow))
    if request.method == "GET" or "look" in request.POST:
        return _shown(request, form, flow)
    try:
        if not service.permit_to_edit(request.user) or form.is_valid():
            entry = form.entry() if form.is_valid() else flow.entry
            read = form.data.get("read", "")
            service.edit(name=name, read=read, entry=entry, by=request.user, now=clock.now())
            messages.success(request, f"{entry.name} is saved.")
            return redirect("console:inventory-flow", entry.name)
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=_address(name))
    except NotFound as gone:
        raise Http404(gone.message) from gone
    except Conflict as late:
        return _late(request, form, name, late)
    return _shown(request, form, flow, status=422)


@require_POST
def flow_remove(request: ConsoleRequest, name: str) -> HttpResponse:
    """Take a flow out, with a reason."""
    access.require_reader(request.user)
    read, reason = (request.POST.get(key, "")[:1000] for key in ("read", "reason"))
    try:
        service.remove(name=name, read=read, reason=reason, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=_address(name))
    except NotFound as gone:
        raise Http404(gone.message) from gone
    except (Conflict, ContractViolation) as error:
        flow = _flow(name)
        form = FlowForm(initial=_filled(flow))
        return _shown(request, form, flow, status=error.http_status, remove_error=error)
    messages.success(request, f"{name} is out of the inventory.")
    return redirect("console:inventory")


@require_POST
def assess_part(request: ConsoleRequest) -> HttpResponse:
    """The class that the answers so far give, for the page that follows them."""
    access.require_reader(request.user)
    found = FlowForm(request.POST).assessment()
    return render(request, "console/inventory/_risk.html", {"assessment": found})


def _late(request: ConsoleRequest, form: FlowForm, name: str, late: Conflict) -> HttpResponse:
    """Somebody was first: what was typed stays, beside what stands there now."""
    flow = _flow(name)
    typed = form.entry()
    moved = flow.digest != form.data.get("read", "")
    again = request.POST.copy()
    again["read"] = flow.digest
    form.data = again
    if not moved:  # the name is taken, or belongs to a contract
        form.add_error("name", f"{late.message} {late.remedy}")
        return _shown(request, form, flow, status=409)
    now = [(COLUMNS[one.column], one.before) for one in changes(flow.entry, typed)]
    return _shown(request, form, flow, status=409, late=late, stands=now)


def _shown(
    request: ConsoleRequest,
    form: FlowForm,
    flow: InventoryFlow | None = None,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    row = rows_of([flow])[0] if flow else None
    owners, systems = inventory.known_names()
    may_draft = request.user.has_perm("contracts_app.add_contractversion")
    draft_url = nav.address("admin:contracts_app_contractversion_add") if may_draft else ""
    context = {
        "form": form,
        "flow": flow,
        "row": row,
        "agreed": row.agreed if row else NOBODY,
        "assessment": form.assessment(),
        "owners": owners,
        "systems": systems,
        "strangers": _strangers(row.entry, owners, systems) if row else [],
        "draft_url": f"{draft_url}?inventory={flow.name}" if flow and draft_url else "",
        "permit": service.permit_to_edit(request.user),
        **more,
    }
    return render(request, "console/inventory/flow.html", context, status=status)


def _strangers(entry: FlowEntry, owners: list[str], systems: list[str]) -> list[tuple[str, str]]:
    """Names on the row that the registry does not know: what each should be, and the name."""
    named = [("system", one) for one in (entry.producer, *entry.consumers) if one]
    found = [(what, name) for what, name in named if name not in systems]
    if entry.owner and entry.owner not in owners:
        found.append(("owner", entry.owner))
    return list(dict.fromkeys(found))


def _filled(flow: InventoryFlow) -> dict[str, str]:
    """What stands in the form of a flow, and what was read with it."""
    spoken = {"service_level": flow.entry.promise_typed}
    return {**flow.entry.cells(), **spoken, "read": flow.digest}


def _field(column: str) -> forms.Field:
    shared: dict[str, Any] = {
        "label": COLUMNS[column],
        "required": False,
        "help_text": HINTS.get(column, ""),
    }
    question = next((one for one in QUESTIONS if one.slug == column), None)
    if question is not None:
        shared |= {"label": question.asks, "help_text": question.hint}
        return forms.ChoiceField(choices=ANSWERS, widget=forms.RadioSelect, **shared)
    if column == "frequency":
        shared["label"] = "How often does it happen?"
        return forms.ChoiceField(choices=TIMES, widget=forms.RadioSelect, **shared)
    if column == "kind":
        return forms.CharField(
            widget=forms.Select(choices=[("", "Choose"), *KIND_TITLES.items()]), **shared
        )
    attributes = {"autocomplete": "off"}
    if column in ("owner", "producer"):
        attributes["list"] = f"known-{column}s"
    if column in LONG:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **shared)
    if column in LONGEST:
        attributes["maxlength"] = str(LONGEST[column])
    return forms.CharField(widget=forms.TextInput(attrs=attributes), **shared)


def _flow(name: str) -> InventoryFlow:
    try:
        return inventory.flow_named(name)
    except NotFound as missing:
        raise Http404(missing.message) from missing


def _address(name: str) -> str:
    return reverse("console:inventory-flow", args=[name])
