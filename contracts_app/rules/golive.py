"""What still keeps a contract from going live: gates that are computed, and what asks for evidence.

A gate that can be computed is never ticked. What cannot be (a path that was tried, an outcome that
was shown) is passed by evidence: what was done, by whom, on which day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.signoff import title_of

GateState = Literal["passed", "missing", "asks"]
ROLES = ("contract", "runtime", "product")
MAX_ID = 70
# Checks of a document's own list that one of the gates below, or the sign-offs, answer already.
_ANSWERED = frozenset(
    ["signoffs", "examples_pass", "consumers_verified", "idempotency_key_mapped", "alerts_routed"]
)


@dataclass(frozen=True)
class Answering:
    """Who holds a role of a contract: names, "" where there is nobody."""

    owner: str = ""
    person: str = ""
    rota: str = ""
    deputy: str = ""


@dataclass(frozen=True)
class Evidence:
    """What somebody says was done, and on which day."""

    statement: str
    by: str
    done_on: date


@dataclass(frozen=True)
class GateFacts:
    """What the registry and the engine know of a contract.

    `owners` by role; a rota is named only if it is published. `systems` and `runbooks` are those
    that there are, `flows` those that start at its events or await them, `sources` those that map
    deliveries to it and are switched on, `sources_off` those that are off, `served` whether a
    version of it is in service (before that no source can name it), `doubted` the consumers
    that are not proved safe, `failing` the contract tests that fail, `promised` whether a
    service-level policy is published for it.
    """

    owners: Mapping[str, Answering] = field(default_factory=dict)
    systems: frozenset[str] = frozenset()
    runbooks: frozenset[str] = frozenset()
    flows: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sources_off: tuple[str, ...] = ()
    served: bool = False
    doubted: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    promised: bool = False
    audited: bool = False
    evidence: Mapping[str, Evidence] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """One gate: `sentence` says what is there or missing, `remedy` what to do and who does it.

    `role` is the owner's role that mends it, and that gives the evidence if it asks for some.
    """

    id: str
    title: str
    state: GateState
    sentence: str
    role: str
    remedy: str = ""
    by_evidence: bool = False

    @property
    def passed(self) -> bool:
        """Whether it keeps nothing from going live."""
        return self.state == "passed"

    def __str__(self) -> str:
        return f"{self.title}: {self.sentence} {self.remedy}".rstrip()


def gates(spec: ContractSpec, facts: GateFacts) -> tuple[Gate, ...]:
    """Return every gate of a version, always in the same order."""
    return (
        _owners(facts),
        _systems(spec, facts),
        _exception_route(spec, facts),
        _fallback(spec, facts),
        _fallback_owner(spec, facts),
        _examples(spec, facts),
        _consumers(facts),
        _reporting(spec, facts),
        _trigger(spec, facts),
        _review(spec, facts),
        _audit(facts),
        _by_evidence("rollback", "Rollback path tried once", "runtime", facts),
        _by_evidence("outcome", "Outcome ready to be shown", "product", facts),
        *_own_list(spec, facts),
    )


def gaps(found: Iterable[Gate], *, known: Iterable[Gate] = ()) -> tuple[Gate, ...]:
    """Return the gates that are not passed, without those that `known` do not pass either.

    `known` are the gates of the version in service: what it lacks does not keep a better version
    from replacing it, but no version may lack more.
    """
    open_before = {gate.id for gate in known if not gate.passed}
    return tuple(gate for gate in found if not gate.passed and gate.id not in open_before)


def _owners(facts: GateFacts) -> Gate:
    nobody = [role for role in ROLES if not facts.owners.get(role, Answering()).person]
    runtime = facts.owners.get("runtime", Answering())
    said = [f"no person answers as {title_of(role)}" for role in nobody]
    if not runtime.rota:
        said.append("no published rota answers for the runtime owner")
    names = ", ".join(facts.owners[role].person for role in ROLES if role not in nobody)
    there = f"{names}; {runtime.rota} is called when something breaks."
    remedy = "Name a person of each team under Owners, and the rota of the runtime owner."
    return _gate("owners", "Owners in three roles", said, there, "contract", remedy, facts)


def _systems(spec: ContractSpec, facts: GateFacts) -> Gate:
    users = [one.system for one in spec.consumers if one.status != "leaving"]
    named = [spec.producer.system, *users]
    said = [
        f"{name} is no system that is known here" for name in named if name not in facts.systems
    ]
    if not users:
        said.append("no consumer is named")
    there = f"Sent by {spec.producer.system}, used by {', '.join(users)}."
    remedy = "Add the system under Systems, or name it under producer and consumers."
    return _gate("systems", "Source and destination", said, there, "contract", remedy, facts)


def _exception_route(spec: ContractSpec, facts: GateFacts) -> Gate:
    routes = {
        name: entry for name, entry in spec.exception_route.items() if isinstance(entry, Mapping)
    }
    said = [] if routes else ["nothing says where an event goes that fails"]
    named = [str(entry["runbook"]) for entry in routes.values() if entry.get("runbook")]
    said += [f"its runbook {name} is not published" for name in named if name not in facts.runbooks]
    there = f"Declared for what is {_listed(routes)}."
    remedy = "Write exception_route in the document, and publish the runbook that it names."
    return _gate("exception_route", "Exception route", said, there, "runtime", remedy, facts)


def _fallback(spec: ContractSpec, facts: GateFacts) -> Gate:
    said = []
    if spec.manual_fallback is None:
        said.append("nothing says how people do it by hand")
    else:
        if spec.manual_fallback.runbook not in facts.runbooks:
            said.append(f"its runbook {spec.manual_fallback.runbook} is not published")
        if not spec.manual_fallback.executable:
            said.append("the fallback is not marked as executable")
    there = f"{spec.manual_fallback.runbook} is published." if spec.manual_fallback else ""
    remedy = "Write manual_fallback with a published runbook that can be carried out."
    return _gate("fallback", "Manual fallback", said, there, "runtime", remedy, facts)


def _fallback_owner(spec: ContractSpec, facts: GateFacts) -> Gate:
    runtime = facts.owners.get("runtime", Answering())
    routed = [
        str(entry["to"])
        for entry in spec.exception_route.values()
        if isinstance(entry, Mapping) and entry.get("to")
    ]
    named = runtime.deputy or ", ".join(routed) or runtime.rota
    said = [] if named else ["nobody stands in for the runtime owner"]
    remedy = "Name a deputy of the runtime owner, or who on_exhausted_retries leads to."
    there = f"{named} answers when the runtime owner does not."
    return _gate("fallback_owner", "Fallback owner", said, there, "runtime", remedy, facts)


def _examples(spec: ContractSpec, facts: GateFacts) -> Gate:
    said = [
        f"the valid example {one.name} is refused"
        for one in spec.examples_valid
        if spec.violations(one.payload)
    ]
    said += [
        f"the invalid example {one.name} is accepted"
        for one in spec.examples_invalid
        if not spec.violations(one.payload)
    ]
    said = said or [f"the test of the {one} fails" for one in facts.failing]
    valid, invalid = len(spec.examples_valid), len(spec.examples_invalid)
    there = f"{valid} valid and {invalid} invalid examples are judged as they should be."
    remedy = "Mend the example, or the schema."
    return _gate("examples", "Examples pass", said, there, "contract", remedy, facts)


def _consumers(facts: GateFacts) -> Gate:
    said = [f"{name} may get what it does not expect" for name in facts.doubted]
    there = "Every live consumer gets what it expects."
    remedy = "Look at the verdict, and agree with the consumer on what it expects."
    return _gate("consumers", "Consumers verified", said, there, "contract", remedy, facts)


def _reporting(spec: ContractSpec, facts: GateFacts) -> Gate:
    said = [] if spec.slo else ["no objective is written down"]
    if not (facts.promised or spec.sla.ack_within or spec.sla.escalate_after):
        said.append("no service level is promised")
    there = f"Reported by {', '.join(one.title.lower() for one in spec.slo)}."
    remedy = "Write slo and sla in the document, or publish a service-level policy for it."
    return _gate("reporting", "Reporting field", said, there, "product", remedy, facts)


def _trigger(spec: ContractSpec, facts: GateFacts) -> Gate:
    channel = " ".join(str(spec.producer.channel[key]) for key in sorted(spec.producer.channel))
    used = f" Used by {', '.join(facts.flows)}." if facts.flows else ""
    remedy = "Write producer.channel in the document, or publish a flow that its events start."
    there = f"Comes in by {channel}.{used}" if channel else used.strip()
    said = [] if facts.flows or channel else ["nothing says how its events come in or what starts"]
    if facts.sources:
        there = f"The source {_and(facts.sources)} delivers it.{used}"
        said = []
    elif facts.sources_off:
        said = [f"the source {_and(facts.sources_off)} maps to it and is switched off"]
        remedy = "Switch the source on, or let another one map to it."
    elif facts.served:
        said = ["no source maps deliveries to it, so nothing comes in"]
        remedy = f"Add it under events of the source that delivers for {spec.producer.system}."
    elif not said:
        there += " No source maps to it yet: add it to one once this version is published."
    return _gate("trigger", "Trigger", said, there, "contract", remedy, facts)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _review(spec: ContractSpec, facts: GateFacts) -> Gate:
    lacking = [role for role in ROLES if role not in spec.signoff_required]
    said = [f"the {title_of(role)} is not asked to sign" for role in lacking]
    remedy = "Name all three roles under signoff.required."
    there = "All three owners sign each version."
    return _gate("review", "Review path", said, there, "contract", remedy, facts)


def _audit(facts: GateFacts) -> Gate:
    said = [] if facts.audited else ["nothing about it stands in the audit log yet"]
    there = "What is done to it stands in the audit log."
    remedy = "Save it as a draft: that is recorded."
    return _gate("audit", "Audit trail", said, there, "contract", remedy, facts)


def _own_list(spec: ContractSpec, facts: GateFacts) -> list[Gate]:
    """What the document asks for beside these: nothing computes it yet, so it asks for evidence."""
    listed = spec.document.get("golive") or ()
    found = []
    for entry in listed:
        name = str(entry["id"])[:MAX_ID]
        if name not in _ANSWERED:
            role = str(entry.get("by") or "contract")
            title = name.replace("_", " ").capitalize()
            role = role if role in ROLES else "contract"
            found.append(_by_evidence(f"own:{name}", title, role, facts))
    return found


def _gate(
    name: str,
    title: str,
    said: Sequence[str],
    there: str,
    role: str,
    remedy: str,
    facts: GateFacts,
) -> Gate:
    if not said:
        return Gate(name, title, "passed", there, role)
    text = "; ".join(said)
    sentence = f"{text[0].upper()}{text[1:]}."
    return Gate(name, title, "missing", sentence, role, f"{remedy} {_who(role, facts)}")


def _by_evidence(name: str, title: str, role: str, facts: GateFacts) -> Gate:
    given = facts.evidence.get(name)
    if given is not None:
        sentence = f"{given.statement} ({given.by}, {given.done_on.isoformat()})"
        return Gate(name, title, "passed", sentence, role, by_evidence=True)
    sentence = "Nobody has said that it was done."
    remedy = f"Say what was done, and when. {_who(role, facts)}"
    return Gate(name, title, "asks", sentence, role, remedy, by_evidence=True)


def _listed(routes: Iterable[str]) -> str:
    return ", ".join(name.removeprefix("on_").replace("_", " ") for name in routes)


def _who(role: str, facts: GateFacts) -> str:
    person = facts.owners.get(role, Answering()).person
    return f"The {title_of(role)}{f', {person},' if person else ''} can do it."
