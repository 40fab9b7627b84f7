"""Drift: what of a payload a schema does not name, told without its content."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts_app.rules.compat import compare
from contracts_app.rules.drift.bodies import LEARNED_AFTER, Known, known_of, mentioned, names_in
from contracts_app.rules.drift.change import Change, change_for, mapping_for
from contracts_app.rules.drift.evidence import Seen, begun
from contracts_app.rules.drift.sightings import Sighting, is_known, sightings
from contracts_app.rules.splicing import spliced
from contracts_app.rules.validate import violations
from meshline.core.pointers import get, parse

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "status": {"enum": ["open", "done"]},
        "money": {"$ref": "#/$defs/money"},
        "free": {"type": "object"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {}}}},
        "closed": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"a": {"type": "integer"}},
        },
        "carrier": {"type": "string", "x-extensible-enum": ["dhl", "ups"]},
        "channel": {"type": "string", "examples": ["mail", "chat"]},
        "subject": {"type": "string", "examples": ["Where is it?", "thanks"]},
        "city": {"type": "string", "examples": ["mainz", "trier"]},
        "by_key": {
            "type": "object",
            "properties": {"known": {}},
            "additionalProperties": {"type": "object", "properties": {"n": {}}},
        },
    },
    "if": {"properties": {"asked": {"enum": ["yes"]}}, "required": ["asked"]},
    "then": {"properties": {"answer": {"type": "string"}}},
    "$defs": {"money": {"type": "object", "properties": {"value": {"type": "integer"}}}},
}


def told(payload: Any, marks: tuple[str, ...] = ()) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.path, one.value, one.shape) for one in sightings(SCHEMA, payload, marks)]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"id": "1", "status": "open"}, []),
        ({"id": "1", "tip": 12}, [("field", "/tip", "", "integer, 2 digits")]),
        ({"tip": {"a": 1, "b": 2}}, [("field", "/tip", "", "object, 2 fields")]),
        ({"money": {"value": 1, "tax": 1.5}}, [("field", "/money/tax", "", "number")]),
        ({"lines": [{"sku": "a"}, {"sku": "b", "gift": True}, {"gift": False}]},
         [("field", "/lines/*/gift", "", "boolean")]),
        ({"closed": {"a": 1, "b": "Maja"}}, [("field", "/closed/b", "", "string, 4 characters")]),
        ({"free": {"anything": 1}}, []),
        ({"by_key": {"k1": {"n": 1}}}, []),
        ({"by_key": {"k1": {"m": 1}}}, [("field", "/by_key/*/m", "", "integer, 1 digit")]),
        ({"asked": "no", "answer": "x"}, []),
        ({"status": "held"}, [("value", "/status", "held", "string, 4 characters")]),
        ({"carrier": "hermes"}, [("value", "/carrier", "hermes", "string, 6 characters")]),
        ({"status": "maja@example.com"}, [("value", "/status", "", "string, 16 characters")]),
        ({"status": 7}, []),
        ({"channel": "fax"}, [("value", "/channel", "fax", "string, 3 characters")]),
        ({"channel": "a letter by hand"}, []),
        ({"subject": "hello"}, []),
        ({"city": "ulm"}, []),
        ({"maja@example.com": 1}, [("field", "/*", "", "integer, 1 digit")]),
        ({"order_20261124": 1}, [("field", "/*", "", "integer, 1 digit")]),
        ({f"k{n}": n for n in range(30)}, [("field", "/*", "", "integer, 1 digit")]),
        ("no object", []),
    ],
)  # fmt: skip
def test_what_no_schema_names_is_sighted(payload: Any, expected: list[Any]) -> None:
    assert told(payload) == expected


def test_value_of_a_marked_place_is_told_by_its_shape() -> None:
    assert told({"status": "maja"}, ("/status",)) == [
        ("value", "/status", "", "string, 4 characters")
    ]


@pytest.mark.parametrize(
    ("payload", "closed"),
    [({"tip": 1}, False), ({"closed": {"b": 1}}, True), ({"status": "held"}, True),
     ({"carrier": "hermes"}, False)],
)  # fmt: skip
def test_sighting_says_whether_the_schema_refuses_it(payload: Any, closed: bool) -> None:
    (one,) = sightings(SCHEMA, payload)

    assert one.closed is closed
    assert bool(violations({**SCHEMA, "required": []}, payload)) is closed


def seen(number: int, source: str = "billing", *, held: bool = False) -> Seen:
    return Seen(f"event-{number}", source, NOON + timedelta(seconds=number), held)


def test_evidence_counts_and_keeps_three_samples() -> None:
    one = Sighting("field", "/tip", "", "string", "string, 4 characters", "", False)
    evidence = begun(seen(1))
    for number in range(1, 7):
        evidence = evidence.with_one(one, seen(number, "billing" if number % 2 else "shop"))

    assert (evidence.events, evidence.refused) == (6, 0)
    assert evidence.sources == {"billing": 3, "shop": 3}
    assert evidence.samples == tuple((f"event-{n}", one.shape) for n in (1, 2, 3))
    assert evidence.last_seen - evidence.first_seen == timedelta(seconds=5)


def word(text: str) -> Sighting:
    return next(iter(sightings(SCHEMA, {"tip": text})))


def test_word_is_told_only_once_it_came_in_three_events() -> None:
    evidence = begun(seen(1))
    for number, text in enumerate(["express", "maja", "express", "express"]):
        evidence = evidence.with_one(word(text), seen(number))

    assert evidence.words == ("express",)
    assert "maja" not in repr(evidence)


@pytest.mark.parametrize("text", ["Maja", "maja lind", "maja@example.com", "a1", "+49 30 1234"])
def test_what_is_no_word_of_a_program_is_never_told(text: str) -> None:
    evidence = begun(seen(1))
    for number in range(5):
        evidence = evidence.with_one(word(text), seen(number))

    assert evidence.words == ()
    assert text not in repr(evidence)


@pytest.mark.parametrize("name", ["first_name", "login", "userHandle", "City", "note"])
def test_word_where_people_stand_is_never_told(name: str) -> None:
    evidence = begun(seen(1))
    for number in range(5):
        (one,) = sightings(SCHEMA, {name: "maja"})
        evidence = evidence.with_one(one, seen(number))

    assert evidence.words == ()


def test_many_words_are_no_list() -> None:
    evidence = begun(seen(1))
    for number in range(60):
        letters = chr(97 + number % 20)
        evidence = evidence.with_one(word(f"w{letters}"), seen(number))

    assert (evidence.words, evidence.tallies) == ((), None)


def test_refused_events_are_counted_apart() -> None:
    (one,) = sightings(SCHEMA, {"status": "held"})

    evidence = begun(seen(1)).with_one(one, seen(1, held=True)).with_one(one, seen(2))

    assert (evidence.events, evidence.refused) == (2, 1)


@pytest.mark.parametrize(
    ("kind", "path", "value", "types", "words", "expected"),
    [
        ("field", "/tip", "", ["string"], False,
         Change("/properties", "tip", {"type": "string", "x-pii": "free-text"})),
        ("field", "/tip", "", ["string"], True, Change("/properties", "tip", {"type": "string"})),
        ("field", "/tip", "", ["boolean"], False,
         Change("/properties", "tip", {"type": "boolean"})),
        ("field", "/money/tax", "", ["integer", "null", "number"], True,
         Change("/$defs/money/properties", "tax", {"type": ["null", "number"]})),
        ("field", "/lines/*/gift", "", ["boolean"], False,
         Change("/properties/lines/items/properties", "gift", {"type": "boolean"})),
        ("field", "/by_key/*/m", "", ["boolean"], True,
         Change("/properties/by_key/additionalProperties/properties", "m", {"type": "boolean"})),
        ("value", "/status", "held", ["string"], False,
         Change("/properties/status/enum", "", "held")),
        ("value", "/carrier", "hermes", ["string"], False,
         Change("/properties/carrier/x-extensible-enum", "", "hermes")),
        ("value", "/channel", "fax", ["string"], False,
         Change("/properties/channel/examples", "", "fax")),
        ("value", "/status", "", ["string"], False, None),
        ("field", "/*", "", ["string"], False, None),
    ],
)  # fmt: skip
def test_smallest_change(
    kind: str, path: str, value: str, types: list[str], words: bool, expected: Change | None
) -> None:
    found = change_for(SCHEMA, kind=kind, path=path, value=value, types=types, words=words)

    assert found == expected


def changed(schema: Any, change: Change) -> Any:
    held = get(schema, change.at)
    step: Any = change.name or len(held)
    return spliced(schema, (*parse(change.at), step), change.put)


def test_after_its_change_a_thing_is_no_drift_any_more() -> None:
    chance = random.Random(11)  # noqa: S311 - the same each time
    for _ in range(300):
        payload = _payload(chance)
        for one in sightings(SCHEMA, payload):
            change = change_for(
                SCHEMA, kind=one.kind, path=one.path, value=one.value, types=[one.type],
                words=bool(one.word),
            )  # fmt: skip
            assert not is_known(SCHEMA, *one.key) or one.path.endswith("*")
            if change is None:
                continue
            after = changed(SCHEMA, change)
            assert is_known(after, *one.key)
            assert one.key not in {other.key for other in sightings(after, payload)}
            if one.kind == "value":
                assert compare(SCHEMA, after).verdict == "compatible"


def _payload(chance: random.Random) -> Any:
    names = ["id", "status", "money", "lines", "closed", "carrier", "by_key", "tip", "a-b", "x1"]
    values: list[Any] = ["open", "held", 3, None, True, {"b": 1, "value": 2}, [{"sku": 1, "n": 2}]]
    return {name: chance.choice(values) for name in chance.sample(names, 5)}


def body(**more: Any) -> Any:
    return {"id": "e1", "object": {"state": "paid", "who": "Maja", "lines": [{"sku": "a"}], **more}}


def learned(*bodies: Any) -> Known:
    known = Known()
    for number in range(LEARNED_AFTER):
        known.learn(bodies[number % len(bodies)] if bodies else body())
    return known_of(known.stored())


def news(
    known: Known, sent: Any, taken: tuple[str, ...] = (), *, held: bool = True
) -> list[tuple[str, str, str]]:
    return [(one.kind, one.path, one.shape) for one in known.new_in(sent, taken, held=held)]


def test_nothing_is_new_before_the_bodies_are_learned() -> None:
    known = Known()
    for _ in range(LEARNED_AFTER - 1):
        known.learn(body())

    assert not known.learned
    assert news(known, body(tip=1)) == []


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (body(), []),
        (body(tip=1), [("body", "/object/tip", "integer, 1 digit")]),
        (body(gift={"note": "x", "to": "y"}), [("body", "/object/gift", "object, 2 fields")]),
        (
            body(lines=[{"sku": "a", "tax": 1}]),
            [("body", "/object/lines/*/tax", "integer, 1 digit")],
        ),
        (body(state="frozen"), [("body_value", "/object/state", "string, 6 characters")]),
        (body(who="Oren"), []),
        (body(**{"maja@example.com": 1}), []),
        ([1, 2], []),
    ],
)  # fmt: skip
def test_what_no_learned_body_had_is_new(sent: Any, expected: list[Any]) -> None:
    assert news(learned(), sent) == expected


def test_what_the_mapping_takes_is_not_new() -> None:
    taken = mentioned('data: {tip: "= body.object.?tip.orValue(0)"}')

    assert news(learned(), body(tip=1), tuple(taken)) == []
    assert names_in({"data": [{"tip": 1}]}) >= {"data", "tip"}


def test_new_value_of_an_event_that_was_understood_is_no_drift() -> None:
    assert news(learned(), body(state="frozen", tip=1), held=False) == [
        ("body", "/object/tip", "integer, 1 digit")
    ]


def test_values_that_differ_are_no_list() -> None:
    many = [body(state=f"w{chr(97 + n)}") for n in range(LEARNED_AFTER)]
    rare = [*(body() for _ in range(LEARNED_AFTER - 1)), body(state="odd")]

    assert news(learned(*many), body(state="other")) == []
    assert news(learned(*rare), body(state="other")) == []


def test_nothing_that_was_sent_is_kept_of_what_was_learned() -> None:
    known = learned(body(secret="hunter"), body(secret="winter"))

    kept = repr(known.stored())

    assert not [one for one in ("hunter", "winter", "Maja", "paid") if one in kept]


@pytest.mark.parametrize(
    ("path", "line"),
    [("/object/tip", 'tip: "= body.object.?tip"'), ("/tip", 'tip: "= body.?tip"'),
     ("/lines/*/tax", ""), ("/a-b", "")],
)  # fmt: skip
def test_line_of_a_mapping_that_takes_a_field(path: str, line: str) -> None:
    assert mapping_for(path) == line


def test_field_of_a_body_is_named_in_the_payloads_data() -> None:
    schema = {"properties": {"data": {"type": "object", "properties": {"a": {}}}}}

    def change(path: str) -> Change | None:
        return change_for(schema, kind="body", path=path, value="", types=["boolean"], words=False)

    assert change("/object/tip") == Change(
        "/properties/data/properties", "tip", {"type": "boolean"}
    )
    assert change("/object/a") is None
