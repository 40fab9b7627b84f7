"""Runbooks: what is special about them, for `contracts_app.services.documents`.

Draft, edit, publish and retire a runbook with the functions of that module and `RUNBOOK`.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts_app.models import Owner
from contracts_app.queries.registry import PublishedContracts
from contracts_app.rules.shape import refuse_if
from contracts_app.services.documents import Judged, Kind
from meshline.core.findings import Finding
from meshline.core.yaml12 import Document
from runbooks.models import RunbookVersion
from runbooks.rules.runbook_spec import RunbookSpec, parse_runbook


def _judge(document: Document, references: bool) -> Judged:
    spec = parse_runbook(document, contracts=PublishedContracts() if references else None)
    if references:
        refuse_if(list(_owner(document, spec)), document, "runbook")
    return Judged(
        name=spec.name,
        title=spec.title,
        columns={
            "contracts": list(spec.contracts),
            "failure_modes": list(spec.failure_modes),
            "owner": spec.owner,
        },
        contracts=tuple(spec.contracts),
        owners=(spec.owner,),
    )


def _owner(document: Document, spec: RunbookSpec) -> Iterator[Finding]:
    owner = Owner.objects.filter(name=spec.owner).first()
    if owner is None:
        yield document.finding(
            "/owner",
            f"There is no owner {spec.owner}.",
            "Choose one that is listed under Owners, or have it added there.",
        )
    elif owner.person is None and not owner.rota:
        yield document.finding(
            "/owner",
            f"The owner {spec.owner} leads to no person and no rota.",
            "Name a person or a rota for it under Owners.",
        )


RUNBOOK: Kind[RunbookVersion] = Kind("runbook", RunbookVersion, _judge, two_people=True)
