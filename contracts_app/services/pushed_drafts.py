"""Drafts that come from a folder: written only over the text that the sender built on."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from contracts_app.models import ApiKey, Contract, ContractState, ContractVersion
from contracts_app.rules.versions import bump
from contracts_app.services.drafts import Teller, edit_draft, judge, start_draft
from contracts_app.services.rights import check_contract
from meshline.core.errors import ChangedMeanwhile, DocumentRefused, NotAllowed, VersionFrozen


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, by which files are compared."""
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def put_draft(
    *,
    name: str,
    version: str,
    text: str,
    expected: str,
    key: ApiKey,
    reason: str = "",
    ticket: str = "",
    now: datetime,
) -> tuple[ContractVersion, bool]:
    """Store a draft's text, built on the text with the digest `expected` ("" if there was none).

    Returns the version and whether it is new. A key that a person issued may draft what that
    person may; one of an operator's command may draft everything.
    Raises: DocumentRefused; NotAllowed; ChangedMeanwhile and VersionFrozen, saying what stands
    there; Conflict if there is a draft of another number.
    """
    document, spec = judge(text)
    for field, said, asked in (("name", spec.name, name), ("version", spec.version, version)):
        if said != asked:
            message = f"The address says {field} {asked[:120]}, and the text says {said}."
            finding = document.finding(f"/{field}", message, f"Write {field}: {asked[:120]}.")
            raise DocumentRefused(message, findings=[finding], remedy=finding.remedy)
    if document.text != text:
        message = "The text begins with a byte order mark, which is not kept."
        finding = document.finding("", message, "Save the file as UTF-8 without it.")
        raise DocumentRefused(message, findings=[finding], remedy=finding.remedy)
    by = key.created_by
    if by is not None:
        if not by.is_active:
            raise NotAllowed("Who issued the key has no open account.", remedy="Use another key.")
        check_contract(by, spec)
    Contract.objects.select_for_update().filter(name=name).first()
    row = ContractVersion.objects.filter(contract__name=name, version=version).first()
    _check_standing(name, version, row, expected)
    teller = Teller(f"key:{key.key_id}", reason, ticket)
    if row is None:
        return start_draft(text=text, by=by, teller=teller, now=now), True
    return edit_draft(version=row, text=text, by=by, teller=teller, now=now), False


def _check_standing(name: str, version: str, row: ContractVersion | None, expected: str) -> None:
    if row is None:
        if expected:
            raise ChangedMeanwhile(
                f"{name} {version} is no longer in the registry.",
                remedy="Pull, and say with --take folder that yours is to stand.",
            )
        return
    current = {"state": row.state, "text_sha256": sha256_of(row.text)}
    if row.state != ContractState.DRAFT:
        published = row.state != ContractState.IN_REVIEW
        raise VersionFrozen(
            f"{version} is {'published' if published else 'in review'} and cannot change.",
            current=current,
            remedy=f"Make {bump(version, 'patch')}."
            if published
            else "Withdraw it in the console, or wait until it is published.",
        )
    if current["text_sha256"] != expected:
        raise ChangedMeanwhile(
            f"The draft {name} {version} was changed in the registry meanwhile.",
            current=current,
            remedy="Look at it with `meshline contracts diff`, and settle it with --take.",
        )
