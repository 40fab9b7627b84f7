"""Pages of deputations: name a deputy with an end, or end one now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from contracts_app.admin.base import GuardedAdmin, person
from contracts_app.admin.typed import TypedForm
from contracts_app.models import Deputation
from contracts_app.queries import clock
from contracts_app.services import deputies


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """People by their names."""

    def label_from_instance(self, obj: User) -> str:
        """The full name, with the login where two may share it."""
        name = obj.get_full_name()
        return f"{name} ({obj.username})" if name else obj.username


class DeputationForm(TypedForm[Deputation]):
    """For whom, who, from when and until when; the end may not be left out."""

    deputy = PersonChoice(
        User.objects.filter(is_active=True, is_staff=True).order_by("last_name", "username")
    )

    class Meta:
        model = Deputation
        fields = ("owner", "deputy", "starts_at", "ends_at", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "starts_at" in self.fields:
            self.fields["starts_at"].required = False
            self.fields["starts_at"].help_text = "Leave it empty to begin at once."


@admin.register(Deputation)
class DeputationAdmin(GuardedAdmin[Deputation]):
    """Who signs for an owner, from when, until when."""

    form = DeputationForm
    change_form_template = "admin/contracts_app/deputation_form.html"
    list_display = ("owner", "deputy", "starts_at", "ends_at", "stands", "reason", "named_by")
    search_fields = ("owner__name", "owner__title", "deputy__username", "deputy__last_name")
    list_select_related = ("owner", "deputy")

    @admin.display(description="Stands")
    def stands(self, obj: Deputation) -> str:
        """Whether it runs at this moment."""
        now = clock.now()
        if obj.ends_at <= now:
            return "over"
        return "runs" if obj.starts_at <= now else "still to come"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["owner", "deputy", "starts_at", "ends_at", "reason"]
        return fields if obj is None else [*fields, "stands", "named_by", "named_at"]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Let the service decide who may, and store it."""
        given = form.cleaned_data
        return deputies.name_deputation(**given, by=person(request), now=clock.now())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service stored it already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A deputation has no related rows of its own."""

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and the button that ends one."""
        view = self.admin_site.admin_view(require_POST(self.end_view))
        name = "contracts_app_deputation_end"
        return [path("<int:pk>/end/", view, name=name), *super().get_urls()]

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End it now; the service decides who may."""
        row = self.get_object(request, str(pk))
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        by, now = person(request), clock.now()
        return self.attempt(
            request,
            row,
            lambda: deputies.end_deputation(deputation=row, by=by, now=now),
            f"{row.deputy} signs for {row.owner} no more.",
        )
