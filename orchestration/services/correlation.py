"""Under which keys an event and a wait may meet: the canonical one, and the others it is known by.

A stored event keeps the key that its contract's version gave it, and so does an open wait. Whoever
comes later asks by its own key and by the text as it was sent, so that both meet across a change
of the contract's normalisation. Nothing is asked of the database for it: the versions are
remembered under the registry's stamp. Only where ids of the kind were merged, one indexed query
asks which are one.
"""

from __future__ import annotations

from contracts_app.queries import registry
from contracts_app.queries.standing import Standing
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.identifiers import text_of
from contracts_app.rules.identity import IdentityPointers, kind_of, spellings
from contracts_app.rules.normalising import LONGEST, Unreadable
from meshline.core.errors import NotFound
from meshline.core.pointers import get
from meshline.core.safejson import Json
from orchestration.models import Event
from orchestration.queries import merges

Keys = tuple[str, ...]


def of_event(event: Event, spec: ContractSpec, payload: Json, standing: Standing) -> Keys:
    """Return the keys under which somebody may wait for an event, its own first."""
    own = _known_as("correlation", event.correlation, event.contract, spec, payload, standing)
    return merges.widened(kind_of(spec.identity, "correlation"), own, standing)


def of_subject(event: Event, spec: ContractSpec, payload: Json, standing: Standing) -> Keys:
    """Return the keys under which the state of an event's subject may be kept, its own first."""
    name, key = ("subject", event.subject) if event.subject else ("correlation", event.correlation)
    own = _known_as(name, key, event.contract, spec, payload, standing)
    return merges.widened(kind_of(spec.identity, name), own, standing)


def of_text(contract: str, text: str, standing: Standing, *, name: str = "correlation") -> Keys:
    """Return the canonical form of a key that a flow gives, and the text as given."""
    newest = _newest(contract, standing)
    if newest is None:
        return (text,)
    if name == "subject" and newest.identity.subject is None:
        name = "correlation"
    own = spellings(newest.identity, name, text)
    if name == "subject":
        return merges.widened(kind_of(newest.identity, name), own, standing)
    return own


def of_wait(contract: str, keys: Keys, standing: Standing) -> Keys:
    """Return the keys under which an event may be stored that a wait under `keys` is for."""
    return merges.widened(kind_awaited(contract, standing), keys, standing)


def kind_awaited(contract: str, standing: Standing) -> str:
    """Return which kind of id the contract's correlation is, "" if none that can be merged."""
    newest = _newest(contract, standing)
    return kind_of(newest.identity, "correlation") if newest is not None else ""


def _known_as(
    name: str,
    own: str,
    contract: str,
    spec: ContractSpec,
    payload: Json,
    standing: Standing,
) -> Keys:
    newest = _newest(contract, standing)
    pointers = [spec.identity, *([newest.identity] if newest is not None else [])]
    if not own or not any(name in one.ways for one in pointers):
        return (own,) if own else ()
    keys = [own]
    for raw in (text for one in pointers for text in _sent(one, name, payload)):
        for one in pointers:
            keys += spellings(one, name, raw)
    return tuple(dict.fromkeys(key for key in keys if len(key) <= LONGEST))


def _sent(pointers: IdentityPointers, name: str, payload: Json) -> list[str]:
    """The text as it was sent: of several ways the first that has one, as the key itself."""
    pointer = getattr(pointers, name)
    places = [way.pointer for way in pointers.ways.get(name, ())] or ([pointer] if pointer else [])
    for place in places:
        try:
            text = text_of(get(payload, place)).strip()
        except Unreadable:
            continue
        if text:
            return [text]
    return []


def _newest(contract: str, standing: Standing) -> ContractSpec | None:
    try:
        return registry.spec_of(standing.published_version(contract))
    except NotFound:
        return None
