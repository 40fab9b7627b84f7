"""A contract begun from the inventory: what is known is filled in, comments say what comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from contracts_app.rules.inventory.entry import FlowEntry
from meshline.core import yaml_text

UNNAMED = "not-named-yet"
_NO_RUNBOOK = "name-of-the-runbook"
_SCHEMA = """
identity: {event_id: /id}                # where the sender's own id stands: one id is taken once
schema:
  dialect: https://json-schema.org/draft/2020-12/schema
  # 2. Describe the payload. Where events have come in already, “Schema from stored events” on the
  #    draft's page proposes a schema with its evidence.
  payload:
    type: object
    required: [id]
    properties:
      id: {type: string, minLength: 1, maxLength: 128}
examples:
  # 3. Put in a real payload, personal data replaced, and one that must be refused.
  valid:
    - name: happy_path
      payload: {id: "1"}
  invalid:
    - name: no_id
      violates: [/id]
      payload: {}
"""


def skeleton(entry: FlowEntry, *, drafter: Collection[str] = (), version: str = "1.0.0") -> str:
    """Return a draft's text that passes the check of a contract.

    `drafter`: the owners for whom the person answers who drafts it. Only an owner of the contract
    may save it, so the first of them stands in where the inventory names somebody else.
    """
    known = (*_head(entry, version), *_risk(entry), *_ends(entry))
    return "\n".join([*known, _SCHEMA, *_owners(entry, drafter), *_rest(entry)]) + "\n"


def _head(entry: FlowEntry, version: str) -> Iterator[str]:
    yield "# Begun from the inventory. Work through 1 to 7 and save; “Go-live gates” then says"
    yield "# what is missing. “Ask for sign-off” freezes the text, and the owners below sign it."
    yield "meshline: contract/v1"
    yield f"name: {entry.name}"
    yield f"version: {version}"
    yield f"title: {_scalar(entry.title)}"
    if entry.notes:
        yield f"description: {_scalar(entry.notes)}"
    yield "status: draft"
    yield f"kind: {entry.kind}"
    yield f"domain: {_scalar(entry.name.partition('.')[0])}"


def _risk(entry: FlowEntry) -> Iterator[str]:
    found = entry.assessment
    comment = "the questionnaire's answer" if found.risk_class else "answer the questionnaire first"
    reasons = f", reasons: [{', '.join(found.reasons)}]" if found.reasons else ""
    yield f"risk: {{class: {found.risk_class or 'medium'}{reasons}}}   # {comment}"


def _ends(entry: FlowEntry) -> Iterator[str]:
    known = _scalar(entry.producer) if entry.producer else UNNAMED
    yield "producer:"
    yield f"  system: {known}{'' if entry.producer else '   # name the system that sends it'}"
    yield "  # 1. How its events come in, if no flow starts at them: the name of its source."
    yield f"  # channel: {{type: webhook, source: {known}}}"
    if not entry.consumers:
        yield "consumers: []                         # name the systems that use it"
        return
    yield "consumers:"
    for system in entry.consumers:
        yield f"  - {{system: {_scalar(system)}, status: planned}}   # planned, live or leaving"


def _owners(entry: FlowEntry, drafter: Collection[str]) -> Iterator[str]:
    own = entry.owner or UNNAMED
    stands_in = own if not drafter or own in drafter else sorted(drafter)[0]
    yield "# 4. Three owners: schema and tests, watch and incidents, what customers get. Each is a"
    yield "#    name from Owners in the administration."
    yield "owners:"
    if stands_in != own:
        yield f"  # The inventory names {entry.owner or 'nobody'}; you answer for {stands_in}."
    yield f"  contract: {{group: {_scalar(stands_in)}}}"
    yield f"  runtime: {{group: {_scalar(own)}}}"
    yield f"  product: {{group: {_scalar(own)}}}"


def _rest(entry: FlowEntry) -> Iterator[str]:
    yield "# 5. The promise: by when the other side has an answer, and when silence escalates."
    yield "#    The objective below it is what reports show."
    if entry.service_level:
        yield f"sla: {{timezone: UTC, ack_within: {entry.service_level}}}"
    else:
        yield "# sla: {timezone: UTC, ack_within: PT15M, escalate_after: PT30M}"
    yield "# slo: [{name: in_time, sli: latency, threshold: PT5S, target: 0.99, window: P30D}]"
    yield "# 6. The way back: a published runbook; executable once a person can work through it."
    if entry.runbook:
        yield f"manual_fallback: {{runbook: {entry.runbook}, executable: false}}"
        yield f"runbooks: [{entry.runbook}]"
    else:
        if entry.manual_fallback:
            yield f"#    By hand today: {' '.join(entry.manual_fallback.split())}"
        yield f"# manual_fallback: {{runbook: {_NO_RUNBOOK}, executable: true}}"
        yield f"# runbooks: [{_NO_RUNBOOK}]"
    runbook = entry.runbook or _NO_RUNBOOK
    yield "# 7. Where an event goes that does not fit, and which of the runbooks above helps then."
    yield f"# exception_route: {{on_invalid: {{action: quarantine, runbook: {runbook}}}}}"


def _scalar(text: str) -> str:
    return yaml_text.dump(text).rstrip("\n")
