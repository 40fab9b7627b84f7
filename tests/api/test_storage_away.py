"""What senders and watchers are told while the database is away."""

from __future__ import annotations

import json
import os

from tests.api.web import head, is_problem, running_web


def test_database_that_is_away_is_a_503_that_asks_to_come_back(unused_port: int) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://nobody:nothing@127.0.0.1:{unused_port}/none",
        "DJANGO_SETTINGS_MODULE": "meshline.settings",
    }
    with running_web(environment) as web:
        answer = web.send(head("Content-Length: 2"), b"{}")
        ready = web.send(b"GET /api/v1/readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        alive = web.send(b"GET /api/v1/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert is_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert (ready.status, json.loads(ready.body)["database"]) == (503, "away")
    assert alive.status == 200
