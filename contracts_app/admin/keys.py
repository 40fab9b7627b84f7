"""Pages of API keys: issued here, shown once, revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from contracts_app.admin.base import GuardedAdmin, list_url, person, shown_once
from contracts_app.admin.typed import TypedForm
from contracts_app.models import ApiKey, Source
from contracts_app.queries import clock
from contracts_app.services.credentials import READ_SCOPES, issue_key, revoke_key


class ApiKeyForm(TypedForm[ApiKey]):
    """What a key is for, what it may do, until when."""

    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Source.objects.exclude(scheme="internal").values_list("name", flat=True)
        ingest = [(f"ingest:{name}", f"Send events to {name}") for name in names]
        if "scopes" in self.fields:
            self.fields["scopes"].choices = [*ingest, *READ_SCOPES.items()]  # type: ignore[attr-defined]


@admin.register(ApiKey)
class ApiKeyAdmin(GuardedAdmin[ApiKey]):
    """Bearer keys; only a digest of each is kept."""

    form = ApiKeyForm
    change_form_template = "admin/contracts_app/key_form.html"
    list_display = ("name", "key_id", "may", "live", "last_used_at", "expires_at", "created_by")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "key_id")
    list_select_related = ("created_by",)
    _shown = (
        "name",
        "key_id",
        "may",
        "live",
        "created_at",
        "created_by",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "scopes", "expires_at") if obj is None else self._shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self._shown

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Let the service issue the key; its secret travels on the row for one answer."""
        values = form.cleaned_data
        issued = issue_key(
            name=values["name"],
            scopes=values["scopes"],
            expires_at=values["expires_at"],
            by=person(request),
            now=clock.now(),
        )
        row = ApiKey.objects.get(key_id=issued["id"])
        row.issued = issued["key"]  # type: ignore[attr-defined]
        return row

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service stored it already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A key has no related rows."""

    def response_add(self, request: HttpRequest, obj: Any, *_: Any, **__: Any) -> HttpResponse:
        shown = {"Key": obj.issued, "Send it as": f"Authorization: Bearer {obj.issued}"}
        return shown_once(
            self.admin_site,
            request,
            title=f"API key {obj.name}",
            shown=shown,
            back=list_url(ApiKey),
        )

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and revoking."""
        view = self.admin_site.admin_view(require_POST(self.revoke_view))
        return [
            path("<int:pk>/revoke/", view, name="contracts_app_apikey_revoke"),
            *super().get_urls(),
        ]

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End the key."""
        key = self.get_object(request, str(pk))
        if key is None or not self.has_change_permission(request):
            raise PermissionDenied
        return self.attempt(
            request,
            key,
            lambda: revoke_key(key=key, by=person(request), now=clock.now()),
            f"The key {key.name} is revoked; it is refused from its next use.",
        )

    @admin.display(description="May")
    def may(self, obj: ApiKey) -> str:
        """Its scopes."""
        return ", ".join(obj.scopes)

    @admin.display(description="Live", boolean=True)
    def live(self, obj: ApiKey) -> bool:
        """Whether it would be accepted now."""
        return obj.revoked_at is None and (obj.expires_at is None or obj.expires_at > clock.now())
