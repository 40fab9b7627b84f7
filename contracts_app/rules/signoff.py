"""Which roles must sign a contract version, and whether it may be published."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts_app.rules.contract_change import ContractChange
from contracts_app.rules.contract_spec import Consumer, ContractSpec

# The role of the account that each role of the contact matrix asks for.
ACCOUNT_ROLE = {
    "contract": "contract_owner",
    "runtime": "runtime_owner",
    "product": "product_owner",
}
ROLE_TITLES = {
    "contract": "contract owner",
    "runtime": "runtime owner",
    "product": "product owner",
}


_RAN_OUT = "signed, but the signature ran out"


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
    """A sign-off that still keeps a version from being published, and why.

    `ran_out_at` is set where it was given and has run out since.
    """

    role: str
    reason: str
    ran_out_at: datetime | None = None

    def __str__(self) -> str:
        return f"The {title_of(self.role)} {self.reason}."


def required(
    spec: ContractSpec, *, breaks: bool = False, untouched: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the roles that must sign: owners' roles, and "consumer:<system>" for consumers.

    A version that breaks, or may break, is signed by the contract owner and by the product owner
    whatever its text asks for: two people decide that customers are moved.

    "consumer:*" stands for every consumer that is live; one that is planned or leaving need not
    sign, and neither need the systems of `untouched`. Roles come once, in the order of the
    document.
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
    spared = {f"consumer:{system}" for system in untouched}
    return tuple(role for role in dict.fromkeys(roles) if role not in spared)


def untouched(
    change: ContractChange, spec: ContractSpec, before: ContractSpec | None
) -> frozenset[str]:
    """Return the consumers that a proposal leaves as they are: they are not asked.

    `before` is the version in service that it follows. One that gets what it expects is untouched;
    of one that has written down no expectation that is known only if the payloads stay the same.
    What the proposal says of a consumer for the first time, or in other words, touches it.
    """
    known = {one.system: one for one in before.consumers} if before else {}
    same = bool(change.comparisons) and all(
        one.comparison.verdict == "compatible" and one.comparison.bump == "patch"
        for one in change.comparisons
    )
    judged = {one.system: one.state for one in change.impacts}

    def spared(consumer: Consumer) -> bool:
        state = judged.get(consumer.system)
        if state == "apart":
            return True
        if state != "safe" or known.get(consumer.system) != consumer:
            return False
        return bool(consumer.expects) or same

    return frozenset(one.system for one in spec.consumers if spared(one))


def missing(
    roles: Iterable[str], signatures: Sequence[Signature], *, digest: str, now: datetime
) -> list[Missing]:
    """Return what is missing, one entry per role; empty means that the version is publishable.

    Only the last signature of a role counts, and only when it was given to this very digest.
    """
    last = {signature.role: signature for signature in signatures}
    found = ((role, _reason(last.get(role), digest, now)) for role in roles)
    return [
        Missing(role, reason, last[role].expires_at if reason.startswith(_RAN_OUT) else None)
        for role, reason in found
        if reason
    ]


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
        return f"{_RAN_OUT} on {signature.expires_at:%-d %B %Y, %H:%M} UTC"
    return ""
