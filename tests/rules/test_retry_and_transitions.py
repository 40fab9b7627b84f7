"""When a call is tried again, and which states may follow which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from meshline.core.errors import BadValue, IllegalTransition
from orchestration.rules.catalog import CATALOG
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown, name_of
from orchestration.rules.retry import RETRY_AFTER_CEILING, RetryPolicy, next_attempt_at
from orchestration.rules.transitions import HANDOFF, RUN, STEP, TABLES, StateTable

FAILED = datetime(2026, 1, 5, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = RetryPolicy(attempts=5, first_delay=SECOND, factor=3, max_delay=10 * SECOND, jitter="none")


@pytest.mark.parametrize(
    ("attempt", "pause_s"), [(1, 1), (2, 3), (3, 9), (4, 10), (5, None), (6, None)]
)
def test_pauses_grow_to_the_longest_and_end_with_the_attempts(
    attempt: int, pause_s: int | None
) -> None:
    at = next_attempt_at(POLICY, attempt=attempt, failed_at=FAILED)

    assert at == (None if pause_s is None else FAILED + pause_s * SECOND)


@pytest.mark.parametrize(
    ("jitter", "draw", "pause_s"),
    [("full", 0.0, 0.0), ("full", 0.5, 1.5), ("equal", 0.0, 1.5), ("equal", 0.5, 2.25)],
)
def test_jitter_draws_within_the_pause(jitter: str, draw: float, pause_s: float) -> None:
    policy = RetryPolicy(first_delay=3 * SECOND, jitter=jitter)  # type: ignore[arg-type]

    at = next_attempt_at(policy, attempt=1, failed_at=FAILED, jitter=draw)

    assert at == FAILED + timedelta(seconds=pause_s)


def test_the_vendors_wish_lengthens_a_pause_up_to_a_ceiling_and_never_shortens_it() -> None:
    def pause(retry_after: timedelta) -> timedelta:
        at = next_attempt_at(POLICY, attempt=3, failed_at=FAILED, retry_after=retry_after)
        assert at is not None
        return at - FAILED

    assert pause(60 * SECOND) == 60 * SECOND
    assert pause(SECOND) == 9 * SECOND
    assert pause(timedelta(days=7)) == RETRY_AFTER_CEILING


def test_a_huge_number_of_attempts_does_not_overflow() -> None:
    policy = RetryPolicy(attempts=10_000, factor=10.0, jitter="none")

    at = next_attempt_at(policy, attempt=9_999, failed_at=FAILED)

    assert at == FAILED + policy.max_delay


def test_a_policy_is_read_from_a_document_and_written_back() -> None:
    policy = RetryPolicy.of({"attempts": 6, "first_delay": "PT0.5S", "max_delay": "PT5M"})

    assert (policy.attempts, policy.first_delay) == (6, SECOND / 2)
    assert RetryPolicy.of(policy.to_json()) == policy
    with pytest.raises(BadValue):
        RetryPolicy.of({"first_delay": "5 seconds"})


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Done(), "done"),
        (Refused("x"), "refused"),
        (Transient("x"), "transient"),
        (Unknown("x"), "unknown"),
    ],
)
def test_an_outcome_has_its_word(outcome: Outcome, word: str) -> None:
    assert name_of(outcome) == word


def test_a_move_of_the_table_is_allowed_and_any_other_is_refused_with_what_may_be() -> None:
    HANDOFF.check("open", "claimed")

    with pytest.raises(IllegalTransition) as caught:
        HANDOFF.check("resolved", "open")
    assert "'resolved' cannot become 'open'" in caught.value.message
    assert "nothing" in caught.value.remedy
    with pytest.raises(IllegalTransition):
        HANDOFF.check("open", "open")


def test_sources_say_from_where_a_state_is_reached() -> None:
    assert HANDOFF.sources("claimed") == {"open", "snoozed"}
    assert "succeeded" not in RUN.sources("running")


@pytest.mark.parametrize("thing", TABLES)
def test_every_state_but_the_final_leads_to_a_final_one_or_is_done(thing: str) -> None:
    table = TABLES[thing]

    def reached(state: str) -> set[str]:
        seen, front = set(), [state]
        while front:
            here = front.pop()
            if here not in seen:
                seen.add(here)
                front += table.moves[here]
        return seen

    ends = table.final or {"done"}
    assert all(reached(state) & ends for state in table.states)


def test_a_table_that_names_a_state_it_does_not_list_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        StateTable("thing", here={"elsewhere"})


def test_the_states_are_those_of_the_glossary() -> None:
    assert RUN.states == ("ready", "running", "waiting", "succeeded", "failed", "cancelled")
    assert STEP.states == ("ready", "running", "waiting", "done", "failed", "skipped")
    assert set(HANDOFF.states) == {"open", "claimed", "snoozed", "resolved"}


def test_every_operation_of_the_catalog_says_what_a_lost_answer_means() -> None:
    for name, operation in CATALOG.items():
        assert operation.name == name
        assert operation.system == name.split(".")[0]
        assert operation.safety in ("idempotent", "lookup", "manual")
        assert operation.problems({}) or not operation.args.get("required")
    assert [name for name, one in CATALOG.items() if one.money] == ["billing.create_refund"]
    assert CATALOG["billing.create_refund"].look_up_by == ("reference", "charge")


@pytest.mark.parametrize(
    ("operation", "arguments", "path"),
    [
        ("billing.create_refund", {"amount_minor": 0}, "/amount_minor"),
        ("billing.get_refund", {}, ""),
        ("shop.find_cart", {}, ""),
        ("shop.find_cart", {"email": "nobody"}, "/email"),
        ("helpdesk.transition_ticket", {"ticket": "desk:1", "to": "closed"}, "/to"),
        ("helpdesk.add_note", {"ticket": "desk:1; drop", "comment": "x"}, "/ticket"),
        ("mail.send", {"to": None, "template": "t"}, "/to"),
    ],
)
def test_arguments_that_do_not_fit_an_operation_are_told_with_their_path(
    operation: str, arguments: dict[str, object], path: str
) -> None:
    assert path in [violation.path for violation in CATALOG[operation].problems(arguments)]
