"""map_delivery(): what a delivery is, and the vendor's words turned into the contract's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from contracts_app.rules.validate import Violation
from meshline.core.pointers import build
from meshline.core.safejson import MAX_BYTES, Json
from orchestration.rules.expressions import (
    ABSENT,
    ExpressionFailed,
    check_size,
    compile_expression,
    evaluate,
    holds,
    is_expression,
    reading_headers,
)
from orchestration.rules.signature_schemes import folded
from orchestration.rules.source_model import EventRule, Mapped, SourceSpec

# A whole delivery handed on as it is, written with more spaces and digits than it came with.
MAX_MAPPED_BYTES = 2 * MAX_BYTES

Headers: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]


def map_delivery(
    spec: SourceSpec, *, headers: Headers, body: Json, delivery_id: str | None = None
) -> Mapped:
    """Say what a delivery is and map it. Never raises for what a sender can do."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    with reading_headers(folded(pairs)):
        return _Mapping(spec, body, delivery_id or "").mapped()


@dataclass
class _Mapping:
    """One delivery on its way through a source."""

    spec: SourceSpec
    body: Json
    delivery_id: str
    problems: list[Violation] = field(default_factory=list)

    def mapped(self) -> Mapped:
        self.scope: dict[str, Any] = {"body": self.body, "source": {"name": self.spec.name}}
        external_id = self._text(self.spec.external_id) or self.delivery_id
        kind = self._text(self.spec.kind)
        occurred_at = self._time()
        self.scope["kind"] = kind
        if occurred_at is not None:
            self.scope["occurred_at"] = occurred_at
        if any(fnmatchcase(kind, pattern) for pattern in self.spec.ignore):
            return Mapped(external_id, kind, occurred_at, "ignored")
        rule = self._rule()
        if rule is None:
            if not self.problems:
                self._problem("", f"No rule of the source {self.spec.name} takes this kind")
            unmatched = Mapped(external_id, kind, occurred_at, "unmatched")
            return replace(unmatched, problems=tuple(self.problems))
        payload = self._fill(rule.payload, ())
        try:
            check_size(payload, "a mapped payload", most=MAX_MAPPED_BYTES)
        except ExpressionFailed as error:
            self._problem("", error.message.rstrip("."))
        return Mapped(
            external_id=external_id,
            kind=kind,
            occurred_at=occurred_at,
            disposition="event",
            contract=rule.contract,
            version_range=rule.version,
            payload=None if payload is ABSENT else payload,
            own_write=self._own_write(rule),
            problems=tuple(self.problems),
        )

    def _rule(self) -> EventRule | None:
        for rule in self.spec.events:
            try:
                if rule.when is None or holds(rule.when, self.scope, context="source"):
                    return rule
            except ExpressionFailed as error:
                self._problem("", error.message.rstrip("."))
        return None

    def _own_write(self, rule: EventRule) -> bool:
        guard = self.spec.own_writes if rule.own_writes is None else rule.own_writes
        try:
            return guard is not None and holds(guard, self.scope, context="source")
        except ExpressionFailed as error:
            self._problem("", error.message.rstrip("."))
            return False

    def _fill(self, template: Json, at: tuple[str | int, ...]) -> Json:
        """Render a template; a leaf that fails is left out and told with its path."""
        if is_expression(template):
            try:
                expression = compile_expression(template, context="source")
                return expression.evaluate_optional(self.scope)
            except ExpressionFailed as error:
                self._problem(build(at), error.message.rstrip("."))
                return ABSENT
        if isinstance(template, Mapping):
            filled = {key: self._fill(child, (*at, key)) for key, child in template.items()}
            return {key: value for key, value in filled.items() if value is not ABSENT}
        if isinstance(template, list):
            items = [self._fill(child, (*at, index)) for index, child in enumerate(template)]
            return [item for item in items if item is not ABSENT]
        return template

    def _text(self, expression: str) -> str:
        if not is_expression(expression):
            return expression
        try:
            value = evaluate(expression, self.scope, context="source")
        except ExpressionFailed:
            return ""
        if isinstance(value, str):
            return value
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if is_number else ""

    def _time(self) -> datetime | None:
        if self.spec.occurred_at is None:
            return None
        try:
            told = datetime.fromisoformat(self._text(self.spec.occurred_at))
        except ValueError:
            return None
        return told if told.tzinfo is not None else None

    def _problem(self, path: str, sentence: str) -> None:
        self.problems.append(Violation(path, "mapping", sentence))
