"""Pages of versioned documents: drafts are edited as text, services judge and publish."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from contracts_app.admin.base import change_url, list_url, person, pre, refuse
from contracts_app.admin.checking import Checked, CheckedAdmin, findings_of
from contracts_app.admin.typed import TypedForm
from contracts_app.models import AuditEntry, DocumentState, VersionedDocument
from contracts_app.queries import clock
from contracts_app.services import documents
from contracts_app.services.documents import Kind
from meshline.core.errors import DocumentRefused, MeshlineError

R = TypeVar("R", bound=VersionedDocument)


@dataclass(frozen=True)
class Line:
    """One line of a difference: `sign` is "+", "-", "@" or ""."""

    sign: str
    text: str


class DocumentText(forms.CharField):
    """The text of a document; line ends become those that its author typed."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"rows": 36, "spellcheck": "false", "wrap": "off", "class": "document-text"}
        kwargs.setdefault("widget", forms.Textarea(attrs=attributes))
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class DocumentForm(TypedForm[Any]):
    """Edits a draft's text; every finding is told with its line."""

    kind: ClassVar[Kind[Any]]
    text = DocumentText(label="Document")

    class Meta:
        fields = ("text",)

    def clean_text(self) -> str:
        """Refuse what the check refuses, with `Publish` also against what is published now."""
        text: str = self.cleaned_data["text"]
        row = self.instance
        try:
            self.kind.check(
                text,
                references="_publish" in self.data,
                number=row.number if row.pk else None,
                name=row.name if row.pk else "",
            )
        except DocumentRefused as error:
            raise refusal(error) from None
        return text


class DocumentAdmin(CheckedAdmin[R]):
    """The pages of one kind of document; subclasses name the kind."""

    kind: ClassVar[Kind[Any]]
    skeleton: ClassVar[str] = ""
    change_form_template = "admin/contracts_app/document_form.html"
    list_display: Any = (
        "name",
        "number",
        "state",
        "title",
        "published_at",
        "published_by",
    )
    list_filter: ClassVar[Any] = ("state",)
    list_select_related: ClassVar[Any] = ("published_by", "created_by")
    search_fields: ClassVar[Any] = ("name", "title")
    ordering: ClassVar[Any] = ("name", "-number")
    identity: ClassVar[tuple[str, ...]] = (
        "name",
        "number",
        "state",
        "title",
        "created_by",
        "published_at",
        "published_by",
    )

    @property
    def _word(self) -> str:
        return self.kind.word.replace("_", " ")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """A form that knows the kind."""
        form = type("Form", (DocumentForm,), {"kind": self.kind})
        return super().get_form(request, obj, change=change, form=form, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A draft's text in a field; what is published to read."""
        if obj is None:
            return [(None, {"fields": ("text",)})]
        text = "text" if self.has_change_permission(request, obj) else "text_shown"
        return [(None, {"fields": (text,)}), ("Identity", {"fields": self.identity})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*self.identity, "text_shown")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"text": self.skeleton}

    @admin.display(description="Document")
    def text_shown(self, obj: VersionedDocument) -> str:
        """The document as it was published."""
        return pre(obj.text)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        return obj.state == DocumentState.DRAFT and self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Let the service store the draft."""
        text, by, now = form.cleaned_data["text"], person(request), clock.now()
        if change:
            return documents.edit_draft(self.kind, row=form.instance, text=text, by=by, now=now)
        return documents.start_draft(self.kind, text=text, by=by, now=now)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service stored it already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A document has no related rows of its own."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        documents.discard_draft(self.kind, row=obj, by=person(request), now=clock.now())

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        if "_publish" in request.POST:
            return self._publish(request, obj)
        return super().response_add(request, obj, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        return (
            self._publish(request, obj)
            if "_publish" in request.POST
            else super().response_change(request, obj)
        )

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and one address for each button of a published version."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/draft/", view(require_POST(self.draft_view)), name=f"{name}_draft"),
            path("<int:pk>/retire/", view(require_POST(self.retire_view)), name=f"{name}_retire"),
        ]
        return [*own, *super().get_urls()]

    def checked(self, text: str, row: R | None) -> Checked:
        """What the check refuses now, and what only when it is published."""
        number, name = (None, "") if row is None else (row.number, row.name)
        check = partial(self.kind.check, text, number=number, name=name)
        refused = findings_of(partial(check, references=False))
        return Checked(text, refused, refused or findings_of(partial(check, references=True)))

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Start a new draft from the published version, and show it."""
        row = self._row(request, pk)
        try:
            draft = documents.draft_from_published(
                self.kind, name=row.name, by=person(request), now=clock.now()
            )
        except MeshlineError as error:
            refuse(request, error)
            return HttpResponseRedirect(change_url(row))
        return HttpResponseRedirect(change_url(draft))

    def retire_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take the version out of service."""
        row = self._row(request, pk)
        return self.attempt(
            request,
            row,
            lambda: documents.retire_document(
                self.kind,
                row=row,
                by=person(request),
                reason=request.POST.get("reason", ""),
                now=clock.now(),
            ),
            f"The {self._word} {row} is retired.",
        )

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: R | None = None,
    ) -> HttpResponse:
        """Add what the buttons and the difference need."""
        context["document"] = None if obj is None else self._about(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _about(self, request: HttpRequest, row: R) -> dict[str, Any]:
        rows = self.model._default_manager.filter(name=row.name)
        before = rows.filter(number__lt=row.number).order_by("-number").first()
        editable = super().has_change_permission(request) and self._may(request, row)
        draft = rows.filter(state=DocumentState.DRAFT).first()
        second = self.kind.two_people and row.created_by_id == request.user.pk
        return {
            "word": self._word,
            "is_draft": row.state == DocumentState.DRAFT,
            "is_published": row.state == DocumentState.PUBLISHED,
            "may": editable,
            "other_draft": draft if draft and draft.pk != row.pk else None,
            "other_draft_url": change_url(draft) if draft else "",
            "needs_second": second,
            "before": before,
            "difference": list(difference(before.text, row.text)) if before else [],
            "audit_url": list_url(AuditEntry, q=row.name),
        }

    def _publish(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self.attempt(
            request,
            obj,
            lambda: documents.publish_document(
                self.kind, row=obj, by=person(request), now=clock.now()
            ),
            f"The {self._word} {obj} is published and serves from now on.",
        )

    def _row(self, request: HttpRequest, pk: int) -> Any:
        row = self.get_object(request, str(pk))
        if row is None or not super().has_change_permission(request):
            raise PermissionDenied
        return row

    def _may(self, request: HttpRequest, row: Any) -> bool:
        """Asked several times for one page, answered once."""
        known: dict[Any, bool] = request.__dict__.setdefault("_meshline_may", {})
        key = (type(row), row.pk)
        if key not in known:
            known[key] = documents.may_change(self.kind, row, person(request))
        return known[key]


def difference(old: str, new: str) -> Iterator[Line]:
    """The unified difference of two texts."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    for index, line in enumerate(lines):
        if index > 1:
            yield Line(line[0].strip(), line if line.startswith("@") else line[1:])


def refusal(error: DocumentRefused) -> forms.ValidationError:
    """The findings of a check as errors of a form's field."""
    found = [str(finding) for finding in error.findings] or [error.message]
    return forms.ValidationError(found[:100])
