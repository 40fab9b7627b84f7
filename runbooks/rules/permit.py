"""May this role do this, here and now, and if not why: the permissions table as a pure rule.

The table is permissions.toml. Whoever asks for something that it does not name is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from meshline.core.money import format_money

Verdict: TypeAlias = Literal["yes", "second", "no"]

ROLES = (
    "support_agent",
    "ops_lead",
    "contract_owner",
    "runtime_owner",
    "product_owner",
    "manager",
    "auditor",
    "admin",
)
MOST_NAMED = 4
NOT_YET = "a request for approval is not in this version"
_RANK: Mapping[Verdict, int] = {"no": 0, "second": 1, "yes": 2}


@dataclass(frozen=True)
class Permit:
    """The answer: yes, yes with a second person's approval, or no; `why` is a sentence for people.

    `masked`: personal data is shown masked. `own_only`: only what concerns oneself or one's own
    contracts.
    """

    verdict: Verdict
    why: str = ""
    masked: bool = False
    own_only: bool = False

    def __bool__(self) -> bool:
        return self.verdict == "yes"

    @property
    def remedy(self) -> str:
        """What to do about a refusal; empty where `why` has said it."""
        return "Ask somebody whose role allows it." if self.verdict == "no" else ""


@dataclass(frozen=True)
class Situation:
    """What the answer may depend on beside role and action."""

    owns: bool = False
    ticket: bool = False
    amount_minor: int | None = None
    currency: str = ""
    money: bool = False
    oneself: bool = False


def may(
    roles: Collection[str],
    action: str,
    *,
    owns: bool = False,
    ticket: bool = False,
    amount_minor: int | None = None,
    currency: str = "",
    money: bool = False,
    oneself: bool = False,
) -> Permit:
    """Say whether somebody with these roles may do `action`; the kindest role counts.

    `owns`: contract or flow is theirs (or they are its deputy). `ticket`: a ticket is named.
    `amount_minor`, `currency`: the money that the action may move. `oneself`: it concerns the
    person's own account, request or edit.
    """
    row = row_of(action)
    if row is None:
        return Permit("no", f"Nobody may do {action!r}: no rule allows it.")
    situation = Situation(owns, ticket, amount_minor, currency, money, oneself)
    phrase = _phrase(action, row)
    answers = [_judged(_cell(row, role), row, phrase, situation) for role in roles if role in ROLES]
    refusal = Permit("no", _not_your_role(row, phrase))
    return max([refusal, *answers], key=_kindness)


def row_of(action: str) -> str | None:
    """Return the table's row for an action's name or for a row's own; None: there is none."""
    table = _table()
    row = table["actions"].get(action, action)
    return row if row in table["rows"] else None


def rows() -> Mapping[str, Mapping[str, str]]:
    """Return the whole table: row to title, cells by role, and the API key's scope."""
    table: Mapping[str, Mapping[str, str]] = _table()["rows"]
    return table


def actions() -> Mapping[str, str]:
    """Return the product's action names with the row that rules each."""
    named: Mapping[str, str] = _table()["actions"]
    return named


def key_scope(action: str) -> str | None:
    """Return the scope that an API key needs for an action, or None: keys may not do it."""
    row = row_of(action)
    return rows()[row].get("api_key") if row else None


def above_limit(amount_minor: int | None, currency: str) -> bool:
    """Say whether an amount needs a second person; a currency without a limit always does."""
    if not amount_minor:
        return False
    limit: int = _table()["limits"]["minor_units"].get(currency, 0)
    return amount_minor > limit


def is_large_backfill(events: int, *, money: bool) -> bool:
    """Say whether a backfill counts as large: many events, or effects with money."""
    limit: int = _table()["limits"]["backfill_events"]
    return money or events > limit


@cache
def _table() -> dict[str, Any]:
    path = Path(__file__).with_name("permissions.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _cell(row: str, role: str) -> frozenset[str]:
    return frozenset(rows()[row].get(role, "").split())


def _judged(cell: frozenset[str], row: str, phrase: str, situation: Situation) -> Permit:
    if not cell:
        return Permit("no", _not_your_role(row, phrase))
    if "approve" in cell:
        return Permit("no", f"You may approve a request to {phrase}, not start one.")
    masked, own_only = "masked" in cell, "own" in cell
    for word, met, why in (
        ("owns", situation.owns, "Only an owner of the contract or flow may do this."),
        ("others", not situation.oneself, "Nobody may do this for themselves."),
        ("money", situation.money, "Your role may do this only where money moves."),
        ("ticket", situation.ticket, "Name the ticket that this is about."),
    ):
        if word in cell and not met:
            return Permit("no", why, masked, own_only)
    if "limit" in cell and above_limit(situation.amount_minor, situation.currency):
        return Permit("second", _above(row, situation), masked, own_only)
    if "second" in cell:
        return Permit("second", _second(row, phrase), masked, own_only)
    return Permit("yes", "", masked, own_only)


def _kindness(permit: Permit) -> tuple[int, bool, bool, bool]:
    """Order answers; of two refusals the one that says what is missing is the more helpful."""
    helpful = not permit.why.startswith("Your role may not")
    return (_RANK[permit.verdict], not permit.own_only, not permit.masked, helpful)


def _not_your_role(row: str, phrase: str) -> str:
    who = _who_may(row)
    return f"Your role may not {phrase}. {who} may." if who else f"Your role may not {phrase}."


def _above(row: str, situation: Situation) -> str:
    """What the limit is, and who has none; JPY and the like are shown as people write them."""
    limit: int | None = _table()["limits"]["minor_units"].get(situation.currency)
    if limit is None:
        said = f"No limit is set for amounts in {situation.currency or 'an unknown currency'}"
    else:
        most = format_money(limit, situation.currency)
        said = f"The amount is above {most}, the most that your role may move alone"
    who = _who_may(row)
    tail = f" {who} may do it alone." if who else ""
    return f"{said}. It needs a second person's approval, and {NOT_YET}.{tail}"


def _second(row: str, phrase: str) -> str:
    told = rows()[row].get("second", f"To {phrase} needs a second person's approval")
    return f"{told.format(**_table()['limits'])}, and {NOT_YET}."


def _who_may(row: str) -> str:
    """The roles that may do it alone, without a limit, to begin a sentence; empty if too many."""
    alone = [(role, _cell(row, role)) for role in ROLES]
    alone = [(role, cell) for role, cell in alone if "yes" in cell and "limit" not in cell]
    titles = {role: role.replace("_", " ") + "s" for role, _ in alone}
    named = [titles[role] for role, cell in alone if "owns" not in cell]
    named += [f"{titles[role]} on their own contracts" for role, cell in alone if "owns" in cell]
    if not named or len(named) > MOST_NAMED:
        return ""
    listed = " and ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)
    return listed[0].upper() + listed[1:]


def _phrase(action: str, row: str) -> str:
    """How a refusal names the action."""
    phrases: Mapping[str, str] = _table()["phrases"]
    return phrases.get(action) or rows()[row]["title"].partition(" (")[0]
