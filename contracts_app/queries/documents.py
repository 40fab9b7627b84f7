"""Calendars, policies and rotas as published now, and what their texts mean."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from django.db.models import QuerySet

from contracts_app.models import BusinessCalendar, DocumentState, Rota, SlaPolicy, VersionedDocument
from contracts_app.queries.remembered import Remembered, document_of
from contracts_app.rules.business_time import Calendar
from contracts_app.rules.calendar_spec import calendar_of as read_calendar
from contracts_app.rules.rota_spec import RotaSpec, parse_rota
from contracts_app.rules.sla_policy_spec import SlaPolicySpec, policy_of
from meshline.core.errors import NotFound

R = TypeVar("R", bound=VersionedDocument)

# Which version serves is always asked; the rows themselves are frozen, so they are remembered.
_rows: Remembered[tuple[type[VersionedDocument], int, str], VersionedDocument] = Remembered()
_calendars: Remembered[tuple[int, str], Calendar] = Remembered()
_policies: Remembered[tuple[int, str], SlaPolicySpec] = Remembered()
_rotas: Remembered[tuple[int, str], RotaSpec] = Remembered()


def published(model: type[R], name: str) -> R:
    """Return the published version of a document. Raises: NotFound."""
    rows = model._default_manager.filter(name=name, state=DocumentState.PUBLISHED)
    newest = rows.order_by("-number").values_list("pk", "digest").first()
    if newest is None:
        word = model._meta.verbose_name
        raise NotFound(f"There is no published {word} {name}.", remedy="Publish it first.")
    return row_of(model, *newest)


def all_published(model: type[R]) -> list[R]:
    """Return the published version of every document of a kind, by name."""
    return newest_of(model, model._default_manager.filter(state=DocumentState.PUBLISHED))


def newest_of(model: type[R], rows: QuerySet[R]) -> list[R]:
    """Return the highest number of each name among frozen rows, by name."""
    listed = rows.order_by("name", "number").values_list("name", "pk", "digest")
    newest = {name: (pk, digest) for name, pk, digest in listed}
    return [row_of(model, pk, digest) for pk, digest in newest.values()]


def published_names(model: type[VersionedDocument]) -> frozenset[str]:
    """Return the names of the documents of a kind that have a published version."""
    rows = model._default_manager.filter(state=DocumentState.PUBLISHED)
    return frozenset(rows.values_list("name", flat=True))


def row_of(model: type[R], pk: int, digest: str) -> R:
    """Return a frozen row by its id, remembered. Its state is that of when it was read."""
    found = _rows.get((model, pk, digest), partial(model._default_manager.get, pk=pk))
    assert isinstance(found, model)  # noqa: S101 - the key holds the model
    return found


def calendar_of(row: BusinessCalendar) -> Calendar:
    """Return the opening hours that a calendar's version means."""
    return _calendars.get((row.pk, row.digest), lambda: read_calendar(row.body))


def policy_spec_of(row: SlaPolicy) -> SlaPolicySpec:
    """Return the promises that a policy's version means."""
    return _policies.get((row.pk, row.digest), lambda: policy_of(row.body))


def rota_spec_of(row: Rota) -> RotaSpec:
    """Return the turns that a rota's version means."""
    key = (row.pk, row.digest)
    return _rotas.get(key, lambda: parse_rota(document_of(row)))
