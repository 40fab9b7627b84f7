"""API keys: issued once, kept as a digest, verified, revoked."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypedDict

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from contracts_app.models import ApiKey
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from meshline.core import canonical
from meshline.core.errors import BadValue, NotAuthentic

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_ID_CHARS = 8
_TOKEN = re.compile(r"msh_([a-z2-7]{8})_([A-Za-z0-9_-]{43})([0-9a-f]{8})")
# What a key may do beside `ingest:<source>`, and how a person reads it.
READ_SCOPES = {
    "runs:read": "Read runs, events and handoffs, masked",
    "contracts:read": "Read contracts",
    "contracts:draft": "Start and edit drafts of contracts",
    "contracts:publish": "Publish contracts whose gate is green",
    "contracts:verify": "Write down verifications and deployments",
    "metrics:read": "Read metrics",
    "audit:read": "Read the audit log",
}
_INGEST = re.compile(r"ingest:(?:\*|[a-z0-9][a-z0-9_-]{0,59})")
_USED_EVERY = timedelta(minutes=1)


class IssuedKey(TypedDict):
    """What is shown once when a key is made: send `key` as `Authorization: Bearer …`."""

    id: str
    key: str
    scopes: list[str]


@transaction.atomic
def issue_key(
    *,
    name: str,
    scopes: Iterable[str],
    by: User | None = None,
    now: datetime,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make a key; its secret part is in the answer and nowhere else.

    Raises: BadValue for no scope, or one that is not known.
    """
    wanted = sorted(set(scopes))
    for scope in wanted or [""]:
        if scope not in READ_SCOPES and not _INGEST.fullmatch(scope):
            raise BadValue(
                f"{scope!r} is no scope of an API key.",
                remedy=f"Use ingest:<source>, {', '.join(READ_SCOPES)}.",
            )
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_CHARS))
    secret = secrets.token_urlsafe(32)
    ApiKey.objects.create(
        key_id=key_id,
        name=name or f"key {key_id}",
        digest=_digest(secret),
        scopes=wanted,
        created_by=by,
        expires_at=expires_at,
    )
    audit.record(
        action="key.issue",
        actor=by or COMMAND,
        object_type="api_key",
        object_id=key_id,
        after=canonical.digest(wanted),
        detail={"name": name, "scopes": wanted},
        now=now,
    )
    return {"id": key_id, "key": f"msh_{key_id}_{secret}{_tail(key_id, secret)}", "scopes": wanted}


def verify_key(token: str, now: datetime) -> ApiKey:
    """Return the live key that a bearer token belongs to.

    Raises: NotAuthentic, saying nothing of which check failed.
    """
    found = _TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(found[3], _tail(found[1], found[2])):
        raise _refusal()
    key = ApiKey.objects.filter(key_id=found[1]).first()
    digest = key.digest if key else ""
    if not hmac.compare_digest(digest.encode(), _digest(found[2]).encode()) or key is None:
        raise _refusal()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise _refusal()
    _remember_use(key, now)
    return key


@transaction.atomic
def revoke_key(*, key: ApiKey, by: User | None = None, now: datetime) -> None:
    """End a key; it is refused from its next use. Revoking twice changes nothing."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        return
    key.revoked_at = now
    audit.record(
        action="key.revoke",
        actor=by or COMMAND,
        object_type="api_key",
        object_id=key.key_id,
        before=canonical.digest(key.scopes),
        detail={"name": key.name},
        now=now,
    )


def _remember_use(key: ApiKey, now: datetime) -> None:
    """Note the use at most once a minute, so that a busy key does not write at every request."""
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - _USED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _tail(key_id: str, secret: str) -> str:
    """A checksum by which scanners can tell a leaked key from any other text."""
    return f"{binascii.crc32(f'msh_{key_id}_{secret}'.encode()):08x}"


def _refusal() -> NotAuthentic:
    return NotAuthentic(
        "The API key is not valid.", remedy="Send a live key as `Authorization: Bearer msh_…`."
    )
