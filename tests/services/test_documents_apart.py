"""Kinds of documents keep their names to themselves."""

from __future__ import annotations

import pytest

from contracts_app.queries import clock
from contracts_app.services import documents
from contracts_app.services.documents import install_document
from contracts_app.services.promises import CALENDAR, ROTA
from orchestration.models import FlowVersion
from tests.builders import PILOT

pytestmark = pytest.mark.django_db


def test_document_kinds_do_not_see_each_others_names() -> None:
    install_document(
        CALENDAR, text=(PILOT / "calendars" / "always-open.yaml").read_text(), now=clock.now()
    )

    assert documents.next_number(ROTA, "always-open") == 1
    assert FlowVersion.objects.count() == 0
