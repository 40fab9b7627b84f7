"""CloudEvents 1.0: what an envelope says about a contract, and what is wrong with one.

`type` is the contract's name, `dataschema` the registry's address of the version, `id` the
producer's own id of the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.validate import Violation
from meshline.core.errors import BadValue
from meshline.core.pointers import build, get
from meshline.core.safejson import Json

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/cloudevents+json"
_REQUIRED = ("specversion", "type", "id", "source")
_TEXTS = ("datacontenttype", "dataschema", "subject", "time")
_DATA = frozenset(["data", "data_base64"])
_ATTRIBUTE = re.compile(r"[a-z0-9]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:\d\d)")
_LEAST, _MOST = -(2**31), 2**31 - 1


def schema_address(spec: ContractSpec, registry: str = "") -> str:
    """Return where a version's contract is read; a name (URN) where no registry is known."""
    if not registry:
        return f"urn:meshline:contract:{spec.name}:{spec.version}"
    return f"{registry.rstrip('/')}/api/v1/contracts/{spec.name}/versions/{spec.version}"


def attributes(spec: ContractSpec, *, registry: str = "") -> dict[str, str]:
    """Return the attributes that are the same for every event of a version."""
    return {
        "specversion": SPEC_VERSION,
        "type": spec.name,
        "dataschema": schema_address(spec, registry),
    }


def is_enveloped(spec: ContractSpec) -> bool:
    """Whether the contract's payload is itself a CloudEvent, by every valid example."""
    return all(not envelope_violations(example.payload) for example in spec.examples_valid)


def to_cloudevent(spec: ContractSpec, payload: Json, *, registry: str = "") -> dict[str, Any]:
    """Return a valid payload as a CloudEvent; one that is an envelope only gets its dataschema.

    Raises: BadValue if the producer's id does not stand where the contract says.
    """
    fixed = attributes(spec, registry=registry)
    if isinstance(payload, dict) and not envelope_violations(payload):
        return {**payload, "dataschema": fixed["dataschema"]}
    identity = spec.identity
    event_id = get(payload, identity.event_id)
    if not isinstance(event_id, str | int) or isinstance(event_id, bool) or event_id == "":
        raise BadValue(
            f"No id of the event stands at {identity.event_id}.",
            remedy="Mend the payload, or identity.event_id in the contract.",
        )
    told = {
        "id": str(event_id),
        "source": f"/{spec.producer.system}",
        "datacontenttype": "application/json",
    }
    for name, pointer in (("time", identity.occurred_at), ("subject", identity.subject)):
        value = get(payload, pointer) if pointer else None
        if isinstance(value, str) and value and (name != "time" or _is_time(value)):
            told[name] = value
    return {**fixed, **told, "data": payload}


def envelope_violations(body: Json) -> list[Violation]:
    """Return what keeps a body in structured mode from being a CloudEvent, sorted by path."""
    if not isinstance(body, dict):
        return [Violation("", "cloudevents", "A CloudEvent is a JSON object")]
    return sorted(_violations(body), key=lambda found: found.path)


def _violations(body: Mapping[str, Any]) -> Iterator[Violation]:
    for name in _REQUIRED:
        if not isinstance(body.get(name), str) or not body[name]:
            yield _violation(name, f"{name} must be a text and not empty")
    if body.get("specversion") not in (None, "", SPEC_VERSION):
        yield _violation("specversion", f"only CloudEvents {SPEC_VERSION} are read")
    for name in _TEXTS:
        value = body.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            yield _violation(name, f"{name} must be a text and not empty")
        elif name == "time" and value is not None and not _is_time(value):
            yield _violation(name, "time must be a date and time with its zone")
    if body.keys() >= _DATA:
        yield _violation("data_base64", "data and data_base64 exclude each other")
    for name in body.keys() - _DATA:
        yield from _extension(name, body[name])


def _extension(name: str, value: Any) -> Iterator[Violation]:
    if not _ATTRIBUTE.fullmatch(name):
        yield _violation(name, "attributes are named by small letters and digits")
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if not isinstance(value, int) or not _LEAST <= value <= _MOST:
        yield _violation(name, "an attribute is a text, a boolean or an integer of 32 bits")


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _violation(name: str, sentence: str) -> Violation:
    return Violation(build([name]), "cloudevents", sentence)
