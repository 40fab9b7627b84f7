"""What documents say of each other: systems, calendars, rotas, runbooks, conditions over events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from contracts_app.rules.schema_paths import Schema, any_of
from meshline.core.findings import Finding, Severity
from orchestration.rules.catalog import CATALOG
from orchestration.rules.contract_lookup import Contracts
from orchestration.rules.expression_checks import Scope
from orchestration.rules.references import References

# Actions of a runbook that work on one step of the run's flow.
_ON_A_STEP = ("flow.retry_step", "flow.satisfy_expectation")
_EVENT_KEYS = ("start", "stop", "pause", "resume", "cancel", "reopen")


@dataclass(frozen=True)
class Named:
    """Every name in the set by kind, the sound contracts, and those that were refused."""

    names: Mapping[str, Collection[str]]
    contracts: Contracts
    broken: Collection[str]
    closed: bool
    # The steps of the flows given, by the runbooks that they lead to.
    steps: Mapping[str, Collection[str]] = field(default_factory=dict)

    def missing(self, kind: str, name: str, at: str) -> Iterator[Finding]:
        """Yield that a name is not in the set: refused in a closed world, else noted.

        In an open world a kind of which there is no file at all is simply not given.
        """
        there = self.names[kind]
        if name in there or (not there and not self.closed):
            return
        if self.closed:
            remedy = f"Add the {kind}, or mend the name."
            yield Finding(at, 0, f"The {kind} {name!r} is not known.", remedy)
        else:
            message = f"The {kind} {name!r} is not among the files given."
            remedy = f"Give the {kind}'s file too, to have it checked."
            yield Finding(at, 0, message, remedy, Severity.WARNING)


def steps_by_runbook(flows: Iterable[Any]) -> dict[str, set[str]]:
    """The ids of the steps of every flow, under the name of each runbook that it leads to."""
    found: dict[str, set[str]] = {}
    for flow in flows:
        ids = {one for one in _values(flow.get("steps", ()), "id") if isinstance(one, str)}
        for runbook in _values(flow, "runbook"):
            if isinstance(runbook, str):
                found.setdefault(runbook, set()).update(ids)
    return found


def _values(value: Any, key: str) -> Iterator[Any]:
    """Every value under this key, however deep."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for inner in value.values():
            yield from _values(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, key)


@dataclass(frozen=True)
class CrossChecks:
    """The references of one document that passed its own check; lines are 0."""

    value: Mapping[str, Any]
    known: Named

    def findings(self, kind: str) -> Iterator[Finding]:
        """Yield what is wrong or doubtful with what the document refers to."""
        checks: Mapping[str, Callable[[], Iterator[Finding]]] = {
            "source": self._source,
            "contract": self._contract,
            "policy": self._policy,
            "runbook": self._runbook,
        }
        if kind in checks:
            yield from checks[kind]()

    def _source(self) -> Iterator[Finding]:
        yield from self.known.missing("system", self.value["system"], "/system")

    def _contract(self) -> Iterator[Finding]:
        value = self.value
        yield from self.known.missing("system", value["producer"]["system"], "/producer/system")
        for index, consumer in enumerate(value.get("consumers", ())):
            at = f"/consumers/{index}/system"
            yield from self.known.missing("system", consumer["system"], at)
        for index, name in enumerate(value.get("runbooks", ())):
            yield from self.known.missing("runbook", name, f"/runbooks/{index}")
        channel = value["producer"].get("channel", {})
        if isinstance(channel.get("source"), str):
            at = "/producer/channel/source"
            yield from self.known.missing("source", channel["source"], at)
        scope = Scope("contract", {"event": value["schema"]["payload"]})
        for index, move in enumerate(value.get("states", {}).get("transitions", ())):
            if "when" in move:
                yield from scope.condition(move["when"], f"/states/transitions/{index}/when")

    def _runbook(self) -> Iterator[Finding]:
        there = self.known.steps.get(self.value["name"])
        if not there:
            return  # no flow that leads here is among the files
        for index, step in enumerate(self.value["steps"]):
            named = step.get("with", {}).get("step")
            if step.get("action") not in _ON_A_STEP or not isinstance(named, str):
                continue
            if named.startswith("=") or named in there:
                continue
            near = get_close_matches(named, sorted(there), n=1)
            message = f"No flow that leads to this runbook has a step {named!r}."
            remedy = f"Write {near[0]}." if near else f"Name one of {', '.join(sorted(there))}."
            yield Finding(f"/steps/{index}/with/step", 0, message, remedy)

    def _policy(self) -> Iterator[Finding]:
        yield from self.known.missing("calendar", self.value["calendar"], "/calendar")
        yield from self._contract_named(self.value["contract"], "/contract")
        for index, metric in enumerate(self.value["metrics"]):
            at = f"/metrics/{index}"
            if "escalate" in metric:
                rota = metric["escalate"]["rota"]
                yield from self.known.missing("rota", rota, f"{at}/escalate/rota")
            for key in _EVENT_KEYS:
                yield from self._rules(metric.get(key), f"{at}/{key}")

    def _rules(self, entry: Any, at: str) -> Iterator[Finding]:
        listed = entry if isinstance(entry, list) else [entry] if entry else []
        for index, rule in enumerate(listed):
            place = f"{at}/{index}" if isinstance(entry, list) else at
            yield from self._rule(rule, place)

    def _rule(self, rule: Mapping[str, str], at: str) -> Iterator[Finding]:
        event: Schema = True
        if "effect" in rule:
            references = References(CATALOG, None, None, self.known.closed)
            operation = yield from references.operation(rule["effect"], f"{at}/effect")
            if operation is not None:
                event = {"type": "object", "properties": {"data": operation.args}}
                if not operation.is_effect:
                    message = f"{operation.name} only reads; reading moves no timer."
                    remedy = "Name an operation with an effect."
                    yield Finding(f"{at}/effect", 0, message, remedy)
        else:
            yield from self._contract_named(rule["contract"], f"{at}/contract")
            versions = self.known.contracts.versions(rule["contract"])
            found = [self.known.contracts.find(rule["contract"], version) for version in versions]
            schemas = [spec.schema for spec in found if spec is not None]
            event = any_of(schemas) if schemas else True
        if "when" in rule:
            yield from Scope("contract", {"event": event}).condition(rule["when"], f"{at}/when")

    def _contract_named(self, name: str, at: str) -> Iterator[Finding]:
        if name not in self.known.broken:
            yield from self.known.missing("contract", name, at)
