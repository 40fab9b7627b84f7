"""Runbooks as published now, what their texts mean, and which one a piece of trouble offers."""

from __future__ import annotations

from collections.abc import Collection

from contracts_app.models import DocumentState
from contracts_app.queries import documents
from contracts_app.queries.remembered import Remembered, document_of
from runbooks.models import RunbookVersion
from runbooks.rules.runbook_spec import RunbookSpec, parse_runbook

_specs: Remembered[tuple[int, str], RunbookSpec] = Remembered()


def runbook_spec(version: RunbookVersion) -> RunbookSpec:
    """Return what a version's text says; it was checked when it was published."""
    key = (version.pk, version.digest)
    return _specs.get(key, lambda: parse_runbook(document_of(version)))


def published_named(name: str) -> RunbookVersion:
    """Return the version of a runbook that serves now. Raises: NotFound."""
    return documents.published(RunbookVersion, name)


def published_names() -> frozenset[str]:
    """Return the names of the runbooks with a published version."""
    return documents.published_names(RunbookVersion)


def offered_for(*, reason: str, contract: str = "", first: str = "") -> list[RunbookVersion]:
    """Return the runbooks for trouble with this reason, the most fitting first.

    `first` is the one that the handoff's exception route names; then those that declare the reason
    for this contract; then those that declare it for any. Asked anew each time, so a runbook
    published in the administration is on the matching handoffs at once.
    """
    rows = RunbookVersion.objects.filter(state=DocumentState.PUBLISHED)
    fitting = rows.filter(failure_modes__contains=[reason])
    named = rows.filter(name=first) if first else rows.none()
    found = documents.newest_of(RunbookVersion, fitting | named)
    return sorted(found, key=lambda row: (row.name != first, contract not in row.contracts))


def for_contract(contract: str, *, also: Collection[str] = ()) -> list[RunbookVersion]:
    """Return the published runbooks that name the contract, and those named in `also`."""
    rows = RunbookVersion.objects.filter(state=DocumentState.PUBLISHED)
    fitting = rows.filter(contracts__contains=[contract]) | rows.filter(name__in=also)
    return documents.newest_of(RunbookVersion, fitting)
