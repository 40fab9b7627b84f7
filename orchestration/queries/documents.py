"""Sources and flows as they stand now, and what their texts mean."""

from __future__ import annotations

from contracts_app.models import DocumentState, Source
from contracts_app.queries.documents import newest_of, published
from contracts_app.queries.remembered import Remembered, document_of
from contracts_app.queries.standing import Standing
from orchestration.models import FlowVersion
from orchestration.rules.flow_parse import parse_flow
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.source_spec import SourceSpec, parse_source

_sources: Remembered[str, SourceSpec] = Remembered()
_flows: Remembered[tuple[int, str], FlowSpec] = Remembered()


def source_spec(source: Source) -> SourceSpec:
    """Return what a source's document says; parsed once per text, so an edit counts at once."""
    return _sources.get(source.digest, lambda: parse_source(document_of(source)))


def flow_spec(version: FlowVersion) -> FlowSpec:
    """Return the flow that a version's text declares; it was checked when it was published."""
    key = (version.pk, version.digest)
    return _flows.get(key, lambda: parse_flow(document_of(version)))


def published_flows(trigger: str) -> list[FlowVersion]:
    """Return the flows that a contract's events start, one version of each, by name.

    Asked anew each time: a flow published elsewhere counts from the next event on.
    """
    rows = FlowVersion.objects.filter(trigger=trigger, state=DocumentState.PUBLISHED)
    return newest_of(FlowVersion, rows)


def triggered_flows(trigger: str, standing: Standing) -> tuple[FlowVersion, ...]:
    """Return the same for a delivery, remembered as long as the registry stands."""
    return standing.ask(("flows", trigger), lambda: tuple(published_flows(trigger)))


def published_flow(name: str) -> FlowVersion:
    """Return the version of a flow that serves now. Raises: NotFound."""
    return published(FlowVersion, name)
