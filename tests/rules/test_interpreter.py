"""The interpreter: calls and their outcomes, the run's deadline and end, what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestration.rules import advance
from orchestration.rules.catalog import CATALOG
from orchestration.rules.interpreter import starts
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from orchestration.rules.run_state import (
    Finish,
    HandOver,
    Perform,
    Retry,
    RunState,
    StepFacts,
)
from tests.rules.flow_texts import HEAD, NOTE, REFUND, SCOPE, SECOND, START, Drive, flow_of

READ = """\
- id: look
  call: billing.get_refund
  with: {reference: "= event.data.refund_id"}
  retry: {attempts: 2, first_delay: PT1S, jitter: none}
"""


def test_a_flow_of_two_calls_does_one_after_the_other_and_succeeds() -> None:
    run = Drive(REFUND, NOTE)

    first = run.call(Done({"id": "re_1"}))
    second = run.call(Done())

    assert (first.path, second.path) == ("refund", "note")
    assert first.args == {"charge": "ch_1", "amount_minor": 21800, "reference": "rf_abcdef12"}
    assert run.next() == Finish("succeeded")


def test_money_is_looked_up_before_it_moves_and_other_effects_only_when_asked_again() -> None:
    run = Drive(REFUND, NOTE)

    assert run.call(Done()).look_up_first
    assert not run.call(Unknown("connection reset")).look_up_first
    run.pass_time(seconds=1)
    again = run.next()
    assert isinstance(again, Perform)
    assert (again.look_up_first, again.reask, again.redo) == (True, True, 0)


def test_a_later_step_reads_the_result_of_an_earlier_one() -> None:
    run = Drive(
        REFUND,
        """\
        - id: note
          call: helpdesk.add_note
          with: {ticket: "= run.ticket", comment: "= 'Refund ' + steps.refund.id"}
        """,
    )
    run.call(Done({"id": "re_1"}))

    assert run.call(Done()).args == {"ticket": "desk:4812", "comment": "Refund re_1"}


@pytest.mark.parametrize(
    ("outcomes", "waits_s", "reason"),
    [
        ([Transient("503")] * 3, [1, 2], "retries_exhausted"),
        ([Unknown("reset")] * 3, [1, 2], "unknown_outcome"),
        # "Not now" says nothing of the try whose answer was lost.
        ([Unknown("reset"), Transient("503"), Transient("503")], [1, 2], "unknown_outcome"),
        ([Transient("503"), Refused("card_closed")], [1], "refused"),
        ([Refused("ambiguous_refund", "two refunds")], [], "ambiguous_refund"),
    ],
)
def test_an_effect_that_fails_is_tried_by_its_policy_and_then_handed_over(
    outcomes: list[Outcome], waits_s: list[int], reason: str
) -> None:
    run = Drive(REFUND, NOTE)

    waited = []
    for outcome in outcomes:
        run.call(outcome)
        due = run.next()
        if isinstance(due, Retry):
            waited.append(int((due.at - run.now).total_seconds()))
            run.now = due.at

    assert waited == waits_s
    ended = run.next()
    assert isinstance(ended, HandOver)
    assert (ended.path, ended.reason, ended.runbook) == ("refund", reason, "refund-callback-failed")


def test_a_vendors_own_reason_is_told_in_the_detail_of_the_handoff() -> None:
    run = Drive(REFUND)
    run.call(Refused("charge_expired", "The charge is 200 days old."))

    ended = run.next()

    assert isinstance(ended, HandOver)
    assert (ended.reason, ended.detail) == (
        "refused",
        "charge_expired: The charge is 200 days old.",
    )


def test_a_read_whose_answer_is_lost_is_only_tried_again() -> None:
    run = Drive(READ)

    run.call(Unknown("reset"))
    run.pass_time(seconds=1)
    assert not run.call(Unknown("reset")).reask

    ended = run.next()
    assert isinstance(ended, HandOver)
    assert ended.reason == "retries_exhausted"


def test_retry_after_of_the_vendor_lengthens_the_pause() -> None:
    run = Drive(REFUND)
    run.call(Transient("429", retry_after=timedelta(seconds=30)))

    assert run.next() == Retry("refund", START + 30 * SECOND)


def test_a_success_after_a_lost_answer_goes_on_and_forgets_the_doubt() -> None:
    run = Drive(REFUND, NOTE)
    run.call(Unknown("reset"))
    run.pass_time(seconds=1)
    run.call(Done({"id": "re_1"}))

    assert run.state.of("refund").reask is False
    assert run.call(Done()).path == "note"


def test_a_manual_effect_whose_answer_is_lost_goes_to_a_person_at_once() -> None:
    manual = {
        **CATALOG,
        "helpdesk.add_note": replace(CATALOG["helpdesk.add_note"], safety="manual"),
    }
    run = Drive(NOTE)
    due = run.next()
    assert isinstance(due, Perform)

    state = advance.after_outcome(
        run.spec,
        run.state,
        due,
        Unknown("reset"),
        scope=SCOPE,
        now=START,
        catalog=manual,
    )

    error = state.of("note").error
    assert error is not None
    assert error.reason == "unknown_outcome"


def test_a_worker_that_dies_in_a_call_leaves_it_to_be_asked_again_under_the_same_key() -> None:
    run = Drive(REFUND)
    due = run.next()
    assert isinstance(due, Perform)
    run.state = advance.attempt_started(run.state, due, now=run.now)

    again = run.next()

    assert isinstance(again, Perform)
    assert (again.reask, again.look_up_first, again.redo, again.attempt) == (True, True, 0, 2)


def test_a_call_that_keeps_killing_its_workers_is_handed_over() -> None:
    run = Drive(REFUND)
    for _ in range(6):  # three tries of the policy, three of grace
        due = run.next()
        assert isinstance(due, Perform)
        run.state = advance.attempt_started(run.state, due, now=run.now)

    ended = run.next()
    assert isinstance(ended, HandOver)
    assert ended.reason == "unknown_outcome"


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("{goto: last}", ["skipped", "last"]),
        ("{next: true}", ["ready", "note"]),
    ],
)
def test_a_refusal_with_a_route_of_its_own_goes_on_there(route: str, expected: list[str]) -> None:
    last = NOTE.replace("id: note", "id: last")
    run = Drive(REFUND + f"  refused: {route}\n", NOTE, last)

    run.call(Refused("no_such_charge", "unknown"))
    due = run.next()

    assert isinstance(due, Perform)
    assert [run.state_of("note"), due.path] == expected
    assert run.state.of("refund").result == {
        "refused": {"reason": "no_such_charge", "detail": "unknown"}
    }


def test_a_refusal_can_end_the_run_or_name_its_own_handoff() -> None:
    ended = Drive(REFUND + "  refused: {end: true}\n", NOTE)
    ended.call(Refused("no_such_charge"))
    handed = Drive(
        REFUND + "  refused: {handoff: {reason: refund_refused, runbook: refund-refused}}\n"
    )
    handed.call(Refused("card_closed", "The card is closed."))

    assert ended.next() == Finish("succeeded")
    assert ended.state_of("note") == "skipped"
    over = handed.next()
    assert isinstance(over, HandOver)
    assert (over.reason, over.runbook) == ("refund_refused", "refund-refused")
    assert "card_closed" in over.detail


def test_a_run_past_its_deadline_is_handed_over_wherever_it_stands() -> None:
    run = Drive(REFUND, NOTE)
    run.call(Done())
    run.pass_time(hours=4)

    over = run.next()

    assert isinstance(over, HandOver)
    assert (over.path, over.reason) == ("note", "run_deadline")


def test_a_run_that_has_done_everything_succeeds_even_past_its_deadline() -> None:
    run = Drive(NOTE)
    run.call(Done())
    run.pass_time(days=9)

    assert run.next() == Finish("succeeded")


def test_a_cancelled_run_does_nothing_more() -> None:
    run = Drive(REFUND, NOTE)
    run.call(Done())

    run.state = advance.cancel(run.state)

    assert run.next() == Finish("cancelled")


def test_arguments_that_cannot_be_read_are_a_step_error_naming_the_expression() -> None:
    scope = {**SCOPE, "event": {"data": {"ticket_id": "desk:1"}}}
    run = Drive(REFUND, scope=scope)

    over = run.next()

    assert isinstance(over, HandOver)
    assert over.reason == "step_error"
    assert "event.data.charge_id" in over.detail


def test_arguments_that_do_not_fit_the_operation_never_reach_the_vendor() -> None:
    scope = {**SCOPE, "event": {"data": {**SCOPE["event"]["data"], "amount_minor": -5}}}
    run = Drive(REFUND, scope=scope)

    over = run.next()

    assert isinstance(over, HandOver)
    assert over.reason == "step_error"
    assert "/amount_minor" in over.detail
    assert "-5" not in over.detail


def test_an_exception_route_with_a_reason_gives_it_to_every_failure_of_its_step() -> None:
    route = "  exception_route: {runbook: cancellation-failed, reason: cancellation_unconfirmed}\n"
    run = Drive(NOTE + route)
    run.call(Refused("no_such_ticket"))

    over = run.next()

    assert isinstance(over, HandOver)
    assert (over.reason, over.runbook) == ("cancellation_unconfirmed", "cancellation-failed")


def test_a_renamed_step_keeps_the_path_of_its_effect() -> None:
    run = Drive(NOTE + "  was: old_note\n")

    due = run.next()

    assert isinstance(due, Perform)
    assert (due.path, due.effect_path) == ("note", "old_note")


@pytest.mark.parametrize(
    ("when", "amount", "expected"),
    [
        ("event.data.amount_minor > 0", 5, True),
        ("event.data.amount_minor > 0", 0, False),
        ("event.data.missing > 0", 5, False),
        ("subject.before == 'completed'", 5, True),
    ],
)
def test_the_triggers_guard_decides_whether_an_event_starts_a_run(
    when: str, amount: int, expected: bool
) -> None:
    head = HEAD.replace('version: "^1"}', f'version: "^1", when: "{when}"}}')
    scope = {"event": {"data": {"amount_minor": amount}}, "subject": {"before": "completed"}}

    assert starts(flow_of(NOTE, head=head), scope) is expected


def test_facts_survive_being_stored_as_json() -> None:
    run = Drive(REFUND, NOTE)
    run.call(Unknown("reset"))
    run.pass_time(seconds=1)
    run.call(Refused("card_closed", "closed"))

    for path, facts in run.state.facts.items():
        assert StepFacts.from_json(facts.to_json()) == facts, path


def test_the_difference_of_two_states_is_what_must_be_stored() -> None:
    run = Drive(REFUND, NOTE)
    run.call(Done())
    before = run.state

    run.call(Done())

    assert set(run.state.difference(before)) == {"note"}
    assert run.state.difference(run.state) == {}
    assert set(before.difference(RunState())) == {"refund"}
