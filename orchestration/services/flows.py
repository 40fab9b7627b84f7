"""Flows: what is special about them, for `contracts_app.services.documents`.

Draft, edit, publish and retire a flow with the functions of that module and `FLOW`.
"""

from __future__ import annotations

from collections.abc import Collection

from contracts_app.queries.golive import PUBLISHED_RUNBOOKS
from contracts_app.queries.registry import PublishedContracts
from contracts_app.rules import facts
from contracts_app.services.documents import Judged, Kind
from meshline.core.errors import NotFound
from meshline.core.yaml12 import Document
from orchestration.models import FlowVersion
from orchestration.queries.documents import flow_spec, published_flow
from orchestration.rules.flow_parse import parse_flow
from orchestration.rules.flow_spec import FlowSpec


def _judge(document: Document, references: bool) -> Judged:
    runbooks: Collection[str] | None = None
    if references:
        runbooks = facts.ask(PUBLISHED_RUNBOOKS, default=frozenset[str]())
    spec = parse_flow(
        document,
        contracts=PublishedContracts() if references else None,
        runbooks=runbooks,
        previous=_serving(document),
    )
    return Judged(
        name=spec.name,
        title=spec.title,
        columns={"trigger": spec.trigger.contract},
        contracts=(spec.trigger.contract,),
        owners=tuple(spec.owner.values()),
    )


def _serving(document: Document) -> FlowSpec | None:
    """The version that this one follows: no effect may lose its key."""
    value = document.value
    name = value.get("name") if isinstance(value, dict) else None
    try:
        return flow_spec(published_flow(name)) if isinstance(name, str) else None
    except NotFound:
        return None


FLOW: Kind[FlowVersion] = Kind("flow", FlowVersion, _judge, two_people=True)
