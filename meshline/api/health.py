"""GET healthz and readyz: whether this process answers, and whether it can do its work."""

from __future__ import annotations

import redis
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.models import Source
from contracts_app.queries import clock
from meshline.api.base import ApiView
from meshline.api.problems import COME_BACK_S, STORAGE
from meshline.token_bucket import client_url


class Health(ApiView):
    """Open to everybody: says nothing but that the process answers."""

    authentication_classes = []
    permission_classes = []
    plain = True

    def get(self, request: Request) -> HttpResponse:
        """Say nothing of the database or the broker."""
        return Response({"status": "ok"})


class Readiness(ApiView):
    """Open to everybody: names the parts, not where they are."""

    authentication_classes = []
    permission_classes = []
    plain = True

    def get(self, request: Request) -> HttpResponse:
        """200 if deliveries can be stored; without the broker, which only wakes, we are slow."""
        stored = _database_answers()
        parts = {
            "status": "ready" if stored else "not_ready",
            "database": "ok" if stored else "away",
            "broker": "ok" if _broker_answers() else "away",
        }
        headers = {} if stored else {"Retry-After": str(COME_BACK_S)}
        return Response(parts, status=200 if stored else 503, headers=headers)


def _database_answers() -> bool:
    try:
        clock.now()
        Source.objects.exists()  # the tables are there: migrations have run
    except STORAGE:
        return False
    return True


def _broker_answers() -> bool:
    client = redis.Redis.from_url(
        client_url(settings.BROKER_URL), socket_timeout=0.5, socket_connect_timeout=0.5
    )
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
