"""Sources and their signing secrets, sealed at rest and never shown again."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from contracts_app.models import Source, WebhookSecret
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from meshline.core import canonical
from meshline.core.errors import BadValue, Conflict
from meshline.core.secretbox import Keyring

# These schemes carry no signature: a bearer key, or our own timers.
WITHOUT_SECRET = frozenset({"apikey", "internal"})
_WITH_PREFIX = frozenset({"stripe", "standardwebhooks", "svix"})
MAX_LIVE = 2


@dataclass(frozen=True)
class SourceText:
    """A source document as its author wrote it, and as it was read."""

    text: str
    body: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the text: what caches and the audit log go by."""
        return canonical.digest_of_bytes(self.text.encode())


@transaction.atomic
def create_source(
    *,
    slug: str,
    scheme: str,
    on_violation: str,
    document: SourceText,
    title: str = "",
    secret: str | None = None,
    by: User | None = None,
    now: datetime,
) -> tuple[Source, str | None]:
    """Store a checked source document; returns the row and its signing secret, given or made.

    Raises: Conflict if the name is taken.
    """
    source = Source(
        name=slug,
        title=title,
        scheme=scheme,
        on_violation=on_violation,
        text=document.text,
        body=dict(document.body),
        digest=document.digest,
        updated_at=now,
    )
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError:
        raise Conflict(
            f"There is a source {slug!r} already.",
            remedy="Edit it in the administration, or choose another name.",
        ) from None
    _told("source.create", source, by=by, now=now, after=source.digest)
    if scheme in WITHOUT_SECRET:
        return source, None
    return source, add_secret(source=source, secret=secret, by=by, now=now)


@transaction.atomic
def change_source(
    *,
    source: Source,
    scheme: str,
    on_violation: str,
    document: SourceText,
    title: str,
    by: User | None = None,
    now: datetime,
) -> Source:
    """Put a checked document in the place of the old one; it counts from the next delivery."""
    row = Source.objects.select_for_update().get(pk=source.pk)
    before = row.digest
    row.title, row.scheme, row.on_violation = title, scheme, on_violation
    row.text, row.body, row.digest = document.text, dict(document.body), document.digest
    row.updated_at = now
    row.save()
    if before != row.digest:
        _told("source.edit", row, by=by, now=now, before=before, after=row.digest)
    return row


@transaction.atomic
def switch_source(*, source: Source, enabled: bool, by: User | None = None, now: datetime) -> None:
    """Let deliveries in or keep them out; counts from the next one."""
    if Source.objects.filter(pk=source.pk, enabled=not enabled).update(enabled=enabled):
        source.enabled = enabled
        _told("source.open" if enabled else "source.close", source, by=by, now=now)


@transaction.atomic
def add_secret(
    *, source: Source, secret: str | None = None, by: User | None = None, now: datetime
) -> str:
    """Give the source one more signing secret beside the live one; returns it, once.

    Raises: BadValue if its scheme has none or the secret is short; Conflict if two are live.
    """
    if source.scheme in WITHOUT_SECRET:
        raise BadValue(f"The scheme {source.scheme!r} of {source.name} takes no signing secret.")
    chosen = secret or new_secret(source.scheme)
    if len(chosen) < 16:
        raise BadValue("A signing secret has at least 16 characters.")
    Source.objects.select_for_update().get(pk=source.pk)
    if _live(source, now).count() >= MAX_LIVE:
        raise Conflict(
            f"{source.name} has two live secrets already.",
            remedy="End the older one first; two are enough to roll from one to the other.",
        )
    row = WebhookSecret.objects.create(source=source, sealed="", hint=chosen[-4:])
    row.sealed = _keys().seal(chosen, place=_place(row))
    row.save(update_fields=["sealed"])
    _told("source.secret", source, by=by, now=now, detail={"secret": row.pk, "hint": row.hint})
    return chosen


@transaction.atomic
def roll_secret(
    *,
    source: Source,
    overlap: timedelta,
    secret: str | None = None,
    by: User | None = None,
    now: datetime,
) -> str:
    """Make a new secret and let the others end after `overlap`; returns the new one, once."""
    Source.objects.select_for_update().get(pk=source.pk)
    live = list(_live(source, now))
    for row in live[1:]:
        end_secret(secret=row, by=by, now=now)
    fresh = add_secret(source=source, secret=secret, by=by, now=now)
    if live:
        WebhookSecret.objects.filter(pk=live[0].pk).update(expires_at=now + overlap)
    return fresh


@transaction.atomic
def replace_secrets(*, source: Source, secret: str, by: User | None = None, now: datetime) -> None:
    """Let exactly this signing secret be live from now on."""
    Source.objects.select_for_update().get(pk=source.pk)
    for row in _live(source, now):
        end_secret(secret=row, by=by, now=now)
    add_secret(source=source, secret=secret, by=by, now=now)


@transaction.atomic
def end_secret(*, secret: WebhookSecret, by: User | None = None, now: datetime) -> None:
    """Refuse a signing secret from now on."""
    changed = WebhookSecret.objects.filter(pk=secret.pk).exclude(expires_at__lte=now)
    if changed.update(expires_at=now):
        detail = {"secret": secret.pk, "hint": secret.hint}
        _told("source.secret_end", secret.source, by=by, now=now, detail=detail)


def secrets_of(source: Source, now: datetime) -> list[str]:
    """Return the live signing secrets of a source, newest first, opened.

    Raises: SecretUnreadable, Misconfigured.
    """
    return opened(_live(source, now), now)


def opened(rows: Iterable[WebhookSecret], now: datetime) -> list[str]:
    """Return those of the sealed secrets that are live, opened, in the order of the rows.

    Raises: SecretUnreadable, Misconfigured.
    """
    live = [row for row in rows if row.expires_at is None or row.expires_at > now]
    keys = _keys() if live else None
    return [keys.open(row.sealed, place=_place(row)) for row in live] if keys else []


def new_secret(scheme: str) -> str:
    """Return a random signing secret in the form that the scheme's senders use."""
    if scheme in _WITH_PREFIX:
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(32)


@transaction.atomic
def reseal_secrets(*, now: datetime) -> int:
    """Seal every secret with the newest key; returns how many were sealed anew."""
    keys, count = _keys(), 0
    for row in WebhookSecret.objects.select_for_update():
        if not keys.is_current(row.sealed):
            place = _place(row)
            row.sealed = keys.seal(keys.open(row.sealed, place=place), place=place)
            row.save(update_fields=["sealed"])
            count += 1
    audit.record(
        action="source.reseal",
        actor=COMMAND,
        object_type="webhook_secret",
        object_id="all",
        detail={"count": count, "key": keys.newest},
        now=now,
    )
    return count


def _live(source: Source, now: datetime) -> QuerySet[WebhookSecret]:
    unended = Q(expires_at=None) | Q(expires_at__gt=now)
    return WebhookSecret.objects.filter(unended, source=source).order_by("-id")


def _keys() -> Keyring:
    return Keyring.parse(settings.SECRET_KEYS)


def _place(row: WebhookSecret) -> str:
    return f"{WebhookSecret._meta.db_table}:sealed:{row.pk}"


def _told(
    action: str,
    source: Source,
    *,
    by: User | None,
    now: datetime,
    before: str = "",
    after: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        action=action,
        actor=by or COMMAND,
        object_type="source",
        object_id=source.name,
        before=before,
        after=after,
        detail=detail,
        now=now,
    )
