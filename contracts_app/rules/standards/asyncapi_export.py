"""A contract as an AsyncAPI 3.0 document: one channel, one message, who sends and who receives.

What AsyncAPI has no field for stands under x-meshline-<key>, whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts_app.rules.contract_spec import ContractSpec, Example
from contracts_app.rules.schema_walk import mapped
from contracts_app.rules.standards import cloudevents
from contracts_app.rules.standards.json_schema import to_json_schema
from contracts_app.rules.standards.loose import filled, text
from meshline.core.errors import SchemaRefused

VERSION = "3.0.0"
OURS = "x-meshline-"
_SAID = frozenset(["name", "version", "title", "description", "tags"])


def to_asyncapi(spec: ContractSpec, *, registry: str = "") -> dict[str, Any]:
    """Return a contract as AsyncAPI; `registry` is the address that dataschema begins with."""
    message = f"#/channels/{spec.name}/messages/{spec.name}"
    return {
        "asyncapi": VERSION,
        "id": f"urn:meshline:contract:{spec.name}:{spec.version}",
        "info": _info(spec),
        "defaultContentType": "application/json",
        "channels": {spec.name: _channel(spec)},
        "operations": {
            name: {
                **operation,
                "channel": {"$ref": f"#/channels/{spec.name}"},
                "messages": [{"$ref": message}],
            }
            for name, operation in _operations(spec)
        },
        "components": {"messages": {spec.name: _message(spec, registry)}},
        **_rest(spec.document),
    }


def _info(spec: ContractSpec) -> dict[str, Any]:
    owner = spec.owners["contract"]
    return {
        "title": spec.title,
        "version": spec.version,
        **filled(
            description=spec.description,
            contact=filled(name=owner.group, email=owner.person),
            tags=[{"name": tag} for tag in dict.fromkeys(spec.tags)],
        ),
    }


def _channel(spec: ContractSpec) -> dict[str, Any]:
    told = spec.producer.channel
    address = next((text(told.get(key)) for key in ("address", "topic") if text(told.get(key))), "")
    return {
        "address": address or None,
        "title": spec.title,
        "messages": {spec.name: {"$ref": f"#/components/messages/{spec.name}"}},
    }


def _operations(spec: ContractSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    system = spec.producer.system
    yield f"send-{system}", {"action": "send", "summary": f"{system} sends it."}
    for consumer in spec.consumers:
        receives = {"action": "receive", "summary": f"{consumer.system} uses it."}
        yield f"receive-{consumer.system}", receives


def _message(spec: ContractSpec, registry: str) -> dict[str, Any]:
    enveloped = cloudevents.is_enveloped(spec)
    correlation = spec.identity.correlation
    return {
        "name": spec.name,
        "title": spec.title,
        "contentType": cloudevents.CONTENT_TYPE if enveloped else "application/json",
        **filled(
            description=spec.description,
            correlationId=filled(location=correlation and f"$message.payload#{correlation}"),
        ),
        "payload": _payload(spec),
        "examples": [_example(example) for example in spec.examples_valid],
        f"{OURS}cloudevents": cloudevents.attributes(spec, registry=registry),
    }


def _payload(spec: ContractSpec) -> dict[str, Any]:
    """Return the schema in draft-07, which every tool reads, or as written where that cannot be.

    AsyncAPI reads a reference from the whole document's root, so the way there stands before it.
    """
    try:
        dialect, schema = "draft-07", to_json_schema(spec, "draft-07")
    except SchemaRefused:
        dialect, schema = f"draft-{spec.dialect.removeprefix('draft-')}", to_json_schema(spec)
    root = f"#/components/messages/{spec.name}/payload/schema"

    def placed(node: dict[str, Any]) -> dict[str, Any]:
        reference = text(node.get("$ref"))
        if not reference.startswith(("#/", "#")) or reference[1:2] not in ("", "/"):
            return node
        return {**node, "$ref": root + reference[1:]}

    return {
        "schemaFormat": f"application/schema+json;version={dialect}",
        "schema": mapped(schema, placed),
    }


def _example(example: Example) -> dict[str, Any]:
    return {"name": example.name, "payload": example.payload}


def _rest(document: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in document.items() if key not in _SAID}
    return {key if key.startswith("x-") else OURS + key: value for key, value in rest.items()}
