"""The fields that mean the same in a contract and in ODCS: written one way, read the other.

Written here is only what ODCS has a place for; `odcs_export` adds the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contracts_app.rules.contract_shape import OWNER_ROLES
from contracts_app.rules.standards import odcs_schema
from contracts_app.rules.standards.loose import entries, filled, mapping, slug, text

API_VERSION = "v3.1.0"
OURS = "meshline."  # what Meshline itself writes under customProperties begins so
STANDS_FOR = "username"

_STATUSES = {"in_review": "proposed"}
_OUR_STATUSES = {
    "proposed": "in_review",
    **{name: name for name in ("draft", "active", "deprecated", "retired")},
}
_PROMISES = ("timezone", "ack_within", "escalate_after")
_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,79}")
_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+")
_SLO = "slo_"


def written(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contract document as far as ODCS has fields for it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": document["name"],
        "name": document["name"],
        "version": document["version"],
        "status": _STATUSES.get(document["status"], document["status"]),
        **filled(
            domain=document.get("domain"),
            tags=document.get("tags"),
            description=filled(purpose=document.get("description")),
        ),
        "schema": [_schema(document)],
        **filled(
            team={"members": [_member(*one) for one in document.get("owners", {}).items()]},
            slaProperties=[*_promises(document), *_ends(document)],
        ),
    }


def read(odcs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the ODCS fields say as keys of a contract document, whoever wrote them."""
    head = next(entries(odcs.get("schema")), {})
    levels = list(entries(odcs.get("slaProperties")))
    purpose = text(mapping(odcs.get("description")).get("purpose"))
    return filled(
        name=name_of(odcs),
        version=version_of(odcs.get("version")),
        title=(text(head.get("businessName")) or text(odcs.get("name")))[:120],
        description=purpose if len(purpose) <= 5_000 else "",
        status=_OUR_STATUSES.get(text(odcs.get("status")), "draft"),
        domain=slug(odcs.get("domain")),
        tags=_tags(odcs.get("tags")),
        identity=filled(event_id=odcs_schema.key_of(head.get("properties"))),
        schema=_payload(head),
        owners=_owners(odcs.get("team")),
        sla=_read_promises(levels),
        slo=[_slo(one) for one in levels if text(one.get("id")).startswith(_SLO)],
        lifecycle=filled(sunset_on=_end(levels)),
    )


def is_ours(odcs: Mapping[str, Any]) -> bool:
    """Whether Meshline wrote this file: it holds what only a contract has."""
    return any(True for _ in own_properties(odcs))


def own_properties(odcs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what Meshline put into customProperties: key of the contract document, and value."""
    return [
        (text(one.get("property")).removeprefix(OURS), one.get("value"))
        for one in entries(odcs.get("customProperties"))
        if text(one.get("property")).startswith(OURS)
    ]


def name_of(odcs: Mapping[str, Any]) -> str:
    """Return a contract's name: the file's own where it is one, else made of its words."""
    for told in (odcs.get("name"), odcs.get("id")):
        if _NAME.fullmatch(text(told)) and len(text(told)) <= 80:
            return text(told)
    head = next(entries(odcs.get("schema")), {})
    told = (odcs.get("name"), odcs.get("dataProduct"), head.get("name"), odcs.get("id"))
    word = next((word for word in (slug(one, most=40) for one in told) if word), "")
    return f"{slug(odcs.get('domain'), most=38) or 'imported'}.{word}" if word else ""


def version_of(told: Any) -> str:
    """Return the first version number in a text ("v1.0.0-beta": "1.0.0"), or an empty text."""
    found = _VERSION.search(text(told))
    return found[0] if found else ""


def _schema(document: Mapping[str, Any]) -> dict[str, Any]:
    pii = document.get("risk", {}).get("data", {}).get("pii", ())
    payload = document.get("schema", {}).get("payload")
    properties = odcs_schema.properties_of(
        payload,
        key=document.get("identity", {}).get("event_id", ""),
        personal=frozenset(pii),
    )
    return {
        "name": document["name"],
        "logicalType": "object",
        "physicalType": "JSON",
        **filled(businessName=document.get("title"), properties=properties),
    }


def _payload(head: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(head.get("properties"), list):
        return {}
    return {"payload": odcs_schema.schema_of(head["properties"], text(head.get("description")))}


def _tags(told: Any) -> list[str]:
    found = [one for one in told if _WORD.fullmatch(text(one))] if isinstance(told, list) else []
    return found[:50]


def _member(role: str, owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return an owner as a team member, known by the first of person, group, rota, deputy."""
    known_by = next(key for key in ("person", "group", "oncall", "deputy") if key in owner)
    rest = {key: value for key, value in owner.items() if key != known_by}
    if known_by != "person":
        rest[STANDS_FOR] = known_by
    told = [{"property": OURS + key, "value": value} for key, value in rest.items()]
    return {
        "username": owner[known_by],
        "role": f"{role} owner",
        **filled(customProperties=told),
    }


def _owners(team: Any) -> dict[str, Any]:
    members = team if isinstance(team, list) else mapping(team).get("members")
    found: dict[str, Any] = {}
    for member in entries(members):
        role = text(member.get("role")).strip().lower().removesuffix(" owner")
        if role in OWNER_ROLES and role not in found and text(member.get("username")):
            found[role] = _owner(member)
    return {role: owner for role, owner in found.items() if owner}


def _owner(member: Mapping[str, Any]) -> dict[str, str]:
    told = {key: text(value) for key, value in own_properties(member)}
    username = text(member.get("username"))
    known_by = told.pop(STANDS_FOR, "person" if "@" in username else "group")
    owner: dict[str, str] = {known_by: username, **told}
    keys = ("group", "person", "oncall", "deputy")
    return {key: owner[key] for key in keys if owner.get(key)}


def _promises(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    sla = document.get("sla", {})
    told = [{"property": name, "value": sla[name]} for name in _PROMISES if name in sla]
    return told + [_objective(slo) for slo in document.get("slo", ())]


def _objective(slo: Mapping[str, Any]) -> dict[str, Any]:
    """Return an objective; a share that goes with a time stands beside it."""
    value = slo.get("threshold", slo.get("target"))
    share = slo.get("target") if "threshold" in slo else None
    level = {"id": _SLO + slo["name"], "property": slo["sli"], "value": value}
    return level | filled(valueExt=share, schedule=slo.get("active_hours"))


def _slo(level: Mapping[str, Any]) -> dict[str, Any]:
    value, share = level.get("value"), level.get("valueExt")
    is_time = isinstance(value, str)
    return {
        "name": text(level["id"]).removeprefix(_SLO),
        "sli": level.get("property"),
        **filled(
            threshold=value if is_time else None,
            target=share if is_time else value,
            active_hours=level.get("schedule"),
        ),
    }


def _read_promises(levels: list[dict[str, Any]]) -> dict[str, str]:
    told = {text(one.get("property")): text(one.get("value")) for one in levels}
    return {name: told[name] for name in _PROMISES if told.get(name)}


def _ends(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sunset in ODCS's words: support and life of a version end on that day."""
    sunset = document.get("lifecycle", {}).get("sunset_on")
    if not sunset:
        return []
    return [{"property": name, "value": sunset} for name in ("endOfSupport", "endOfLife")]


def _end(levels: list[dict[str, Any]]) -> str:
    told = {text(one.get("property")): text(one.get("value")) for one in levels}
    found = _DATE.match(told.get("endOfLife") or told.get("endOfSupport") or "")
    return found[0] if found else ""
