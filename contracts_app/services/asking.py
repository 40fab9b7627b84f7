"""Who is asked to sign a proposed version: written down when it is proposed."""

from __future__ import annotations

from datetime import datetime

from contracts_app.models import ContractVersion, SignOffAsk
from contracts_app.queries.changes import asked_by, change_of
from contracts_app.rules.contract_spec import ContractSpec

LONGEST = 400


def ask(*, version: ContractVersion, spec: ContractSpec, now: datetime) -> None:
    """Write down which roles are asked to sign this text, and what the change means for each.

    Who was asked for the same text before keeps the day; who is touched no more is asked no more.
    """
    change = change_of(spec)
    roles = asked_by(spec, change)
    told = {f"consumer:{one.system}": one.sentence for one in change.impacts}
    teams = {f"consumer:{one.system}": one.team for one in spec.consumers}
    teams |= {role: ref.group for role, ref in spec.owners.items()}
    version.asks.exclude(role__in=roles, digest=version.digest).delete()
    SignOffAsk.objects.bulk_create(
        [
            SignOffAsk(
                version=version,
                role=role,
                digest=version.digest,
                team=teams.get(role, ""),
                verdict=change.verdict,
                why=told.get(role, "")[:LONGEST],
                asked_at=now,
            )
            for role in roles
        ],
        update_conflicts=True,
        unique_fields=["version", "role", "digest"],
        update_fields=["team", "verdict", "why"],
    )
