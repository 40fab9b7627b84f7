"""Verify that a webhook delivery is genuine, by scheme; the clock is an argument.

Works on the raw body, compares in constant time, tries every active secret. A missing, empty or
malformed header is a rejection, never an exception. How each vendor signs stands in
signature_schemes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from meshline.core.errors import Misconfigured
from orchestration.rules.signature_schemes import SCHEMES, Delivery, Rejected, folded

TOLERANCE = timedelta(seconds=300)


@dataclass(frozen=True)
class Verdict:
    """Whether the delivery is genuine and why not; `delivery_id` is the vendor's own id of it.

    `signed_at` is the signed time, None where the scheme signs none (a replay can then only be
    caught by the delivery id and the body's digest).
    """

    ok: bool
    reason: str = ""
    delivery_id: str | None = None
    signed_at: datetime | None = None


def schemes() -> tuple[str, ...]:
    """Return the names of all schemes."""
    return tuple(SCHEMES)


def verify(
    scheme: str,
    *,
    secrets: Sequence[str],
    headers: Sequence[tuple[str, str]],
    body: bytes,
    method: str = "POST",
    url: str = "",
    now: datetime,
) -> Verdict:
    """Say whether the delivery was signed with one of `secrets` and is not older than allowed.

    `headers` may repeat a name; lines are folded with ",". `url` is the whole address as the
    vendor sees it, query included (twilio and hubspot sign it). The reason is meant for the
    operator's log, never for the sender. Raises: Misconfigured for an unknown scheme.
    """
    if scheme not in SCHEMES:
        raise Misconfigured(
            f"The signature scheme {scheme!r} is not known.",
            remedy=f"Use one of {', '.join(SCHEMES)}.",
        )
    delivery = Delivery(folded(headers), body, method, url)
    try:
        signed = SCHEMES[scheme](delivery)
    except Rejected as rejection:
        return Verdict(ok=False, reason=str(rejection))
    if signed.at is not None and abs(now - signed.at) > TOLERANCE:
        reason = "signed in the future" if signed.at > now else "signed too long ago"
        return Verdict(False, f"{reason}: more than 300 s", signed.delivery_id, signed.at)
    # Every secret and every signature is tried, so the time taken tells nothing.
    matches = [signed.matches(secret) for secret in secrets]
    if not any(matches):
        reason = "no signature matches an active secret" if secrets else "no active secret"
        return Verdict(False, reason, signed.delivery_id, signed.at)
    return Verdict(True, "", signed.delivery_id, signed.at)
