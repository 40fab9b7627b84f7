"""Which results of a test session may be registered: passed, failed, or withheld with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from meshline.testing.tally import Tally

A, B = ("a.b", "1.0.0", "da"), ("c.d", "2.0.0", "dc")
Phase = tuple[str, str, str, dict[str, Any] | None]


def told(*taken: tuple[tuple[str, str, str], int], asks: bool = True) -> dict[str, Any]:
    """What the plugin writes into a report."""
    return {"asks": asks, "taken": [[*one, count] for one, count in taken]}


def states(*phases: Phase, doubts: tuple[str, ...] = ()) -> dict[str, str]:
    """Contracts and what the session says of them."""
    tally = Tally()
    for phase in phases:
        tally.add(*phase)
    for one in doubts:
        tally.doubt(one)
    return {str(one.taken): one.state for one in tally.results()}


GOOD: Phase = ("t1", "call", "passed", told((A, 2)))


@pytest.mark.parametrize(
    ("phases", "doubts", "expected"),
    [
        ([GOOD], (), {"a.b 1.0.0": "passed"}),
        ([("t1", "call", "passed", told((A, 0)))], (), {}),
        ([GOOD, ("t2", "call", "failed", told((A, 0)))], (), {"a.b 1.0.0": "failed"}),
        ([GOOD, ("t1", "teardown", "failed", told((A, 2)))], (), {"a.b 1.0.0": "failed"}),
        ([GOOD, ("t2", "call", "failed", told(asks=False))], (), {"a.b 1.0.0": "passed"}),
        ([GOOD, ("t2", "call", "failed", told())], (), {"a.b 1.0.0": "withheld"}),
        ([GOOD, ("t2", "???", "failed", None)], (), {"a.b 1.0.0": "withheld"}),
        ([GOOD], ("Stopped.",), {"a.b 1.0.0": "withheld"}),
        ([("t1", "call", "failed", told((A, 1)))], ("Stopped.",), {"a.b 1.0.0": "failed"}),
        ([("t1", "call", "skipped", told((A, 1)))], (), {"a.b 1.0.0": "withheld"}),
        (
            [GOOD, ("t2", "call", "failed", told((B, 1)))], (),
            {"a.b 1.0.0": "passed", "c.d 2.0.0": "failed"},
        ),
        (
            [("t1", "setup", "passed", told()), ("t1", "call", "failed", told((A, 1))),
             ("t1", "setup", "passed", told()), GOOD], (),
            {"a.b 1.0.0": "passed"},
        ),
    ],
)  # fmt: skip
def test_result_follows_from_every_test_of_the_contract(
    phases: list[Phase], doubts: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert states(*phases, doubts=doubts) == expected


def test_details_name_the_tests_that_failed_and_stay_within_what_is_stored() -> None:
    tally = Tally()
    for number in range(200):
        tally.add(f"test_{number}", "call", "failed", told((A, 1)))
    (result,) = tally.results()

    assert result.details.startswith("200 of 200 tests failed: test_0, test_1")
    assert len(result.details) == 1000
