"""A version in a folder and in the registry, beside what both had at the last sync."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """How a version stands; the values are read by machines."""

    IN_STEP = "in_step"
    ONLY_HERE = "only_here"
    ONLY_THERE = "only_there"
    CHANGED_HERE = "changed_here"
    CHANGED_THERE = "changed_there"
    BOTH_CHANGED = "both_changed"
    GONE_HERE = "gone_here"
    GONE_THERE = "gone_there"


def standing(base: str, here: str, there: str) -> Standing:
    """Compare three digests, "" where there is no text: at the last sync, in the folder, there.

    What is gone on one side and changed on the other is a conflict, like two changes.
    """
    if here == there:
        return Standing.IN_STEP
    if not base:
        if here and there:
            return Standing.BOTH_CHANGED
        return Standing.ONLY_HERE if here else Standing.ONLY_THERE
    if base == here:
        return Standing.CHANGED_THERE if there else Standing.GONE_THERE
    if base == there:
        return Standing.CHANGED_HERE if here else Standing.GONE_HERE
    return Standing.BOTH_CHANGED
