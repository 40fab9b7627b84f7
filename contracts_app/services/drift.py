"""Drift: keep what was noticed in a contract's events, and open one draft that names it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import (
    Contract,
    ContractState,
    ContractVersion,
    DriftFinding,
    DriftState,
    DriftWatch,
)
from contracts_app.queries.changes import change_of
from contracts_app.queries.drift import change_of_finding, newest_serving, verdict_of
from contracts_app.queries.registry import spec_of
from contracts_app.rules.compat import Bump
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.drift.change import with_changes
from contracts_app.rules.drift.evidence import Evidence, Seen, begun
from contracts_app.rules.drift.sightings import Sighting, is_known
from contracts_app.rules.versions import bump, parse_version
from contracts_app.services import audit, drafts
from contracts_app.services.rights import check_contract
from meshline.core import canonical
from meshline.core.errors import BadValue, IllegalTransition, MeshlineError, NotFound

log = logging.getLogger(__name__)

MOST_KEPT = 60  # of one contract; a sender of nonsense fills no table
MOST_VALUES = 8  # of one place; where more come, they are no list
OFTEN = 3  # events that must have a new field of the body before a draft names it
MOST_JUDGED = 3  # in one look: each costs up to a fifth of a second
DRAFT_BUDGET_S = 0.5
COMING = (ContractState.DRAFT, ContractState.IN_REVIEW)
LONGEST_REASON = 500
_STEPS: tuple[Bump, ...] = ("minor", "major")


@dataclass(frozen=True)
class Noticed:
    """One event with what its contract version does not name of it."""

    seen: Seen
    sightings: Sequence[Sighting]


def begin_watching(*, now: datetime) -> None:
    """Watch every contract that is not watched yet."""
    new = Contract.objects.filter(drift_watch=None).values_list("pk", flat=True)[:200]
    rows = [DriftWatch(contract_id=pk, next_look_at=now) for pk in new]
    if rows:
        DriftWatch.objects.bulk_create(rows, ignore_conflicts=True)


def has_open(contract: Contract) -> bool:
    """Say whether something noticed waits for a person or a version; by a partial index."""
    return DriftFinding.objects.filter(contract=contract, state=DriftState.OPEN).exists()


def note(
    *,
    watch: DriftWatch,
    spec: ContractSpec,
    noticed: Iterable[Noticed],
    taken: Collection[str],
    back: Collection[str] = (),
) -> None:
    """Fold what was noticed into the contract's findings; the caller holds the watch's row.

    What the version in service names by now is settled, and so is what the sources' mappings take
    (`taken` are the words in them), and so are fields that are `back`. What was set aside stays so
    until it comes in another shape.
    At most sixty things of a contract are kept.
    """
    folded = _folded(noticed)
    judged_by = canonical.digest([spec.digest, *sorted(taken)])
    moved_on = watch.judged_by != judged_by
    if not folded and not moved_on and not back:
        return
    rows = {row.key: row for row in DriftFinding.objects.filter(contract=watch.contract_id)}
    if moved_on:
        _settle(rows.values(), spec, taken)
        watch.judged_by = judged_by
    for path in back:
        _end(rows.get(("gone", path, "")))
    for key, sighted in folded.items():
        row = rows.get(key)
        beside = sum(one[:2] == key[:2] for one in rows)
        if row is None and len(rows) < MOST_KEPT and beside < MOST_VALUES:
            row = rows[key] = DriftFinding(contract_id=watch.contract_id, kind=key[0], path=key[1],
                                           value=key[2])  # fmt: skip
            row.fill(begun(sighted[0][1]))
        if row is not None:
            _add(row, sighted)
    _judge(rows.values(), spec)


def open_draft(*, contract: Contract, now: datetime) -> ContractVersion | None:
    """Open the draft that names what is new, if nobody is at work on another; else None.

    It follows the version in service, is never published by itself, and is opened once for each
    thing: whoever discards it is not asked again.
    """
    if not _to_draft(contract)[1]:
        return None
    with transaction.atomic():
        Contract.objects.select_for_update().get(pk=contract.pk)
        newest, rows = _to_draft(contract, lock=True)
        if newest is None or not rows:
            return None
        try:
            with transaction.atomic():
                draft = _drafted(contract, newest, rows, now)
        except MeshlineError as error:
            log.warning("no draft names the drift of %s: %s", contract.name, error)
            draft = None
        for row in rows:
            row.draft, row.drafted_at = draft, now
            row.save(update_fields=["draft", "drafted_at"])
        return draft


@transaction.atomic
def add_to_draft(*, finding: DriftFinding, by: User, now: datetime) -> ContractVersion:
    """Put a finding's change into the contract's draft; a draft is started if there is none.

    Raises: NotAllowed; IllegalTransition if it is in a draft, set aside or settled; BadValue if no
    change names it; NotFound if nothing is in service; DocumentRefused.
    """
    contract, row = _held(finding)
    newest = newest_serving(contract)
    if newest is None:
        raise NotFound(f"{contract.name} has no version in service.", remedy="Publish one first.")
    check_contract(by, spec_of(newest))
    if row.draft is not None:
        raise IllegalTransition(
            f"It is in the draft {row.draft.version} already.", remedy="Load the page again."
        )
    draft = contract.versions.filter(state=ContractState.DRAFT).first()
    if draft is None:
        draft = drafts.draft_from_published(contract=contract, by=by, now=now)
    change = change_of_finding(row, spec_of(draft))
    if change is None:
        raise BadValue(
            f"Nothing in the draft's schema can name {row.path} by itself.",
            remedy="Write it into the draft by hand.",
        )
    text = with_changes(draft.text, [change])
    drafts.edit_draft(version=draft, text=text, by=by, now=now)
    row.draft, row.drafted_at = draft, now
    row.save(update_fields=["draft", "drafted_at"])
    _told("drift.add", row, draft.version, by=by, now=now)
    return draft


@transaction.atomic
def set_aside(*, finding: DriftFinding, reason: str, by: User, now: datetime) -> DriftFinding:
    """Ignore a finding until it comes in another shape.

    Raises: NotAllowed; BadValue without a reason; IllegalTransition if it is no longer open.
    """
    contract, row = _held(finding)
    newest = newest_serving(contract)
    if newest is not None:
        check_contract(by, spec_of(newest))
    said = reason.strip()
    if not said:
        raise BadValue("A reason is missing.", remedy="Say in a few words why it is no drift.")
    if len(said) > LONGEST_REASON:
        raise BadValue("That is too long.", remedy=f"Use {LONGEST_REASON} characters at most.")
    row.state, row.reason = DriftState.ASIDE, said
    row.decided_by, row.decided_at = by.get_username(), now
    row.save(update_fields=["state", "reason", "decided_by", "decided_at"])
    _told("drift.aside", row, newest.version if newest else "", by=by, now=now, reason=said)
    return row


def _folded(
    noticed: Iterable[Noticed],
) -> dict[tuple[str, str, str], list[tuple[Sighting, Seen]]]:
    found: dict[tuple[str, str, str], list[tuple[Sighting, Seen]]] = {}
    for one in noticed:
        for sighting in one.sightings:
            found.setdefault(sighting.key, []).append((sighting, one.seen))
    return found


def _add(row: DriftFinding, sighted: Iterable[tuple[Sighting, Seen]]) -> None:
    evidence: Evidence = row.evidence
    for sighting, seen in sighted:
        evidence = evidence.with_one(sighting, seen)
    if set(evidence.types) != set(row.types) and row.pk:
        row.verdict = ""
        if row.state == DriftState.ASIDE:
            _open_again(row)
    if row.state == DriftState.SETTLED:
        _open_again(row)
    row.fill(evidence)
    row.save()


def _open_again(row: DriftFinding) -> None:
    row.state, row.draft, row.drafted_at, row.verdict = DriftState.OPEN, None, None, ""


def _settle(rows: Iterable[DriftFinding], spec: ContractSpec, taken: Collection[str]) -> None:
    """Contract or mapping has changed: what they name is settled, the rest is judged anew."""
    for row in rows:
        mapped = row.kind == "body" and row.path.rpartition("/")[2] in taken
        if mapped or is_known(spec.schema, *row.key):
            row.state = DriftState.SETTLED
        row.verdict = row.least_version = ""
        row.save(update_fields=["state", "verdict", "least_version"])


def _end(row: DriftFinding | None) -> None:
    if row is not None:
        row.state = DriftState.SETTLED
        row.save(update_fields=["state"])


def _judge(rows: Iterable[DriftFinding], spec: ContractSpec) -> None:
    unjudged = [row for row in rows if row.state == DriftState.OPEN and not row.verdict]
    for row in [row for row in unjudged if change_of_finding(row, spec)][:MOST_JUDGED]:
        row.verdict, row.least_version = verdict_of(row, spec)
        row.save(update_fields=["verdict", "least_version"])


def _to_draft(
    contract: Contract, *, lock: bool = False
) -> tuple[ContractVersion | None, list[DriftFinding]]:
    """The version that a draft would follow, and what the draft would name; nothing without them.

    Looked at without a lock first: most looks have nothing to draft.
    """
    new = DriftFinding.objects.filter(
        contract=contract, state=DriftState.OPEN, drafted_at=None, draft=None
    )
    found = list(new.select_for_update() if lock else new)
    if not found or contract.versions.filter(state__in=COMING).exists():
        return None, []
    newest = newest_serving(contract)
    return newest, [row for row in found if newest and _nameable(row, newest)]


def _nameable(row: DriftFinding, newest: ContractVersion) -> bool:
    """Whether a draft may name it. What a mapping leaves out hurts nobody: it must come again."""
    change = change_of_finding(row, spec_of(newest))
    if change is None or change.at.endswith("/examples"):
        return False  # one example more is no reason for a version
    return row.kind != "body" or row.events >= OFTEN


def _drafted(
    contract: Contract, newest: ContractVersion, rows: Sequence[DriftFinding], now: datetime
) -> ContractVersion:
    """Store the draft under the lowest number that its change and its elders leave."""
    spec = spec_of(newest)
    changes = [change for row in rows if (change := change_of_finding(row, spec))]
    highest = max(map(parse_version, contract.versions.values_list("version", flat=True))).text
    for step in _STEPS:
        text = with_changes(drafts.as_draft(newest, bump(highest, step)), changes)
        document, proposed = drafts.judge(text, of=contract)
        if change_of(proposed, budget_s=DRAFT_BUDGET_S).allows(proposed.version):
            break
    draft = ContractVersion(contract=contract, created_at=now)
    drafts.fill(draft, document, proposed)
    drafts.save(draft)
    audit.record(
        action="contract.draft",
        actor=audit.ENGINE,
        object_type="contract",
        object_id=contract.name,
        contract=contract.name,
        contract_version=draft.version,
        after=draft.digest,
        reason="Opened by the drift watch.",
        detail={"drift": [row.pk for row in rows]},
        now=now,
    )
    return draft


def _held(finding: DriftFinding) -> tuple[Contract, DriftFinding]:
    """Lock the contract, then its finding, as publishing does. Raises: IllegalTransition."""
    contract = Contract.objects.select_for_update().get(pk=finding.contract_id)
    row = DriftFinding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
    if row.state != DriftState.OPEN:
        raise IllegalTransition(
            f"It is {DriftState(row.state).label.lower()} already.", remedy="Load the page again."
        )
    return contract, row


def _told(
    action: str, row: DriftFinding, version: str, *, by: User, now: datetime, reason: str = ""
) -> None:
    audit.record(
        action=action,
        actor=by,
        object_type="drift",
        object_id=row.pk,
        contract=row.contract.name,
        contract_version=version,
        reason=reason,
        detail={"kind": row.kind, "path": row.path, "value": row.value, "events": row.events},
        now=now,
    )
