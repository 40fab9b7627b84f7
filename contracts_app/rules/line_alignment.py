"""Two texts line by line, side by side: what stays, what went, what came, within a bound of work.

Lines that stand once in either text are its fixed points; only the small stretches between them
are compared line with line. So no pair of texts, however made, takes long.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

Kind = Literal["same", "changed", "removed", "added"]
# Pairs of lines that are compared in all. A stretch that would need more is shown place by place.
MOST_PAIRS = 200_000
_Spot = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """One line of either side, or of both; a number from 1, None where a side has no line."""

    kind: Kind
    old_number: int | None
    old: str
    new_number: int | None
    new: str


def aligned(old: Sequence[str], new: Sequence[str]) -> list[Row]:
    """Return both texts as rows: every line of each stands in exactly one of them, in order."""
    rows: list[Row] = []
    a, b = 0, 0
    for x, y in [*_kept(old, new), (len(old), len(new))]:
        rows += _between(old, new, (a, x), (b, y))
        if x < len(old):
            rows.append(Row("same", x + 1, old[x], y + 1, new[y]))
        a, b = x + 1, y + 1
    return rows


def _kept(old: Sequence[str], new: Sequence[str]) -> list[_Spot]:
    """Return the places of the lines that stay, rising on both sides."""
    left = [MOST_PAIRS]
    found: list[_Spot] = []
    waiting = [(0, len(old), 0, len(new))]
    while waiting:
        a, a_end, b, b_end = waiting.pop()
        while a < a_end and b < b_end and old[a] == new[b]:
            found.append((a, b))
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and old[a_end - 1] == new[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            found.append((a_end, b_end))
        if a == a_end or b == b_end:
            continue
        fixed = _fixed_points(old[a:a_end], new[b:b_end])
        if not fixed:
            found += [(a + x, b + y) for x, y in _common(old[a:a_end], new[b:b_end], left)]
            continue
        waiting += _stretches(a, a_end, b, b_end, fixed)
        found += [(a + x, b + y) for x, y in fixed]
    return sorted(found)


def _stretches(
    a: int, a_end: int, b: int, b_end: int, fixed: Sequence[_Spot]
) -> Iterator[tuple[int, int, int, int]]:
    x_from, y_from = a, b
    for x, y in fixed:
        yield x_from, a + x, y_from, b + y
        x_from, y_from = a + x + 1, b + y + 1
    yield x_from, a_end, y_from, b_end


def _fixed_points(old: Sequence[str], new: Sequence[str]) -> list[_Spot]:
    """Return the longest rising run of lines that stand once in the one and once in the other."""
    once, also = Counter(old), Counter(new)
    places = {line: at for at, line in enumerate(new) if also[line] == 1}
    pairs = [
        (at, places[line]) for at, line in enumerate(old) if once[line] == 1 and line in places
    ]
    ends: list[int] = []  # the lowest end of a run of each length, and which pair it is
    last: list[int] = []
    before: list[int | None] = []
    for index, (_, y) in enumerate(pairs):
        at = bisect_left(ends, y)
        ends[at : at + 1] = [y]
        last[at : at + 1] = [index]
        before.append(last[at - 1] if at else None)
    run: list[_Spot] = []
    step = last[-1] if last else None
    while step is not None:
        run.append(pairs[step])
        step = before[step]
    return run[::-1]


def _common(old: Sequence[str], new: Sequence[str], left: list[int]) -> list[_Spot]:
    """Return the longest common run of a small stretch; of a large one, nothing."""
    if len(old) * len(new) > left[0]:
        return []
    left[0] -= len(old) * len(new)
    longest = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for x in range(len(old) - 1, -1, -1):
        row, below = longest[x], longest[x + 1]
        for y in range(len(new) - 1, -1, -1):
            same = old[x] == new[y]
            row[y] = below[y + 1] + 1 if same else max(below[y], row[y + 1])
    found, x, y = [], 0, 0
    while x < len(old) and y < len(new):
        if old[x] == new[y]:
            found.append((x, y))
            x, y = x + 1, y + 1
        elif longest[x + 1][y] >= longest[x][y + 1]:
            x += 1
        else:
            y += 1
    return found


def _between(old: Sequence[str], new: Sequence[str], gone: _Spot, came: _Spot) -> Iterator[Row]:
    """Lines that differ, those of the same place beside each other."""
    for x, y in zip_longest(range(*gone), range(*came)):
        kind: Kind = "removed" if y is None else "added" if x is None else "changed"
        if x is not None and y is not None and old[x] == new[y]:
            kind = "same"
        yield Row(
            kind,
            None if x is None else x + 1,
            "" if x is None else old[x],
            None if y is None else y + 1,
            "" if y is None else new[y],
        )
