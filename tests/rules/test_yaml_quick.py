"""What is scanned quickly is what ruamel reads: the same values, lines, and refusals."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from meshline.core.errors import DocumentUnreadable
from meshline.core.yaml12 import load_all
from meshline.core.yaml_quick import events_of
from tests.rules.test_change_check import REFUND

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "meshline", ROOT / "tests", ROOT.parent / "shared" / "fixtures")
# Signs that mean something in YAML, put where they do not belong.
SIGNS = (
    " ", "  ", "\n", "\n  ", "- ", ": ", ":", "#", " #", '"', "'", "|", ">", "|-\n", ">+\n", "{",
    "}", "[", "]", ",", "?", "? ", "a", "1", "~", "-", ".", "\\", "@", "`", "%", "=", "<<: ",
    "|2\n", " :", "::", "---", '""', "''", "\\n", "\\x41", "é", "\\\n", "\t", "\r", "&a ", "*a",
    "!x ", "|\n  x\n", ">\n  x\n", "null", "- - ", "-\n", "\u00a0", "\u2028", "true", "0x1", "$",
)  # fmt: skip
PIECES = (
    "a: {b: 1, c: [x, \"y\", z]}\nd: |\n  x\n  y\ne: >-\n  f\n   g\n\n  h\n\"k\": 'it''s'\n",
    '[1, {"a": 1, "b": [ ]}, "x y" , a:b, {c}]\n',
    'k: "a\n  b"\nl: plain\n  more\nm: # c\n  - 1\n  -\n  - - 2\n   # d\nn: ""#x\no: a#b\n',
    "a:\n- b: 1\n  c:\n  - d\n  - e: |\n      x\n\n       y\n    f: [1,\n     2]\n-\n",
    "x: |-\n    a\n   b\ny: >\n  one\n  two\n\nz: -1\n",
    "a: -1\nb: - 1\nc: ~\nd: .5\ne: a: b\nf: [a b, c  d]\ng: http://x:1/y\n",
)


@cache
def texts() -> dict[str, str]:
    """Every document of the product, of the tests, and of the fixtures."""
    files = [file for folder in FOLDERS for file in sorted(folder.rglob("*"))]
    wanted = [one for one in files if one.suffix in (".yaml", ".yml", ".json") and one.is_file()]
    return {str(one): one.read_text() for one in wanted if one.stat().st_size < 100_000}


def outcome(text: str, *, quick: bool) -> str:
    """All that a reader says of a text."""
    try:
        found = load_all(text, quick=quick)
    except DocumentUnreadable as refused:
        return f"{refused} {refused.findings}"
    return repr([(one.value, list(one.lines.items()), one.text) for one in found])


def test_every_document_reads_the_same_and_most_are_quick() -> None:
    quick = 0
    for name, text in texts().items():
        if events_of(text) is not None:
            quick += 1
            assert outcome(text, quick=True) == outcome(text, quick=False), name
    assert quick > 0.75 * len(texts())
    assert events_of(REFUND) is not None


@pytest.mark.parametrize("seed", range(4))
def test_pieces_with_signs_where_they_do_not_belong_read_the_same(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 reproducible
    small = [text for text in texts().values() if len(text) < 20_000] + 60 * list(PIECES)
    taken = 0
    for _ in range(20_000):
        text = _broken(dice, dice.choice(small))
        if events_of(text) is not None:
            taken += 1
            assert outcome(text, quick=True) == outcome(text, quick=False), text
    assert taken > 300


def _broken(dice: random.Random, whole: str) -> str:
    """Some lines of a text, moved to the left, with up to four signs put in."""
    lines = whole.splitlines(keepends=True)
    start = dice.randrange(max(1, len(lines)))
    part = [line for line in lines[start : start + dice.randrange(1, 14)] if len(line) < 400]
    left = len(part[0]) - len(part[0].lstrip(" ")) if part else 0
    text = "".join(line[min(left, len(line) - len(line.lstrip(" "))) :] for line in part)
    for _ in range(dice.randrange(5)):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(SIGNS) + text[at + dice.choice((0, 0, 1, 2)) :]
    return text


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "- a\n b\n", "a: b\n c\n", "a: &x 1\n", "a: *x\n", "a: !t 1\n", "? a\n: b\n",
        "a: 1\n---\nb: 2\n", "%YAML 1.2\n---\na: 1\n", "a:\t1\n", "a: 1\r\nb: 2\r\n", "a: [1,\n]\n",
        "a: [1, 2\nb: 3\n", 'a: "b\n  c"\n', "a: >\n  b\n\n  c\n", "a: |+\n  b\n", "a: |2\n   b\n",
        "a: {b}\n", "a: {b: }\n", "a: [b: c]\n", "a: b: c\n", "a: 'b' c\n", "a: @b\n", "a:b\n",
        "a: 1\n  b: 2\n", "  a: 1\n b: 2\n", "a: |\n  b", 'a: "\\u0041"\n', "a: \u2028b\n",
    ],
)  # fmt: skip
def test_what_is_not_surely_plain_is_left_to_ruamel(text: str) -> None:
    assert events_of(text) is None
    assert outcome(text, quick=True) == outcome(text, quick=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\na: 2\n", "twice", id="twice"),
        pytest.param("<<: {a: 1}\n", "Merge keys", id="merge"),
        pytest.param(f"a: {'9' * 5000}\n", "digits", id="digits"),
        pytest.param("a: 1e999\n", "beyond the range", id="range"),
        pytest.param("a: " + "[" * 70 + "]" * 70 + "\n", "nested deeper", id="deep"),
        pytest.param(f"a: [{', '.join(['1'] * 50_001)}]\n", "more than 50000", id="many"),
    ],
)
def test_refusals_are_those_of_ruamels_reading(text: str, said: str) -> None:
    told = outcome(text, quick=True)

    assert said in told
    assert told == outcome(text, quick=False)
