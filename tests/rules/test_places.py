"""Where on its line a finding is underlined."""

from __future__ import annotations

import pytest

from meshline.core.findings import Finding
from meshline.core.places import Place, places

TEXT = 'name: a\nsteps: {call: 1, steps: {call: 2}}\r\n  "🙂": {key : x}\n\n'


@pytest.mark.parametrize(
    ("path", "line", "place"),
    [
        ("/name", 1, Place(1, 1, 5)),
        ("/steps", 2, Place(2, 1, 6)),
        ("/steps/steps/call", 2, Place(2, 26, 30)),
        ("/🙂/key", 3, Place(3, 10, 13)),
        ("/gone", 1, Place(1, 1, 8)),
        ("", 3, Place(3, 3, 18)),
        ("", 4, Place(4, 1, 1)),
        ("", 0, None),
        ("", 99, None),
    ],
)
def test_place_is_the_key_or_else_the_line(path: str, line: int, place: Place | None) -> None:
    assert places(TEXT, [Finding(path, line, "wrong")]) == [place]
