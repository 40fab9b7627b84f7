"""Who may do what: the table of roles and actions, cell by cell, and the sentence for a no."""

from __future__ import annotations

import pytest

from runbooks.rules.permit import (
    ROLES,
    above_limit,
    actions,
    is_large_backfill,
    key_scope,
    may,
    row_of,
    rows,
)

# The table of the security requirements, as people wrote it; order of columns as in ROLES.
TABLE = """
runs.see                  | R m    | R     | R m   | R   | R m       | R m | R m | R m
payload.unmask            | T      | T     | O T   | T   | -         | -   | -   | -
event.ingest              | -      | -     | -     | -   | -         | -   | -   | -
button.safe               | Y T    | Y T   | O T   | Y T | -         | -   | -   | -
replay.dry                | Y T    | Y T   | O T   | Y T | -         | -   | -   | -
replay.effects            | T lim  | Y T   | O T   | Y T | -         | -   | -   | -
backfill.small            | -      | Y T   | O T   | Y T | -         | -   | -   | -
backfill.large            | -      | 2 T   | O 2 T | 2 T | -         | -   | -   | -
request.approve           | -      | Y     | O     | Y   | O money   | -   | -   | -
tolerance.open            | -      | 2 T   | O 2 T | 2 T | -         | -   | -   | -
handoff.act               | Y T    | Y T   | Y T   | Y T | Y T       | -   | -   | -
run.cancel                | -      | Y T   | -     | Y T | -         | -   | -   | -
ids.merge                 | -      | Y T   | O T   | Y T | -         | -   | -   | -
expectation.satisfy       | Y T    | Y T   | O T   | Y T | -         | -   | -   | -
inventory.edit            | -      | Y     | Y     | -   | -         | -   | -   | Y
views.share               | -      | Y     | Y     | -   | -         | Y   | -   | Y
contract.draft            | -      | -     | O     | -   | -         | -   | -   | -
contract.publish          | -      | -     | O     | -   | -         | -   | -   | -
contract.publish_breaking | -      | -     | O 2   | -   | O approve | -   | -   | -
document.draft            | -      | -     | O     | Y   | -         | -   | -   | -
document.publish          | -      | -     | O 2   | 2   | -         | -   | -   | -
promise.change            | -      | -     | O     | Y   | O approve | -   | -   | -
connector.address         | -      | -     | -     | 2   | -         | -   | -   | 2
connector.secret          | -      | -     | -     | Y   | -         | -   | -   | Y
dashboards.see            | R      | R     | R     | R   | R         | R   | R   | R
dashboards.work           | -      | Y     | Y     | Y   | Y         | -   | -   | -
export.csv                | -      | Y m   | O m   | Y m | m         | m   | m   | -
audit.read                | R own  | R     | R own | R   | R         | -   | R   | R
audit.change              | -      | -     | -     | -   | -         | -   | -   | -
users.manage              | -      | -     | -     | -   | -         | -   | -   | Y
data.erase                | -      | -     | -     | -   | 2         | -   | -   | 2
switch.stop               | -      | Y T   | -     | Y T | Y T       | -   | -   | Y T
"""
CELLS = [
    (line.split("|")[0].strip(), role, cell.strip())
    for line in TABLE.strip().splitlines()
    for role, cell in zip(ROLES, line.split("|")[1:], strict=True)
]


@pytest.mark.parametrize(("row", "role", "cell"), CELLS)
def test_every_cell_of_the_table_is_what_the_rule_answers(row: str, role: str, cell: str) -> None:
    words = set(cell.split())
    best = may([role], row, owns=True, ticket=True, money=True)

    if cell == "-" or "approve" in words:
        assert best.verdict == "no"
        assert best.why
        return
    assert best.verdict == ("second" if "2" in words else "yes")
    assert best.masked is ("m" in words)
    assert best.own_only is ("own" in words)
    assert (may([role], row, owns=False, ticket=True, money=True).verdict == "no") is ("O" in words)
    assert (may([role], row, owns=True, ticket=False, money=True).verdict == "no") is ("T" in words)


def test_every_row_of_the_file_is_in_the_table_above() -> None:
    assert set(rows()) - {"export.unmasked"} == {row for row, _, _ in CELLS}


@pytest.mark.parametrize("action", sorted(actions()))
def test_every_action_of_the_product_has_a_row(action: str) -> None:
    assert row_of(action) in rows()


def test_what_no_rule_names_is_refused_to_everybody() -> None:
    permit = may(ROLES, "database.drop", owns=True, ticket=True, money=True)

    assert permit.verdict == "no"
    assert "no rule allows it" in permit.why
    assert not may([], "runs.see")
    assert not may(["superuser", "root"], "runs.see")


@pytest.mark.parametrize(
    ("amount", "currency", "verdict"),
    [
        (None, "", "yes"),
        (0, "EUR", "yes"),
        (50_000, "EUR", "yes"),
        (50_001, "EUR", "second"),
        (45_001, "GBP", "second"),
        (8_000_000, "JPY", "yes"),
        (1, "XXX", "second"),
    ],
)
def test_an_agent_replays_alone_up_to_the_limit(
    amount: int | None, currency: str, verdict: str
) -> None:
    permit = may(
        ["support_agent"], "flow.replay", ticket=True, amount_minor=amount, currency=currency
    )

    assert permit.verdict == verdict
    assert above_limit(amount, currency) is (verdict == "second")
    lead = may(["ops_lead"], "flow.replay", ticket=True, amount_minor=amount, currency=currency)
    assert lead.verdict == "yes"


def test_the_kindest_of_several_roles_counts() -> None:
    roles = ["manager", "support_agent", "ops_lead"]

    assert may(roles, "flow.backfill", ticket=True)
    assert may(roles, "runs.see").masked is False
    assert may(["support_agent", "auditor"], "audit.read").own_only is False


@pytest.mark.parametrize(
    ("roles", "action", "told"),
    [
        (["support_agent"], "flow.replay", "Name the ticket"),
        (["contract_owner"], "flow.replay", "Only an owner"),
        (["manager"], "flow.replay", "Your role may not replay an event. Ops leads"),
        (["product_owner"], "contract.publish_breaking", "You may approve a request"),
        (["admin"], "flow.replay", "Your role may not"),
        (["support_agent"], "flow.cancel", "Your role may not cancel a run. Ops leads and runtime"),
        (["support_agent"], "flow.resolve_by_hand", "Your role may not mark a run as resolved by"),
        (["manager"], "flow.retry_step", "Your role may not retry a step. Support agents, ops"),
        (["manager", "support_agent"], "flow.replay", "Name the ticket"),
    ],
)
def test_a_no_says_what_is_missing(roles: list[str], action: str, told: str) -> None:
    permit = may(roles, action)

    assert permit.verdict == "no"
    assert permit.why.startswith(told)


def test_a_second_person_is_asked_for_with_the_limit_and_no_promise_of_a_request() -> None:
    large = may(["ops_lead"], "flow.backfill_large", ticket=True)
    above = may(["support_agent"], "flow.replay", ticket=True, amount_minor=50_001, currency="EUR")
    unknown = may(["support_agent"], "flow.replay", ticket=True, amount_minor=1, currency="XXX")

    assert large.why.startswith("A backfill of more than 500 tickets, or one that moves money,")
    assert "above € 500.00" in above.why
    assert "Ops leads, runtime owners and contract owners" in above.why
    assert unknown.why.startswith("No limit is set for amounts in XXX.")
    for permit in (large, above, unknown):
        assert "a request for approval is not in this version" in permit.why
        assert permit.remedy == ""


def test_nobody_approves_their_own_request_or_manages_themselves() -> None:
    assert may(["ops_lead"], "request.approve").verdict == "yes"
    assert may(["ops_lead"], "request.approve", oneself=True).verdict == "no"
    assert may(["admin"], "users.manage", oneself=True).verdict == "no"
    assert may(["product_owner"], "request.approve", owns=True, money=False).verdict == "no"


def test_an_api_key_needs_the_scope_of_the_row() -> None:
    assert key_scope("runs.see") == "runs:read"
    assert key_scope("event.ingest") == "ingest:<source>"
    assert key_scope("flow.replay") is None
    assert key_scope("nothing.known") is None


def test_a_backfill_is_large_by_number_or_by_money() -> None:
    assert not is_large_backfill(500, money=False)
    assert is_large_backfill(501, money=False)
    assert is_large_backfill(1, money=True)
