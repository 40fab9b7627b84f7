"""Parse and check an SLA policy (sla-policy/v1): promised times and the events that move them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from contracts_app.rules.shape import closed, refuse_if, shape_findings, with_lines
from meshline.core import canonical
from meshline.core.durations import parse_duration
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, refusals
from meshline.core.yaml12 import Document

EVENT_KEYS = ("start", "stop", "pause", "resume", "cancel", "reopen")

_SLUG = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"}
_CONTRACT = {"type": "string", "pattern": r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$"}
_TITLE = {"type": "string", "minLength": 1, "maxLength": 120}
_WHEN = {"type": "string", "maxLength": 1_000}
# An event of a contract, or an effect of our own that is done: our own writes come back as events
# that move no timer, so the effect itself has to count.
_RULE = {
    "if": {"required": ["effect"]},
    "then": closed("effect", effect=_CONTRACT, when=_WHEN),
    "else": closed("contract", contract=_CONTRACT, when=_WHEN),
}
# One rule, or a list of which any one counts.
_RULES = {
    "type": ["object", "array"],
    "if": {"type": "object"},
    "then": _RULE,
    "else": {"items": _RULE, "minItems": 1, "maxItems": 20},
}
_METRIC = closed(
    "name target start stop",
    name=_SLUG,
    title=_TITLE,
    target={"type": "string"},
    warn={
        "type": "array",
        "maxItems": 9,
        "items": {"type": "string", "pattern": r"^0\.[0-9]{1,3}$"},
    },
    escalate=closed("rota", rota=_SLUG),
    **dict.fromkeys(EVENT_KEYS, _RULES),
)
SLA_POLICY_SHAPE: dict[str, Any] = closed(
    "meshline name calendar contract metrics",
    meshline={"const": "sla-policy/v1"},
    name=_SLUG,
    version={"type": "string", "pattern": "^[0-9]{1,6}$"},
    title=_TITLE,
    calendar=_SLUG,
    contract=_CONTRACT,
    metrics={"type": "array", "minItems": 1, "maxItems": 50, "items": _METRIC},
) | {"patternProperties": {"^x-": True}}


@dataclass(frozen=True)
class EventRule:
    """An event of this contract counts, if its `when` (a CEL condition) holds.

    With `effect` (an operation such as helpdesk.transition_ticket) there is no contract: the
    done effect counts, and `when` reads its arguments as `event.data`.
    """

    contract: str
    when: str | None = None
    effect: str | None = None


@dataclass(frozen=True)
class Metric:
    """One promised time. A rule list is met by any of its rules; `warn` are shares of target."""

    name: str
    title: str
    target: timedelta
    start: tuple[EventRule, ...]
    stop: tuple[EventRule, ...]
    pause: tuple[EventRule, ...] = ()
    resume: tuple[EventRule, ...] = ()
    cancel: tuple[EventRule, ...] = ()
    reopen: tuple[EventRule, ...] = ()
    warn: tuple[Decimal, ...] = ()
    rota: str | None = None

    def rules(self) -> Iterator[tuple[str, EventRule]]:
        """Yield every rule with what it does: ("start", rule), ..."""
        for key in EVENT_KEYS:
            for rule in getattr(self, key):
                yield key, rule


@dataclass(frozen=True)
class SlaPolicySpec:
    """One version of a policy; `calendar` names the calendar that its targets count in."""

    name: str
    version: int
    title: str
    calendar: str
    contract: str
    metrics: tuple[Metric, ...]
    digest: str

    @property
    def contracts(self) -> frozenset[str]:
        """Every contract whose events move one of this policy's timers."""
        named = (rule.contract for metric in self.metrics for _, rule in metric.rules())
        return frozenset(name for name in named if name)

    def metric(self, name: str) -> Metric | None:
        """Return the metric of that name, or None."""
        return next((metric for metric in self.metrics if metric.name == name), None)


def parse_sla_policy(document: Document) -> SlaPolicySpec:
    """Return the policy in a document. Raises DocumentRefused with every finding."""
    refuse_if(check_sla_policy(document), document, "SLA policy")
    return policy_of(document.value)


def check_sla_policy(document: Document) -> list[Finding]:
    """Return everything that is wrong with a policy document, sorted by line.

    Whether its calendar, contracts and rotas exist, and whether its conditions compile, is judged
    where these are known.
    """
    findings = shape_findings(SLA_POLICY_SHAPE, document)
    return findings if refusals(findings) else with_lines([*_checks(document.value)], document)


def policy_of(value: Mapping[str, Any]) -> SlaPolicySpec:
    """Build the policy of a checked document's value, as stored with its version."""
    return SlaPolicySpec(
        name=value["name"],
        version=int(value.get("version", "1")),
        title=value.get("title", value["name"]),
        calendar=value["calendar"],
        contract=value["contract"],
        metrics=tuple(_metric(entry) for entry in value["metrics"]),
        digest=canonical.digest(value),
    )


def _metric(entry: Mapping[str, Any]) -> Metric:
    return Metric(
        name=entry["name"],
        title=entry.get("title", entry["name"].replace("_", " ").capitalize()),
        target=parse_duration(entry["target"]),
        warn=tuple(sorted(Decimal(share) for share in entry.get("warn", ()))),
        rota=entry.get("escalate", {}).get("rota"),
        **{key: _rules(entry.get(key)) for key in EVENT_KEYS},
    )


def _rules(entry: Any) -> tuple[EventRule, ...]:
    listed = [entry] if isinstance(entry, dict) else entry or ()
    return tuple(
        EventRule(rule.get("contract", ""), rule.get("when"), rule.get("effect")) for rule in listed
    )


def _checks(value: Mapping[str, Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, metric in enumerate(value["metrics"]):
        at = f"/metrics/{index}"
        if metric["name"] in seen:
            message = f"Two metrics are named {metric['name']!r}."
            yield Finding(f"{at}/name", 0, message, "Rename one.")
        seen.add(metric["name"])
        yield from _target(metric["target"], at)
        if "pause" in metric and "resume" not in metric:
            message = f"The metric {metric['name']!r} pauses but never resumes."
            yield Finding(f"{at}/pause", 0, message, "Say what resumes it.")
        if "resume" in metric and "pause" not in metric:
            message = f"The metric {metric['name']!r} resumes but never pauses."
            yield Finding(f"{at}/resume", 0, message, "Say what pauses it, or remove resume.")
        shares = [Decimal(share) for share in metric.get("warn", ())]
        if len(set(shares)) != len(shares) or 0 in shares:
            message = "A warning share stands twice or is 0."
            yield Finding(f"{at}/warn", 0, message, 'Write each once, like ["0.5", "0.75"].')


def _target(text: str, at: str) -> Iterator[Finding]:
    try:
        if parse_duration(text) == timedelta(0):
            yield Finding(f"{at}/target", 0, "A target of zero breaks at once.", "Write PT30M.")
    except BadValue as error:
        yield Finding(f"{at}/target", 0, error.message, error.remedy)
