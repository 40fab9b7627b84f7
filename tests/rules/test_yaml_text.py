"""YAML as written here is read as the same values, by YAML 1.2 and by the older 1.1."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from meshline.core.yaml12 import load
from meshline.core.yaml_text import dump

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS


@pytest.mark.parametrize(
    "value",
    ["on", "NO", "y", "1.10", "2026-01-05", "0x1f", "22:00", "~", "", "- a", "a: b", "# a", "=",
     " a ", "a\nb", "\u2028\x85\x7f\ufeff", "é😀", "<<", "null", ".inf", "1_000", "x" * 300],
)  # fmt: skip
def test_text_stays_text_in_old_and_new_yaml(value: str) -> None:
    written = dump({"k": [value], value or "empty": {}})
    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)

    assert load(written).value == {"k": [value], value or "empty": {}}
    assert old.load(f"%YAML 1.1\n---\n{written}")["k"] == [value]


@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=10,
    )
)
def test_every_value_comes_back(value: Any) -> None:
    assert load(dump({"payload": value})).value == {"payload": value}
