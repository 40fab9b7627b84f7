"""Parse and validate a 1 KB event: Meshline's way beside jsonschema's, in one run.

    python -m benchmarks.validation [--seconds 3]

Prints events a second of each and the ratio; the limit is 20. Both assert formats. The peer parses
with `json` and lists its errors; Meshline reads with its own bounds and lists its violations.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from time import perf_counter

import jsonschema

from contracts_app.rules.validate import compile_schema, departures
from meshline.core import safejson

LIMIT = 20.0
ADDRESS = {
    "type": "object",
    "required": ["line1", "city", "country"],
    "properties": {
        "line1": {"type": "string", "minLength": 1, "maxLength": 120},
        "city": {"type": "string", "minLength": 1, "maxLength": 80},
        "country": {"enum": ["DE", "NL", "SE", "FR"]},
    },
}
MONEY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["value", "currency"],
    "properties": {
        "value": {"type": "integer", "minimum": 0},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
}
LINE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sku", "quantity", "price"],
    "properties": {
        "sku": {"type": "string", "minLength": 3, "maxLength": 32},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 99},
        "price": {"$ref": "#/$defs/money"},
        "gift": {"type": "boolean"},
    },
}
# An order as a shop sends it: two dozen properties, formats, a pattern, references, lines.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "type", "time", "customer", "lines", "total"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 64},
        "type": {"const": "shop.order.placed"},
        "time": {"type": "string", "format": "date-time"},
        "number": {"type": "string", "pattern": "^O-[0-9]{4,10}$"},
        "total": {"$ref": "#/$defs/money"},
        "channel": {"enum": ["web", "app", "phone"]},
        "note": {"type": "string", "maxLength": 500},
        "discount": {"type": "number", "minimum": 0, "maximum": 1},
        "codes": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "customer": {
            "type": "object",
            "required": ["id", "email"],
            "properties": {
                "id": {"type": "string", "pattern": "^cus_[a-z0-9]{6,20}$"},
                "email": {"type": "string", "format": "email"},
                "name": {"type": "string"},
                "born": {"type": "string", "format": "date"},
            },
        },
        "lines": {"type": "array", "minItems": 1, "maxItems": 50, "items": LINE},
        "billing": {"$ref": "#/$defs/address"},
        "delivery": {"$ref": "#/$defs/address"},
    },
    "$defs": {"address": ADDRESS, "money": MONEY},
}
HOME = {"line1": "Kaistrasse 1", "city": "Hamburg", "country": "DE"}
EVENT = {
    "id": "evt_00000000000000000001",
    "type": "shop.order.placed",
    "time": "2026-01-05T10:00:00Z",
    "number": "O-10023",
    "total": {"value": 1800, "currency": "EUR"},
    "channel": "web",
    "note": "Please ring twice, and leave it with the neighbours if nobody is at home.",
    "discount": 0.1,
    "codes": ["SPRING", "WELCOME10"],
    "customer": {
        "id": "cus_abc123", "email": "maja@customer.example", "name": "Maja Lind",
        "born": "1990-02-03",
    },
    "lines": [
        {"sku": f"MUG-{n}", "quantity": n, "price": {"value": 900, "currency": "EUR"}}
        for n in range(1, 7)
    ],
    "billing": HOME,
    "delivery": HOME,
}  # fmt: skip


def main() -> int:
    """Measure both in turns; returns 1 if the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each of the two")
    seconds = parser.parse_args().seconds
    raw = json.dumps(EVENT).encode()
    # Both are compiled once, as ingest does it for a published contract.
    validator = compile_schema(SCHEMA)
    peer = jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )

    def ours() -> bool:
        return not departures(validator, safejson.loads(raw))

    def theirs() -> bool:
        return not list(peer.iter_errors(json.loads(raw)))

    if not (ours() and theirs()):
        sys.exit("The event of this benchmark does not fit its own schema.")
    # In turns, so that a slow moment of the machine falls on both.
    turns = [(_rate(ours, seconds / 5), _rate(theirs, seconds / 5)) for _ in range(5)]
    mine, its = (sorted(rates)[2] for rates in zip(*turns, strict=True))
    sys.stdout.write(f"meshline     {mine:>10,.0f} events a second ({len(raw)} bytes)\n")
    sys.stdout.write(f"jsonschema   {its:>10,.0f} events a second\n")
    sys.stdout.write(f"ratio        {mine / its:>10.1f} (limit {LIMIT:.0f})\n")
    return int(mine / its < LIMIT)


def _rate(judge: Callable[[], bool], seconds: float) -> float:
    count, begun = 0, perf_counter()
    while (spent := perf_counter() - begun) < seconds:
        for _ in range(50):
            judge()
        count += 50
    return count / spent


if __name__ == "__main__":
    sys.exit(main())
