"""FieldNames: the help desk numbers its custom fields, documents name them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping

from meshline.core.safejson import Json
from orchestration.connectors.answers import Part
from orchestration.connectors.base import CallFailed
from orchestration.connectors.http import Exchange
from orchestration.rules.outcomes import Refused

_KEPT_S = 300.0
_FIELDS = "/api/v2/ticket_fields.json"


class FieldNames:
    """The desk's list of fields, read when a name is not known yet and kept for five minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}
        self._read_at = -_KEPT_S

    def named(self, ticket: Part, http: Exchange) -> dict[str, Json]:
        """Return a ticket's custom fields that have a value, by name (by number if it has none)."""
        found = ticket.parts("custom_fields") if ticket.has("custom_fields") else []
        filled = {field.text("id"): field.raw("value") for field in found if field.has("value")}
        if not filled:
            return {}
        names = {str(number): name for name, number in self._known(http).items()}
        return {names.get(number, number): value for number, value in filled.items()}

    def numbered(self, fields: Mapping[str, Json], http: Exchange) -> list[Json]:
        """Return fields as the desk takes them. Raises: CallFailed for a name it does not have."""
        known = self._known(http)
        written = []
        for name, value in fields.items():
            number = int(name) if name.isdecimal() else known.get(name)
            if number is None:
                # The desk would say yes and drop the value.
                raise CallFailed(Refused("unknown_field", f"The desk has no field {name[:60]}."))
            written.append({"id": number, "value": value})
        return written

    def _known(self, http: Exchange) -> dict[str, int]:
        with self._lock:
            if time.monotonic() - self._read_at < _KEPT_S:
                return self._ids
        ids = {
            _name(field): field.whole("id") for field in http.get(_FIELDS).parts("ticket_fields")
        }
        with self._lock:
            self._ids, self._read_at = ids, time.monotonic()
        return ids


def _name(field: Part) -> str:
    """A field's key; where the desk gives none, its title in small letters with underscores."""
    title = field.maybe_text("title") or ""
    return field.maybe_text("key") or re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
