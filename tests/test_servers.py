"""The parts under every other test: PostgreSQL, the broker and the web."""

from __future__ import annotations

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client


@pytest.mark.django_db
def test_tests_run_on_postgresql_of_the_demo() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, current_database()")
        version, name = cursor.fetchone()
    assert version >= 150000
    assert name.startswith("test_")


def test_broker_answers() -> None:
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        assert client.ping()


def test_health_page_answers_without_sign_in(client: Client) -> None:
    assert client.get("/api/v1/healthz").json() == {"status": "ok"}
