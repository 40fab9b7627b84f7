"""What a person's press does to a run: retry a step, take an answer as it is, preview a replay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestration.rules import advance
from orchestration.rules.fact_moves import steps_scope
from orchestration.rules.outcomes import Done, Refused, Unknown
from orchestration.rules.preview import preview, replay_state
from orchestration.rules.run_state import Finish, HandOver, Perform, RunState, StepFacts
from tests.rules.flow_texts import ACK, NOTE, REFUND, START, Drive
from tests.rules.test_interpreter_awaits import MISSING, PAGE, fall_silent, refunded

LATER = START + timedelta(days=1)
DONE = StepFacts(state="done", result={})


def given_up() -> Drive:
    """A run whose acknowledgement never came and that a person has on the desk."""
    run = refunded()
    for _ in range(2):
        fall_silent(run)
        run.call(Done({"id": "re_1"}))
        run.wait()
    fall_silent(run)
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)
    return run


def test_a_person_who_retries_the_refund_asks_under_the_same_key_and_looks_first() -> None:
    run = given_up()

    run.state = advance.retried_by_person(run.spec, run.state, "refund", deadline_at=LATER)

    asked = run.call(Done({"id": "re_1"}))
    assert (asked.path, asked.reask, asked.look_up_first, asked.redo) == ("refund", True, True, 0)
    assert run.wait().opening
    assert run.state.deadline_at == LATER


def test_a_person_who_retries_gives_the_await_all_its_moves_again() -> None:
    run = given_up()
    run.state = advance.retried_by_person(run.spec, run.state, "refund", deadline_at=LATER)
    run.call(Done())
    run.wait()

    fall_silent(run)

    assert run.call(Done()).path == "refund"


def test_a_person_who_retries_the_silent_await_asks_again_where_it_would_have_asked() -> None:
    run = given_up()

    run.state = advance.retried_by_person(run.spec, run.state, "ack", deadline_at=LATER)

    asked = run.call(Done({"id": "re_1"}))
    assert (asked.path, asked.reask, asked.redo) == ("refund", True, 0)
    assert run.wait().due_at == run.now + timedelta(minutes=15)


def test_a_person_who_retries_an_unheard_page_pages_under_a_new_key() -> None:
    run = Drive(PAGE)
    for number in range(3):
        run.call(Done({"page_key": f"k{number}"}))
        run.wait()
        run.pass_time(minutes=10)
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)

    run.state = advance.retried_by_person(run.spec, run.state, "ack", deadline_at=LATER)

    assert run.call(Done({"page_key": "k3"})).redo == 3
    assert run.wait().earlier_keys == ("k0", "k1", "k2")


def test_a_person_who_retries_an_await_that_asks_nobody_waits_anew() -> None:
    run = Drive(
        """\
        - id: ack
          await: {contract: billing.refund.completed, key: "= event.data.refund_id", within: PT1M}
        """
    )
    run.wait()
    run.pass_time(minutes=1)
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)

    run.state = advance.retried_by_person(run.spec, run.state, "ack")

    assert run.wait().due_at == run.now + timedelta(minutes=1)


def test_a_person_who_retries_a_refused_call_tries_it_again() -> None:
    run = Drive(NOTE)
    run.call(Refused("no_such_ticket"))
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)

    run.state = advance.retried_by_person(run.spec, run.state, "note")

    assert run.call(Done()).attempt == 1
    assert run.next() == Finish("succeeded")


def test_an_answer_that_a_person_had_read_stands_for_the_acknowledgement() -> None:
    run = given_up()

    run.state = advance.satisfied_by_person(
        run.spec, run.state, "ack", {"status": "succeeded"}, deadline_at=LATER
    )

    assert steps_scope(run.spec, run.state)["ack"] == {"status": "succeeded"}
    assert run.call(Done()).path == "note"


def test_a_person_who_settles_a_branch_by_hand_ends_the_run_without_the_steps_after_it() -> None:
    branch = """\
    - id: route
      branch:
        - when: "steps.refund.status == 'failed'"
          handoff: {reason: refund_refused}
    """
    run = Drive(REFUND, branch, NOTE)
    run.call(Done({"status": "failed"}))
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)

    run.state = advance.satisfied_by_person(run.spec, run.state, "route", {"by": "hand"})

    assert run.next() == Finish("succeeded")


@pytest.mark.parametrize(
    ("ledger", "ack", "expected"),
    [
        ({"refund": "done"}, StepFacts(state="failed"), ["ask_again", "run"]),
        ({"refund": "done"}, DONE, ["skip", "run"]),
        ({"refund": "done", "note": "done"}, DONE, ["skip", "skip"]),
        ({"refund": "unknown"}, StepFacts(), ["ask_again", "run"]),
        ({"refund": "intent"}, StepFacts(), ["ask_again", "run"]),
        ({"refund": "refused"}, StepFacts(), ["run", "run"]),
        ({}, StepFacts(), ["run", "run"]),
    ],
)
def test_the_preview_says_of_each_effect_what_a_replay_would_do(
    ledger: dict[str, str | None], ack: StepFacts, expected: list[str]
) -> None:
    run = Drive(REFUND, ACK, NOTE)

    lines = preview(run.spec, {"ack": ack}, ledger)

    assert [line.verdict for line in lines] == expected
    assert [line.system for line in lines] == ["billing", "helpdesk"]
    assert [line.money for line in lines] == [True, False]


def test_the_preview_leaves_out_reads_and_what_a_guard_left_out() -> None:
    read = '- {id: look, call: billing.get_refund, with: {reference: "= event.data.refund_id"}}\n'
    run = Drive(read, NOTE)

    assert [line.path for line in preview(run.spec, {}, {})] == ["note"]
    assert preview(run.spec, {"note": StepFacts(state="skipped")}, {}) == []


def test_a_replay_does_what_its_preview_said() -> None:
    earlier = given_up()
    ledger: dict[str, str | None] = {"refund": "done"}
    replay = Drive(REFUND, ACK, NOTE)

    replay.state = replay_state(
        replay.spec, earlier.state.facts, ledger, deadline_at=START + timedelta(hours=4)
    )

    due = replay.next()
    assert isinstance(due, Perform)
    assert (due.path, due.reask, due.look_up_first, due.redo) == ("refund", True, True, 0)


def test_a_replay_of_an_unheard_page_pages_under_the_next_key() -> None:
    run = Drive(PAGE)
    facts = {"page": StepFacts(state="done", redo=2), "ack": StepFacts(state="failed")}
    ledger: dict[str, str | None] = {"page": "done"}

    assert [line.verdict for line in preview(run.spec, facts, ledger)] == ["run"]
    run.state = replay_state(run.spec, facts, ledger, deadline_at=LATER)

    due = run.next()
    assert isinstance(due, Perform)
    assert (due.redo, due.reask) == (3, False)


def test_a_replay_of_a_finished_run_starts_with_nothing_special() -> None:
    run = Drive(REFUND, ACK, NOTE)
    facts = {"refund": DONE, "ack": DONE, "note": DONE}

    start = replay_state(run.spec, facts, {"refund": "done", "note": "done"}, deadline_at=LATER)

    assert start == RunState(deadline_at=LATER)


def test_a_retried_step_whose_answer_was_lost_is_looked_up_even_if_it_is_no_money() -> None:
    run = Drive(NOTE)
    for _ in range(3):
        run.call(Unknown("reset"))
        run.pass_time(seconds=10)
    over = run.next()
    assert isinstance(over, HandOver)
    run.state = advance.handed_over(run.state, over)

    run.state = advance.retried_by_person(run.spec, run.state, "note")

    due = run.next()
    assert isinstance(due, Perform)
    assert (due.reask, due.look_up_first) == (True, True)


def test_a_press_on_a_step_that_was_never_tried_asks_for_no_look_up() -> None:
    run = Drive(NOTE)

    run.state = advance.retried_by_person(run.spec, run.state, "note")

    due = run.next()
    assert isinstance(due, Perform)
    assert not due.reask


def test_the_probe_of_a_silent_await_is_tried_again_after_a_press() -> None:
    run = given_up()
    run.state = advance.retried_by_person(run.spec, run.state, "ack", deadline_at=LATER)
    run.call(Done())
    run.wait()

    fall_silent(run, MISSING)

    assert run.call(Done()).path == "refund"
