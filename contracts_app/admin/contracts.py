"""Pages of contracts and their versions: draft, ask for sign-off, sign, publish, retire."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from contracts_app.admin import typed_again
from contracts_app.admin.base import (
    GuardedAdmin,
    change_url,
    list_url,
    person,
    pre,
    refuse,
)
from contracts_app.admin.contract_buttons import pressed
from contracts_app.admin.contract_page import ContractPage
from contracts_app.admin.documents import DocumentText, refusal
from contracts_app.admin.from_inventory import begun_text
from contracts_app.admin.typed import TypedForm, TypedInline
from contracts_app.admin.verdict import DAYS, Verdict, days_of
from contracts_app.models import (
    AuditEntry,
    Contract,
    ContractState,
    ContractVersion,
    OwnerRole,
    Ownership,
)
from contracts_app.queries import clock
from contracts_app.queries.drift import drift_of
from contracts_app.rules import facts
from contracts_app.rules.contract_shape import CONTRACT_SHAPE
from contracts_app.rules.inference import infer
from contracts_app.services import deputies, drafts, publishing, retiring, rights
from contracts_app.services.promises import LAST_EVENTS, NEWEST_PAYLOADS
from meshline.core.errors import DocumentRefused, MeshlineError


class OwnershipInline(TypedInline[Ownership, Contract]):
    """The contact matrix of a contract; documents name the owners, people the deputies."""

    model = Ownership
    fields = ("role", "owner", "person", "deputy")
    readonly_fields = ("role", "owner", "person")
    autocomplete_fields = ("deputy",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Answers for it")
    def person(self, row: Ownership) -> str:
        """Who is behind the owner."""
        return row.owner.person.get_full_name() if row.owner.person else row.owner.rota or "nobody"


@admin.register(Contract)
class ContractAdmin(GuardedAdmin[Contract]):
    """What is agreed: risk, the version in service, who answers for it."""

    list_display = ("name", "title", "risk", "active", "owner", "runtime", "last_event")
    list_filter = ("risk", "domain")
    search_fields = ("name", "title", "ownerships__owner__title")
    list_select_related = True
    inlines = (OwnershipInline,)
    fields = ("name", "title", "domain", "risk", "producer", "versions_shown")
    readonly_fields = fields

    class Media:
        css = {"all": ("css/admin-documents.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contract]:
        """Everything that a row shows, in three queries."""
        versions = ContractVersion.objects.only("contract", "version", "state", "published_at")
        owners = Ownership.objects.select_related("owner__person", "deputy")
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("versions", versions), Prefetch("ownerships", owners))
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the time of each contract's last event."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        last: dict[str, datetime] = facts.ask(LAST_EVENTS, [row.name for row in rows], default={})
        for row in rows:
            row.last_event_at = last.get(row.name)
        found.result_list = rows
        return found

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        try:
            rights.check_owned(person(request), what=obj.name, contracts=[obj.name])
        except MeshlineError:
            return False
        return True

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Let the service name the deputies."""
        for row in formset.save(commit=False):
            deputies.name_deputy(ownership=row, by=person(request), now=clock.now())

    @admin.display(description="In service")
    def active(self, obj: Contract) -> str:
        """The versions in service."""
        states = (ContractState.ACTIVE, ContractState.DEPRECATED)
        serving = [one.version for one in obj.versions.all() if one.state == states[0]]
        return ", ".join(serving) or "none"

    @admin.display(description="Contract owner")
    def owner(self, obj: Contract) -> str:
        """Who answers for schema and tests."""
        return _owner(obj, OwnerRole.CONTRACT)

    @admin.display(description="Runtime owner")
    def runtime(self, obj: Contract) -> str:
        """Who watches it."""
        return _owner(obj, OwnerRole.RUNTIME)

    @admin.display(description="Last event", empty_value="none yet")
    def last_event(self, obj: Contract) -> datetime | None:
        """When an event of it came last."""
        return getattr(obj, "last_event_at", None)

    @admin.display(description="Versions")
    def versions_shown(self, obj: Contract) -> str:
        """Where the versions are."""
        count = len(obj.versions.all())
        url = list_url(ContractVersion, contract__id__exact=str(obj.pk))
        return format_html('<a href="{}">{} in all</a>', url, count)


class ContractVersionForm(TypedForm[ContractVersion]):
    """Edits a draft's text; every finding is told with its line."""

    text = DocumentText(label="Contract")

    class Meta:
        model = ContractVersion
        fields = ("text",)

    def clean_text(self) -> str:
        """Refuse what the check refuses."""
        text: str = self.cleaned_data["text"]
        try:
            drafts.judge(text, of=self.instance.contract if self.instance.pk else None)
        except DocumentRefused as error:
            raise refusal(error) from None
        return text


@admin.register(ContractVersion)
class ContractVersionAdmin(GuardedAdmin[ContractVersion]):
    """One version of a contract: a draft is text, everything after it is read."""

    form = ContractVersionForm
    change_form_template = "admin/contracts_app/contract_form.html"
    list_display = ("__str__", "state", "risk", "domain", "published_at", "published_by")
    list_filter = ("state", "contract__risk", "contract__domain")
    search_fields = ("contract__name", "contract__title", "version")
    list_select_related = ("contract", "published_by", "created_by")
    ordering = ("contract__name", "-published_at", "-id")
    identity = ("contract", "version", "state", "digest", "created_by", "published_at")

    @admin.display(description="Risk", ordering="contract__risk")
    def risk(self, obj: ContractVersion) -> str:
        """What a failure costs."""
        return obj.contract.get_risk_display()

    @admin.display(description="Domain", ordering="contract__domain")
    def domain(self, obj: ContractVersion) -> str:
        """Where it belongs."""
        return obj.contract.domain

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A draft's text in a field; what is frozen to read."""
        if obj is None:
            return [(None, {"fields": ("text",)})]
        text = "text" if self.has_change_permission(request, obj) else "text_shown"
        return [(None, {"fields": (text,)}), ("Identity", {"fields": self.identity})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*self.identity, "text_shown")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"text": begun_text(request)}

    @admin.display(description="Contract")
    def text_shown(self, obj: ContractVersion) -> str:
        """The document as it was proposed."""
        return pre(obj.text)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        return obj.state == ContractState.DRAFT and ContractPage(request, obj).may

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Let the service store the draft."""
        text, by, now = form.cleaned_data["text"], person(request), clock.now()
        if change:
            return drafts.edit_draft(version=form.instance, text=text, by=by, now=now)
        return drafts.start_draft(text=text, by=by, now=now)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service stored it already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A version has no related rows of its own."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        drafts.discard_draft(version=obj, by=person(request), now=clock.now())

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        return self._proposed(request, obj) or super().response_add(request, obj, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        return self._proposed(request, obj) or super().response_change(request, obj)

    def _proposed(self, request: HttpRequest, obj: ContractVersion) -> HttpResponse | None:
        if "_propose" not in request.POST:
            return None
        return self.attempt(
            request,
            obj,
            lambda: publishing.propose(version=obj, by=person(request), now=clock.now()),
            f"The contract {obj} is proposed; its owners are asked to sign.",
        )

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and one address for the buttons of a frozen version."""
        view = self.admin_site.admin_view
        name = "contracts_app_contractversion"
        own = [
            path("<int:pk>/do/", view(require_POST(self.button_view)), name=f"{name}_do"),
            path("judge/", view(require_POST(self.judge_view)), name=f"{name}_judge"),
            path("infer/", view(require_GET(self.infer_view)), name=f"{name}_infer"),
        ]
        return [*own, *super().get_urls()]

    def judge_view(self, request: HttpRequest) -> HttpResponse:
        """Judge a text as it is typed; nothing is stored."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        verdict = Verdict(request.POST.get("text", ""), clock.now())
        return render(request, "admin/contracts_app/_verdict.html", {"verdict": verdict})

    def button_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do what the pressed button says; the services decide who may."""
        version = self.get_object(request, str(pk))
        if version is None or not self.has_view_permission(request, version):
            raise PermissionDenied
        by, now = person(request), clock.now()
        do, _, role = request.POST.get("do", "").partition(" ")
        if do in ("draft", "back"):
            return self._new_draft(request, version, back=do == "back")
        press = pressed(do, version, role=role, by=by, given=request.POST, now=now)
        if press is None:
            raise PermissionDenied
        try:
            press.act()
        except MeshlineError as error:
            typed_again.keep(request, str(version.pk))
            refuse(request, error)
        else:
            messages.success(request, press.done)
        return HttpResponseRedirect(change_url(version))

    def _new_draft(
        self, request: HttpRequest, version: ContractVersion, *, back: bool
    ) -> HttpResponse:
        by, now = person(request), clock.now()
        try:
            if back:
                draft = retiring.roll_back(to=version, by=by, now=now)
            else:
                draft = drafts.draft_from_published(contract=version.contract, by=by, now=now)
        except MeshlineError as error:
            refuse(request, error)
            return HttpResponseRedirect(change_url(version))
        return HttpResponseRedirect(change_url(draft))

    def infer_view(self, request: HttpRequest) -> HttpResponse:
        """Guess a schema from stored events, with the evidence for each guess."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        contract, source = (
            request.GET.get(key, "").strip()[:120] for key in ("contract", "source")
        )
        asked = bool(contract or source)
        inferred = infer(facts.ask(NEWEST_PAYLOADS, contract, source) if asked else ())
        context = {
            **self.admin_site.each_context(request),
            "title": "Schema from stored events",
            "opts": self.opts,
            "contract": contract,
            "source": source,
            "asked": asked,
            "inferred": inferred,
            "schema": json.dumps(inferred.schema, indent=2, ensure_ascii=False),
        }
        return render(request, "admin/contracts_app/infer.html", context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: ContractVersion | None = None,
    ) -> HttpResponse:
        """Add what the buttons, the sign-offs, the examples and the verdict need."""
        context["shape"] = CONTRACT_SHAPE
        context["judge_url"] = reverse("admin:contracts_app_contractversion_judge")
        text = request.POST.get("text") or (obj.text if obj is not None else begun_text(request))
        context["begun"] = request.GET.get("inventory", "") if add and text else ""
        if obj is None or obj.state in (ContractState.DRAFT, ContractState.IN_REVIEW):
            days = days_of(request.GET.get("days", ""))
            context |= {"days": DAYS, "verdict": Verdict(
                text, clock.now(), days=days, with_traffic=obj is not None, budget_s=0.5
            ) if text else None}  # fmt: skip
        if obj is not None:
            context["page"] = ContractPage(request, obj)
            context["typed"] = typed_again.taken(request, str(obj.pk))
            context["drift"] = drift_of(obj.contract, beside=obj)
            context["do_url"] = reverse("admin:contracts_app_contractversion_do", args=[obj.pk])
            context["audit_url"] = list_url(AuditEntry, q=obj.contract.name)
        return super().render_change_form(request, context, add, change, form_url, obj)


def _owner(contract: Contract, role: OwnerRole) -> str:
    found = next((one for one in contract.ownerships.all() if one.role == role), None)
    return found.owner.title if found else "nobody"
