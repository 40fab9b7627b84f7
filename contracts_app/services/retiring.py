"""Contract versions on their way out: deprecate with a date, retire, roll back."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import ContractState, ContractVersion
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.rules.versions import bump, parse_version
from contracts_app.services.drafts import as_draft, held_in, start_draft, told
from contracts_app.services.rights import check_contract
from meshline.core.errors import BadValue, NotAllowed


@transaction.atomic
def deprecate(
    *,
    version: ContractVersion,
    sunset_on: date | None,
    by: User | None = None,
    reason: str,
    now: datetime,
) -> ContractVersion:
    """Tell whoever sends or reads a version to move on, and until which day; it still serves.

    A version that is deprecated already gets another day, or none.
    Raises: NotAllowed; BadValue for a day that is over or a reason that is missing;
    IllegalTransition.
    """
    held = held_in(version, ContractState.ACTIVE, ContractState.DEPRECATED)
    if by is not None:
        check_contract(by, spec_of(held))
    _check_reason(reason, "deprecated")
    if sunset_on is not None and sunset_on <= now.date():
        raise BadValue(f"The day {sunset_on} is over.", remedy="Choose a day to come, or none.")
    held.state = ContractState.DEPRECATED
    held.deprecated_at = held.deprecated_at or now
    held.sunset_on = sunset_on
    held.save(update_fields=["state", "deprecated_at", "sunset_on"])
    detail = {"sunset_on": sunset_on.isoformat() if sunset_on else ""}
    told("contract.deprecate", held, by=by, now=now, after=held.digest, reason=reason,
         detail=detail)  # fmt: skip
    return held


@transaction.atomic
def retire(
    *,
    version: ContractVersion,
    by: User | None = None,
    reason: str,
    last: bool = False,
    now: datetime,
) -> ContractVersion:
    """Take a version out of service for ever; stored events keep it.

    `last`: it is meant even if no other version is in service and no event can be judged any more.
    Raises: NotAllowed; BadValue for a reason that is missing, or for the last version in service
    where that is not said; IllegalTransition.
    """
    held = held_in(version, ContractState.ACTIVE, ContractState.DEPRECATED)
    if by is not None:
        check_contract(by, spec_of(held))
    _check_reason(reason, "retired")
    serving = held.contract.versions.filter(state__in=SERVING).exclude(pk=held.pk)
    if not last and not serving.exists():
        raise BadValue(
            f"{held} is the only version in service: without it no event of {held.contract.name} "
            "can be judged.",
            remedy="Publish another version first, or tick “The last one, for ever” as well.",
        )
    held.state = ContractState.RETIRED
    held.save(update_fields=["state"])
    told("contract.retire", held, by=by, now=now, after=held.digest, reason=reason)
    return held


@transaction.atomic
def roll_back(*, to: ContractVersion, by: User | None = None, now: datetime) -> ContractVersion:
    """Start a draft with the text of an earlier version: going back is a new version as well.

    Its number is one major above the highest, because what was allowed since is taken back; the
    verdict on the draft says whether less would do.
    Raises: NotAllowed for a version that never served; Conflict if there is a draft.
    """
    if to.state in (ContractState.DRAFT, ContractState.IN_REVIEW):
        raise NotAllowed(f"{to} was never in service.", remedy="Choose a published version.")
    numbers = [parse_version(one) for one in to.contract.versions.values_list("version", flat=True)]
    text = as_draft(to, bump(max(numbers).text, "major"))
    return start_draft(text=text, by=by, now=now)


def _check_reason(reason: str, done: str) -> None:
    if not reason.strip():
        raise BadValue("A reason is missing.", remedy=f"Say in a few words why it is {done}.")
