"""What a well-shaped flow can still get wrong: names, arguments, expressions, loops, dead ends."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts_app.rules.schema_paths import Schema
from meshline.core.findings import Finding
from orchestration.rules.catalog import Catalog, Operation
from orchestration.rules.contract_lookup import ContractLookup
from orchestration.rules.expression_checks import Scope
from orchestration.rules.flow_graph import graph_findings
from orchestration.rules.flow_scope import (
    CUSTOMER,
    REFUSED,
    RUN,
    SUBJECT,
    TICKET,
    object_of,
    shape_of,
)
from orchestration.rules.flow_spec import (
    AwaitStep,
    BranchStep,
    CallStep,
    FlowSpec,
    HandoffStep,
    Probe,
    Step,
    TransitionStep,
    WaitStep,
    give_ups,
)
from orchestration.rules.references import References

SAFETIES = ("idempotent", "lookup", "manual")


@dataclass
class FlowCheck:
    """One check of one flow; `value` is the document, `spec` what was built from it."""

    value: Mapping[str, Any]
    spec: FlowSpec
    catalog: Catalog
    contracts: ContractLookup | None
    runbooks: Collection[str] | None
    closed: bool

    def __post_init__(self) -> None:
        self.known = References(self.catalog, self.contracts, self.runbooks, self.closed)
        self.results: dict[str, Schema] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield everything that is wrong or doubtful; lines are 0."""
        event = yield from self._trigger()
        yield from self._head(event)
        for index, step in enumerate(self.spec.steps):
            at = f"/steps/{index}"
            yield from self._route(step, at)
            yield from self._step(step, at, self._scope(event))
        yield from graph_findings(self.spec, self.value)

    def renamed(self, previous: FlowSpec | None) -> Iterator[Finding]:
        """Yield effects of the previous version whose key this version would lose."""
        if previous is None:
            return
        kept = {step.effect_path for step in _effects(self.spec, self.catalog)}
        before = {step.effect_path for step in _effects(previous, self.catalog)}
        lost = [s for s in _effects(previous, self.catalog) if s.effect_path not in kept]
        for step in _effects(self.spec, self.catalog):
            old = next((one for one in lost if one.operation == step.operation), None)
            if old is not None and step.effect_path not in before:
                yield Finding(
                    f"/steps/{self.spec.position(step.id)}/id",
                    0,
                    f"The step {step.id!r} seems to be {old.id!r} of version {previous.version} "
                    "under another name; a replay would do its effect again.",
                    f"Add was: {old.effect_path} to the step.",
                )

    def _scope(self, event: Schema) -> Scope:
        names: dict[str, Schema] = {
            "event": event,
            "run": RUN,
            "customer": CUSTOMER,
            "ticket": TICKET,
            "constants": shape_of(self.spec.constants),
            "steps": object_of(self.results),
        }
        return Scope("flow", names)

    def _trigger(self) -> Generator[Finding, None, Schema]:
        trigger = self.spec.trigger
        spec = yield from self.known.contract(
            trigger.contract, trigger.version, "/trigger/contract"
        )
        event: Schema = spec.schema if spec else True
        if trigger.when is not None:
            scope = Scope("flow", {"event": event, "constants": shape_of(self.spec.constants)})
            yield from scope.having(subject=SUBJECT).condition(trigger.when, "/trigger/when")
        return event

    def _head(self, event: Schema) -> Iterator[Finding]:
        # An acknowledgement names no ticket: intake knows it from the request and hands it on.
        names: dict[str, Schema] = {"customer": CUSTOMER, "ticket": TICKET, "subject": SUBJECT}
        names |= {"event": event, "constants": shape_of(self.spec.constants)}
        scope = Scope("flow", names)
        for name in ("ticket", "customer", "order", "impact"):
            if self.value.get(name) is not None:
                yield from scope.template(self.value[name], f"/{name}")
        if self.spec.route is not None:
            yield from self.known.runbook(
                self.spec.route.runbook, "/exception_route/runbook", vital=True
            )

    def _route(self, step: Step, at: str) -> Iterator[Finding]:
        entry = self.value["steps"][int(at.rpartition("/")[2])]
        if not step.route.runbook:
            yield Finding(
                at,
                0,
                f"The step {step.id!r} has no exception route: nobody would see its failure.",
                "Add exception_route: {runbook: …} to the flow or to the step.",
            )
        elif "exception_route" in entry:
            yield from self.known.runbook(
                step.route.runbook, f"{at}/exception_route/runbook", vital=True
            )
        for target in give_ups(step):
            if target.runbook is not None:
                yield from self.known.runbook(target.runbook, at)

    def _step(self, step: Step, at: str, scope: Scope) -> Iterator[Finding]:
        if step.when is not None:
            yield from scope.condition(step.when, f"{at}/when")
        match step:
            case CallStep():
                yield from self._call(step, at, scope)
            case AwaitStep():
                yield from self._await(step, at, scope)
            case BranchStep():
                for index, case in enumerate(step.cases):
                    yield from scope.condition(case.when, f"{at}/branch/{index}/when")
            case WaitStep():
                if step.until is not None:
                    yield from scope.value(step.until, f"{at}/wait/until")
            case TransitionStep():
                yield from self._transition(step, at, scope)
            case HandoffStep():
                pass
        for target in give_ups(step):
            yield from scope.template(target.detail, at)

    def _call(self, step: CallStep, at: str, scope: Scope) -> Iterator[Finding]:
        operation = yield from self.known.operation(step.operation, f"{at}/call")
        self.results[step.id] = True
        if operation is None:
            return
        result = dict(operation.result.get("properties", {}))
        self.results[step.id] = object_of(
            {**result, "refused": REFUSED} if step.refused else result
        )
        yield from scope.arguments(step.arguments, operation.args, f"{at}/with")
        yield from self._safety(step, operation, at)
        if step.compensate is not None:
            undo = yield from self.known.operation(step.compensate, f"{at}/compensate")
            if undo is not None and not undo.is_effect:
                message = f"{undo.name} only reads, so it compensates nothing."
                yield Finding(f"{at}/compensate", 0, message, "Name an operation with an effect.")

    def _safety(self, step: CallStep, operation: Operation, at: str) -> Iterator[Finding]:
        if operation.is_effect and operation.safety not in SAFETIES:
            yield Finding(
                f"{at}/call",
                0,
                f"{operation.name} does not say what a lost answer means "
                f"({operation.safety!r} is not known).",
                f"Declare it in its connector as {', '.join(SAFETIES)}.",
            )
        if operation.money and operation.is_effect and not step.look_up_first:
            yield Finding(
                at,
                0,
                f"{operation.name} moves money, but nothing looks first whether it has moved.",
                f"Add look_up_first: {{by: [{', '.join(operation.look_up_by)}]}}.",
            )
        for index, name in enumerate(step.look_up_first):
            if name not in operation.look_up_by or name not in step.arguments:
                can = ", ".join(operation.look_up_by) or "nothing"
                yield Finding(
                    f"{at}/look_up_first/by/{index}",
                    0,
                    f"{operation.name} cannot be looked up by {name!r} here.",
                    f"It can be looked up by {can}, if that is among its arguments.",
                )

    def _await(self, step: AwaitStep, at: str, scope: Scope) -> Iterator[Finding]:
        contract = yield from self.known.contract(
            step.contract, step.version, f"{at}/await/contract", vital=True
        )
        awaited: Schema = True
        if contract is not None:
            awaited = contract.schema
            if contract.identity.correlation is None:
                yield Finding(
                    f"{at}/await/key",
                    0,
                    f"The contract {contract.name} has no identity.correlation, so the key can "
                    "match nothing.",
                    "Add identity.correlation to the contract.",
                )
        yield from scope.template(step.key, f"{at}/await/key")
        inner = scope.having(awaited=awaited)
        if step.until is not None:
            yield from inner.condition(step.until, f"{at}/await/until")
        if step.renew is not None:
            yield from inner.condition(step.renew.when, f"{at}/renew/when")
        self.results[step.id] = awaited
        if step.result is not None:
            yield from inner.template(step.result, f"{at}/result")
            self.results[step.id] = object_of(dict.fromkeys(step.result, True))
        for index, move in enumerate(step.on_timeout):
            if isinstance(move, Probe):
                yield from self._probe(step, move, f"{at}/on_timeout/{index}", scope)

    def _probe(self, step: AwaitStep, probe: Probe, at: str, scope: Scope) -> Iterator[Finding]:
        operation = yield from self.known.operation(probe.operation, f"{at}/probe")
        result: Schema = True
        if operation is not None:
            result = operation.result
            yield from scope.arguments(probe.arguments, operation.args, f"{at}/with")
            if operation.is_effect:
                message = f"{operation.name} changes something; a probe only reads."
                yield Finding(f"{at}/probe", 0, message, "Name an operation that reads.")
        inner = scope.having(result=result)
        yield from inner.condition(probe.satisfied_when, f"{at}/satisfied_when")
        if probe.result is not None:
            yield from inner.template(probe.result, f"{at}/result")
        missing = sorted(set(step.result or ()) - set(probe.result or ()))
        if missing:
            yield Finding(
                at,
                0,
                f"The event gives {', '.join(missing)}, the probe does not; later steps read both.",
                f"Add {missing[0]} to the probe's result.",
            )

    def _transition(self, step: TransitionStep, at: str, scope: Scope) -> Iterator[Finding]:
        yield from scope.template(step.subject, f"{at}/transition/subject")
        contract = yield from self.known.contract(step.contract, "*", f"{at}/transition/contract")
        if contract is None:
            return
        states = contract.states.names if contract.states else ()
        if step.to not in states:
            yield Finding(
                f"{at}/transition/to",
                0,
                f"The contract {contract.name} knows no state {step.to!r}.",
                f"Its states are {', '.join(states) or 'not declared'}.",
            )


def _effects(spec: FlowSpec, catalog: Catalog) -> list[CallStep]:
    return [
        step
        for step in spec.steps
        if isinstance(step, CallStep)
        and step.operation in catalog
        and catalog[step.operation].is_effect
    ]
