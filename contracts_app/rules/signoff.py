"""Which roles must sign a contract version, and whether it may be published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts_app.rules.contract_spec import ContractSpec

ROLE_TITLES = {
    "contract": "contract owner",
    "runtime": "runtime owner",
    "product": "product owner",
}


@dataclass(frozen=True)
class Signature:
    """One owner's yes or no to a version; `digest` is of what that owner read."""

    role: str
    person: str
    digest: str
    verdict: bool = True
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Missing:
    """A sign-off that still keeps a version from being published, and why."""

    role: str
    reason: str

    def __str__(self) -> str:
        return f"The {title_of(self.role)} {self.reason}."


def required(spec: ContractSpec, *, breaks: bool = False) -> tuple[str, ...]:
    """Return the roles that must sign: owners' roles, and "consumer:<system>" for consumers.

    A version that breaks, or may break, is signed by the contract owner and by the product owner
    whatever its text asks for: two people decide that customers are moved.

    "consumer:*" stands for every consumer that is live; one that is planned or leaving need not
    sign. Roles come once, in the order of the document.
    """
    roles: list[str] = []
    for role in spec.signoff_required:
        if role == "consumer:*":
            live = (consumer for consumer in spec.consumers if consumer.status == "live")
            roles += [f"consumer:{consumer.system}" for consumer in live]
        else:
            roles.append(role)
    if breaks:
        roles += ["contract", "product"]
    return tuple(dict.fromkeys(roles))


def missing(
    roles: Iterable[str], signatures: Sequence[Signature], *, digest: str, now: datetime
) -> list[Missing]:
    """Return what is missing, one entry per role; empty means that the version is publishable.

    Only the last signature of a role counts, and only when it was given to this very digest.
    """
    last = {signature.role: signature for signature in signatures}
    found = ((role, _reason(last.get(role), digest, now)) for role in roles)
    return [Missing(role, reason) for role, reason in found if reason]


def title_of(role: str) -> str:
    """Return a role in words: "consumer:bi" is "consumer bi"."""
    return ROLE_TITLES.get(role, role.replace(":", " "))


def _reason(signature: Signature | None, digest: str, now: datetime) -> str:
    if signature is None:
        return "has not signed yet"
    if not signature.verdict:
        return "said no"
    if signature.digest != digest:
        return "signed an earlier text, which was edited since"
    if signature.expires_at is not None and signature.expires_at <= now:
        return "signed, but the signature has expired"
    return ""
