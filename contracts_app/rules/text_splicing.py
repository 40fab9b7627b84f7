"""Add one entry to an object or a list of a document's text; the rest stays as it was written."""

from __future__ import annotations

import json

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from contracts_app.rules.splicing import ABSENT, path_of, spliced
from meshline.core import yaml12, yaml_text
from meshline.core.errors import BadValue, DocumentUnreadable
from meshline.core.pointers import MISSING, get, parse
from meshline.core.safejson import Json
from meshline.core.yaml12 import Document


def with_added(document: Document, pointer: str, name: str, value: Json) -> str:
    """Return the text with `value` under `name` in an object, or last in a list (`name` empty).

    What is there already stays. Where the text's layout leaves no place, the document is written
    anew, without comments.
    Raises: BadValue if no object or list stands at the pointer.
    """
    held = get(document.value, pointer, MISSING)
    if isinstance(held, dict) and name:
        step: str | int = name
        if name in held:
            return document.text
    elif isinstance(held, list) and not name:
        step = len(held)
        if value in held:
            return document.text
    else:
        raise BadValue(
            f"Nothing can be added at {pointer}.", remedy="Write it by hand in the draft."
        )
    wanted = spliced(document.value, (*path_of(document.value, pointer), step), value)
    written = _written(document.text, pointer, name, value)
    return written if _says(written, wanted) else yaml_text.dump(wanted)


def _says(text: str, wanted: Json) -> bool:
    if wanted is ABSENT or not text:
        return False
    try:
        return bool(yaml12.load(text).value == wanted)
    except DocumentUnreadable:
        return False


def _written(text: str, pointer: str, name: str, value: Json) -> str:
    try:
        node = _at(YAML(typ="safe", pure=True).compose(text), pointer)
    except YAMLError:
        return ""
    if not isinstance(node, MappingNode | SequenceNode):
        return ""
    if node.flow_style:
        return _in_flow(text, node, name, value)
    return _in_block(text, node, name, value) if node.value else ""


def _in_flow(text: str, node: MappingNode | SequenceNode, name: str, value: Json) -> str:
    quoted = not name or text.lstrip().startswith("{")
    added = _flow(value, quoted=text.lstrip().startswith("{"))
    if name:
        added = f"{json.dumps(name) if quoted else _scalar(name)}: {added}"
    if not node.value:
        place = node.start_mark.index + 1
        return text[:place] + added + text[place:]
    place = _end(_last(node))
    lead = _lead(text, node)
    return f"{text[:place]},{lead}{added}{text[place:]}"


def _lead(text: str, node: MappingNode | SequenceNode) -> str:
    """What stands before an entry: a blank, or a new line with its indent."""
    first = node.value[0][0] if isinstance(node, MappingNode) else node.value[0]
    last = node.value[-1][0] if isinstance(node, MappingNode) else node.value[-1]
    own_line = last.start_mark.line > node.start_mark.line and (
        len(node.value) == 1 or last.start_mark.line > first.start_mark.line
    )
    return "\n" + " " * last.start_mark.column if own_line else " "


def _in_block(text: str, node: MappingNode | SequenceNode, name: str, value: Json) -> str:
    end = _end(_last(node))
    if text[end - 1] != "\n":
        rest = text.find("\n", end)
        end = len(text) if rest < 0 else rest + 1
    before = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
    if isinstance(node, MappingNode):
        indent = " " * node.value[0][0].start_mark.column
        entry = f"{indent}{_scalar(name)}: {_flow(value, quoted=False)}\n"
    else:
        entry = f"{' ' * node.start_mark.column}- {_flow(value, quoted=False)}\n"
    return before + entry + text[end:]


def _last(node: MappingNode | SequenceNode) -> Node:
    last: Node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return last


def _end(node: Node) -> int:
    """Where a node's own text ends; a block's end mark stands only before what follows it."""
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        node = _last(node)
    return int(node.end_mark.index)


def _at(node: Node | None, pointer: str) -> Node | None:
    for segment in parse(pointer):
        if isinstance(node, MappingNode):
            found = [child for key, child in node.value if _is_key(key, segment)]
            node = found[-1] if found else None
        elif isinstance(node, SequenceNode) and int(segment) < len(node.value):
            node = node.value[int(segment)]
        else:
            return None
    return node


def _is_key(key: Node, segment: str) -> bool:
    return isinstance(key, ScalarNode) and key.value == segment


def _flow(value: Json, *, quoted: bool) -> str:
    """Return a value on one line; outside JSON without quotes where they are not needed."""
    if quoted:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        inner = (f"{_scalar(key)}: {_flow(child, quoted=False)}" for key, child in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(child, quoted=False) for child in value)}]"
    return _scalar(value)


def _scalar(value: Json) -> str:
    return yaml_text.dump(value).rstrip("\n")
