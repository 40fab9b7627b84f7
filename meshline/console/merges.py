"""Merged identifiers: what was led to what, by whom and why; one more, or one taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contracts_app.queries import clock
from contracts_app.rules.identifiers import KINDS
from meshline.console import access, buttons
from meshline.console.addresses import chips, tabs, with_query
from meshline.console.forms import ReasonForm
from meshline.core.errors import BadValue, MeshlineError, NotAllowed, NotFound
from meshline.core.keys import TicketKey
from orchestration.models import IdMerge
from orchestration.queries import merges
from runbooks.services import merges as service

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

PAGE = 50
LABELS = {"q": "Search", "kind": "Kind"}
REASONS = ("The vendor has merged the two", "The customer says that both are theirs")
END_REASONS = ("They are two after all", "The vendor has parted them again")
_PLAIN = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})


class TicketReasonForm(ReasonForm):
    """For which ticket, and why."""

    ticket = forms.CharField(
        max_length=80, help_text="The case that this is done for, like desk:4812.", widget=_PLAIN
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["reason"].help_text = "Kept in the audit log for ever: name no person in it."

    def clean_ticket(self) -> str:
        """Check the ticket's form."""
        try:
            return str(TicketKey.parse(self.cleaned_data["ticket"].strip()))
        except BadValue as error:
            raise forms.ValidationError(f"{error.message} {error.remedy}") from error


class MergeForm(TicketReasonForm):
    """Which id is which from now on."""

    kind = forms.ChoiceField(choices=[(kind, kind.capitalize()) for kind in KINDS])
    merged = forms.CharField(
        label="This one",
        max_length=1000,
        widget=_PLAIN,
        help_text="As the contract spells it, or as its sender writes it.",
    )
    into = forms.CharField(label="is now this one", max_length=1000, widget=_PLAIN)
    contract = forms.CharField(
        max_length=120, widget=_PLAIN, help_text="A contract in service whose events carry the id."
    )
    field_order = ("kind", "merged", "into", "contract", "ticket", "preset", "reason")


@require_GET
def merge_list(request: ConsoleRequest) -> HttpResponse:
    """Those in effect, or taken back; search, kind and tab stand in the address."""
    access.require_reader(request.user)
    given = {name: request.GET.get(name, "").strip()[:200] for name in (*LABELS, "tab")}
    filters = {name: value for name, value in given.items() if value}
    ended = filters.get("tab") == "ended"
    kind = filters.get("kind", "") if filters.get("kind") in KINDS else ""
    rows = merges.listed(text=filters.get("q", ""), kind=kind, ended=ended)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    address = reverse("console:merges")
    options = (("", "In effect", None), ("ended", "Taken back", None))
    context = {
        "page": page,
        "filters": filters,
        "kinds": KINDS,
        "ended": ended,
        "filtered": bool(filters.keys() & LABELS.keys()),
        "chips": chips(address, filters, LABELS),
        "tabs": tabs(address, filters, "tab", options),
        "here": with_query(address, filters),
        "now": clock.now(),
        "permit": service.permit_to(service.MERGE, request.user, ticket="any"),
    }
    return render(request, "console/merges/page.html", context)


@require_http_methods(["GET", "POST"])
def merge_add(request: ConsoleRequest) -> HttpResponse:
    """Two ids, then what would become one, then the press that does it."""
    access.require_reader(request.user)
    if request.method == "GET":
        asked = {name: request.GET.get(name, "")[:200] for name in MergeForm.base_fields}
        return _asked(request, MergeForm(presets=REASONS, initial=asked))
    form = MergeForm(request.POST, presets=REASONS)
    if not form.is_valid():
        return _asked(request, form, status=422)
    told = {name: form.cleaned_data[name] for name in ("kind", "merged", "into", "contract")}
    ticket = form.cleaned_data["ticket"]
    try:
        if "confirmed" not in request.POST:
            one, other, joined = service.preview(**told)
            return _asked(request, form, one=one, other=other, joined=joined)
        row = service.merge(
            **told, ticket=ticket, reason=form.why(), by=request.user, now=clock.now()
        )
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=reverse("console:merges"))
    except MeshlineError as error:
        form.add_error(None, f"{error.message} {error.remedy}".strip())
        return _asked(request, form, status=error.http_status)
    messages.success(request, f"The two are one {row.kind} from now on.")
    return redirect("console:merge", row.pk)


@require_GET
def merge_page(request: ConsoleRequest, pk: UUID) -> HttpResponse:
    """One merge, what is one by it, and the tickets and runs that it brings together."""
    access.require_reader(request.user)
    return _shown(request, _merge(pk), TicketReasonForm(presets=END_REASONS))


@require_POST
def merge_end(request: ConsoleRequest, pk: UUID) -> HttpResponse:
    """Take it back."""
    access.require_reader(request.user)
    row = _merge(pk)
    form = TicketReasonForm(request.POST, presets=END_REASONS)
    valid = form.is_valid()
    ticket = form.cleaned_data.get("ticket", "")
    permit = service.permit_to(service.UNMERGE, request.user, contract=row.contract, ticket="any")
    if permit and not valid:
        return _shown(request, row, form, status=422)
    try:
        reason = form.why() or "No reason was given."
        service.unmerge(row=row, ticket=ticket, reason=reason, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=reverse("console:merge", args=[pk]))
    except MeshlineError as error:
        form.add_error(None, f"{error.message} {error.remedy}".strip())
        return _shown(request, _merge(pk), form, status=error.http_status)
    messages.success(request, f"They are two {row.kind}s again.")
    return redirect("console:merge", pk)


def _asked(
    request: ConsoleRequest, form: MergeForm, *, status: int = 200, **found: Any
) -> HttpResponse:
    permit = service.permit_to(service.MERGE, request.user, ticket="any")
    context = {"form": form, "permit": permit, **found}
    return render(request, "console/merges/add.html", context, status=status)


def _shown(
    request: ConsoleRequest, row: IdMerge, form: TicketReasonForm, *, status: int = 200
) -> HttpResponse:
    joined = merges.joined(row.kind, row.merged)
    access.veil(request.user, joined.runs)
    permit = service.permit_to(service.UNMERGE, request.user, contract=row.contract, ticket="any")
    context = {"merge": row, "joined": joined, "form": form, "permit": permit, "now": clock.now()}
    return render(request, "console/merges/merge.html", context, status=status)


def _merge(pk: UUID) -> IdMerge:
    try:
        return merges.merge_with_id(pk)
    except NotFound as gone:
        raise Http404(gone.message) from gone
