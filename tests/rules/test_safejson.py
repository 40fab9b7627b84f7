"""Outside JSON gets in exactly within the bounds, and a refusal names the place."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshline.core.errors import BadJson
from meshline.core.safejson import MAX_NODES, loads

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abé€", max_size=4), inner),
    max_leaves=8,
)


@given(value=JSON_VALUES, ascii_only=st.booleans())
@settings(max_examples=20, deadline=None)
def test_ordinary_json_reads_as_what_was_written(value: Any, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert loads(raw) == value


@pytest.mark.parametrize(
    ("raw", "path", "reason"),
    [
        (b"", "", "empty"),
        (b" \n", "", "empty"),
        (b"{", "", "syntax"),
        (b'{"a":01}', "", "syntax"),
        (b"[1,]", "", "syntax"),
        (b"{} {}", "", "syntax"),
        (b"\xef\xbb\xbf{}", "", "encoding"),
        ('{"a":"é"}'.encode("latin-1"), "", "encoding"),
        ("{}".encode("utf-16"), "", "encoding"),
        (b'{"a":{"b":1,"b":2}}', "/a", "duplicate_key"),
        (b'{"a":[1,NaN]}', "/a/1", "number"),
        (b'{"a":-Infinity}', "/a", "number"),
        (b'{"a/b":[1e400]}', "/a~1b/0", "number"),
        (b'{"n":' + b"9" * 41 + b"}", "/n", "number"),
        (b'{"n":' + b"9" * 5000 + b"}", "/n", "number"),
        (b'["\\u0000"]', "/0", "character"),
        (b'{"\\u0000":1}', "", "character"),
        (b'["\\ud800"]', "/0", "character"),
        (b'{"a":1e400}', "/a", "number"),
        (b'{"a":-1E+400}', "/a", "number"),
        (b'{"' + b"k" * 257 + b'":1}', "", "key_length"),
        (b'{"' + b'\\"' * 200 + b"k" * 57 + b'" :1}', "", "key_length"),
        (b'{"' + b"k" * 256 + b'\\\\":1}', "", "key_length"),
        (b"[" * 65 + b"]" * 65, "", "depth"),
        (b"[" * 100_000, "", "depth"),
        (b'{"a":' * 6_400 + b"1" + b"}" * 6_400, "", "depth"),
        (b"[" + b"1," * MAX_NODES + b"1]", "", "count"),
        (json.dumps({f"k{n}": n for n in range(10_001)}).encode(), "", "count"),
        (b'"' + b"a" * (1024 * 1024) + b'"', "", "size"),
    ],
)
def test_hostile_json_is_refused_with_the_place_and_the_reason(
    raw: bytes, path: str, reason: str
) -> None:
    with pytest.raises(BadJson) as refusal:
        loads(raw)
    assert (refusal.value.path, refusal.value.reason) == (path, reason)


def test_brackets_within_text_do_not_count_as_depth() -> None:
    assert loads(b'["' + b"[" * 1_000 + b'\\"{"]') == ["[" * 1_000 + '"{']


def test_a_long_text_before_a_colon_like_text_is_no_long_key() -> None:
    assert loads(b'["' + b"a" * 300 + b'", ":"]') == ["a" * 300, ":"]
    assert loads(b'{"a":"' + b'\\"' * 300 + b'","b":":"}') == {"a": '"' * 300, "b": ":"}


def test_sixty_four_levels_and_escaped_emoji_are_read() -> None:
    assert loads(b"[" * 64 + b"]" * 64)
    assert loads(b'"\\ud83d\\ude00"') == "😀"


def test_whole_numbers_keep_every_digit() -> None:
    assert loads(b"[5123456789012345678901234567890]") == [5123456789012345678901234567890]


def test_amounts_can_be_read_as_decimals() -> None:
    assert loads(b'{"amount":19.90}', decimals=True) == {"amount": Decimal("19.90")}


def test_unterminated_text_full_of_escapes_is_refused_quickly() -> None:
    raw = b"[" * 65 + b'"' + b'\\"' * 400_000
    begun = time.perf_counter()
    with pytest.raises(BadJson):
        loads(raw)
    assert time.perf_counter() - begun < 0.5


def test_a_refusal_becomes_a_problem_with_code_message_and_path() -> None:
    with pytest.raises(BadJson) as refusal:
        loads(b'{"a":{"b":1,"b":2}}')
    problem = refusal.value.to_problem()
    assert problem["status"] == 400
    assert problem["code"] == "bad_json"
    assert problem["path"] == "/a"
    assert "'b' stands twice" in problem["message"]
