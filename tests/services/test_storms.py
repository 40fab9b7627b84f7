"""Deliveries and presses outlive a session that the server ends under them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from orchestration.models import Event, EventKey, Run
from orchestration.services import storms
from tests.builders import accepted, given_pilot, refund_requested
from tests.conftest import database_url

pytestmark = pytest.mark.django_db(transaction=True)


class Axe:
    """Ends this connection's session at its first statement that names `table`, once."""

    def __init__(self, table: str) -> None:
        self.table, self.fallen = table, 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.table in sql and not self.fallen:
            self.fallen += 1
            pid = connection.connection.info.backend_pid
            with psycopg.connect(database_url()) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return execute(sql, params, many, context)


def test_delivery_whose_session_is_ended_in_the_middle_is_taken_once() -> None:
    given_pilot()
    axe = Axe("orchestration_run")

    with connection.execute_wrapper(axe):
        receipt = accepted("helpdesk", refund_requested())

    assert axe.fallen == 1
    assert Event.objects.get().pk == receipt.event_id
    assert EventKey.objects.count() == Run.objects.count() == 1


def test_inside_another_transaction_nothing_is_tried_again() -> None:
    tries = []

    def fails() -> None:
        tries.append(1)
        raise OperationalError

    with pytest.raises(OperationalError), transaction.atomic():
        storms.once_more(fails)

    assert len(tries) == 1
