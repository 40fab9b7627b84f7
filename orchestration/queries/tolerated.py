"""What temporary tolerances have let through, and what none may: paths that money steps read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from contracts_app.queries.documents import all_published
from meshline.core.pointers import build
from orchestration.models import FlowVersion, ToleratedEvent
from orchestration.queries.documents import flow_spec
from orchestration.rules.money_paths import money_paths

COUNTED = 1_000


def money_paths_of(contract: str) -> tuple[str, ...]:
    """Return the places of a contract's payload that published flows read to move money."""
    found: dict[str, None] = {}
    for version in all_published(FlowVersion):
        found |= dict.fromkeys(_pointers(money_paths(flow_spec(version), contract)))
    return tuple(found)


def counts(tolerances: Iterable[int]) -> dict[int, int]:
    """Return how many events each has let through; counting ends at 1,000 of each."""
    return {
        pk: ToleratedEvent.objects.filter(tolerance_id=pk).order_by("-id")[: COUNTED + 1].count()
        for pk in tolerances
    }


def marks_of(events: Iterable[UUID]) -> dict[UUID, ToleratedEvent]:
    """Return the marks of those among these events that a tolerance let through; one query."""
    rows = ToleratedEvent.objects.filter(event_id__in=list(events)).order_by("id")
    return {row.event_id: row for row in rows}


def _pointers(paths: Iterable[tuple[str | None, ...]]) -> Iterator[str]:
    for path in paths:
        yield build("*" if step is None or step.isdigit() else step for step in path)
