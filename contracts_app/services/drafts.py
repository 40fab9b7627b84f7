"""Drafts of contract versions: start, edit, discard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from contracts_app.models import Contract, ContractState, ContractVersion
from contracts_app.queries.registry import SERVING
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.versions import bump, parse_version
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from contracts_app.services.rewriting import with_value
from contracts_app.services.rights import check_contract
from meshline.core import yaml12
from meshline.core.errors import Conflict, DocumentRefused, IllegalTransition, NotFound
from meshline.core.yaml12 import Document


@dataclass(frozen=True)
class Teller:
    """What the audit log says of a change beside who made it; `actor` is set for an API key."""

    actor: str = ""
    reason: str = ""
    ticket: str = ""


NOBODY_ELSE = Teller()


def judge(text: str, *, of: Contract | None = None) -> tuple[Document, ContractSpec]:
    """Read and check a contract's text. Raises: DocumentRefused, also if it names another one."""
    document = yaml12.load(text, name="contract")
    spec = parse_contract(document)
    if of is not None and spec.name != of.name:
        message = f"This is a version of {of.name}, and the text names {spec.name}."
        finding = document.finding("/name", message, f"Write name: {of.name}.")
        raise DocumentRefused(message, findings=[finding], remedy=finding.remedy)
    return document, spec


@transaction.atomic
def start_draft(
    *, text: str, by: User | None = None, teller: Teller = NOBODY_ELSE, now: datetime
) -> ContractVersion:
    """Store a new draft; a contract that is not known yet is made, without a published version.

    Raises: DocumentRefused; NotAllowed; Conflict if there is a draft, or that version.
    """
    document, spec = judge(text)
    if by is not None:
        check_contract(by, spec)
    contract, _ = Contract.objects.get_or_create(
        name=spec.name,
        defaults={
            "title": spec.title,
            "domain": spec.domain,
            "risk": spec.risk.risk_class,
            "producer": spec.producer.system,
        },
    )
    Contract.objects.select_for_update().get(pk=contract.pk)
    if contract.versions.filter(state=ContractState.DRAFT).exists():
        raise Conflict(
            f"There is a draft of {contract.name} already.",
            remedy="Edit that draft, or discard it first.",
        )
    version = ContractVersion(contract=contract, created_by=by, created_at=now)
    fill(version, document, spec)
    save(version)
    told("contract.draft", version, by=by, teller=teller, now=now, after=version.digest)
    return version


@transaction.atomic
def draft_from_published(
    *, contract: Contract, by: User | None = None, now: datetime
) -> ContractVersion:
    """Start a draft with the text of the newest published version, one minor number higher.

    Raises: NotFound if nothing is published; NotAllowed; Conflict if there is a draft.
    """
    serving = contract.versions.filter(state__in=SERVING)
    if not serving:
        raise NotFound(
            f"{contract.name} has no published version to start from.",
            remedy="Write the first version by hand.",
        )
    taken = [
        parse_version(version) for version in contract.versions.values_list("version", flat=True)
    ]
    newest = max(serving, key=lambda version: parse_version(version.version))
    text = as_draft(newest, bump(max(taken).text, "minor"))
    return start_draft(text=text, by=by, now=now)


def as_draft(version: ContractVersion, number: str) -> str:
    """Return a version's text as a draft under another number."""
    text = with_value(yaml12.load(version.text), "version", number)
    return with_value(yaml12.load(text), "status", "draft") if "status" in version.body else text


@transaction.atomic
def edit_draft(
    *,
    version: ContractVersion,
    text: str,
    by: User | None = None,
    teller: Teller = NOBODY_ELSE,
    now: datetime,
) -> ContractVersion:
    """Replace a draft's text; sign-offs given to another text no longer count.

    Raises: DocumentRefused with every finding; NotAllowed; IllegalTransition if it is no draft.
    """
    held = held_in(version, ContractState.DRAFT)
    document, spec = judge(text, of=held.contract)
    if by is not None:
        check_contract(by, spec)
    before, unchanged = held.digest, held.text == text
    fill(held, document, spec)
    if unchanged:
        return held
    held.created_by = by
    save(held)
    after = held.digest
    told("contract.edit", held, by=by, teller=teller, now=now, before=before, after=after)
    return held


@transaction.atomic
def discard_draft(*, version: ContractVersion, by: User | None = None, now: datetime) -> None:
    """Throw a draft away. Raises: IllegalTransition if it is no draft; NotAllowed."""
    held = held_in(version, ContractState.DRAFT)
    if by is not None:
        check_contract(by, parse_contract(yaml12.load(held.text)))
    told("contract.discard", held, by=by, now=now, before=held.digest)
    held.delete()


def held_in(version: ContractVersion, *states: ContractState) -> ContractVersion:
    """Return the row, locked, if it is in one of these states.

    The contract is locked first, so that whoever drafts, signs and publishes waits for each other.
    Raises: IllegalTransition otherwise.
    """
    Contract.objects.select_for_update().get(pk=version.contract_id)
    held = ContractVersion.objects.select_related("contract").filter(pk=version.pk).first()
    if held is None or held.state not in states:
        found = "gone" if held is None else ContractState(held.state).label.lower()
        raise IllegalTransition(
            f"{version} is {found}, and that asks for {' or '.join(s.label for s in states)}.",
            remedy="Load the page again.",
        )
    return held


def told(
    action: str,
    version: ContractVersion,
    *,
    by: User | None,
    now: datetime,
    before: str = "",
    after: str = "",
    reason: str = "",
    detail: dict[str, str] | None = None,
    teller: Teller = NOBODY_ELSE,
) -> None:
    """Write what happened to a version into the audit log."""
    audit.record(
        action=action,
        actor=teller.actor or by or COMMAND,
        object_type="contract",
        object_id=version.contract.name,
        contract=version.contract.name,
        contract_version=version.version,
        before=before,
        after=after,
        reason=reason or teller.reason,
        ticket=teller.ticket,
        detail=detail,
        now=now,
    )


def fill(version: ContractVersion, document: Document, spec: ContractSpec) -> None:
    """Put a judged text into a row."""
    version.version = spec.version
    version.text = document.text
    version.body = document.value
    version.digest = spec.digest


def save(version: ContractVersion) -> None:
    """Store a row. Raises: Conflict if its number or the draft's place is taken."""
    try:
        with transaction.atomic():
            version.save()
    except IntegrityError:
        raise Conflict(
            f"Version {version.version} of {version.contract.name} exists already, or somebody "
            "else just started a draft.",
            remedy="Choose a higher version, or edit that draft.",
        ) from None
