"""The smoke tests that a contract declares, what is wrong with one, and when its turn comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cronsim import CronSimError

from contracts_app.rules.contract_spec import check_contract
from contracts_app.rules.smoke import SmokeTest, judged, next_run, smoke_tests
from meshline.core import yaml12
from tests.rules.standard_contracts import BARE

EXAMPLE = "one"
SHADOW = {"schedule": "*/15 * * * *", "payload": EXAMPLE}
READ = {"name": "asks", "schedule": "0 6 * * *", "mode": "read_only",
        "operation": "billing.get_refund", "with": {"reference": "rf_1"}}  # fmt: skip


def findings(smoke: Any) -> list[str]:
    document = yaml12.load((BARE + f"tests: {{smoke: {yaml(smoke)}}}\n").encode(), name="c.yaml")
    return [f"{one.path}: {one.message}" for one in check_contract(document)]


def yaml(value: Any) -> str:
    """JSON is YAML."""
    import json

    return json.dumps(value)


def test_one_test_or_several_are_read_with_their_defaults() -> None:
    assert findings([SHADOW, READ]) == []
    one = smoke_tests({"tests": {"smoke": SHADOW}})
    assert one == (SmokeTest("shadow", "shadow", "*/15 * * * *", EXAMPLE, arguments={}),)
    assert [test.name for test in smoke_tests({"tests": {"smoke": [SHADOW, READ]}})] == [
        "shadow",
        "asks",
    ]
    assert smoke_tests({}) == smoke_tests({"tests": {}}) == ()


@pytest.mark.parametrize(
    ("smoke", "told"),
    [
        ({**SHADOW, "schedule": "every morning"}, "/tests/smoke/schedule: 'every morning' is no"),
        ({**SHADOW, "schedule": "61 * * * *"}, "/tests/smoke/schedule: '61 * * * *' is no"),
        ({**SHADOW, "payload": "nowhere"}, "No valid example is called 'nowhere'"),
        ({"schedule": "* * * * *"}, "No valid example is called ''"),
        ([SHADOW, SHADOW], "/tests/smoke/1/name: Two smoke tests are called shadow"),
        ({"schedule": "* * * * *", "mode": "read_only"}, "asks nothing"),
        ({**SHADOW, "mode": "live"}, "/tests/smoke/mode"),
        ({**SHADOW, "often": 1}, "often"),
        ({"mode": "shadow"}, "schedule"),
        (
            {**READ, "expect": {"result": {"$ref": "https://elsewhere.example/x"}}},
            "/tests/smoke/expect/result",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(smoke: Any, told: str) -> None:
    assert any(told in one for one in findings(smoke)), findings(smoke)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "due"),
    [
        ("*/15 * * * *", "UTC", "2026-11-24T10:00:00", "2026-11-24T10:15:00"),
        ("*/15 * * * *", "UTC", "2026-11-24T10:14:59", "2026-11-24T10:15:00"),
        ("0 6 * * 1", "Europe/Berlin", "2026-11-24T10:00:00", "2026-11-30T05:00:00"),
        # The hour that the clock leaves out in spring: just after it.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00", "2026-03-29T01:00:00"),
    ],
)
def test_turn_comes_by_the_contracts_own_zone(
    schedule: str, zone: str, after: str, due: str
) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_run(schedule, zone, after=moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(CronSimError):
        next_run("0 0 31 2 *", "UTC", after=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("expected", "outcome", "answer", "passed"),
    [
        ({}, "done", {"status": "x"}, True),
        ({}, "transient", "timeout", False),
        ({"outcome": "refused"}, "refused", "not_found", True),
        ({"outcome": "refused"}, "done", {}, False),
        ({"result": {"required": ["status"]}}, "done", {}, False),
        ({"result": {"required": ["status"]}}, "done", {"status": 1}, True),
    ],
)
def test_answer_is_judged_by_what_was_expected(
    expected: dict[str, Any], outcome: str, answer: Any, passed: bool
) -> None:
    (test,) = smoke_tests({"tests": {"smoke": {**READ, "expect": expected}}})
    smoked = judged(test, outcome, answer)
    assert (smoked.outcome == "passed") is passed
    assert smoked.sentence.endswith(".")
