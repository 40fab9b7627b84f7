"""Sign-ins as the audit log tells them, and the lock-out of guessers, judged from that log."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from contracts_app.models import AuditEntry
from contracts_app.queries import people
from contracts_app.services import audit
from meshline.core.ids import uuid7_floor
from runbooks.rules import lockout
from runbooks.rules.lockout import Standing

OPENED = "session.open"
REFUSED = "session.refused"
LOCKED = "session.locked"
ENDED = "session.end"
PASSWORD = "session.password"  # noqa: S105 the name of an action
ACCOUNT = "account"
NOBODY = "anonymous"
BUSY_AFTER = "3s"
MOST = 200


def account_named(typed: str) -> User | None:
    """Return the account that somebody means by a user name or an e-mail address."""
    found = User.objects.filter(username=typed).first()
    if found is None and "@" in typed:
        found = people.person_with_email(typed)
    return found


def take_turn(typed: str) -> bool:
    """Let one attempt at a time be judged for this account and for this address.

    Call it in a transaction, whose end gives the turn back. False: others are before us for too
    long. Without it, a hundred guesses at once would all find five tries left.
    """
    names = sorted({f"account:{_object(typed)}", f"address:{audit.origin.get().address}"})
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{BUSY_AFTER}'")
            for name in names:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7010))", [name])
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError:
        return False
    return True


def standing(typed: str, *, now: datetime) -> Standing:
    """Return how many tries are left here and whether this account or address is locked out."""
    account = lockout.standing(_refusals_of(typed, now), tries=lockout.TRIES_PER_ACCOUNT, now=now)
    address = lockout.standing(
        _refusals_from(audit.origin.get().address, now),
        tries=lockout.TRIES_PER_ADDRESS,
        now=now,
    )
    locked = [one.locked_until for one in (account, address) if one.locked_until]
    return Standing(min(account.tries_left, address.tries_left), max(locked, default=None))


def record_refusal(typed: str, *, now: datetime) -> Standing:
    """Keep a refused sign-in; returns what is left. What was typed is kept only if it is a name."""
    known = account_named(typed) is not None
    _record(REFUSED, NOBODY, _object(typed), now=now, detail={"known": known})
    left = standing(typed, now=now)
    if left.locked and left.locked_until is not None:
        until = left.locked_until.isoformat()
        _record(LOCKED, NOBODY, _object(typed), now=now, detail={"until": until})
    return left


def record_sign_in(user: User, *, now: datetime) -> None:
    """Keep a sign-in; earlier refusals of this account count no more."""
    _record(OPENED, user, user.get_username(), now=now)


def record_sign_out(user: User, *, now: datetime, why: str = "") -> None:
    """Keep the end of a session, and why if it was not the person who ended it."""
    _record(ENDED, user, user.get_username(), now=now, reason=why)


def record_password(user: User, *, now: datetime) -> None:
    """Keep that somebody changed their own password, which is kept nowhere."""
    _record(PASSWORD, user, user.get_username(), now=now)


def _refusals_of(typed: str, now: datetime) -> list[datetime]:
    """Refusals of one account since its last success, within the window."""
    rows = AuditEntry.objects.filter(
        object_type=ACCOUNT,
        object_id=_object(typed),
        id__gte=uuid7_floor(now - lockout.WINDOW),
        action__in=[OPENED, REFUSED],
    ).order_by("-id")
    found: list[datetime] = []
    for action, at in rows.values_list("action", "at")[:MOST]:
        if action == OPENED:
            break
        found.append(at)
    return found


def _refusals_from(address: str, now: datetime) -> list[datetime]:
    if not address:
        return []
    rows = AuditEntry.objects.filter(
        action=REFUSED, id__gte=uuid7_floor(now - lockout.WINDOW), address=address
    ).order_by("-id")
    return list(rows.values_list("at", flat=True)[:MOST])


def _object(typed: str) -> str:
    """The account's name; for a name that nobody has a digest, since people mistype passwords."""
    known = account_named(typed)
    if known is not None:
        return known.get_username()[:80]
    return "unknown:" + hashlib.sha256(typed.casefold().encode()).hexdigest()[:16]


def _record(
    action: str,
    actor: User | str,
    name: str,
    *,
    now: datetime,
    reason: str = "",
    detail: dict[str, object] | None = None,
) -> None:
    audit.record(
        action=action,
        actor=actor,
        object_type=ACCOUNT,
        object_id=name[:80],
        reason=reason,
        detail=detail,
        now=now,
    )
