"""One entry more in a document's text: the value is there, and every comment still is."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from contracts_app.rules.text_splicing import with_added
from meshline.core import yaml12, yaml_text
from meshline.core.errors import BadValue
from meshline.core.pointers import build, get

BLOCK = """\
# head
schema:
  payload:   # the payload
    type: object
    properties:
      id: {type: string}   # ours
      data:
        type: object
        properties:
          status: {enum: [open, done]}   # two states
          notes: >-
            a long
            text
    # behind
examples:
  - a
  - b   # second
"""
AT = "/schema/payload/properties"


@pytest.mark.parametrize(
    ("pointer", "name", "value", "line"),
    [
        (AT, "tip", {"type": "string"}, "      tip: {type: string}"),
        (f"{AT}/data/properties", "tip", {"type": "integer"}, "          tip: {type: integer}"),
        (
            f"{AT}/data/properties/status/enum", "", "held",
            "          status: {enum: [open, done, held]}   # two states",
        ),
        (f"{AT}/id", "x-pii", "free-text", "      id: {type: string, x-pii: free-text}   # ours"),
        ("/examples", "", "c", "- c"),
        (AT, "odd: name", {"type": ["string", "null"]},
         '      "odd: name": {type: [string, "null"]}'),
    ],
)  # fmt: skip
def test_entry_is_added_and_every_other_line_stays(
    pointer: str, name: str, value: Any, line: str
) -> None:
    made = with_added(yaml12.load(BLOCK), pointer, name, value)

    assert line.strip() in [one.strip() for one in made.splitlines()]
    for old in BLOCK.splitlines():
        comment = old.partition("#")[2]
        assert not comment or f"#{comment}" in made
    held = get(yaml12.load(made).value, pointer)
    assert held[name if name else -1] == value


@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_json(indent: int | None) -> None:
    text = json.dumps(yaml12.load(BLOCK).value, indent=indent)

    made = json.loads(with_added(yaml12.load(text), AT, "tip", {"type": "string"}))

    assert made["schema"]["payload"]["properties"]["tip"] == {"type": "string"}


def test_what_is_there_already_changes_nothing() -> None:
    assert with_added(yaml12.load(BLOCK), AT, "id", {"type": "integer"}) == BLOCK
    assert with_added(yaml12.load(BLOCK), "/examples", "", "a") == BLOCK


@pytest.mark.parametrize(("pointer", "name"), [("/nowhere", "a"), ("/examples", "a"), (AT, "")])
def test_place_that_takes_nothing_is_told(pointer: str, name: str) -> None:
    with pytest.raises(BadValue, match="Nothing can be added"):
        with_added(yaml12.load(BLOCK), pointer, name, 1)


def test_text_whose_layout_leaves_no_place_is_written_anew() -> None:
    text = "base: &b {a: 1}\nother: *b\n"

    made = with_added(yaml12.load(text), "/other", "c", 2)

    assert yaml12.load(made).value == {"base": {"a": 1}, "other": {"a": 1, "c": 2}}


def test_any_place_of_any_document_takes_an_entry() -> None:
    chance = random.Random(7)  # noqa: S311 - the same each time
    for _ in range(300):
        value = {"root": _value(chance, 4)}
        text = _layout(chance, value)
        containers = [(path, one) for path, one in _containers(value, ()) if path]
        if not containers:
            continue
        path, held = chance.choice(containers)
        name = "new key" if isinstance(held, dict) else ""

        made = yaml12.load(with_added(yaml12.load(text), build(path), name, "added")).value

        (held.__setitem__("new key", "added") if isinstance(held, dict) else held.append("added"))
        assert made == value, text


def _value(chance: random.Random, depth: int) -> Any:
    kind = chance.choice(["text", "number", "object", "list", "object", "list"])
    if depth == 0 or kind == "text":
        return chance.choice(["a", "on", "a: b", "two\nlines", "", "# no comment", "it's"])
    if kind == "number":
        return chance.choice([1, 0, True, None])
    if kind == "list":
        return [_value(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return {f"k{n}": _value(chance, depth - 1) for n in range(chance.randint(0, 3))}


def _layout(chance: random.Random, value: Any) -> str:
    match chance.choice(["block", "json", "wide", "commented"]):
        case "json":
            return json.dumps(value)
        case "wide":
            return json.dumps(value, indent=2)
        case "commented":
            return "".join(f"{line}   # c\n" for line in yaml_text.dump(value).splitlines())
    return yaml_text.dump(value)


def _containers(value: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(value, dict | list):
        yield path, value
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _containers(child, (*path, key))
