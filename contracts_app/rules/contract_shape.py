"""The shape of a contract/v1 document as JSON Schema: what may stand where."""

from __future__ import annotations

from typing import Any

from contracts_app.rules.identifiers import KINDS as IDENTIFIERS
from contracts_app.rules.normalising import PLAIN_STEPS
from contracts_app.rules.shape import closed
from contracts_app.rules.smoke import SMOKE_SHAPE

STATUSES = ("draft", "in_review", "active", "deprecated", "retired")
SERVING = ("active", "deprecated")  # whoever sends or reads it may rely on it
KINDS = ("event", "command", "enrichment", "callback")
RISK_CLASSES = ("critical", "high", "medium", "low")
OWNER_ROLES = ("contract", "runtime", "product")
MODES = (
    "none",
    "backward",
    "backward_transitive",
    "forward",
    "forward_transitive",
    "full",
    "full_transitive",
)

ON_UNKNOWN = ("review", "block")  # the first where a contract says nothing

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2_000}
_WORD = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_.:-]{0,79}$"}
_SLUG = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"}
_POINTER = {"type": "string", "pattern": "^/"}
_VERSION = {"type": "string", "pattern": r"^\d+(\.\d+){0,2}$"}
_RANGE = {"type": "string", "pattern": r"^(\*|[\^~]?\d+(\.\d+){0,2})$"}
_DURATION = {"type": "string", "pattern": "^P"}
_DATE = {"type": ["string", "null"], "format": "date"}
_WORDS = {"type": "array", "items": _WORD, "maxItems": 50}
_STATES = {"type": "array", "items": _SLUG, "maxItems": 50}


_RISK = closed(
    "class",
    **{"class": {"enum": RISK_CLASSES}},
    reasons=_WORDS,
    data=closed(
        "",
        pii={"type": "array", "items": _POINTER, "maxItems": 200},
        retention_days={"type": "integer", "minimum": 1, "maximum": 36_500},
    ),
)
_CONSUMER = closed(
    "system",
    system=_SLUG,
    team=_SLUG,
    status={"enum": ["planned", "live", "leaving"]},
    pinned=_RANGE,
    until=_DATE,
    expects=closed(
        "",
        schema={"type": ["object", "boolean"]},
        fields={"type": "array", "items": _POINTER, "maxItems": 500},
        unknown_enum={"enum": ["reject", "ignore"]},
    ),
)
_COMPATIBILITY = closed(
    "",
    mode={"enum": MODES},
    policy={"enum": ["strict", "tolerant_reader"]},
    formats={"enum": ["assert", "annotate"]},
    on_unknown={"enum": ON_UNKNOWN},
)
_STEP = {
    "if": {"type": "object"},
    "then": closed(
        "",
        strip_prefix={"type": "string", "minLength": 1, "maxLength": 80},
        vendor={"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,39}$"},
    )
    | {"minProperties": 1, "maxProperties": 1},
    "else": {"enum": PLAIN_STEPS},
}
_READ = closed(
    "at",
    at={
        "if": {"type": "array"},
        "then": {"items": _POINTER, "minItems": 1, "maxItems": 5},
        "else": _POINTER,
    },
    **{"as": {"type": "array", "items": _STEP, "maxItems": 10}},
)
_ONE_WAY = {"if": {"type": "object"}, "then": _READ, "else": _POINTER}
_WAYS = {
    "if": {"type": "array"},
    "then": {"items": _ONE_WAY, "minItems": 1, "maxItems": 5},
    "else": _ONE_WAY,
}
_SAME = {
    "if": {"type": "object", "required": ["of"]},
    "then": closed("of", of={"enum": IDENTIFIERS}),
    "else": _WAYS,
}
_IDENTITY = closed(
    "event_id",
    event_id=_POINTER,
    correlation=_SAME,
    occurred_at=_POINTER,
    subject=_SAME,
    ticket=_WAYS,
    customer=_WAYS,
    order=_WAYS,
    email=_POINTER,
    customer_name=_POINTER,
    cart=_WAYS,
)
_EXAMPLES = closed(
    "valid invalid",
    valid={
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": closed("name payload", name=_SLUG, payload=True, note=_TEXT),
    },
    invalid={
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": closed(
            "name violates payload",
            name=_SLUG,
            violates={"type": "array", "minItems": 1, "items": {"type": "string"}},
            payload=True,
            note=_TEXT,
        ),
    },
)
_OWNER = closed(
    "",
    group=_SLUG,
    person={"type": "string", "format": "email"},
    oncall=_SLUG,
    deputy={"type": "string", "format": "email"},
) | {"minProperties": 1}
_TRANSITION = closed(
    "from to by",
    **{"from": {"type": ["string", "array"], "items": _SLUG, "minItems": 1}},
    to=_SLUG,
    by={"enum": ["event", "flow", "deadline", "runbook"]},
    when=_TEXT,
    action=_WORD,
    after=_WORD,
)
_ROUTE = closed("action", action=_SLUG, notify=_WORD, after=_WORD, to=_SLUG, runbook=_SLUG)

CONTRACT_SHAPE: dict[str, Any] = closed(
    "meshline name version title status kind risk producer identity schema examples owners",
    meshline={"const": "contract/v1"},
    name={"type": "string", "pattern": r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$", "maxLength": 80},
    version=_VERSION,
    title={"type": "string", "minLength": 1, "maxLength": 120},
    description={"type": "string", "maxLength": 5_000},
    status={"enum": STATUSES},
    kind={"enum": KINDS},
    domain=_SLUG,
    tags=_WORDS,
    risk=_RISK,
    producer=closed("system", system=_SLUG, team=_SLUG, channel={"type": "object"}),
    consumers={"type": "array", "items": _CONSUMER, "maxItems": 200},
    compatibility=_COMPATIBILITY,
    identity=_IDENTITY,
    schema=closed("payload", dialect=_TEXT, payload={"type": ["object", "boolean"]}),
    examples=_EXAMPLES,
    owners=closed(" ".join(OWNER_ROLES), **dict.fromkeys(OWNER_ROLES, _OWNER)),
    signoff=closed("", required={"type": "array", "items": _TEXT, "uniqueItems": True}, records={}),
    sla=closed("", timezone=_TEXT, ack_within=_DURATION, escalate_after=_DURATION),
    slo={
        "type": "array",
        "maxItems": 50,
        "items": closed(
            "name sli",
            name=_SLUG,
            sli=_SLUG,
            threshold=_DURATION,
            target={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            window=_DURATION,
            active_hours=_TEXT,
        ),
    },
    states=closed(
        "subject initial transitions",
        subject=_SLUG,
        initial=_SLUG,
        final=_STATES,
        terminal_for_ticket=_STATES,
        # None: the state is only read here, and moved by the contract of the same subject.
        transitions={"type": "array", "maxItems": 200, "items": _TRANSITION},
    ),
    exception_route=closed(
        "",
        on_invalid=_ROUTE,
        on_missing=_ROUTE,
        on_exhausted_retries=_ROUTE,
        ticket_required={"type": "boolean"},
    ),
    manual_fallback=closed(
        "runbook",
        runbook=_SLUG,
        executable={"type": "boolean"},
        max_use_per_month={"type": "integer", "minimum": 0},
        retire_by=_DATE,
    ),
    runbooks={"type": "array", "items": _SLUG, "uniqueItems": True, "maxItems": 50},
    tests={"type": "object", "properties": {"smoke": SMOKE_SHAPE}},
    lifecycle=closed(
        "",
        supersedes={"type": ["string", "null"]},
        replaced_by={"type": ["string", "null"]},
        deprecated_on=_DATE,
        sunset_on=_DATE,
    ),
    golive={"type": "array", "items": {"type": "object", "required": ["id"]}, "maxItems": 50},
) | {"patternProperties": {"^x-": True}}
