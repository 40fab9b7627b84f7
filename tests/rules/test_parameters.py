"""What a form sent becomes typed values, or violations with their paths."""

from __future__ import annotations

from typing import Any

import pytest

from runbooks.rules.parameters import clean, defaults

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["billing_id"],
    "properties": {
        "billing_id": {"type": "string", "pattern": "^re_[A-Za-z0-9]{8,32}$"},
        "follow_up": {"type": "boolean", "default": True},
        "count": {"type": "integer", "minimum": 1},
        "share": {"type": "number"},
        "tickets": {"type": "array", "items": {"type": "string"}},
        "reason": {"type": ["string", "null"], "maxLength": 20},
    },
}
RIGHT = "re_1AbCdEfGh"


def test_text_becomes_typed_values_and_defaults_fill_in() -> None:
    sent = {
        "billing_id": f"  {RIGHT} ",
        "count": "7",
        "share": "0.5",
        "tickets": "desk:1, desk:2\n",
    }

    made = clean(SCHEMA, sent)

    assert made.ok
    assert made.values == {
        "billing_id": RIGHT,
        "follow_up": True,
        "count": 7,
        "share": 0.5,
        "tickets": ["desk:1", "desk:2"],
    }


@pytest.mark.parametrize(
    ("sent", "posted", "value"),
    [
        ({}, True, False),  # an unticked box is not sent at all
        ({}, False, True),
        ({"follow_up": "on"}, True, True),
        ({"follow_up": "false"}, True, False),
        ({"follow_up": True}, False, True),
        ({"follow_up": ""}, True, False),
    ],
)
def test_a_tick_box_is_read_as_a_browser_sends_it(
    sent: dict[str, Any], posted: bool, value: bool
) -> None:
    made = clean(SCHEMA, {"billing_id": RIGHT, **sent}, posted=posted)

    assert made.values["follow_up"] is value


@pytest.mark.parametrize(
    ("sent", "path", "rule"),
    [
        ({}, "", "required"),
        ({"billing_id": "  "}, "", "required"),
        ({"billing_id": "re_1"}, "/billing_id", "pattern"),
        ({"billing_id": RIGHT, "count": "many"}, "/count", "type"),
        ({"billing_id": RIGHT, "count": "0"}, "/count", "minimum"),
        ({"billing_id": RIGHT, "follow_up": "maybe"}, "/follow_up", "type"),
        ({"billing_id": RIGHT, "count": "9" * 30}, "/count", "type"),
        ({"billing_id": RIGHT, "stranger": "x"}, "", "additionalProperties"),
        ({"billing_id": RIGHT + "\n1"}, "/billing_id", "pattern"),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(
    sent: dict[str, Any], path: str, rule: str
) -> None:
    made = clean(SCHEMA, sent)

    assert not made.ok
    assert [(violation.path, violation.rule) for violation in made.violations] == [(path, rule)]


def test_values_that_are_typed_already_stay_as_they_are() -> None:
    made = clean(SCHEMA, {"billing_id": RIGHT, "count": 3, "tickets": ["desk:1"]})

    assert made.ok
    assert made.values["count"] == 3


def test_a_form_begins_with_its_defaults() -> None:
    assert defaults(SCHEMA) == {"follow_up": True}
