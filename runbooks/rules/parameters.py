"""What a form sent, by an action's parameter schema: typed values, or what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts_app.rules.validate import Violation, violations
from meshline.core.safejson import Json

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,12})?")
_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"false", "off", "no", "0"})


@dataclass(frozen=True)
class Clean:
    """The values as the schema has them; `violations` empty: they may be used."""

    values: Mapping[str, Json]
    violations: tuple[Violation, ...]

    @property
    def ok(self) -> bool:
        """Whether the values fit the schema."""
        return not self.violations


def clean(schema: Mapping[str, Any], sent: Mapping[str, Any], *, posted: bool = False) -> Clean:
    """Return a form's text as typed values and judge them by the schema.

    Empty text is no value; what is not sent takes the schema's default. `posted`: an HTML form
    was sent, so a truth value that is missing is an unticked box, hence false. What the schema
    does not name is kept and judged, so that a closed schema refuses it.
    """
    properties = schema.get("properties", {})
    values: dict[str, Json] = {}
    for name, field in properties.items():
        value = _typed(sent.get(name), field)
        if value is None and posted and field.get("type") == "boolean":
            value = False
        if value is None and "default" in field:
            value = field["default"]
        if value is not None:
            values[name] = value
    values |= {name: value for name, value in sent.items() if name not in properties}
    return Clean(values, tuple(violations(dict(schema), values)))


def defaults(schema: Mapping[str, Any]) -> dict[str, Json]:
    """Return the values with which an empty form begins."""
    properties = schema.get("properties", {})
    return {name: field["default"] for name, field in properties.items() if "default" in field}


def _typed(value: Any, field: Mapping[str, Any]) -> Json:
    """Return the value in the field's type; what cannot be read stays text, to be refused."""
    if isinstance(value, str):
        return _from_text(value.strip(), field)
    if isinstance(value, Sequence):
        items = field.get("items", {})
        return [_typed(item, items if isinstance(items, Mapping) else {}) for item in value]
    return value


def _from_text(text: str, field: Mapping[str, Any]) -> Json:
    kinds = field.get("type", "string")
    kind = kinds if isinstance(kinds, str) else next((k for k in kinds if k != "null"), "string")
    if text == "":
        return None
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if kind == "boolean" and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if kind == "array":
        parts = [part.strip() for part in text.replace("\n", ",").split(",")]
        return [part for part in parts if part]
    return text
