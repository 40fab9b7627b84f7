"""The pilot's refund flows, walked to their ends: what happens, and what happens in silence."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.rules.interpreter import starts
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from orchestration.rules.run_state import Finish
from tests.rules import pilot_world as pilot
from tests.rules.flow_walk import Walk, handed, scope_of, walk_event

REFUND_MADE = {
    "id": "re_1AbCdEfGh",
    "status": "pending",
    "amount_minor": 21800,
    "currency": "EUR",
    "adopted": False,
}
MISSING = {"id": None, "status": "missing"}
SENT = {"message_id": "1@meshline"}


def acknowledged(status: str, **more: Any) -> dict[str, Any]:
    """Billing's answer about the refund of the happy path."""
    event = pilot.example("billing.refund.completed")
    return {**event, "data": {**event["data"], "status": status, **more}}


def refund(*arrivals: Any, **script: Any) -> Walk:
    """Walk refund-completion; every system says yes unless the script says otherwise."""
    usual: dict[str, Any] = {
        "billing.create_refund": REFUND_MADE,
        "billing.get_refund": MISSING,
        "helpdesk.transition_ticket": {"status": "solved"},
        "mail.send": SENT,
    }
    changed = {name.replace("__", "."): said for name, said in script.items()}
    event = pilot.example("support.refund.requested")
    return walk_event(pilot.flows()["refund-completion"], event, {**usual, **changed}, *arrivals)


def test_a_refund_resolves_the_ticket_after_the_acknowledgement_and_tells_the_customer_once() -> (
    None
):
    walked = refund(acknowledged("succeeded"))

    assert walked.end == Finish("succeeded")
    assert walked.operations == [
        "billing.create_refund",
        "helpdesk.transition_ticket",
        "mail.send",
    ]
    assert walked.calls[0].look_up_first
    assert walked.waits[0].key == "rf_abcdef123456"
    assert walked.args_of("helpdesk.transition_ticket") == {
        "ticket": "desk:4812",
        "to": "solved",
        "comment": "Refund rf_abcdef123456 is confirmed by billing as re_1AbCdEfGh.",
        "public": False,
    }
    mail = walked.args_of("mail.send")
    assert (mail["to"], mail["template"]) == ("maja@customer.example", "refund-confirmed")
    assert mail["data"]["amount_minor"] == 21800


def test_a_refund_that_is_pending_at_the_bank_waits_on_without_a_person() -> None:
    walked = refund(acknowledged("pending"), acknowledged("pending"), acknowledged("succeeded"))

    assert walked.end == Finish("succeeded")
    assert walked.operations.count("billing.create_refund") == 1


def test_a_lost_acknowledgement_is_found_by_asking_billing() -> None:
    found = {"id": "re_1AbCdEfGh", "status": "succeeded", "reference": "rf_abcdef123456"}

    walked = refund(None, billing__get_refund=found)

    assert walked.end == Finish("succeeded")
    assert walked.operations == [
        "billing.create_refund",
        "billing.get_refund",
        "helpdesk.transition_ticket",
        "mail.send",
    ]


def test_a_refund_that_stays_silent_is_asked_for_with_the_same_key_and_then_handed_over() -> None:
    walked = refund()

    asked = [call for call in walked.calls if call.operation == "billing.create_refund"]
    assert handed(walked) == ("callback_timeout", "refund-callback-failed")
    assert len(asked) == 3
    assert {call.redo for call in asked} == {0}
    assert [call.reask for call in asked] == [False, True, True]
    assert not {"helpdesk.transition_ticket", "mail.send"} & set(walked.operations)


def test_a_late_answer_after_the_second_asking_still_finishes_the_run() -> None:
    walked = refund(None, acknowledged("succeeded"))

    assert walked.end == Finish("succeeded")
    assert walked.operations.count("mail.send") == 1


def test_a_refund_that_the_bank_refuses_goes_to_a_person_and_the_ticket_stays_open() -> None:
    walked = refund(acknowledged("failed"))

    assert handed(walked) == ("refund_refused", "refund-refused")
    assert walked.operations == ["billing.create_refund"]


def test_a_lost_answer_is_asked_again_with_the_same_key() -> None:
    answers = iter([Unknown("time-out"), Done(REFUND_MADE)])

    walked = refund(acknowledged("succeeded"), billing__create_refund=lambda _: next(answers))

    asked = [call for call in walked.calls if call.operation == "billing.create_refund"]
    assert walked.end == Finish("succeeded")
    assert [(call.redo, call.look_up_first) for call in asked] == [(0, True), (0, True)]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Transient("503"), "retries_exhausted"),
        (Unknown("time-out"), "unknown_outcome"),
    ],
)
def test_billing_that_never_answers_is_a_persons_matter(outcome: Outcome, reason: str) -> None:
    walked = refund(billing__create_refund=outcome)

    assert handed(walked) == (reason, "refund-callback-failed")
    assert len(walked.calls) == 6


def test_a_refund_made_by_other_hands_in_part_is_a_persons_matter() -> None:
    walked = refund(billing__create_refund=Refused("ambiguous_refund", "Two refunds."))

    assert handed(walked) == ("ambiguous_refund", "refund-refused")
    assert walked.operations == ["billing.create_refund"]


def test_mail_that_cannot_be_sent_never_leads_to_asking_for_the_money_again() -> None:
    walked = refund(acknowledged("succeeded"), mail__send=Transient("no connection"))

    assert handed(walked) == ("retries_exhausted", "run-failed")


@pytest.mark.parametrize(
    ("before", "after", "starts_it"),
    [
        ("completed", "failed", True),
        ("pending", "failed", False),
        ("requested", "completed", False),
        ("failed", "failed", False),
    ],
)
def test_only_a_success_that_fails_later_is_a_reversal(
    before: str, after: str, starts_it: bool
) -> None:
    scope = scope_of(acknowledged("failed"), subject={"before": before, "after": after})

    assert starts(pilot.flows()["refund-reversal"], scope) is starts_it


def test_a_reversed_refund_opens_the_ticket_again_and_hands_over_without_a_mail() -> None:
    walked = walk_event(
        pilot.flows()["refund-reversal"],
        acknowledged("failed"),
        {"helpdesk.transition_ticket": {"status": "open"}},
        ticket="desk:4812",
    )

    assert handed(walked) == ("refund_reversed", "refund-refused")
    assert walked.args_of("helpdesk.transition_ticket")["to"] == "open"
    assert walked.args_of("helpdesk.transition_ticket")["public"] is False
