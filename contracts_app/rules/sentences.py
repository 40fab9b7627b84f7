"""What a validation error says to a person: one sentence with the place, the value, the rule."""

from __future__ import annotations

import json
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

_Kind = ValidationErrorKind
_LONGEST_VALUE = 80
_LONGEST_SENTENCE = 500


def sentence_of(error: ValidationError, path: str) -> str:
    """Return the sentence: "/data/amount/currency: 'eur' does not match ^[A-Z]{3}$"."""
    text = f"{path or 'the payload'}: {_what(error)}"
    return text if len(text) <= _LONGEST_SENTENCE else f"{text[: _LONGEST_SENTENCE - 1]}…"


def names_of(error: ValidationError) -> tuple[str, ...]:
    """Return the properties that an error says are missing or too many; else nothing."""
    kind = error.kind
    match kind:
        case _Kind.Required():
            return (str(kind.property),)
        case _Kind.AdditionalProperties() | _Kind.UnevaluatedProperties():
            return tuple(map(str, kind.unexpected))
    return ()


def _what(error: ValidationError) -> str:
    kind = error.kind
    match kind:
        case _Kind.Required():
            return f"the property {_name(kind.property)} is missing"
        case _Kind.AdditionalProperties() | _Kind.UnevaluatedProperties():
            return f"{_names(kind.unexpected)} {_is_are(kind.unexpected)} not allowed here"
        case _Kind.Type():
            return f"{_value(error.instance)} is not of type {' or '.join(map(str, kind.types))}"
        case _Kind.FalseSchema():
            return f"{_value(error.instance)} is not allowed here"
        case _Kind.PropertyNames():
            return f"the name {_value(kind.error.instance)} of a property is not allowed"
    return _about_text(error) or _about_bounds(error) or _about_choices(error) or _plain(error)


def _about_text(error: ValidationError) -> str | None:
    kind, shown = error.kind, _value(error.instance)
    match kind:
        case _Kind.Pattern():
            return f"{shown} does not match {kind.pattern}"
        case _Kind.Format():
            return f"{shown} is not a valid {kind.format}"
        case _Kind.MinLength():
            return f"{shown} is shorter than {_count(kind.limit, 'character')}"
        case _Kind.MaxLength():
            return f"{shown} is longer than {_count(kind.limit, 'character')}"
    return None


def _about_bounds(error: ValidationError) -> str | None:
    kind, shown = error.kind, _value(error.instance)
    match kind:
        case _Kind.Minimum():
            return f"{shown} is less than {kind.limit}"
        case _Kind.Maximum():
            return f"{shown} is more than {kind.limit}"
        case _Kind.ExclusiveMinimum():
            return f"{shown} is not more than {kind.limit}"
        case _Kind.ExclusiveMaximum():
            return f"{shown} is not less than {kind.limit}"
        case _Kind.MultipleOf():
            return f"{shown} is not a multiple of {kind.multiple_of}"
        case _Kind.MinItems():
            return f"there are fewer than {_count(kind.limit, 'item')}"
        case _Kind.MaxItems() | _Kind.AdditionalItems():
            return f"there are more than {_count(kind.limit, 'item')}"
        case _Kind.MinProperties():
            return f"there are fewer than {_count(kind.limit, 'property', 'properties')}"
        case _Kind.MaxProperties():
            return f"there are more than {_count(kind.limit, 'property', 'properties')}"
    return None


def _about_choices(error: ValidationError) -> str | None:
    kind, shown = error.kind, _value(error.instance)
    match kind:
        case _Kind.Enum():
            return f"{shown} is none of {_list([_value(option) for option in _options(kind)])}"
        case _Kind.Constant():
            return f"{shown} is not {_value(kind.expected_value)}"
        case _Kind.AnyOf() | _Kind.OneOfNotValid():
            return f"{shown} fits none of the allowed forms"
        case _Kind.OneOfMultipleValid():
            return f"{shown} fits more than one of forms that exclude each other"
        case _Kind.Not():
            return f"{shown} has a form that is excluded"
        case _Kind.UniqueItems():
            return "the same item stands twice"
        case _Kind.Contains():
            return "no item, or a wrong number of items, has the form asked for"
        case _Kind.UnevaluatedItems():
            return "there are items that are not allowed here"
    return None


def _plain(error: ValidationError) -> str:
    return error.message.split("\n", 1)[0]


def _options(kind: ValidationErrorKind) -> list[Any]:
    options = getattr(kind, "options", None)
    return list(options) if isinstance(options, list | tuple) else [options]


def _value(value: Any) -> str:
    """Show a payload's value shortly: text in quotes, containers by their size."""
    if isinstance(value, dict):
        return f"an object with {_count(len(value), 'property', 'properties')}"
    if isinstance(value, list):
        return f"an array of {_count(len(value), 'item')}"
    if isinstance(value, str):
        short = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
        return repr(short)
    return json.dumps(value, default=str)


def _name(name: str) -> str:
    return repr(name[:_LONGEST_VALUE])


def _names(names: list[str]) -> str:
    return ("the property " if len(names) == 1 else "the properties ") + _list(
        [_name(name) for name in names], "and"
    )


def _is_are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _list(words: list[str], last: str = "or") -> str:
    shown = words if len(words) <= 12 else [*words[:11], f"{len(words) - 11} more"]
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}" if len(shown) > 1 else "".join(shown)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
