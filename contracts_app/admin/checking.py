"""What the check says of a text, beside it and as it is typed; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from contracts_app.admin.base import GuardedAdmin
from meshline.core.errors import DocumentRefused, MeshlineError
from meshline.core.findings import Finding
from meshline.core.places import Place, places

M = TypeVar("M", bound=Model)
PANEL = "admin/contracts_app/_checked.html"
MOST = 200


@dataclass(frozen=True)
class Told:
    """A finding, and the stretch of text that it means; None if it has no line."""

    finding: Finding
    place: Place | None


@dataclass(frozen=True)
class Checked:
    """What keeps a text from being saved, and what would keep it from being published."""

    text: str
    refused: list[Finding]
    later: list[Finding] = field(default_factory=list)
    publishes: bool = True

    @property
    def told(self) -> list[Told]:
        """What to mend first, with its places."""
        return told(self.text, self.refused or self.later)


class CheckedAdmin(GuardedAdmin[M]):
    """Pages of a text with the check's answer beside it; subclasses say what the check is."""

    shape: ClassVar[dict[str, Any] | None] = None

    def checked(self, text: str, row: M | None) -> Checked:
        """Check a text, as a new one or as that of a row."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and where a text is checked as it is typed."""
        view = self.admin_site.admin_view(require_POST(self.judge_view))
        return [path("judge/", view, name=self._named("judge")), *super().get_urls()]

    def judge_view(self, request: HttpRequest) -> HttpResponse:
        """Check a text as it is typed; nothing is stored."""
        of = request.GET.get("of", "")
        row = self.get_object(request, of) if of else None
        if not self.has_view_permission(request, row) or (of and row is None):
            raise PermissionDenied
        said = self.checked(request.POST.get("text", ""), row)
        return render(request, PANEL, {"checked": said})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        """Add what the check says of the text that the page shows, if it can be edited."""
        context["shape"] = self.shape
        if add or self.has_change_permission(request, obj):
            initial = self.get_changeform_initial_data(request).get("text", "")
            text = request.POST.get("text") or (
                initial if obj is None else getattr(obj, "text", "")
            )
            url = reverse(f"admin:{self._named('judge')}")
            context["judge_url"] = url if obj is None else f"{url}?of={obj.pk}"
            context["checked"] = self.checked(str(text).replace("\r\n", "\n"), obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _named(self, verb: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{verb}"


def told(text: str, findings: list[Finding]) -> list[Told]:
    """The findings with their places, as many as anybody reads."""
    shown = findings[:MOST]
    return [Told(*both) for both in zip(shown, places(text, shown), strict=True)]


def findings_of(check: Callable[[], object]) -> list[Finding]:
    """What a check refuses; nothing if it passes."""
    try:
        check()
    except DocumentRefused as refused:
        return list(refused.findings) or [Finding("", 0, refused.message, refused.remedy)]
    except MeshlineError as error:
        return [Finding("", 0, error.message, error.remedy)]
    return []
