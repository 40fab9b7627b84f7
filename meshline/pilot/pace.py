"""Rewrite the durations of a document for the demo: the same text with shorter waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from meshline.core.durations import format_duration, parse_duration
from meshline.core.errors import BadValue

FLOOR = timedelta(milliseconds=250)

# What stands below these keys is a measure, a date for people, or somebody else's JSON, and not a
# wait of the engine: objectives would mean something else if they were shorter.
UNTOUCHED = frozenset(
    {
        "slo",
        "risk",
        "lifecycle",
        "manual_fallback",
        "review_every_days",
        "schema",
        "examples",
        "payload",
        "constants",
        "tests",
        "golive",
        "text",
        "title",
        "summary",
        "description",
    }
)


def scale_durations(text: str, factor: float, *, floor: timedelta = FLOOR) -> str:
    """Return the document with every ISO 8601 duration multiplied by `factor`.

    Only the durations change: comments, order and layout stay. None becomes shorter than `floor`,
    and one that is shorter already stays as it is. Objectives (`slo`), retention, review, sunset
    and examples are left alone. Units: `factor` is in (0, 1]; 1/200 makes PT15M PT4.5S.
    Raises: BadValue for another factor; ruamel.yaml.error.YAMLError if `text` is not YAML.
    """
    if not 0 < factor <= 1:
        raise BadValue(
            f"The pace {factor} is not above 0 and at most 1.",
            remedy="Give the share of the real time, for instance 0.005.",
        )
    pieces, end = [], 0
    for node in _durations(YAML(typ="rt", pure=True).compose(text)):
        start, stop = node.start_mark.index, node.end_mark.index
        written = text[start:stop]
        pieces.append(text[end:start])
        pieces.append(written.replace(node.value, _scaled(node.value, factor, floor)))
        end = stop
    return "".join([*pieces, text[end:]])


def _durations(node: Node | None) -> Iterator[ScalarNode]:
    """Yield the scalars that are durations and may be scaled, in the order of the text."""
    match node:
        case MappingNode():
            for key, value in node.value:
                if key.value not in UNTOUCHED:
                    yield from _durations(value)
        case SequenceNode():
            for item in node.value:
                yield from _durations(item)
        case ScalarNode() if _is_duration(node.value):
            yield node


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except BadValue:
        return False
    return True


def _scaled(text: str, factor: float, floor: timedelta) -> str:
    real = parse_duration(text)
    return format_duration(max(real * factor, min(real, floor)))
