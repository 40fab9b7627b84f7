"""A subject's state moves only as its contract declares; backwards is held and explained."""

from __future__ import annotations

import pytest

from contracts_app.rules.states import Backward, Transition, advance, parse_states, state_findings

REFUND = parse_states(
    {
        "subject": "refund",
        "initial": "requested",
        "final": ["failed"],
        "terminal_for_ticket": ["completed"],
        "transitions": [
            {"from": "requested", "to": "submitted", "by": "flow"},
            {"from": ["requested", "submitted"], "to": "pending", "by": "event", "when": "pending"},
            {"from": ["submitted", "pending", "overdue"], "to": "completed", "by": "event",
             "when": "succeeded"},
            {"from": ["submitted", "completed"], "to": "failed", "by": "event", "when": "failed"},
            {"from": "submitted", "to": "overdue", "by": "deadline", "after": "ack_within"},
            {"from": "overdue", "to": "submitted", "by": "runbook", "action": "flow.retry_step"},
            {"from": "overdue", "to": "completed", "by": "runbook", "action": "satisfy"},
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("current", "by", "status", "after"),
    [
        (None, "flow", "", "submitted"),
        (None, "event", "pending", "pending"),
        ("submitted", "event", "succeeded", "completed"),
        ("completed", "event", "failed", "failed"),
        ("submitted", "deadline", "", "overdue"),
    ],
)
def test_declared_cause_moves_the_subject(
    current: str | None, by: str, status: str, after: str
) -> None:
    moved = advance(REFUND, current, by=by, holds=lambda when: when == status)
    assert isinstance(moved, Transition)
    assert (moved.before, moved.after) == (current or "requested", after)


def test_late_event_would_move_backwards_and_says_so() -> None:
    held = advance(REFUND, "completed", by="event", holds=lambda when: when == "pending")
    assert held == Backward(
        "completed",
        "pending",
        "The refund is already completed; pending may only follow requested, submitted.",
    )


def test_repeated_or_unrelated_event_moves_nothing() -> None:
    assert advance(REFUND, "completed", by="event", holds=lambda when: when == "succeeded") is None
    assert advance(REFUND, "submitted", by="event", holds=lambda when: False) is None


def test_button_moves_only_by_its_own_action() -> None:
    moved = advance(REFUND, "overdue", by="runbook", action="satisfy", holds=lambda when: True)
    assert isinstance(moved, Transition)
    assert moved.after == "completed"
    assert advance(REFUND, "overdue", by="runbook", action="x", holds=lambda when: True) is None


def test_ticket_may_be_resolved_only_from_a_terminal_state() -> None:
    assert REFUND.lets_ticket_resolve("completed")
    assert not REFUND.lets_ticket_resolve("submitted")


def test_states_that_nothing_leads_to_are_found() -> None:
    machine = parse_states(
        {
            "subject": "refund",
            "initial": "a",
            "final": ["z"],
            "transitions": [
                {"from": "a", "to": "b", "by": "flow"},
                {"from": "q", "to": "b", "by": "flow"},
            ],
        }
    )
    assert [f.path for f in state_findings(machine)] == [
        "/states/final/0",
        "/states/transitions/1/from",
    ]
