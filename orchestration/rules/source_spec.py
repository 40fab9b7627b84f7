"""SourceSpec: a checked source document (source/v1), and what a delivery comes to by it.

Beyond what the sample source shows, a document may say: `title`, `description`; `events[].when`
left out (every delivery that no earlier rule took); `volatile`: JSON pointers into the body that
differ between attempts of one delivery (an attempt number) and are left out of its digest.
In scope of its expressions: `body`, `kind`, `occurred_at` (a timestamp), `source.name`,
`header('x-…')`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts_app.rules.shape import refuse_if
from meshline.core.yaml12 import Document
from orchestration.rules.contract_lookup import ContractLookup
from orchestration.rules.source_checks import check_source
from orchestration.rules.source_map import map_delivery
from orchestration.rules.source_model import EventRule, Mapped, SourceSpec, source_of

__all__ = [
    "EventRule",
    "Mapped",
    "SourceSpec",
    "default_source",
    "map_delivery",
    "parse_source",
    "source_of",
]


def parse_source(
    document: Document, *, contracts: ContractLookup | None = None, closed: bool = True
) -> SourceSpec:
    """Return the source in a document.

    `contracts` None: what it refers to is not looked at. `closed`: an unknown contract is refused,
    else only noted. Raises: DocumentRefused with every finding (path, line, message, remedy).
    """
    refuse_if(check_source(document, contracts=contracts, closed=closed), document, "source")
    return source_of(document.value)


def default_source(
    slug: str, *, scheme: str, contracts: Sequence[str], on_violation: str, system: str = ""
) -> dict[str, Any]:
    """Return the document of a source whose senders speak the contracts' own words.

    The whole body is the payload; with several contracts `body.type` names the one meant.
    """
    only = contracts[0] if len(contracts) == 1 else ""
    rules: list[dict[str, Any]] = [
        {"contract": name, "version": "*", "payload": "= body"}
        | ({} if only else {"when": f"kind == '{name}'"})
        for name in contracts
    ]
    return {
        "meshline": "source/v1",
        "name": slug,
        "title": slug.replace("-", " ").capitalize(),
        "system": system or slug,
        "scheme": scheme,
        "external_id": "= body.id",
        "kind": f"= string(body.?type.orValue('{only}'))",
        "occurred_at": "= timestamp(body.time)",
        "on_violation": on_violation,
        "events": rules,
    }
