"""Which places of an event a flow reads to move money."""

from __future__ import annotations

from collections.abc import Iterator

from meshline.core.safejson import Json
from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.expressions import compile_expression, expressions_in
from orchestration.rules.flow_spec import AwaitStep, CallStep, FlowSpec


def money_paths(
    spec: FlowSpec, contract: str, *, catalog: Catalog = CATALOG
) -> set[tuple[str | None, ...]]:
    """Return the paths into a contract's payload that the flow's money reads.

    Its impact, and the arguments of every call that moves money. Of an awaited contract it is what
    such a call reads of the step's result, traced to the event through the step's own expressions.
    """
    read = [path for template in _money(spec, catalog) for path in _read(template)]
    found: set[tuple[str | None, ...]] = set()
    if spec.trigger.contract == contract:
        found |= {segments for name, segments in read if name == "event" and segments}
    for step in spec.steps:
        if isinstance(step, AwaitStep) and step.contract == contract:
            mine = [s[1:] for name, s in read if name == "steps" and s[:1] == (step.id,)]
            if mine and step.result is None:
                found |= {segments for segments in mine if segments}
            elif mine:
                found |= {s for name, s in _read(step.result) if name == "event" and s}
    return found


def _money(spec: FlowSpec, catalog: Catalog) -> Iterator[Json]:
    yield spec.impact
    for step in spec.steps:
        if isinstance(step, CallStep):
            operation = catalog.get(step.operation)
            if operation is not None and operation.money:
                yield step.arguments


def _read(template: Json) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    for _, text in expressions_in(template):
        for path in compile_expression(text).paths:
            yield path.name, path.segments
