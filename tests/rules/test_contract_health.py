"""How a contract is doing, from stored facts: the worst that is true decides."""

from __future__ import annotations

from typing import Any

import pytest

from contracts_app.rules.contract_health import Day, HealthFacts, health_of

LATE = (("latency", "0.99"),)
VALID = (("valid_share", "0.9"),)


@pytest.mark.parametrize(
    ("facts", "state", "reasons"),
    [
        ({}, "healthy", ()),
        ({"heard": False}, "silent", ("nothing came in 7 days",)),
        ({"tests_fail": True, "drifts": True}, "failing", ("its tests fail",)),
        ({"drifts": True, "heard": False}, "at-risk", ("something drifts",)),
        ({"held_open": 1}, "at-risk", ("1 held event",)),
        ({"held_open": 2}, "at-risk", ("2 held events",)),
        ({"day": Day(finished=100, late=2), "targets": LATE}, "failing", ("too many late",)),
        ({"day": Day(finished=100, late=1), "targets": LATE}, "at-risk", ("nearly too many late",)),
        ({"day": Day(finished=1000, late=1), "targets": LATE}, "healthy", ()),
        ({"day": Day(finished=100, late=50)}, "healthy", ()),
        ({"day": Day(received=8, held=1, rejected=1), "targets": VALID}, "failing",
         ("too many refused",)),
        ({"day": Day(late=1), "targets": (("latency", "1"),)}, "failing", ("too many late",)),
    ],
)  # fmt: skip
def test_health_and_its_reasons(
    facts: dict[str, Any], state: str, reasons: tuple[str, ...]
) -> None:
    found = health_of(HealthFacts(**facts))

    assert (found.state, found.reasons) == (state, reasons)
