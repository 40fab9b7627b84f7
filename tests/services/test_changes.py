"""Verdicts are remembered, and a look that was too short to decide binds no longer one."""

from __future__ import annotations

import pytest

from contracts_app.queries import clock
from contracts_app.queries.changes import change_of
from contracts_app.services import drafts, publishing
from tests.services.test_publishing import owned_text

pytestmark = pytest.mark.django_db


def text(version: str, kind: str) -> str:
    return owned_text(version).replace(
        "{id: {type: string}}", f"{{id: {{type: string}}, n: {kind}}}"
    )


def test_short_look_while_typing_does_not_decide_what_is_published() -> None:
    publishing.install(text=text("1.0.0", "{type: number}"), now=clock.now())
    _, proposed = drafts.judge(text("1.1.0", "{type: integer}"))

    assert change_of(proposed, budget_s=0.0).verdict == "unknown"
    assert change_of(proposed).verdict == "breaking"
