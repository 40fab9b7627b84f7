"""JSON written as YAML that every reader of YAML, old or new, takes for the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from meshline.core.safejson import Json

# Words that no version of YAML takes for anything but text.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_TAKEN = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"])
# What YAML allows in a quoted text only as an escape, or not at all.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def dump(value: Json) -> str:
    """Return a JSON value as a YAML document in block style, keys in their order."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Json) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _entry(f"{_text(key)}:", child, nested="  ")
    elif isinstance(value, list) and value:
        for child in value:
            yield from _item(child)
    else:
        yield _scalar(value)


def _entry(head: str, child: Json, *, nested: str) -> Iterator[str]:
    if isinstance(child, dict | list) and child:
        yield head
        yield from (nested + line for line in _lines(child))
    else:
        yield f"{head} {_scalar(child)}"


def _item(child: Json) -> Iterator[str]:
    mark = "- "
    for line in _lines(child):
        yield mark + line
        mark = "  "


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)  # an empty collection, a number, true, false or null


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _TAKEN and len(text) <= 120:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
