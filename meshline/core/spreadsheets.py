"""Texts in cells of spreadsheets: none of them a formula, and each read back as it was."""

from __future__ import annotations

# What makes a spreadsheet take a cell for a formula; the last four are their full-width twins.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001
_MARK = "'"


def neutral(text: str) -> str:
    """Return a text that no spreadsheet computes: a formula gets a mark in front."""
    return f"{_MARK}{text}" if text.startswith(FORMULA_STARTS) or _is_marked(text) else text


def plain(cell: str) -> str:
    """Return what `neutral` was given; a text that it never writes stays as it is."""
    return cell[1:] if _is_marked(cell) else cell


def _is_marked(text: str) -> bool:
    return text.startswith(_MARK) and text[1:].startswith((*FORMULA_STARTS, _MARK))
