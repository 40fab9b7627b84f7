"""What each button on a contract version's page does: one service call, and what is said after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from django.contrib.auth.models import User

from contracts_app.models import ContractVersion
from contracts_app.services import contract_tests, golive, publishing, retiring
from meshline.core.errors import BadValue


class Press(NamedTuple):
    """What to do, and what to tell when it is done."""

    act: Callable[[], object]
    done: str


def pressed(
    do: str,
    version: ContractVersion,
    *,
    role: str,
    by: User,
    given: Mapping[str, str],
    now: datetime,
) -> Press | None:
    """Return what a button means, None for one that there is not; the services decide who may.

    `given` is the posted form: note, sunset_on, last, statement, done_on. `role` is whose sign-off
    it is, or which gate.
    """
    note = given.get("note", "")
    on = partial(_on, version, by, now)
    match do:
        case "sign" | "refuse":
            yes = do == "sign"
            done = "Your sign-off is recorded." if yes else "Your no is recorded."
            return Press(on(publishing.sign_off, role=role, verdict=yes, note=note), done)
        case "withdraw":
            return Press(on(publishing.withdraw), f"The contract {version} is a draft again.")
        case "publish":
            done = f"The contract {version} is published and serves from now on."
            return Press(on(publishing.publish), done)
        case "deprecate":
            done = f"The contract {version} is deprecated; whoever sends it is told so."
            return Press(lambda: _deprecate(version, given, by=by, now=now), done)
        case "evidence":
            said = given.get("statement", "")
            give = partial(
                golive.give_evidence, version=version, gate=role, statement=said, by=by, now=now
            )
            return Press(lambda: give(done_on=_day(given.get("done_on", ""))), "It is recorded.")
        case "take-back":
            return Press(on(golive.withdraw_evidence, gate=role), "It counts no more.")
        case "test":
            done = "The tests have run; what came of each stands under Tests."
            return Press(on(contract_tests.run_by_hand), done)
        case "retire":
            done = f"The contract {version} is retired."
            return Press(on(retiring.retire, reason=note, last=given.get("last") == "yes"), done)
    return None


def _on(
    version: ContractVersion, by: User, now: datetime, act: Callable[..., object], **more: object
) -> Callable[[], object]:
    return lambda: act(version=version, by=by, now=now, **more)


def _deprecate(
    version: ContractVersion, given: Mapping[str, str], *, by: User, now: datetime
) -> None:
    sunset_on = _day(given.get("sunset_on", ""))
    reason = given.get("note", "")
    retiring.deprecate(version=version, sunset_on=sunset_on, by=by, reason=reason, now=now)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadValue(f"{text[:40]!r} is no day.", remedy="Write it like 2027-03-31.") from None
