"""Which identifiers are one: by two indexes, and only where anything was merged at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from contracts_app.queries.standing import Standing
from contracts_app.rules.identifiers import KINDS
from meshline.core.errors import NotFound
from orchestration.models import Event, IdMerge, Run
from orchestration.rules.merging import DEEPEST, MOST, Family

MOST_SHOWN = 20

_FAMILY = """
WITH RECURSIVE up (id, steps) AS (
  SELECT %(id)s::text, 0
  UNION ALL
  SELECT m."into", steps + 1 FROM up JOIN orchestration_idmerge m
      ON m.kind = %(kind)s AND m.merged = up.id AND m.ended_at IS NULL
   WHERE steps < %(deepest)s
), down (id, steps) AS (
  (SELECT id, 0 FROM up ORDER BY steps DESC LIMIT 1)
  UNION ALL
  SELECT m.merged, steps + 1 FROM down JOIN orchestration_idmerge m
      ON m.kind = %(kind)s AND m."into" = down.id AND m.ended_at IS NULL
   WHERE steps < %(deepest)s
)
SELECT id, steps FROM down ORDER BY steps, id LIMIT %(most)s
"""
_KINDS = """
SELECT k.kind FROM unnest(%s::text[]) AS k (kind)
 WHERE EXISTS (SELECT 1 FROM orchestration_idmerge m WHERE m.kind = k.kind AND ended_at IS NULL)
"""


@dataclass(frozen=True)
class Joined:
    """What a merge brings together: the ids that are one, and their tickets and runs."""

    family: Family
    tickets: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def others(self) -> tuple[str, ...]:
        """The ids that are led to the one that stands for all."""
        return tuple(name for name in self.family.steps if name != self.family.root)


def family_of(kind: str, name: str) -> Family:
    """Return the ids that are one with this one; itself alone if nothing was merged."""
    with connection.cursor() as cursor:
        bounds = {"deepest": DEEPEST, "most": MOST}
        cursor.execute(_FAMILY, {"kind": kind, "id": name, **bounds})
        steps = dict(cursor.fetchall())
    return Family(next(iter(steps)), steps)


def names_of(kind: str, name: str) -> tuple[str, ...]:
    """Return every id that is one with this one, itself included; nothing for an empty one."""
    return tuple(family_of(kind, name).steps) if name else ()


def widened(kind: str, keys: Iterable[str], standing: Standing) -> tuple[str, ...]:
    """Return the keys with those that are one with them.

    For ingest: where no merge of the kind is in effect, which is remembered under the registry's
    stamp, nothing is asked.
    """
    own = tuple(keys)
    if not kind or not own or kind not in standing.ask("merged kinds", _merged_kinds):
        return own
    found = [name for key in own for name in names_of(kind, key)]
    return tuple(dict.fromkeys((*own, *found)))


def listed(*, text: str = "", kind: str = "", ended: bool = False) -> QuerySet[IdMerge]:
    """Return the merges in effect, or those taken back, newest first; `text` is an id or ticket."""
    rows = IdMerge.objects.filter(ended_at__isnull=not ended)
    if kind:
        rows = rows.filter(kind=kind)
    if text:
        words = {text, text.lower()}
        rows = rows.filter(Q(merged__in=words) | Q(into__in=words) | Q(ticket__in=words))
    return rows.order_by("-pk")


def merge_with_id(pk: UUID) -> IdMerge:
    """Return a merge. Raises: NotFound."""
    found = IdMerge.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such merge.", remedy="Look in the list of merges.")
    return found


def joined(kind: str, *names: str) -> Joined:
    """Return what is known of the families of these ids; each list is bounded."""
    families = [family_of(kind, name) for name in names]
    everybody = [one for family in families for one in family.steps]
    # A cart has no column of its own: contracts that follow one correlate by it.
    column = "correlation" if kind == "cart" else kind
    events = Event.objects.filter(**{f"{column}__in": everybody})
    newest = list(events.order_by("-pk").values_list("pk", "ticket")[: MOST_SHOWN * 10])
    tickets = tuple(dict.fromkeys(ticket for _, ticket in newest if ticket))[:MOST_SHOWN]
    runs = Run.objects.filter(event_id__in=[pk for pk, _ in newest], internal=False)
    return Joined(families[0], tickets, tuple(runs.order_by("-pk")[:MOST_SHOWN]))


def _merged_kinds() -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute(_KINDS, [list(KINDS)])
        return frozenset(kind for (kind,) in cursor.fetchall())
