"""Temporary tolerances: ask for one from what failed, confirm another's, end one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from contracts_app.models import Contract, TemporaryTolerance
from contracts_app.queries import clock, temporary_tolerances
from contracts_app.rules.temporary_tolerance import LONGEST, Allowance, parse_allowance
from meshline.console import access, buttons
from meshline.console.forms import ReasonForm
from meshline.core.errors import BadValue, MeshlineError, NotAllowed
from meshline.core.keys import TicketKey
from orchestration.models import HeldEvent
from orchestration.queries import tolerated
from runbooks.services import tolerances as service
from runbooks.services.tolerances import Offer

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from meshline.console.access import ConsoleRequest

HOURS = LONGEST.days * 24


class ToleranceForm(ReasonForm):
    """What is let through, for how long, for which ticket and why."""

    failing = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    more = forms.CharField(
        label="Other places",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line, the path and the rule: /data/name maxLength.",
    )
    hours = forms.IntegerField(
        label="Ends after, in hours",
        min_value=1,
        max_value=HOURS,
        initial=12,
        help_text=f"From now on, {HOURS} at most. It ends by itself.",
    )
    ticket = forms.CharField(
        max_length=80,
        help_text="The case that this is done for, like desk:4812.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, offers: Sequence[Offer] = (), **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["reason"].help_text = "What the vendor changed. Kept in the audit log."
        listed = [str(one.allowance) for one in offers if not one.why_not]
        self.fields["failing"].choices = [(one, one) for one in listed]  # type: ignore[attr-defined]
        self.offers = offers

    def clean_ticket(self) -> str:
        """Check the ticket's form."""
        try:
            return str(TicketKey.parse(self.cleaned_data["ticket"].strip()))
        except BadValue as error:
            raise forms.ValidationError(f"{error.message} {error.remedy}") from error

    def clean_more(self) -> list[Allowance]:
        """Read the lines."""
        lines = [line for line in self.cleaned_data["more"].splitlines() if line.strip()]
        try:
            return [parse_allowance(line) for line in lines]
        except BadValue as error:
            raise forms.ValidationError(f"{error.message} {error.remedy}") from error

    def allowed(self) -> list[Allowance]:
        """Return what was ticked and written."""
        ticked = [parse_allowance(one) for one in self.cleaned_data["failing"]]
        return [*ticked, *self.cleaned_data["more"]]


@require_http_methods(["GET", "POST"])
def tolerance_ask(request: ConsoleRequest, name: str) -> HttpResponse:
    """The form to ask for one, from what failed in `?event=`."""
    access.require_reader(request.user)
    contract = Contract.objects.filter(name=name).first()
    if contract is None:
        raise Http404(f"There is no contract {name}.")
    held = _held(request.GET.get("event"), name)
    offers = service.offers_of(held) if held is not None else []
    permit = service.permit_to_ask(name, request.user)
    if request.method == "GET":
        first = {"ticket": held.ticket} if held is not None else {}
        form = ToleranceForm(offers=offers, initial=first)
        return _page(request, contract, held, form, permit)
    form = ToleranceForm(request.POST, offers=offers)
    if permit and not form.is_valid():
        return _page(request, contract, held, form, permit, status=422)
    given = form.cleaned_data if form.is_valid() else {}
    try:
        made = service.ask(
            contract=contract,
            allowed=form.allowed() if given else [],
            hours=given.get("hours", 0),
            reason=form.why() if given else "",
            ticket=given.get("ticket", ""),
            by=request.user,
            now=clock.now(),
        )
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=_back(name))
    except MeshlineError as error:
        form.add_error(None, f"{error.message} {error.remedy}".strip())
        return _page(request, contract, held, form, permit, status=422)
    messages.success(request, f"{made} is asked for. It begins when another person confirms it.")
    return redirect(_back(name))


@require_POST
def tolerance_confirm(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Let it begin; another person than who asked."""
    done = "runs from now on. Held events that it covers can be released."
    return _press(request, pk, service.confirm, done)


@require_POST
def tolerance_end(request: ConsoleRequest, pk: int) -> HttpResponse:
    """End it now."""
    return _press(request, pk, service.end, "is over.")


def context(contract: Contract, user: User, now: datetime) -> dict[str, Any]:
    """What the contract's page shows of them, and whether this reader may ask for one."""
    permit = service.permit_to_ask(contract.name, user)
    return {"tolerances": _shown(contract, user, now), "may_ask": permit}


def _shown(contract: Contract, user: User, now: datetime) -> list[dict[str, Any]]:
    """What the contract's page shows of its tolerances: those that run or wait, then the last."""
    rows = temporary_tolerances.newest_of(contract)
    counts = tolerated.counts(row.pk for row in rows if row.confirmed_at)
    may_end = bool(rows) and service.permit_to_ask(contract.name, user, action=service.END)
    found = []
    for row in rows:
        state = row.state_at(now)
        found.append(
            {
                "row": row,
                "state": state,
                "open": state in ("asked", "runs"),
                "until": row.ends_at if state == "runs" else row.confirm_by,
                "count": min(counts.get(row.pk, 0), tolerated.COUNTED),
                "more": counts.get(row.pk, 0) > tolerated.COUNTED,
                "may_confirm": service.permit_to_confirm(row, user) if state == "asked" else None,
                "may_end": may_end and state in ("asked", "runs"),
            }
        )
    return sorted(found, key=lambda one: not one["open"])


def _press(
    request: ConsoleRequest, pk: int, act: Callable[..., TemporaryTolerance], done: str
) -> HttpResponse:
    access.require_reader(request.user)
    rows = TemporaryTolerance.objects.select_related("contract", "asked_by")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no tolerance T-{pk}.")
    back = _back(row.contract.name)
    try:
        act(tolerance=row, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except MeshlineError as error:
        messages.error(request, f"{error.message} {error.remedy}".strip())
        return redirect(back)
    messages.success(request, f"{row} {done}")
    return redirect(back)


def _page(
    request: ConsoleRequest,
    contract: Contract,
    held: HeldEvent | None,
    form: ToleranceForm,
    permit: Any,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"contract": contract, "held": held, "form": form, "permit": permit, "hours": HOURS}
    context["ticked"] = request.POST.getlist("failing") if form.is_bound else None
    return render(request, "console/contracts/tolerance.html", context, status=status)


def _held(text: str | None, contract: str) -> HeldEvent | None:
    if not text:
        return None
    try:
        found = HeldEvent.objects.filter(event_id=UUID(text), contract=contract).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404("No held event of this contract has this id.")
    return found


def _back(name: str) -> str:
    return f"{reverse('console:contract', args=[name])}#tolerances"
