"""Equal JSON has one text and one digest; RFC 8785's own examples hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from meshline.core import canonical, pointers
from meshline.core.errors import BadValue


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ([True, False], "[true,false]"),
        (1.0, "1"),
        (Decimal("1.00"), "1"),
        (-0.0, "0"),
        (333333333.33333329, "333333333.3333333"),
        (1e30, "1e+30"),
        (4.50, "4.5"),
        (2e-3, "0.002"),
        (0.000000000000000000000000001, "1e-27"),
        (1e21, "1e+21"),
        (9007199254740993, "9007199254740993"),
        ('€$\x0f\nA\'B"\\\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ({"b": {}, "a": []}, '{"a":[],"b":{}}'),
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "ö": 7},
            '{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
        ),
    ],
)
def test_canonical_text_is_as_rfc_8785_says(value: Any, text: str) -> None:
    assert canonical.text(value) == text


def test_digest_does_not_depend_on_order_or_number_form() -> None:
    first = canonical.digest({"a": 1, "b": [1.5, 2]})
    assert first == canonical.digest({"b": [1.5, 2.0], "a": 1})
    assert first != canonical.digest({"a": 1, "b": [2, 1.5]})
    assert len(first) == 64


def test_digest_leaves_out_volatile_paths() -> None:
    first = {"id": "evt_1", "attempt": 1, "items": [{"n": 1, "seen": "a"}]}
    second = {"id": "evt_1", "attempt": 2, "items": [{"n": 1, "seen": "b"}]}
    volatile = ["/attempt", "/items/*/seen", "/absent/path"]
    assert canonical.digest(first, without=volatile) == canonical.digest(second, without=volatile)
    assert canonical.digest(first) != canonical.digest(second)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {"a": object()}, b"x"])
def test_what_is_not_json_has_no_canonical_text(value: Any) -> None:
    with pytest.raises(BadValue):
        canonical.text(value)


@pytest.mark.parametrize(
    ("pointer", "found"),
    [("", {"a": [{"b/c": 1}]}), ("/a/0/b~1c", 1), ("/a/1", None), ("/a/x", None), ("/z/y", None)],
)
def test_pointer_reads_what_stands_there(pointer: str, found: Any) -> None:
    assert pointers.get({"a": [{"b/c": 1}]}, pointer) == found


def test_pointer_pattern_names_every_child() -> None:
    value = {"l": [{"x": 1}, {"y": 2}, {"x": 3}]}
    assert list(pointers.matching(value, "/l/*/x")) == ["/l/0/x", "/l/2/x"]
    assert pointers.without(value, ["/l/*/x"]) == {"l": [{}, {"y": 2}, {}]}


def test_pointer_without_slash_is_refused() -> None:
    with pytest.raises(BadValue):
        pointers.get({}, "a/b")
