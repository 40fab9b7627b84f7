"""Chapter 3, Safe hands: billing never acknowledges; a person replays, once, and sees it end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.flows.stack import Row, Stack

pytestmark = pytest.mark.xdist_group("flows")


@pytest.fixture(scope="module")
def never_applied(stack: Stack) -> Row:
    """A refund that billing accepted and dropped, three times, until it lies with a person."""
    made = stack.scenario("never_applied")
    assert stack.ended(made["ticket_id"])["state"] == "failed"
    stack.sandbox.clear_faults()
    return made


def test_silence_is_probed_asked_again_and_then_handed_over(
    stack: Stack, never_applied: Row
) -> None:
    run = stack.run(never_applied["ticket_id"])
    handoff = stack.handoffs(never_applied["ticket_id"])[0]

    assert run is not None
    kinds = stack.kinds(run)
    assert kinds.count("billing_ack probe done") == 3
    assert kinds.count("refund call done") == 3  # the first, and twice with the same key
    assert (handoff["reason"], handoff["runbook"]) == ("callback_timeout", "refund-callback-failed")
    assert stack.ticket(never_applied["ticket_id"])["status"] != "solved"
    stack.until(
        lambda: stack.ticket(never_applied["ticket_id"])["handed_over"],
        "the handoff stands on the ticket",
    )


def test_two_people_press_replay_and_one_is_told_who_was_first(
    stack: Stack, never_applied: Row
) -> None:
    ticket = never_applied["ticket_id"]
    handoff = stack.handoffs(ticket)[0]
    with stack.signed_in("nadia") as one, stack.signed_in("tomas") as other:
        forms = []
        for browser in (one, other):
            place = browser.get(f"/handoffs/{handoff['id']}/").link("/flow.replay/")
            preview = browser.get(place)
            assert "Ask again, same key" in preview.text
            forms.append(preview.form("/flow.replay/"))
        with ThreadPoolExecutor(2) as pool:
            why = "Billing is well again."
            answers = list(pool.map(lambda b, f: b.send(f, reason=why), (one, other), forms))

        statuses = [answer.status for answer in answers]
        assert sorted(statuses) == [200, 409]
        first = ("Nadia Arslan", "Tomás Oliveira")[statuses.index(200)]
        assert first in answers[statuses.index(409)].text
        stack.until(
            lambda: "The run has succeeded" in one.get(f"/handoffs/{handoff['id']}/").text,
            "the presser sees the outcome where they pressed",
        )

    run = stack.ended(ticket)
    assert (run["state"], run["ordinal"], run["outcome"]) == ("succeeded", 2, "person")
    assert stack.refund(never_applied)["applied"] == 1
    told = stack.ticket(ticket)
    assert (told["status"], told["mails"]) == ("solved", 1)
    presses = stack.rows(
        "SELECT ticket, contract, reason FROM runbooks_intervention WHERE handoff_id = %s",
        handoff["id"],
    )
    assert [press["ticket"] for press in presses] == [f"desk:{ticket}"]
    assert solved_at(stack, ticket) >= stack.refund(never_applied)["settled_at"]


def solved_at(stack: Stack, ticket: str) -> float:
    """When the desk's own record says that Meshline solved the ticket."""
    key = stack.rows(
        "SELECT key FROM orchestration_effect WHERE ticket = %s AND request->>'to' = 'solved'",
        f"desk:{ticket}",
    )[0]["key"]
    return min(float(row["at"]) for row in stack.sandbox.applied() if row["key"] == key)
