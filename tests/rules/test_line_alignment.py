"""Two texts beside each other: nothing lost, changes paired, and no text that takes long."""

from __future__ import annotations

import random
from time import perf_counter

import pytest

from contracts_app.rules.line_alignment import Row, aligned


def kinds(old: str, new: str) -> list[tuple[str, str, str]]:
    return [(row.kind, row.old, row.new) for row in aligned(old.split(), new.split())]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("a b", "a b", [("same", "a", "a"), ("same", "b", "b")]),
        ("", "a", [("added", "", "a")]),
        ("a", "", [("removed", "a", "")]),
        ("a b c", "a x c", [("same", "a", "a"), ("changed", "b", "x"), ("same", "c", "c")]),
        ("a c", "a b c", [("same", "a", "a"), ("added", "", "b"), ("same", "c", "c")]),
        (
            "a - b - c", "a - x - b - c",
            [("same", "a", "a"), ("same", "-", "-"), ("added", "", "x"), ("added", "", "-"),
             ("same", "b", "b"), ("same", "-", "-"), ("same", "c", "c")],
        ),
        (
            "a b x", "b a x",
            [("removed", "a", ""), ("same", "b", "b"), ("added", "", "a"), ("same", "x", "x")],
        ),
    ],
)  # fmt: skip
def test_rows_of_two_texts(old: str, new: str, expected: list[tuple[str, str, str]]) -> None:
    assert kinds(old, new) == expected


@pytest.mark.parametrize("seed", range(60))
def test_every_line_of_both_texts_stands_in_one_row_in_order(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    words = "abcdefgh"[: chance.randint(1, 8)]
    old, new = (chance.choices(words, k=chance.randint(0, 30)) for _ in range(2))

    rows = aligned(old, new)

    lefts = [(row.old_number, row.old) for row in rows if row.old_number is not None]
    rights = [(row.new_number, row.new) for row in rows if row.new_number is not None]
    assert lefts == list(enumerate(old, 1))
    assert rights == list(enumerate(new, 1))
    assert all(row.old == row.new for row in rows if row.kind == "same")
    assert all(row.old != row.new for row in rows if row.kind == "changed")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["a", "b"] * 20_000, ["b", "a", "a"] * 13_000),
        ([str(n) for n in range(40_000)], [str(n) for n in range(40_000, 0, -1)]),
        (["x"] * 40_000, ["x"] * 39_000 + ["y"]),
        ([f"{n % 300}" for n in range(40_000)], [f"{n % 299}" for n in range(40_000)]),
    ],
)
def test_hostile_texts_are_aligned_in_bounded_time(old: list[str], new: list[str]) -> None:
    begun = perf_counter()

    rows = aligned(old, new)

    assert perf_counter() - begun < 1.5
    assert sum(row.old_number is not None for row in rows) == len(old)
    assert all(row.old != row.new for row in rows if row.kind == "changed")


def test_row_tells_both_numbers() -> None:
    assert aligned(["a"], ["b", "a"])[1] == Row("same", 1, "a", 2, "a")
