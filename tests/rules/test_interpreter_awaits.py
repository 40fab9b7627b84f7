"""Awaiting an acknowledgement: early, in time, pending, silent, late; and asking again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestration.rules import advance
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from orchestration.rules.run_state import Finish, HandOver, Perform, Retry, Wait
from tests.rules.flow_texts import ACK, NOTE, REFUND, SCOPE, START, Drive, acknowledgement

MISSING = Done({"status": "missing", "id": None})

PAGE = """\
- id: page
  call: pager.page
  with: {rota: support-primary, summary: Overdue}
- id: ack
  await: {contract: oncall.page.acknowledged, key: "= steps.page.page_key", within: PT10M}
  on_timeout:
    - repeat_from: page
      times: 2
    - handoff: {reason: page_unacknowledged, runbook: page-unanswered}
"""


def refunded() -> Drive:
    """A run that has asked billing and waits for its word."""
    run = Drive(REFUND, ACK, NOTE)
    run.call(Done({"id": "re_1", "status": "pending"}))
    run.wait()
    return run


def fall_silent(run: Drive, probe: Outcome = MISSING) -> None:
    """Let the deadline of the await pass, and the probe find this."""
    due = run.next()
    assert isinstance(due, Wait), due
    run.now = due.due_at
    asked = run.call(probe)
    assert asked.probe is not None
    assert asked.operation == "billing.get_refund"


def test_the_wait_names_contract_key_and_deadline() -> None:
    run = Drive(REFUND, ACK, NOTE)
    run.call(Done())

    due = run.next()

    assert due == Wait(
        path="ack",
        contract="billing.refund.completed",
        version="*",
        key="rf_abcdef12",
        until="awaited.data.status != 'pending'",
        due_at=START + timedelta(minutes=15),
        opening=True,
    )
    run.wait()
    run.pass_time(minutes=3)
    again = run.next()
    assert isinstance(again, Wait)
    assert (again.opening, again.due_at) == (False, START + timedelta(minutes=15))


def test_the_acknowledgement_in_time_gives_the_result_and_goes_on() -> None:
    run = refunded()

    run.arrive(acknowledgement("succeeded"))

    assert run.state.of("ack").result == {"status": "succeeded"}
    assert run.call(Done()).path == "note"


def test_an_event_that_is_not_what_is_awaited_changes_nothing() -> None:
    run = refunded()
    before = run.state

    run.arrive({"data": {"reference": "rf_abcdef12"}})  # no status: the guard's path is not there

    assert run.state == before


def test_pending_is_progress_and_gives_more_time_as_often_as_declared() -> None:
    run = refunded()

    due = []
    for _ in range(3):
        run.pass_time(minutes=10)
        run.arrive(acknowledgement("pending"))
        wait = run.next()
        assert isinstance(wait, Wait)
        due.append(wait.due_at)

    assert due == [
        START + timedelta(minutes=10, days=1),
        START + timedelta(minutes=20, days=1),
        START + timedelta(minutes=20, days=1),  # two renewals were declared
    ]


def test_a_renewed_wait_is_not_cut_by_the_runs_deadline_but_a_silent_one_is() -> None:
    renewed, silent = refunded(), refunded()
    renewed.arrive(acknowledgement("pending"))

    renewed.pass_time(hours=5)
    assert isinstance(renewed.next(), Wait)
    silent.state = silent.state.changed("ack", due_at=START + timedelta(days=2))
    silent.pass_time(hours=5)
    over = silent.next()
    assert isinstance(over, HandOver)
    assert over.reason == "run_deadline"


def test_after_silence_a_probe_that_finds_it_done_stands_for_the_acknowledgement() -> None:
    run = refunded()

    fall_silent(run, Done({"status": "succeeded", "id": "re_1"}))

    assert run.state.of("ack").result == {"status": "succeeded"}
    assert run.call(Done()).path == "note"


def test_silence_asks_again_under_the_same_key_twice_and_then_hands_over() -> None:
    run = refunded()

    for _ in range(2):
        fall_silent(run)
        asked = run.call(Done({"id": "re_1"}))
        assert (asked.path, asked.reask, asked.look_up_first, asked.redo) == (
            "refund",
            True,
            True,
            0,
        )
        assert run.wait().opening
    fall_silent(run)

    over = run.next()
    assert isinstance(over, HandOver)
    assert (over.path, over.reason) == ("ack", "callback_timeout")
    assert "asked again 2 times" in over.detail
    assert run.state.of("refund").visit == 3


def test_each_wait_after_asking_again_has_the_whole_time() -> None:
    run = refunded()
    fall_silent(run)
    run.pass_time(seconds=30)
    run.call(Done())

    assert run.wait().due_at == run.now + timedelta(minutes=15)


def test_asking_again_leaves_finished_calls_between_alone_but_judges_branches_anew() -> None:
    branch = """\
    - id: large
      branch:
        - when: "steps.refund.amount_minor > 100"
          goto: ack
    """
    run = Drive(REFUND, NOTE, branch, NOTE.replace("id: note", "id: small"), ACK)
    run.call(Done({"amount_minor": 500}))
    run.call(Done())
    run.wait()
    assert run.state_of("small") == "skipped"
    fall_silent(run)

    run.call(Done({"amount_minor": 5}))

    assert run.call(Done()).path == "small"
    assert run.state.of("note").visit == 1


@pytest.mark.parametrize("lost", [Transient("503"), Unknown("reset")])
def test_a_probe_without_an_answer_is_tried_three_times_and_then_passed_over(lost: Outcome) -> None:
    run = refunded()
    fall_silent(run, lost)
    for _ in range(2):
        due = run.next()
        assert isinstance(due, Retry)
        run.now = due.at
        run.call(lost)

    due = run.next()
    assert isinstance(due, Perform)
    assert (due.path, due.reask) == ("refund", True)


def test_a_probe_that_is_refused_is_passed_over_at_once() -> None:
    run = refunded()
    fall_silent(run, Refused("forbidden"))

    assert run.call(Done()).path == "refund"


def test_the_acknowledgement_that_comes_while_probing_counts_and_the_probes_answer_does_not() -> (
    None
):
    run = refunded()
    run.pass_time(minutes=15)
    probe = run.next()
    assert isinstance(probe, Perform)

    run.arrive(acknowledgement("failed"))
    run.state = advance.after_outcome(
        run.spec, run.state, probe, Done({"status": "succeeded"}), scope=SCOPE, now=run.now
    )

    assert run.state.of("ack").result == {"status": "failed"}


def test_the_acknowledgement_that_comes_before_asking_again_spares_the_asking() -> None:
    run = refunded()
    fall_silent(run)
    due = run.next()
    assert isinstance(due, Perform)

    run.arrive(acknowledgement("succeeded"))

    assert run.call(Done()).path == "note"
    assert run.state.of("refund").reask is False


def test_a_late_acknowledgement_after_the_handoff_lets_the_run_go_on_under_a_new_deadline() -> None:
    run = refunded()
    for _ in range(2):
        fall_silent(run)
        run.call(Done())
        run.wait()
    fall_silent(run)
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)
    run.pass_time(days=2)

    run.arrive(acknowledgement("succeeded"))

    assert run.call(Done()).path == "note"
    assert run.next() == Finish("succeeded")


def test_an_acknowledgement_counts_once() -> None:
    run = refunded()
    run.arrive(acknowledgement("succeeded"))
    before = run.state

    run.arrive(acknowledgement("failed"))

    assert run.state == before


def test_without_a_last_handoff_silence_still_ends_with_a_person() -> None:
    bare = """\
    - id: ack
      await: {contract: billing.refund.completed, key: "= event.data.refund_id", within: PT1M}
    """
    run = Drive(bare)
    run.wait()
    run.pass_time(minutes=1)

    over = run.next()

    assert isinstance(over, HandOver)
    assert (over.reason, over.runbook) == ("callback_timeout", "refund-callback-failed")


def test_without_a_result_the_whole_event_is_the_result() -> None:
    bare = """\
    - id: ack
      await: {contract: billing.refund.completed, key: "= event.data.refund_id", within: PT1M}
    """
    run = Drive(bare)
    run.wait()

    run.arrive(acknowledgement("succeeded"))

    assert run.state.of("ack").result == acknowledgement("succeeded")


def test_a_page_that_nobody_answers_is_repeated_under_new_keys_and_then_handed_over() -> None:
    run = Drive(PAGE)
    redos, waits = [], []
    for number in range(3):
        redos.append(run.call(Done({"page_key": f"k{number}"})).redo)
        waits.append(run.wait())
        run.pass_time(minutes=10)

    assert redos == [0, 1, 2]
    assert [wait.key for wait in waits] == ["k0", "k1", "k2"]
    assert waits[2].earlier_keys == ("k0", "k1")  # an answer to an earlier page counts too
    over = run.next()
    assert isinstance(over, HandOver)
    assert (over.reason, over.runbook) == ("page_unacknowledged", "page-unanswered")


def test_an_awaits_key_that_is_not_there_is_a_step_error() -> None:
    run = Drive(PAGE)
    run.call(Done({}))

    over = run.next()

    assert isinstance(over, HandOver)
    assert (over.path, over.reason) == ("ack", "step_error")


def test_a_result_that_cannot_be_read_from_the_event_is_a_step_error() -> None:
    odd = ACK.replace('status: "= awaited.data.status"', 'status: "= awaited.data.nothing"')
    run = Drive(REFUND, odd)
    run.call(Done())
    run.wait()

    run.arrive(acknowledgement("succeeded"))

    over = run.next()
    assert isinstance(over, HandOver)
    assert over.reason == "step_error"
