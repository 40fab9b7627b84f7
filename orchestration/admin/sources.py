"""Pages of sources: their document as text, their signing secrets never shown again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from contracts_app.admin.base import change_url, person, pre, refuse, shown_once
from contracts_app.admin.checking import Checked, CheckedAdmin, findings_of
from contracts_app.admin.documents import DocumentText, refusal
from contracts_app.admin.typed import TypedForm, TypedInline
from contracts_app.models import Source, WebhookSecret
from contracts_app.queries import clock
from contracts_app.services import sources as stored
from meshline.core.errors import DocumentRefused, MeshlineError
from orchestration.rules.source_checks import SOURCE_SHAPE
from orchestration.services import sources

OVERLAP = timedelta(hours=24)  # long enough to change the secret at the sender


class SourceForm(TypedForm[Source]):
    """Edits a source's document; every finding is told with its line."""

    text = DocumentText(label="Source")

    class Meta:
        model = Source
        fields = ("text", "enabled")

    def clean_text(self) -> str:
        """Refuse what the check refuses, held against the contracts published now."""
        text: str = self.cleaned_data["text"]
        try:
            sources.judge(text)
        except DocumentRefused as error:
            raise refusal(error) from None
        return text


class SecretInline(TypedInline[WebhookSecret, Source]):
    """A source's signing secrets: how they end, how old they are."""

    model = WebhookSecret
    fields = ("ends_in", "created_at", "expires_at")
    readonly_fields = fields
    extra = 0
    can_delete = False
    verbose_name_plural = "Signing secrets"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Secret")
    def ends_in(self, row: WebhookSecret) -> str:
        """Its last four characters."""
        return f"…{row.hint}"


@admin.register(Source)
class SourceAdmin(CheckedAdmin[Source]):
    """Where events come in, how they are proved, what becomes of bad ones."""

    form = SourceForm
    shape = SOURCE_SHAPE
    change_form_template = "admin/orchestration/source_form.html"
    list_display = ("name", "title", "scheme", "on_violation", "enabled", "secrets", "updated_at")
    list_filter = ("scheme", "on_violation", "enabled")
    search_fields = ("name", "title")
    list_select_related = True
    inlines = (SecretInline,)
    _shown = ("name", "scheme", "on_violation", "address", "digest", "updated_at")

    def checked(self, text: str, row: Source | None) -> Checked:
        """Check the text as saving it would."""
        return Checked(text, findings_of(lambda: sources.judge(text)), publishes=False)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("secrets")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("text",)})]
        text = "text" if self.has_change_permission(request, obj) else "text_shown"
        return [(None, {"fields": (text, "enabled")}), ("Identity", {"fields": self._shown})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*self._shown, "text_shown")

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None or obj.scheme in stored.WITHOUT_SECRET else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Let the services store the document and the switch."""
        by, now = person(request), clock.now()
        known = form.instance if change else None
        row = sources.save_source(text=form.cleaned_data["text"], source=known, by=by, now=now)
        if change and row.enabled != form.cleaned_data["enabled"]:
            stored.switch_source(source=row, enabled=form.cleaned_data["enabled"], by=by, now=now)
        return row

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The services stored it already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Secrets are made by their button."""

    def response_add(
        self, request: HttpRequest, obj: Source, post_url_continue: str | None = None
    ) -> HttpResponse:
        found = stored.secrets_of(obj, clock.now())
        if not found:
            return super().response_add(request, obj, post_url_continue)
        return self._secret(request, obj, found[0])

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and a new signing secret."""
        view = self.admin_site.admin_view(require_POST(self.roll_view))
        return [path("<int:pk>/roll/", view, name="contracts_app_source_roll"), *super().get_urls()]

    def roll_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a new signing secret, shown this one time; the old one lives on for a day."""
        source = self.get_object(request, str(pk))
        if source is None or not self.has_change_permission(request, source):
            raise PermissionDenied
        try:
            fresh = stored.roll_secret(
                source=source, overlap=OVERLAP, by=person(request), now=clock.now()
            )
        except MeshlineError as error:
            refuse(request, error)
            return self.response_post_save_change(request, source)
        return self._secret(request, source, fresh)

    def _secret(self, request: HttpRequest, source: Source, secret: str) -> HttpResponse:
        return shown_once(
            self.admin_site,
            request,
            title=f"Signing secret of {source}",
            shown={"Secret": secret, "Scheme": source.scheme, "Send to": _address(source)},
            back=change_url(source),
        )

    @admin.display(description="Source")
    def text_shown(self, obj: Source) -> str:
        """The document, to read."""
        return pre(obj.text)

    @admin.display(description="Address")
    def address(self, obj: Source) -> str:
        """Where its senders post."""
        return format_html("<code>{}</code>", _address(obj))

    @admin.display(description="Live secrets")
    def secrets(self, obj: Source) -> str:
        """How many signing secrets are accepted now."""
        if obj.scheme in stored.WITHOUT_SECRET:
            return "none needed"
        now = clock.now()
        live = [s for s in obj.secrets.all() if s.expires_at is None or s.expires_at > now]
        return ", ".join(f"…{secret.hint}" for secret in live) or "none"


def _address(source: Source) -> str:
    return f"{settings.CONSOLE_URL}/api/v1/ingest/{source.name}"
