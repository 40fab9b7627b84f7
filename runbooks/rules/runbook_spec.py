"""Parse a runbook document (runbook/v1) into a RunbookSpec: what people do, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contracts_app.rules.shape import refuse_if
from meshline.core import canonical
from meshline.core.durations import parse_duration
from meshline.core.safejson import Json
from meshline.core.yaml12 import Document
from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.contract_lookup import ContractLookup
from runbooks.rules.action_catalog import ACTIONS
from runbooks.rules.runbook_checks import check_runbook
from runbooks.rules.runbook_graph import targets_of


@dataclass(frozen=True)
class RunbookStep:
    """One step; `body` is its entry in the document."""

    id: str
    type: str
    title: str
    body: Mapping[str, Json]

    @property
    def action(self) -> str | None:
        """The action's slug, for a step that has one."""
        return self.body.get("action")

    @property
    def end(self) -> str | None:
        """How the execution ends after this step, or None."""
        return self.body.get("end")

    @property
    def targets(self) -> Mapping[str, str]:
        """Where it can lead: outcome, case or "next" to a step's id."""
        return targets_of(self.body)


@dataclass(frozen=True)
class RunbookSpec:
    """One checked version of a runbook."""

    name: str
    version: int
    title: str
    summary: str
    owner: str
    contracts: tuple[str, ...]
    failure_modes: tuple[str, ...]
    permissions: Mapping[str, tuple[str, ...]]
    start: str
    steps: tuple[RunbookStep, ...]
    review_every_days: int | None = None
    exclusive_on: str | None = None
    constants: Mapping[str, Json] = field(default_factory=dict)
    deadline: timedelta | None = None
    digest: str = ""

    def step(self, step_id: str) -> RunbookStep:
        """Return a step by its id. Raises: KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that people may press, in the order of the steps; the log is none."""
        named = (step.action for step in self.steps if step.action)
        return tuple(dict.fromkeys(slug for slug in named if not ACTIONS[slug].records))

    def may_run(self, role: str) -> bool:
        """Say whether the runbook itself lets a role work through it."""
        return role in self.permissions.get("run", ())


def parse_runbook(
    document: Document,
    *,
    contracts: ContractLookup | None = None,
    catalog: Catalog = CATALOG,
    closed: bool = True,
) -> RunbookSpec:
    """Return the runbook in a document.

    `contracts` None: they are not looked at. `closed`: an unknown contract is refused, else only
    noted. Raises: DocumentRefused with every finding (path, line, message, remedy).
    """
    findings = check_runbook(document, contracts=contracts, catalog=catalog, closed=closed)
    refuse_if(findings, document, "runbook")
    return runbook_of(document.value)


def runbook_of(value: Mapping[str, Any]) -> RunbookSpec:
    """Return the RunbookSpec of a document that was checked before."""
    return RunbookSpec(
        name=value["name"],
        version=int(value["version"]),
        title=value["title"],
        summary=value.get("summary", ""),
        owner=value["owner"],
        contracts=tuple(value["contracts"]),
        failure_modes=tuple(value["failure_modes"]),
        permissions={name: tuple(roles) for name, roles in value["permissions"].items()},
        start=value["start"],
        steps=tuple(
            RunbookStep(entry["id"], entry["type"], entry["title"], entry)
            for entry in value["steps"]
        ),
        review_every_days=value.get("review_every_days"),
        exclusive_on=value.get("exclusive_on"),
        constants=value.get("constants", {}),
        deadline=parse_duration(value["deadline"]) if "deadline" in value else None,
        digest=canonical.digest(value),
    )
