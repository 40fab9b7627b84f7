"""Documents changed in one place: a value put in, a property or an item taken out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshline.core.pointers import parse
from meshline.core.safejson import Json

Path = tuple[str | int, ...]


class _Absent:
    """Stands for "nothing there"."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()


def spliced(document: Json, path: Path, value: Json) -> Json:
    """Return the document with `value` at `path`, or without what stands there (ABSENT).

    Only what lies on the way is copied. A document that has no such place comes back ABSENT;
    the last step may name a property that is not there yet, or the item after the last.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(document, dict) and isinstance(step, str):
        return _in_object(document, step, rest, value)
    if isinstance(document, list) and isinstance(step, int):
        return _in_array(document, step, rest, value)
    return ABSENT


def path_of(document: Json, pointer: str) -> Path:
    """Return the path of what stands at a JSON pointer in the document; it must be there."""
    path: list[str | int] = []
    for segment in parse(pointer):
        step: str | int = int(segment) if isinstance(document, list) else segment
        document = document[step]
        path.append(step)
    return tuple(path)


def has(document: Json, path: Path) -> bool:
    """Say whether something stands at a path."""
    for step in path:
        in_object = isinstance(document, dict) and isinstance(step, str) and step in document
        in_array = isinstance(document, list) and isinstance(step, int) and step < len(document)
        if not (in_object or in_array):
            return False
        document = document[step]
    return True


def places(document: Json, at: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield every place of a document with what stands there, the outer ones first."""
    pending: list[tuple[Path, Json]] = [(at, document)]
    while pending:
        path, value = pending.pop(0)
        yield path, value
        if isinstance(value, dict):
            pending += [((*path, name), child) for name, child in value.items()]
        elif isinstance(value, list):
            pending += [((*path, index), child) for index, child in enumerate(value)]


def _in_object(document: dict[str, Json], step: str, rest: Path, value: Json) -> Json:
    if rest and step not in document:
        return ABSENT
    changed = spliced(document.get(step), rest, value)
    if changed is ABSENT and rest:
        return ABSENT
    copied = {**document, step: changed}
    if changed is ABSENT:
        copied.pop(step)
    return copied


def _in_array(document: list[Json], step: int, rest: Path, value: Json) -> Json:
    if step > len(document) or (rest and step >= len(document)):
        return ABSENT
    changed = spliced(document[step], rest, value) if rest else value
    if changed is ABSENT:
        return ABSENT if rest else [*document[:step], *document[step + 1 :]]
    return [*document[:step], changed, *document[step + 1 :]]
