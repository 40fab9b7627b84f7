"""Who is calling: API keys with scopes, and webhook signatures by the source's scheme."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from contracts_app.models import ApiKey, Source
from contracts_app.queries import clock
from contracts_app.queries.standing import Standing
from contracts_app.services.credentials import verify_key
from contracts_app.services.sources import WITHOUT_SECRET, opened
from meshline.core.errors import NotAllowed, NotAuthentic
from orchestration.rules.signatures import verify

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeyHolder:
    """The caller behind an API key, as DRF's permissions see it."""

    key_id: str
    scopes: frozenset[str]
    is_authenticated: bool = True

    @classmethod
    def of(cls, key: ApiKey) -> KeyHolder:
        """The holder of a live key."""
        return cls(key.key_id, frozenset(key.scopes))


@dataclass(frozen=True)
class Sender:
    """Who proved to be a source: a key, or whoever holds its signing secret.

    `delivery_id` is the scheme's own id of the delivery, empty if it has none.
    """

    name: str
    delivery_id: str = ""


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer msh_…`; the clock of its expiry is the database's."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        token = bearer_token(request)
        if token is None:
            return None
        key = verify_key(token, clock.now())
        return KeyHolder.of(key), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """Lets pass who holds the scope that the view names as `scope`; tells a live key which."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        holder: object = request.user
        if not isinstance(holder, KeyHolder):
            return False
        scope: str = getattr(view, "scope", "")
        if scope not in holder.scopes:
            raise NotAllowed(
                f"The API key {holder.key_id} may not do this.",
                remedy=f"Use a key with the scope {scope}.",
            )
        return True


def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header, None if there is no such header."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def authenticate_delivery(
    request: Request, *, source: Source, raw: bytes, standing: Standing
) -> Sender:
    """Prove that a delivery comes from the source: by an API key that may ingest there, else by
    the signature of the source's scheme.

    Raises: NotAuthentic, without saying what was wrong; NotAllowed for a live key without scope.
    """
    token = bearer_token(request)
    if token is not None and (token.startswith("msh_") or source.scheme in WITHOUT_SECRET):
        return _by_key(token, source=source, delivery_id=_own_id(request), now=standing.now)
    if source.scheme in WITHOUT_SECRET:
        raise NotAuthentic(
            "This source is reached with an API key.",
            remedy="Send one as `Authorization: Bearer msh_…`.",
        )
    return _by_signature(request, source=source, raw=raw, standing=standing)


def _by_key(token: str, *, source: Source, delivery_id: str, now: datetime) -> Sender:
    key = verify_key(token, now)
    if not {f"ingest:{source.name}", "ingest:*"} & set(key.scopes):
        raise NotAllowed(
            f"The API key {key.key_id} may not send to {source.name}.",
            remedy=f"Use a key with the scope ingest:{source.name}.",
        )
    return Sender(f"key:{key.key_id}", delivery_id)


def _own_id(request: Request) -> str:
    """What a sender with a key may name its delivery by, where its body holds no id."""
    return str(request.META.get("HTTP_IDEMPOTENCY_KEY", "")).strip()[:200]


def _by_signature(request: Request, *, source: Source, raw: bytes, standing: Standing) -> Sender:
    verdict = verify(
        source.scheme,
        secrets=opened(standing.secrets_of(source), standing.now),
        headers=list(headers_of(request).items()),
        body=raw,
        method=request.method or "POST",
        url=request.build_absolute_uri(),
        now=standing.now,
    )
    if not verdict.ok:
        logger.info("delivery for %s is not authentic: %s", source.name, verdict.reason)
        raise NotAuthentic(
            "The signature does not prove that this comes from the source.",
            remedy="Sign the raw body with the source's live secret and a clock that is right.",
        )
    return Sender("signature", verdict.delivery_id or "")


def headers_of(request: Request) -> dict[str, str]:
    """Return the request's headers by lower-case name; repeated lines are folded by the server."""
    return {name.lower(): value for name, value in request.headers.items()}
