"""Limits on schemas that owners write, judged when they are saved: nothing hostile gets in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import thread_time
from typing import Any

from contracts_app.rules.schema_walk import (
    KEYWORDS,
    SAME_INSTANCE,
    local_target,
    subschemas,
)
from contracts_app.rules.validate import Schema, compile_schema
from meshline.core.errors import SchemaRefused
from meshline.core.findings import Finding, Severity, refusals

MAX_TEXT_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_SUBSCHEMAS = 2_000
MAX_PATTERNS = 200
MAX_PATTERN_CHARS = 512
MAX_PATTERN_SECONDS = 0.1  # of processor time, for all patterns together
MAX_ENUM = 5_000
MAX_EXPANDED = 20_000

_BOUNDS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)


def schema_findings(schema: Schema, *, dialect: str = "2020-12", at: str = "") -> list[Finding]:
    """Return what keeps a schema from being saved, and what its owner should confirm.

    `at` is put before every path (where the schema stands in its document). Lines are 0.
    Warnings ask for confirmation; all others refuse. Never takes long, whatever the schema.
    """
    found = _sized(schema, at)
    if not refusals(found):
        found = [*_walked(schema, at)]
    if not refusals(found):
        found += _expanded(schema, at)
    if not refusals(found):
        try:
            compile_schema(schema, dialect=dialect, keep=False)
        except SchemaRefused as error:
            found.append(Finding(at + error.path, 0, error.message, error.remedy))
    return found


def is_too_large(schema: Schema) -> str:
    """Return why a schema would hold a process, or "" if it is small enough to be worked on."""
    if not schema or isinstance(schema, bool):
        return ""
    found = _sized(schema, "") or _walked(schema, "")
    if not refusals(found):
        found = _expanded(schema, "")
    return next((one.message for one in refusals(found)), "")


def _sized(schema: Schema, at: str) -> list[Finding]:
    if isinstance(schema, bool):
        said = "accepts everything" if schema else "accepts nothing"
        return [Finding(at, 0, f"The schema {schema} {said}.", "Describe the payload.")]
    deepest = _depth(schema)
    if deepest > MAX_DEPTH * 2:  # a level of the schema is up to two levels of JSON
        return [_refused(at, f"The schema is nested {deepest} levels deep.", "Flatten it.")]
    size = len(json.dumps(schema, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    if size > MAX_TEXT_BYTES:
        message = f"The schema has {size} bytes; at most {MAX_TEXT_BYTES} are kept."
        return [_refused(at, message, "Split the contract.")]
    if not schema:
        return [Finding(at, 0, "The empty schema accepts everything.", "Describe the payload.")]
    return []


def _depth(value: Any) -> int:
    """Return how deep JSON is nested, without recursion."""
    deepest, stack = 0, [(value, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if deepest > 1_000:
            break
        if isinstance(node, dict | list):
            children = node.values() if isinstance(node, dict) else node
            stack.extend((child, depth + 1) for child in children)
    return deepest


@dataclass
class _Counts:
    subschemas: int = 0
    patterns: list[tuple[str, str]] = field(default_factory=list)  # where it stands, its text
    found: list[Finding] = field(default_factory=list)


def _walked(schema: Schema, at: str) -> list[Finding]:
    """Judge every subschema once: counts, patterns, enums, references, keywords, bounds."""
    counts = _Counts()
    stack = [(schema, "", 1)]
    while stack and len(counts.found) < 50:
        node, path, depth = stack.pop()
        counts.subschemas += 1
        if counts.subschemas > MAX_SUBSCHEMAS:
            message = f"The schema has over {MAX_SUBSCHEMAS} subschemas."
            return [*counts.found, _refused(at, message, "Simplify or split it.")]
        if depth > MAX_DEPTH:
            message = f"The schema has over {MAX_DEPTH} levels of subschemas."
            return [*counts.found, _refused(at + path, message, "Flatten it.")]
        if isinstance(node, dict):
            counts.found += _node(node, at + path, schema, counts)
            stack += [(child, f"{path}{step}", depth + 1) for step, child in subschemas(node)]
    return counts.found + _patterns(counts.patterns, at)


def _patterns(patterns: list[tuple[str, str]], at: str) -> list[Finding]:
    """Compile patterns one by one, so that no heap of large ones holds the process."""
    if len(patterns) > MAX_PATTERNS:
        return [_refused(at, f"The schema has over {MAX_PATTERNS} patterns.", "Drop some.")]
    begun = thread_time()
    for path, pattern in patterns:
        if len(pattern) > MAX_PATTERN_CHARS:
            message = f"A pattern has {len(pattern)} characters; at most {MAX_PATTERN_CHARS}."
            return [_refused(path, message, "Use an enum, or a shorter pattern.")]
        try:
            compile_schema({"pattern": pattern}, keep=False)
        except SchemaRefused as error:
            return [_refused(path, error.message.replace(" at /pattern", ""), error.remedy)]
        if thread_time() - begun > MAX_PATTERN_SECONDS:
            message = "The schema's patterns together are too large."
            return [_refused(path, message, "Use smaller repetitions, like {1,64}.")]
    return []


def _node(node: dict[str, Any], path: str, root: Schema, counts: _Counts) -> Iterator[Finding]:
    if isinstance(node.get("pattern"), str):
        counts.patterns.append((f"{path}/pattern", node["pattern"]))
    if isinstance(node.get("patternProperties"), dict):
        counts.patterns += [
            (f"{path}/patternProperties", name) for name in node["patternProperties"]
        ]
    enum = node.get("enum")
    if isinstance(enum, list) and len(enum) > MAX_ENUM:
        yield _refused(f"{path}/enum", f"The enum has {len(enum)} values.", "Use a pattern.")
    yield from _references(node, path, root)
    yield from _doubts(node, path)


def _references(node: dict[str, Any], path: str, root: Schema) -> Iterator[Finding]:
    for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
        reference = node.get(keyword)
        if isinstance(reference, str) and local_target(root, reference) is None:
            yield _refused(
                f"{path}/{keyword}",
                f"The reference {reference[:200]!r} does not lead into this schema.",
                "Refer to a definition under $defs, like #/$defs/money.",
            )


def _doubts(node: dict[str, Any], path: str) -> Iterator[Finding]:
    for keyword in node:
        if keyword not in KEYWORDS and not keyword.startswith("x-"):
            yield _doubt(
                f"{path}/{keyword}",
                f"The keyword {keyword[:80]!r} is not known and checks nothing.",
                "Mend its spelling, or write it as x-...",
            )
    for low, high in _BOUNDS:
        if _is_number(node.get(low)) and _is_number(node.get(high)) and node[low] > node[high]:
            message = f"{low} {node[low]} is more than {high} {node[high]}: nothing fits."
            yield _refused(f"{path}/{low}", message, "Mend one of the two.")
    properties = node.get("properties")
    if node.get("additionalProperties") is False and isinstance(node.get("required"), list):
        known = properties if isinstance(properties, dict) else {}
        for name in node["required"] if "patternProperties" not in node else ():
            if isinstance(name, str) and name not in known:
                message = f"{name[:80]!r} is required but not allowed: nothing fits."
                yield _doubt(f"{path}/required", message, "Add it under properties.")


def _expanded(schema: Schema, at: str) -> list[Finding]:
    """Refuse schemas that explode when references are followed, or that go round on the spot."""
    sizes: dict[int, int] = {}
    loop = _loop(schema)
    if loop is not None:
        message = f"The reference {loop[:200]!r} leads back to itself and reads no input."
        return [_refused(at, message, "Let it pass through properties or items.")]
    size = _size(schema, schema, sizes, set())
    if size > MAX_EXPANDED:
        message = f"With references multiplied out the schema has over {MAX_EXPANDED} parts."
        return [_refused(at, message, "Refer to a definition once, not again in each level.")]
    return []


def _size(node: Any, root: Schema, sizes: dict[int, int], active: set[int]) -> int:
    """Return the number of subschemas with references multiplied out, cycles cut."""
    if not isinstance(node, dict) or id(node) in active:
        return 1
    if id(node) in sizes:
        return sizes[id(node)]
    active.add(id(node))
    total = 1
    for child in _next(node, root, [child for _, child in subschemas(node)]):
        total = min(total + _size(child, root, sizes, active), MAX_EXPANDED + 1)
    active.discard(id(node))
    sizes[id(node)] = total
    return total


def _next(node: dict[str, Any], root: Schema, children: list[Any]) -> list[Any]:
    for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
        if isinstance(node.get(keyword), str):
            target = local_target(root, node[keyword])
            children = [*children, target] if target is not None else children
    return children


def _loop(schema: Schema) -> str | None:
    """Return a reference that comes back to its own schema without reading any input."""
    done: set[int] = set()
    pending: list[Any] = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict) and id(node) not in done:
            found = _spin(node, schema, done, [])
            if found is not None:
                return found
            pending += [child for _, child in subschemas(node)]
    return None


def _spin(node: Any, root: Schema, done: set[int], trail: list[int]) -> str | None:
    if not isinstance(node, dict) or id(node) in done:
        return None
    if id(node) in trail:
        return str(node.get("$ref", "#"))
    trail.append(id(node))
    same = [child for step, child in subschemas(node) if step.split("/")[1] in SAME_INSTANCE]
    for child in _next(node, root, same):
        found = _spin(child, root, done, trail)
        if found is not None:
            return str(node.get("$ref", found))
    trail.pop()
    done.add(id(node))
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(path: str, message: str, remedy: str) -> Finding:
    return Finding(path, 0, message, remedy)


def _doubt(path: str, message: str, remedy: str) -> Finding:
    return Finding(path, 0, message, remedy, Severity.WARNING)
