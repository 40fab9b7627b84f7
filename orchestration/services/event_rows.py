"""The rows of one event, key, facts and bytes, written by one statement: the hottest of all."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models

from orchestration.models import Event, EventBody, EventKey

_ONCE = """
WITH claimed AS (
  INSERT INTO {key} (source, external_id, digest, event_id, duplicates)
  VALUES (%s, %s, %s, %s, 0) ON CONFLICT (source, external_id) DO NOTHING RETURNING event_id
), facts AS (
  INSERT INTO {event} ({event_columns}) SELECT {event_values} FROM claimed
), bytes AS (
  INSERT INTO {body} ({body_columns}) SELECT {body_values} FROM claimed
)
SELECT count(*) FROM claimed
"""


def insert_once(event: Event, body: EventBody) -> bool:
    """Claim (source, external id) and write the event with its bytes; False if it is known.

    Waits for another transaction that claims the same at this moment. Call it in a transaction.
    """
    claim: list[Any] = [event.source, event.external_id, event.digest, event.pk]
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [*claim, *_values(event), *_values(body)])
        (written,) = cursor.fetchone()
    event._state.adding = body._state.adding = not written
    return bool(written)


@cache
def _statement() -> str:
    names = {"key": EventKey._meta.db_table}
    for word, model in (("event", Event), ("body", EventBody)):
        fields = model._meta.concrete_fields
        names[word] = model._meta.db_table
        names[f"{word}_columns"] = ", ".join(f'"{field.column}"' for field in fields)
        # A SELECT gives its values no types, unlike VALUES. Without the length, which would cut.
        types = (str(field.db_type(connection)).partition("(")[0] for field in fields)
        names[f"{word}_values"] = ", ".join(f"%s::{name}" for name in types)
    return _ONCE.format(**names)


def _values(row: models.Model) -> list[Any]:
    return [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in row._meta.concrete_fields
    ]
