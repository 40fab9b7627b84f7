"""Documents mean what they look like, and every value knows its line."""

from __future__ import annotations

from typing import Any

import pytest

from meshline.core.errors import DocumentUnreadable
from meshline.core.yaml12 import load, load_all


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: on", "on"),
        ("a: no", "no"),
        ("a: yes", "yes"),
        ("a: 22:00", "22:00"),
        ("a: 2026-01-05", "2026-01-05"),
        ("a: 2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("a: 0049", "0049"),
        ("a: 0x10", "0x10"),
        ("a: 1_000", "1_000"),
        ("a: .nan", ".nan"),
        ("a: 1.10", 1.1),
        ("a: -3", -3),
        ("a: 12345678901234567890123", 12345678901234567890123),
        ("a: true", True),
        ("a: ~", None),
        ("a:", None),
        ('a: "1"', "1"),
        ("a: !!str 5", "5"),
        ("a: |\n  two\n  lines\n", "two\nlines\n"),
        ('a: "\\ud83d\\ude00"', "😀"),
    ],
)
def test_plain_words_keep_their_surprises_to_themselves(text: str, value: Any) -> None:
    assert load(text).value == {"a": value}


def test_versions_are_read_from_the_source_text() -> None:
    text = (
        "version: 1.10\nconsumers: [{pinned: 1.20}]\nlifecycle: {supersedes: 1.0, replaced_by: ~}"
    )
    assert load(text).value == {
        "version": "1.10",
        "consumers": [{"pinned": "1.20"}],
        "lifecycle": {"supersedes": "1.0", "replaced_by": None},
    }


def test_a_version_within_somebody_elses_payload_stays_a_number() -> None:
    assert load("payload: {data: {version: 3}}").value == {"payload": {"data": {"version": 3}}}


def test_words_of_yaml_1_1_are_ordinary_keys() -> None:
    assert load("on: 1\nno: 2\nnull: 3\n4: 5").value == {"on": 1, "no": 2, "null": 3, "4": 5}


def test_json_is_read_too_tabs_and_all() -> None:
    document = load('{\n\t"version": 1.10,\n\t"list": [\n\t\ttrue,\n\t\tnull\n\t]\n}')
    assert document.value == {"version": "1.10", "list": [True, None]}
    assert document.line_of("/list/1") == 5


def test_every_value_knows_its_line() -> None:
    document = load("a: 1\nb:\n  - x: 2\n  - y:\n      z: 3\n")
    places = ["/a", "/b", "/b/0/x", "/b/1/y/z", "/b/1/y/gone", "/gone"]
    assert [document.line_of(pointer) for pointer in places] == [1, 2, 3, 5, 4, 1]


def test_aliases_are_copied_not_shared() -> None:
    value = load("a: &x [1]\nb: *x").value
    value["a"].append(2)
    assert value == {"a": [1, 2], "b": [1]}


def test_a_file_of_several_documents_is_read_one_by_one() -> None:
    first, second = load_all("a: 1\n---\na: 2\n")
    assert (first.value, second.value, second.line_of("/a")) == ({"a": 1}, {"a": 2}, 3)


BOMB = "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' stands twice"),
        ("a: 1\nb: [1,", 2, "not YAML"),
        ("a: b: c", 1, "not YAML"),
        ("a:\n\t- b", 2, "not YAML"),
        ("", 1, "holds nothing"),
        ("--- 1\n--- 2", 1, "2 documents"),
        ("a: {<<: 1}", 1, "Merge keys"),
        ("a: 1\nb: !!python/object:os.system x", 2, "tag"),
        ("a: &x [*x]", 1, "no finished anchor"),
        ("? [a]\n: b", 1, "key is not plain text"),
        ('a: "\\ud83d"', 1, "surrogate"),
        ('a: "\\0"', 1, "U+0000"),
        ("a: " + "9" * 41, 1, "digits"),
        ("[" * 70, 1, "deeper than 64"),
        (BOMB, 5, "50000 values"),
        ("a: " + "x" * 300_000, 1, "bytes"),
        (b"a: 1\nb: \xff", 2, "UTF-8"),
    ],
)
def test_unreadable_document_is_refused_with_its_line(
    text: str | bytes, line: int, said: str
) -> None:
    with pytest.raises(DocumentUnreadable) as refusal:
        load(text, name="flow.yaml")
    (finding,) = refusal.value.findings
    assert finding.line == line
    assert said in finding.message
    assert str(refusal.value).startswith(f"flow.yaml, line {line}: ")
