"""What an import would change: judged before anything is stored, and bound by a digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from contracts_app.rules.inventory.entry import COLUMNS, FlowEntry, entry_of
from contracts_app.rules.inventory.sheet import CellProblem, Sheet, SheetRow, UnknownColumn
from meshline.core import canonical
from meshline.core.errors import BadValue


@dataclass(frozen=True)
class CellChange:
    """One cell that an import would change."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class NewFlow:
    """A row that becomes a flow."""

    row: int
    entry: FlowEntry


@dataclass(frozen=True)
class ChangedFlow:
    """A row that changes a flow, and which of its cells."""

    row: int
    entry: FlowEntry
    before: FlowEntry
    cells: tuple[CellChange, ...]


@dataclass(frozen=True)
class ImportPlan:
    """What a file would do to the inventory as it stands. Flows that it does not name stay."""

    new: tuple[NewFlow, ...]
    changed: tuple[ChangedFlow, ...]
    same: tuple[str, ...]
    problems: tuple[CellProblem, ...]
    unknown: tuple[UnknownColumn, ...]

    @property
    def refused_rows(self) -> int:
        """How many rows are left out."""
        return len({problem.row for problem in self.problems})

    @property
    def steps(self) -> int:
        """How many flows would be added or changed."""
        return len(self.new) + len(self.changed)

    @cached_property
    def digest(self) -> str:
        """If this is the same, what is pressed is what was shown."""
        return canonical.digest(
            {
                "new": [one.entry.cells() for one in self.new],
                "changed": [[one.before.digest, one.entry.cells()] for one in self.changed],
                "same": list(self.same),
                "refused": [str(problem) for problem in self.problems],
            }
        )


def plan_import(sheet: Sheet, known: Mapping[str, FlowEntry]) -> ImportPlan:
    """Return what a file would do; `known` are the flows that it names, by name."""
    new: list[NewFlow] = []
    changed: list[ChangedFlow] = []
    same: list[str] = []
    problems = list(sheet.problems)
    for row in sheet.rows:
        before = known.get(row.cells["name"])
        try:
            entry = entry_of(row.cells, before=before)
        except BadValue as error:
            problems.append(_whole(row, error))
            continue
        if before is None:
            new.append(NewFlow(row.row, entry))
        elif before.digest == entry.digest:
            same.append(entry.name)
        else:
            changed.append(ChangedFlow(row.row, entry, before, changes(before, entry)))
    problems.sort(key=lambda problem: problem.row)
    return ImportPlan(tuple(new), tuple(changed), tuple(same), tuple(problems), sheet.unknown)


def changes(before: FlowEntry, after: FlowEntry) -> tuple[CellChange, ...]:
    """Return the cells in which two states of a flow differ."""
    old, new = before.cells(), after.cells()
    return tuple(
        CellChange(column, old[column], new[column])
        for column in COLUMNS
        if old[column] != new[column]
    )


def _whole(row: SheetRow, error: BadValue) -> CellProblem:
    return CellProblem(row.row, "", row.cells["name"], error.message, error.remedy)
