"""Accept an authenticated delivery: map it by its source, judge it by its contract, store it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.db import transaction

from contracts_app.models import Source
from contracts_app.queries.standing import Standing
from contracts_app.rules.validate import Violation
from meshline.core.canonical import digest as digest_of
from meshline.core.errors import Conflict, ContractViolation, NotFound
from meshline.core.safejson import Json, loads
from orchestration.models import Event, EventBody
from orchestration.queries import documents
from orchestration.rules.source_map import map_delivery
from orchestration.rules.source_spec import Mapped
from orchestration.services import announcements, storms, tallies, tolerating
from orchestration.services.storing import Delivery, Judged, Receipt, store, violations_of

LONGEST_ID = 200


def accept_event(
    *,
    source: Source,
    headers: Mapping[str, str],
    raw: bytes,
    body: Json,
    delivery_id: str,
    standing: Standing,
) -> Receipt:
    """Store an authenticated delivery once, and start what it starts.

    `headers` have lower-case names; `standing` is the registry at this time; `delivery_id` is the
    signature scheme's own id, used where the source's mapping finds none. An event that breaks its
    contract is held where the source says so.
    Raises: ContractViolation if the source rejects; Conflict if the id is known with another body.
    """
    spec = documents.source_spec(source)
    mapped = map_delivery(spec, headers=headers, body=body, delivery_id=delivery_id)
    fingerprint = digest_of(body, without=spec.volatile)
    if not mapped.external_id:
        mapped = replace(mapped, external_id=f"sha256:{fingerprint[:40]}")
    elif len(mapped.external_id) > LONGEST_ID:
        # Two long ids with one beginning are still two.
        mapped = replace(mapped, external_id=f"sha256:{digest_of(mapped.external_id)}")
    judged = _judge(mapped, standing)
    if judged.hold_reason and source.on_violation == "reject":
        tallies.count("rejected", now=standing.now, source=source.name, contract=mapped.contract)
        raise ContractViolation(
            f"The event does not keep contract {mapped.contract or '(none matches)'}.",
            violations=judged.problems,
            remedy="Mend what is listed and send it again under the same id.",
        )
    content_type = headers.get("content-type", "")
    kept = {name: headers[name] for name in spec.headers if name in headers}
    delivery = Delivery(source.name, raw, content_type, kept, fingerprint, standing)
    receipt = storms.once_more(lambda: _store(delivery, judged))
    if receipt.conflict:
        raise Conflict(
            f"{source.name} sent {receipt.conflict} before with another body; the first stands.",
            remedy="Send a changed event under an id of its own.",
        )
    return replace(receipt, version=judged.version)


@transaction.atomic
def _store(delivery: Delivery, judged: Judged) -> Receipt:
    receipt = store(delivery, judged)
    if receipt.handoff is not None and receipt.handoff.ticket:
        announcements.handoff_opened(receipt.handoff, now=delivery.standing.now)
    return receipt


def judge_again(event: Event, body: EventBody, standing: Standing) -> Judged:
    """Map and judge a stored event with today's source and contract; for Release."""
    source = standing.source_named(event.source)
    spec = documents.source_spec(source)
    mapped = map_delivery(spec, headers=body.headers, body=loads(bytes(body.raw or b"")))
    return _judge(replace(mapped, external_id=event.external_id), standing)


def _judge(mapped: Mapped, standing: Standing) -> Judged:
    if mapped.disposition != "event":
        return Judged(mapped, None, tuple(mapped.problems))
    try:
        version = standing.published_version(mapped.contract, mapped.version_range)
    except NotFound as error:
        missing = Violation(path="", rule="contract", sentence=str(error))
        return Judged(mapped, None, (*mapped.problems, missing))
    if mapped.problems:
        return Judged(mapped, version, tuple(mapped.problems))
    found = violations_of(version, mapped.payload)
    if not found:
        return Judged(mapped, version, ())
    let = tolerating.tolerances_for(mapped.contract, version, mapped.payload, found, standing)
    return Judged(mapped, version, (), let, found) if let else Judged(mapped, version, found)
