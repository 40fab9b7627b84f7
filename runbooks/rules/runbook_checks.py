"""Check a runbook document (runbook/v1): shape, ways, actions, forms, expressions, texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts_app.rules.schema_paths import Schema, any_of, look_up
from contracts_app.rules.shape import shape_findings, with_lines
from contracts_app.rules.validate import compile_schema
from meshline.core.durations import parse_duration
from meshline.core.errors import BadValue, SchemaRefused
from meshline.core.findings import Finding, refusals
from meshline.core.pointers import get
from meshline.core.yaml12 import Document
from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.contract_lookup import ContractLookup
from orchestration.rules.document_parts import part_findings
from orchestration.rules.expression_checks import Scope
from orchestration.rules.expression_tree import Path
from orchestration.rules.flow_scope import (
    CUSTOMER,
    RUN_SEEN_FROM_OUTSIDE,
    TICKET,
    object_of,
    shape_of,
)
from orchestration.rules.references import References
from runbooks.rules.action_catalog import ACTIONS
from runbooks.rules.placeholders import places_in
from runbooks.rules.runbook_graph import graph_findings
from runbooks.rules.runbook_schema import RUNBOOK_HEAD, STEPS

EXECUTION: Schema = object_of(
    {"id": {"type": "string"}, "started_by": {"type": "string"}, "state": {"type": "string"}}
)
# What people read, and may hold place-holders.
_TEXTS = ("title", "text", "description", "confirm", "script")


def check_runbook(
    document: Document,
    *,
    contracts: ContractLookup | None = None,
    catalog: Catalog = CATALOG,
    closed: bool = True,
) -> list[Finding]:
    """Return everything that is wrong or doubtful with a runbook document, sorted by line."""
    findings = shape_findings(RUNBOOK_HEAD, document)
    if not refusals(findings):
        for index in range(len(document.value["steps"])):
            findings += _step_shape(document, f"/steps/{index}")
    if not refusals(findings):
        findings += _durations(document)
    if refusals(findings):
        return sorted(findings, key=lambda finding: (finding.line, finding.path))
    check = _Check(document.value, References(catalog, contracts, None, closed))
    return with_lines(list(check.findings()), document)


def _step_shape(document: Document, at: str) -> list[Finding]:
    kind = get(document.value, f"{at}/type")
    if kind not in STEPS:
        shown = "no type" if kind is None else f"the unknown type {kind!r}"
        message = f"This step has {shown}."
        return [document.finding(at, message, f"Give it one of: {', '.join(STEPS)}.")]
    return part_findings(STEPS[kind], document, at)


def _durations(document: Document) -> Iterator[Finding]:
    places = ["/deadline"]
    for index, step in enumerate(document.value["steps"]):
        at = f"/steps/{index}"
        places += [f"{at}/{key}" for key in ("expires", "for", "within", "attempts/backoff")]
        places += [f"{at}/success_when/within"]
        places += [f"{at}/checks/{number}/within" for number in range(len(step.get("checks", ())))]
    for place in places:
        text = get(document.value, place)
        try:
            if text is not None:
                parse_duration(text)
        except BadValue as error:
            yield document.finding(place, error.message, error.remedy)


class _Check:
    """One check of one runbook whose shape is right."""

    def __init__(self, value: Mapping[str, Any], known: References) -> None:
        self.value = value
        self.known = known

    def findings(self) -> Iterator[Finding]:
        """Yield everything that is wrong or doubtful; lines are 0."""
        ways = list(graph_findings(self.value))
        yield from ways
        event = yield from self._event()
        scope = self._scope(event)
        if "exclusive_on" in self.value:
            yield from scope.template(self.value["exclusive_on"], "/exclusive_on")
        for key in ("title", "summary"):
            yield from self._places(self.value.get(key, ""), f"/{key}", scope)
        for index, step in enumerate(self.value["steps"]):
            yield from self._step(step, f"/steps/{index}", scope)

    def _event(self) -> Any:
        """Yield what is wrong with the contracts; return the schema of the run's event."""
        schemas: list[Schema] = []
        for index, name in enumerate(self.value["contracts"]):
            found = yield from self.known.contract(name, "*", f"/contracts/{index}")
            schemas.append(found.schema if found is not None else True)
        # One unknown contract among them may hold whatever an expression reads.
        return True if any(schema is True for schema in schemas) else any_of(schemas)

    def _scope(self, event: Schema) -> Scope:
        names: dict[str, Schema] = {
            "event": event,
            "run": RUN_SEEN_FROM_OUTSIDE,
            "execution": EXECUTION,
            "customer": CUSTOMER,
            "ticket": TICKET,
            "constants": shape_of(self.value.get("constants", {})),
            "steps": object_of({step["id"]: self._result(step) for step in self.value["steps"]}),
        }
        return Scope("runbook", names)

    def _result(self, step: Mapping[str, Any]) -> Schema:
        """Return the schema of what later steps may read of a step."""
        if step["type"] == "form":
            return step["schema"]
        arguments = step.get("with", {})
        operation = self.known.catalog.get(str(arguments.get("operation", "")))
        if step.get("action") == "connector.call" and operation is not None:
            return operation.result
        return True

    def _step(self, step: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
        for key in _TEXTS:
            yield from self._places(step.get(key, ""), f"{at}/{key}", scope)
        if "when" in step:
            yield from scope.condition(step["when"], f"{at}/when")
        for index, case in enumerate(step.get("cases", ())):
            yield from scope.condition(case["when"], f"{at}/cases/{index}/when")
        for index, check in enumerate(step.get("checks", ())):
            yield from scope.condition(check["that"], f"{at}/checks/{index}/that")
        for index, item in enumerate(step.get("items", ())):
            yield from self._places(item["text"], f"{at}/items/{index}/text", scope)
        if step["type"] == "form":
            yield from _form(step["schema"], f"{at}/schema")
        if step["type"] == "approval" and step["approvers"] not in self.value["permissions"]:
            message = f"Nobody is named as {step['approvers']!r} under permissions."
            known = ", ".join(self.value["permissions"])
            yield Finding(f"{at}/approvers", 0, message, f"There is {known}; or add it.")
        if step["type"] == "wait" and not ("for" in step or "event" in step):
            yield Finding(at, 0, "It waits for nothing.", "Add for: or event: with within:.")
        if "action" in step:
            yield from self._action(step, at, scope)
        awaited = step.get("event") or step.get("success_when", {}).get("event")
        if awaited:
            yield from self._awaited(awaited, at)

    def _awaited(self, name: str, at: str) -> Iterator[Finding]:
        yield from self.known.contract(name, "*", at)

    def _action(self, step: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
        action = ACTIONS[step["action"]]
        arguments = step.get("with", {})
        yield from scope.arguments(arguments, action.args, f"{at}/with")
        yield from self._places_within(arguments, f"{at}/with", scope)
        effect, repeatable = action.effect, action.repeatable
        if action.slug == "connector.call" and "operation" in arguments:
            operation = yield from self.known.operation(
                arguments["operation"], f"{at}/with/operation"
            )
            if operation is None:
                return
            effect = "write" if operation.is_effect else "read"
            repeatable = operation.safety != "manual"
            yield from scope.arguments(arguments.get("args", {}), operation.args, f"{at}/with/args")
        if step["effect"] != effect:
            yield Finding(
                f"{at}/effect",
                0,
                f"The action is declared to {step['effect']}, but it does {effect}.",
                f"Write effect: {effect}.",
            )
        if effect == "write" and not repeatable and "confirm" not in step:
            yield Finding(
                at,
                0,
                f"{action.title} changes something each time, and nothing asks before it.",
                "Add confirm: with the question to ask.",
            )

    def _places_within(self, template: Any, at: str, scope: Scope) -> Iterator[Finding]:
        if isinstance(template, str) and not template.startswith("="):
            yield from self._places(template, at, scope)
        elif isinstance(template, Mapping):
            for key, child in template.items():
                yield from self._places_within(child, f"{at}/{key}", scope)

    def _places(self, text: str, at: str, scope: Scope) -> Iterator[Finding]:
        for name, segments in places_in(text):
            shown = Path(name, segments)
            if name not in scope.names:
                known = ", ".join(sorted(scope.names))
                message = f"The place-holder {{{shown}}} names nothing that is known here."
                yield Finding(at, 0, message, f"Names known here: {known}.")
            elif look_up(scope.names[name], segments) is None:
                message = f"The place-holder {{{shown}}} names what is never there."
                yield Finding(at, 0, message, "Mend the path, or remove it.")


def _form(schema: Mapping[str, Any], at: str) -> Iterator[Finding]:
    try:
        compile_schema(dict(schema))
    except SchemaRefused as error:
        yield Finding(at, 0, error.message, error.remedy)
        return
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or not properties:
        message = "A form's schema describes an object with at least one property."
        yield Finding(at, 0, message, "Write type: object and properties:.")
    for name in schema.get("required", ()):
        if name not in properties:
            message = f"The form requires {name!r}, but has no such field."
            yield Finding(f"{at}/required", 0, message, "Add the property, or require another.")
