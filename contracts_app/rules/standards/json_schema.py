"""A payload's schema alone, in draft-07 or 2020-12, meaning the same in both.

What the other dialect cannot say is refused, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.lifting import in_2020_12
from contracts_app.rules.schema_walk import mapped, subschemas
from contracts_app.rules.validate import ADDRESSES, Schema, compile_schema
from meshline.core.errors import SchemaRefused

DIALECTS = ("draft-07", "2020-12")
_ONLY_LATER = frozenset(
    [
        "$anchor",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "maxContains",
        "minContains",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)
# Keywords that draft-07 does not have and ignores; 2020-12 would heed them.
_IGNORED = frozenset([*_ONLY_LATER, "dependentRequired", "dependentSchemas", "prefixItems"])
# Formats that draft-07 does not know, and so does not assert.
_LATER_FORMATS = frozenset(["duration", "uuid"])


def to_json_schema(spec: ContractSpec, dialect: str = "") -> dict[str, Any]:
    """Return the payload's schema complete in itself, with title; `dialect` "": as it is written.

    Raises: SchemaRefused if the other dialect cannot say the same.
    """
    wanted = dialect or spec.dialect
    own = spec.full_schema
    schema = _as_object(own) if spec.dialect == wanted else _changed(own, spec.dialect, wanted)
    named = {"title": spec.title, **schema}
    told = {"$schema": ADDRESSES[wanted], **{k: v for k, v in named.items() if k != "$schema"}}
    compile_schema(told, keep=False)
    return told


def _changed(schema: Schema, own: str, wanted: str) -> dict[str, Any]:
    whole = {key: value for key, value in _as_object(schema).items() if key != "$schema"}
    if (own, wanted) == ("2020-12", "draft-07"):
        _require_plain_references(whole)
        return _with_definitions(mapped(whole, _earlier))
    if (own, wanted) == ("draft-07", "2020-12"):
        _require_plain_references(whole)
        later: dict[str, Any] = mapped(whole, _later)
        return later
    raise SchemaRefused(
        f"The schema is written in {own} and cannot be said in {wanted}.",
        remedy=f"Export it with `--dialect {own}`, or write the contract in {wanted}.",
    )


def _as_object(schema: Schema) -> dict[str, Any]:
    if isinstance(schema, dict):
        return schema
    return {} if schema else {"not": {}}


def _earlier(node: dict[str, Any]) -> dict[str, Any]:
    """Say one node of 2020-12 in draft-07, where it is ignored what stands beside a reference."""
    beyond = sorted(_ONLY_LATER & node.keys())
    if node.get("format") in _LATER_FORMATS:
        beyond.append(f"format {node['format']}")
    if beyond:
        raise SchemaRefused(
            f"draft-07 has no {beyond[0]}.", remedy="Export the schema with `--dialect 2020-12`."
        )
    node = dict(node)
    if "prefixItems" in node:
        rest = node.pop("items", None)
        node["items"] = node.pop("prefixItems")
        if rest is not None:
            node["additionalItems"] = rest
    else:
        node.pop("additionalItems", None)  # 2020-12 ignores it
    needed = _dependencies(node)
    if needed:
        node["dependencies"] = needed
    if "$ref" in node and len(node) > 1:
        node["allOf"] = [*node.get("allOf", ()), {"$ref": node.pop("$ref")}]
    return node


def _dependencies(node: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = dict(node.pop("dependencies", {}))
    for keyword in ("dependentRequired", "dependentSchemas"):
        for name, needed in node.pop(keyword, {}).items():
            both = [told[name], needed] if name in told else [needed]
            parts = [{"required": one} if isinstance(one, list) else one for one in both]
            told[name] = needed if len(both) == 1 else {"allOf": parts}
    return told


def _later(node: dict[str, Any]) -> dict[str, Any]:
    """Say one node of draft-07 in 2020-12, without what draft-07 ignores."""
    if "$ref" in node:
        kept = ("$id", "$recursiveRef", "$ref", "definitions", "$defs")
        return in_2020_12({key: node[key] for key in kept if key in node})
    node = {key: value for key, value in node.items() if key not in _IGNORED or key == "$id"}
    if node.get("format") in _LATER_FORMATS:
        node.pop("format")
    return in_2020_12(node)


def _with_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    """Call the definitions as draft-07 does, in the references too."""
    if "$defs" not in schema or "definitions" in schema:
        return schema
    named = {"definitions" if key == "$defs" else key: child for key, child in schema.items()}
    renamed: dict[str, Any] = mapped(named, _to_definitions)
    return renamed


def _to_definitions(node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/$defs/"):
        return node
    return {**node, "$ref": reference.replace("#/$defs/", "#/definitions/", 1)}


def _require_plain_references(schema: dict[str, Any]) -> None:
    """Refuse references whose way leads through a keyword that has another name afterwards."""
    for reference in _references(schema):
        steps = set(reference.split("/")[1:])
        if not reference.startswith("#") or steps & {
            "prefixItems",
            "items",
            "additionalItems",
            "dependencies",
            "dependentSchemas",
        }:
            raise SchemaRefused(
                f"The reference {reference[:80]!r} cannot be kept in the other dialect.",
                remedy="Refer to a definition under $defs.",
            )


def _references(node: Any) -> Iterator[str]:
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"]
            pending += [child for _, child in subschemas(one)]
