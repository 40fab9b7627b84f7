"""The operations that connectors offer to flows and runbooks, as data: arguments, results, safety.

Connectors implement them; documents are checked against them before anything is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from contracts_app.rules.validate import Violation, violations
from meshline.core.safejson import Json

Kind = Literal["read", "effect"]
# What an unknown outcome leads to: the same key again, a look-up first, or a person.
Safety = Literal["idempotent", "lookup", "manual"]
Schema = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One thing that a connector can do; `args` and `result` are JSON Schemas of objects."""

    name: str
    kind: Kind
    title: str
    args: Schema
    result: Schema
    safety: Safety = "idempotent"
    money: bool = False
    look_up_by: tuple[str, ...] = field(default=())

    @property
    def system(self) -> str:
        """The outside system: the part of the name before the dot."""
        return self.name.partition(".")[0]

    @property
    def is_effect(self) -> bool:
        """Whether it changes something outside, so that the ledger guards it."""
        return self.kind == "effect"

    def problems(self, arguments: Json) -> list[Violation]:
        """Return where arguments depart from the operation's schema."""
        return violations(self.args, arguments)


Catalog = Mapping[str, Operation]

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 500}
_LONG_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 4000}
_MAYBE_TEXT: Schema = {"type": ["string", "null"], "maxLength": 500}
_MINOR: Schema = {"type": "integer", "minimum": 0}
_MAYBE_MINOR: Schema = {"type": ["integer", "null"]}
_CURRENCY: Schema = {"type": ["string", "null"], "pattern": "^[A-Z]{3}$"}
_FLAG: Schema = {"type": "boolean"}
_OBJECT: Schema = {"type": "object"}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
_TICKET: Schema = {
    "type": "string",
    "pattern": "^([a-z][a-z0-9_-]*:)?[A-Za-z0-9][A-Za-z0-9._-]*$",
}
_EMAIL: Schema = {"type": "string", "maxLength": 320, "pattern": "^[^@\\s]+@[^@\\s]+$"}


def _object(required: str = "", **properties: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


def _answer(**properties: Schema) -> Schema:
    """Return the schema of a result: what is listed may be read, more may come."""
    return {"type": "object", "properties": properties}


_BILLING = (
    Operation(
        "billing.create_refund",
        "effect",
        "Send the refund",
        args=_object(
            "charge amount_minor reference",
            charge=_TEXT,
            amount_minor={"type": "integer", "minimum": 1},
            reference=_TEXT,
        ),
        result=_answer(
            id=_TEXT, status=_TEXT, amount_minor=_MINOR, currency=_CURRENCY, adopted=_FLAG
        ),
        money=True,
        look_up_by=("reference", "charge"),
    ),
    Operation(
        "billing.get_refund",
        "read",
        "Look the refund up",
        args={
            **_object(reference=_TEXT, billing_id=_TEXT),
            "anyOf": [{"required": ["reference"]}, {"required": ["billing_id"]}],
        },
        result=_answer(
            id=_MAYBE_TEXT,
            status=_TEXT,
            reference=_MAYBE_TEXT,
            amount_minor=_MAYBE_MINOR,
            currency=_CURRENCY,
        ),
    ),
    Operation(
        "billing.cancel_subscription",
        "effect",
        "Cancel the subscription at the period's end",
        args=_object("subscription reference", subscription=_TEXT, reference=_TEXT),
        result=_answer(id=_TEXT, status=_TEXT, cancel_at_period_end=_FLAG),
    ),
    Operation(
        "billing.get_subscription",
        "read",
        "Look the subscription up",
        args=_object("subscription", subscription=_TEXT),
        result=_answer(
            id=_MAYBE_TEXT, status=_TEXT, cancel_at_period_end=_FLAG, reference=_MAYBE_TEXT
        ),
    ),
    Operation(
        "billing.flag_for_review",
        "effect",
        "Flag it for review at billing",
        args=_object("reference note", reference=_TEXT, note=_LONG_TEXT),
        result=_answer(),
    ),
)

_HELPDESK = (
    Operation(
        "helpdesk.get_ticket",
        "read",
        "Read the ticket",
        args=_object("ticket", ticket=_TICKET),
        result=_answer(
            id=_TEXT,
            subject=_MAYBE_TEXT,
            status=_TEXT,
            priority=_MAYBE_TEXT,
            requester=_answer(id=_MAYBE_TEXT, name=_MAYBE_TEXT, email=_MAYBE_TEXT),
            order_id=_MAYBE_TEXT,
            cart_token=_MAYBE_TEXT,
            tags=_TEXTS,
            fields=_OBJECT,
        ),
    ),
    Operation(
        "helpdesk.transition_ticket",
        "effect",
        "Move the ticket",
        args=_object(
            "ticket to",
            ticket=_TICKET,
            to={"enum": ["open", "pending", "hold", "solved"]},
            comment=_LONG_TEXT,
            public=_FLAG,
        ),
        result=_answer(status=_TEXT),
        safety="lookup",
    ),
    Operation(
        "helpdesk.add_note",
        "effect",
        "Write an internal note on the ticket",
        args=_object("ticket comment", ticket=_TICKET, comment=_LONG_TEXT),
        result=_answer(),
        safety="lookup",
    ),
    Operation(
        "helpdesk.set_fields",
        "effect",
        "Write fields into the ticket",
        args=_object("ticket fields", ticket=_TICKET, fields=_OBJECT, comment=_LONG_TEXT),
        result=_answer(),
        safety="lookup",
    ),
)

_OTHERS = (
    Operation(
        "shop.find_cart",
        "read",
        "Find the cart",
        args={
            **_object(email=_EMAIL, order_id=_TEXT, cart_token=_TEXT),
            "minProperties": 1,
        },
        result=_answer(
            found=_FLAG,
            cart_token=_MAYBE_TEXT,
            items={"type": "array"},
            total_minor=_MAYBE_MINOR,
            currency=_CURRENCY,
            promo_code=_MAYBE_TEXT,
            customer_id=_MAYBE_TEXT,
            customer_value_minor=_MAYBE_MINOR,
        ),
    ),
    Operation(
        "mail.send",
        "effect",
        "Tell the customer",
        args=_object("to template", to=_EMAIL, template=_TEXT, data=_OBJECT),
        result=_answer(message_id=_TEXT),
        safety="lookup",
    ),
    Operation(
        "pager.page",
        "effect",
        "Page who is on call",
        args=_object(
            "rota summary",
            rota=_TEXT,
            summary=_LONG_TEXT,
            severity={"enum": ["critical", "error", "warning", "info"]},
            to=_MAYBE_TEXT,
        ),
        result=_answer(page_key=_TEXT, to=_MAYBE_TEXT),
    ),
)

CATALOG: Catalog = MappingProxyType(
    {operation.name: operation for operation in (*_BILLING, *_HELPDESK, *_OTHERS)}
)
