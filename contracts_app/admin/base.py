"""What all pages of the administration share; big tables are never counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from contracts_app.admin.typed import TypedAdmin, TypedPaginator
from meshline.core.errors import DocumentRefused, MeshlineError

M = TypeVar("M", bound=Model)
REFUSAL = "_meshline_refusal"


class GuardedAdmin(TypedAdmin[M]):
    """No bulk actions; what a service refuses is told on the page, and what was typed stays."""

    actions: Any = None
    save_as = False
    show_full_result_count = False
    list_per_page = 50

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show the form; a service's refusal is told on it."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except MeshlineError as error:
            return self._refused(request, error, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form; after a refusal one that says it and keeps what was typed."""
        form = super().get_form(request, *args, **kwargs)
        error = request.__dict__.get(REFUSAL)
        return form if error is None else _blamed(form, error)

    def _refused(
        self, request: HttpRequest, error: MeshlineError, *args: Any, **kwargs: Any
    ) -> Any:
        """Show the form again with the typed text; without one, tell it on a fresh page."""
        if request.POST.get("text"):
            request.__dict__[REFUSAL] = error
            with suppress(PermissionDenied):  # what was edited may be frozen by now
                return super().changeform_view(request, *args, **kwargs)
        refuse(request, error)
        return HttpResponseRedirect(request.get_full_path())

    def attempt(
        self, request: HttpRequest, obj: M, act: Callable[[], object], done: str
    ) -> HttpResponse:
        """Run what a button does, tell how it went, and show the object again."""
        try:
            act()
        except MeshlineError as error:
            refuse(request, error)
        else:
            messages.success(request, done)
        return HttpResponseRedirect(change_url(obj))


class ReadOnlyAdmin(GuardedAdmin[M]):
    """Rows to look at: nothing is added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UncountedPaginator(TypedPaginator[Any]):
    """Pages of a big table: reads one row more than a page shows, and never counts.

    `count` is what is known so far: all rows up to this page, and one more if there is one.
    """

    def __init__(self, rows: QuerySet[Any], per_page: int, *, number: int) -> None:
        super().__init__(rows, per_page)
        self.number = max(number, 1)

    @cached_property
    def rows(self) -> list[Any]:
        """The rows of this page, and the next one."""
        start = (self.number - 1) * self.per_page
        return list(self.object_list[start : start + self.per_page + 1])

    @cached_property
    def count(self) -> int:
        """How many rows are known to exist."""
        return (self.number - 1) * self.per_page + len(self.rows)

    def page(self, number: int | str) -> Page[Any]:
        """The page asked for; only this one is at hand."""
        return Page(self.rows[: self.per_page], self.validate_number(number), self)


class UncountedChangeList(ChangeList):
    """A list that says nothing about how many rows there are: nobody counted them."""

    uncounted = True

    def get_results(self, request: HttpRequest) -> None:
        """Read the page; what is known of the count is not shown beside the search field."""
        super().get_results(request)
        self.full_result_count = self.result_count


class UncountedAdmin(ReadOnlyAdmin[M]):
    """Read-only pages of a table that grows for ever."""

    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UncountedChangeList

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *_: Any) -> Any:
        """A paginator that never counts."""
        asked = request.GET.get("p", "1")
        return UncountedPaginator(queryset, per_page, number=int(asked) if asked.isdecimal() else 1)


def _blamed(form: Any, error: MeshlineError) -> Any:
    """A form of the same kind that is never valid, and says why."""

    def clean(self: Any) -> None:
        form.clean(self)
        self.add_error(None, f"{error.message} {error.remedy}".strip())

    return type(form)(form.__name__, (form,), {"clean": clean, "__module__": form.__module__})


def person(request: HttpRequest) -> User:
    """The account that asks; the administration lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def refuse(request: HttpRequest, error: MeshlineError) -> None:
    """Tell why something was refused, every finding in a message of its own."""
    messages.error(request, f"{error.message} {error.remedy}".strip())
    if isinstance(error, DocumentRefused) and len(error.findings) > 1:
        for finding in error.findings[:50]:
            messages.error(request, str(finding))


def change_url(obj: Model) -> str:
    """The address of an object's page in the administration."""
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
    return reverse(name, args=[obj.pk])


def list_url(model: type[Model], **filters: str) -> str:
    """The address of a list, filtered."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def shown_once(
    site: admin.AdminSite, request: HttpRequest, *, title: str, shown: Mapping[str, str], back: str
) -> HttpResponse:
    """A page that shows a secret this one time; no browser keeps it."""
    context = {**site.each_context(request), "title": title, "shown": shown, "back": back}
    # The administration's views are never cached: `no-store` is on every answer.
    return TemplateResponse(request, "admin/contracts_app/shown_once.html", context)


def pre(text: str) -> str:
    """Text as it was written, line breaks and all."""
    return format_html('<pre class="doc" tabindex="0">{}</pre>', text)
