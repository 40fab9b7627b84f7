"""The interpreter's other steps: guards, branches, waits, transitions, handoffs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestration.rules import advance
from orchestration.rules.outcomes import Done
from orchestration.rules.run_state import Finish, HandOver, Move, Perform, Sleep
from tests.rules.flow_texts import NOTE, REFUND, SCOPE, START, Drive


@pytest.mark.parametrize(
    ("when", "ran"),
    [
        ("event.data.amount_minor > 100", True),
        ("event.data.amount_minor > 900000", False),
        ("event.data.not_there == 1", False),
        ("event.data.currency.code == 'EUR'", False),
        ("has(event.data.currency)", True),
    ],
)
def test_a_guard_decides_whether_its_step_runs_and_a_missing_path_is_false(
    when: str, ran: bool
) -> None:
    run = Drive(NOTE + f'  when: "{when}"\n')

    due = run.next()

    assert isinstance(due, Perform if ran else Finish)
    assert run.state_of("note") == ("ready" if ran else "skipped")


def test_a_guard_that_is_not_a_truth_value_is_a_step_error() -> None:
    run = Drive(NOTE + '  when: "event.data.currency"\n')

    ended = run.next()

    assert isinstance(ended, HandOver)
    assert ended.reason == "step_error"
    assert "event.data.currency" in ended.detail


BRANCH = """\
- id: route
  branch:
    - when: "steps.refund.status == 'failed'"
      handoff: {reason: refund_refused, runbook: refund-refused}
    - when: "steps.refund.status == 'quick'"
      goto: last
    - when: "steps.refund.status == 'over'"
      end: true
"""


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("failed", "refund_refused"),
        ("quick", "last"),
        ("over", "succeeded"),
        ("other", "note"),
    ],
)
def test_a_branch_goes_where_its_first_true_case_says(status: str, expected: str) -> None:
    run = Drive(REFUND, BRANCH, NOTE, NOTE.replace("id: note", "id: last"))
    run.call(Done({"status": status}))

    due = run.next()

    match due:
        case HandOver(reason=reason):
            assert reason == expected
            assert due.runbook == "refund-refused"
        case Perform(path=path):
            assert path == expected
        case Finish(state=state):
            assert state == expected
        case _:
            pytest.fail(f"unexpected: {due}")


def test_a_branch_without_a_true_case_takes_its_default() -> None:
    run = Drive(
        REFUND,
        BRANCH + "  default: {handoff: {reason: strange_status}}\n",
        NOTE.replace("id: note", "id: last"),
    )
    run.call(Done({"status": "other"}))

    ended = run.next()

    assert isinstance(ended, HandOver)
    assert (ended.reason, ended.runbook) == ("strange_status", "refund-callback-failed")


def test_a_jump_leaves_the_steps_between_skipped() -> None:
    run = Drive(REFUND, BRANCH, NOTE, NOTE.replace("id: note", "id: last"))
    run.call(Done({"status": "quick"}))
    run.call(Done())

    assert run.next() == Finish("succeeded")
    assert [run.state_of(name) for name in ("refund", "route", "note", "last")] == [
        "done",
        "done",
        "skipped",
        "done",
    ]


def test_a_wait_sleeps_for_its_time_and_goes_on() -> None:
    run = Drive("- {id: pause, wait: PT5M}\n", NOTE)

    due = run.next()
    assert due == Sleep("pause", START + timedelta(minutes=5), opening=True)
    assert isinstance(due, Sleep)
    run.state = advance.sleep_opened(run.state, due, now=run.now)
    run.pass_time(minutes=4)
    assert run.next() == Sleep("pause", START + timedelta(minutes=5), opening=False)
    run.pass_time(minutes=1)
    assert run.call(Done()).path == "note"


def test_a_wait_until_an_instant_reads_it_from_the_event() -> None:
    scope = {**SCOPE, "event": {"data": {"remind_at": "2026-01-05T12:00:00+01:00"}}}
    run = Drive('- {id: pause, wait: {until: "= event.data.remind_at"}}\n', scope=scope)

    due = run.next()

    assert isinstance(due, Sleep)
    assert due.until == START + timedelta(hours=1)


def test_a_wait_until_what_is_no_instant_is_a_step_error() -> None:
    run = Drive('- {id: pause, wait: {until: "= event.data.currency"}}\n')

    ended = run.next()

    assert isinstance(ended, HandOver)
    assert ended.reason == "step_error"


def test_a_transition_asks_for_the_move_and_goes_on() -> None:
    move = """\
    - id: submitted
      transition: {contract: billing.refund.completed, subject: "= event.data.refund_id", to: submitted}
    """  # noqa: E501
    run = Drive(move, NOTE)

    assert run.next() == Move("submitted", "billing.refund.completed", "rf_abcdef12", "submitted")
    run.state = advance.moved(run.state, "submitted")
    assert run.call(Done()).path == "note"


def test_a_handoff_step_that_continues_opens_its_handoff_and_goes_on() -> None:
    partial = """\
    - id: partial
      handoff: {reason: partial_enrichment, runbook: backfill, detail: "= 'No cart for ' + run.ticket", continue: true}
    """  # noqa: E501
    run = Drive(partial, NOTE)

    over = run.next()
    assert over == HandOver(
        "partial", "partial_enrichment", "backfill", "No cart for desk:4812", goes_on=True
    )
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)
    assert run.call(Done()).path == "note"
    assert run.next() == Finish("succeeded")


def test_a_handoff_step_that_does_not_continue_stops_the_run_there() -> None:
    run = Drive("- {id: stop, handoff: {reason: refund_reversed}}\n")
    over = run.next()
    assert isinstance(over, HandOver)

    run.state = advance.handed_over(run.state, over)

    assert run.state_of("stop") == "failed"
    assert run.next() == over
