"""Chapter 6, Promises: a silent ticket is warned about, then a page goes out until it is heard."""

from __future__ import annotations

import pytest

from tests.flows.stack import Row, Stack

pytestmark = pytest.mark.xdist_group("flows")


def test_a_ticket_that_nobody_answers_is_warned_about_and_then_paged(stack: Stack) -> None:
    ticket = stack.sandbox.act("ticket", name="Hanne Solberg", subject="Nobody answers me")
    number = str(ticket["ticket_id"])
    stack.sandbox.act("sleep_through", words=number)

    run = stack.ended(number, flow="sla-escalation")

    assert run["state"] == "succeeded"
    assert stack.kinds(run).count("page call done") >= 2  # the first one was slept through
    notes = stack.ticket(number)
    assert notes["comments_by_meshline"] >= 2
    assert notes["public_by_meshline"] == 0
    moved = [one["action"] for one in _audit(stack, number)]
    assert [moved.count(action) for action in ("timer.warn", "timer.breach")] == [1, 1]


def test_escalate_by_hand_pages_who_is_on_call(stack: Stack) -> None:
    ticket = stack.sandbox.act("ticket", name="Ugo Sabri", subject="I would like to wait no longer")
    number = str(ticket["ticket_id"])
    stack.until(lambda: _events(stack, number), "the ticket is known")

    with stack.signed_in("tomas") as browser:
        page = browser.get(f"/tickets/desk:{number}/")
        form = browser.get(page.link("/escalate/")).form("/escalate/")
        answer = browser.send(form, reason="The customer waits and I cannot mend it.")

    assert answer.status == 200
    run = stack.ended(number, flow="handoff-escalation")
    assert run["state"] == "succeeded"
    written = stack.rows(
        "SELECT ticket, contract, reason FROM contracts_app_auditentry "
        "WHERE action = 'escalate' AND ticket = %s",
        f"desk:{number}",
    )
    assert len(written) == 1
    assert written[0]["contract"]


def _audit(stack: Stack, number: str) -> list[Row]:
    return stack.rows(
        "SELECT action FROM contracts_app_auditentry WHERE ticket = %s "
        "AND detail->>'metric' = 'first_reply' ORDER BY id",
        f"desk:{number}",
    )


def _events(stack: Stack, number: str) -> list[Row]:
    return stack.rows("SELECT id FROM orchestration_event WHERE ticket = %s", f"desk:{number}")
