"""One life for every versioned document: draft, edit, publish, retire, install from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from contracts_app.models import DocumentState, VersionedDocument
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from contracts_app.services.rewriting import with_value
from contracts_app.services.rights import check_owned
from meshline.core import canonical, yaml12
from meshline.core.errors import (
    Conflict,
    DocumentRefused,
    IllegalTransition,
    MeshlineError,
    NotAllowed,
    NotFound,
)
from meshline.core.yaml12 import Document

R = TypeVar("R", bound=VersionedDocument)


@dataclass(frozen=True)
class Judged:
    """A document that passed its check: its name, its title, and its kind's own columns.

    `contracts` and `owners` say whose it is: their owners may change it.
    """

    name: str
    title: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    contracts: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind(Generic[R]):
    """What is special about one kind of document.

    `judge(document, references)` checks it, with `references` also against what is published now;
    it raises DocumentRefused with every finding. Roles in `everywhere` may change every one of the
    kind, contract owners those that they own. `two_people`: who wrote it does not publish it.
    """

    word: str
    model: type[R]
    judge: Callable[[Document, bool], Judged]
    everywhere: tuple[str, ...] = ("runtime_owner",)
    two_people: bool = False

    def check(
        self, text: str, *, references: bool, number: int | None = None, name: str = ""
    ) -> tuple[Document, Judged]:
        """Return what the text says. Raises: DocumentRefused, also for another number or name."""
        document = yaml12.load(text, name=self.word)
        judged = self.judge(document, references)
        if name and judged.name != name:
            raise _refused(document, "/name", f"This is the draft of {name}.", f"name: {name}")
        if number is not None:
            _check_number(document, judged, number)
        return document, judged


@transaction.atomic
def start_draft(kind: Kind[R], *, text: str, by: User | None = None, now: datetime) -> R:
    """Store a new draft; its name and number stand in its text.

    Raises: DocumentRefused; NotAllowed; Conflict if there is a draft of that name already.
    """
    document, judged = kind.check(text, references=False)
    rows = _locked(kind, judged.name)
    _no_draft(kind, rows)
    _check_number(document, judged, _next_number(rows))
    _permit(kind, by, judged)
    row = _insert(kind, judged, document, number=_next_number(rows), by=by, now=now)
    _told(kind, "draft", row, by=by, now=now, after=row.digest)
    return row


@transaction.atomic
def draft_from_published(kind: Kind[R], *, name: str, by: User | None = None, now: datetime) -> R:
    """Start a draft with the text of the newest version, one number higher.

    Raises: NotFound; NotAllowed; Conflict if there is a draft already.
    """
    rows = _locked(kind, name)
    _no_draft(kind, rows)
    if not rows:
        raise NotFound(f"There is no {kind.word} {name}.")
    newest = rows[-1]
    text = with_value(yaml12.load(newest.text), "version", _next_number(rows))
    document, judged = kind.check(text, references=False)
    _permit(kind, by, judged)
    row = _insert(kind, judged, document, number=_next_number(rows), by=by, now=now)
    _told(kind, "draft", row, by=by, now=now, before=newest.digest, after=row.digest)
    return row


@transaction.atomic
def edit_draft(kind: Kind[R], *, row: R, text: str, by: User | None = None, now: datetime) -> R:
    """Replace a draft's text; who edits it last is its author.

    Raises: DocumentRefused with every finding; IllegalTransition if it is no draft any more.
    """
    held = _held_draft(kind, row)
    document, judged = kind.check(text, references=False, number=held.number, name=held.name)
    _permit(kind, by, judged)
    before = held.digest
    _fill(held, judged, document)
    if before == held.digest:
        return held
    held.created_by = by
    held.save()
    _told(kind, "edit", held, by=by, now=now, before=before, after=held.digest)
    return held


@transaction.atomic
def discard_draft(kind: Kind[R], *, row: R, by: User | None = None, now: datetime) -> None:
    """Throw a draft away. Raises: IllegalTransition if it is no draft any more; NotAllowed."""
    held = _held_draft(kind, row)
    _permit(kind, by, kind.check(held.text, references=False)[1])
    _told(kind, "discard", held, by=by, now=now, before=held.digest)
    held.delete()


@transaction.atomic
def publish_document(kind: Kind[R], *, row: R, by: User | None = None, now: datetime) -> R:
    """Freeze a draft and let it serve; the version before it is retired.

    Raises: DocumentRefused, judged against what is published now; NotAllowed, also for the draft's
    own author where two people are asked for; IllegalTransition.
    """
    rows = _locked(kind, row.name)
    held = next((one for one in rows if one.pk == row.pk), None)
    if held is None or held.state != DocumentState.DRAFT:
        raise _no_longer_draft(kind, row)
    _, judged = kind.check(held.text, references=True, number=held.number)
    _permit(kind, by, judged)
    if kind.two_people and by is not None and held.created_by_id == by.pk:
        raise NotAllowed(
            f"You wrote this draft of {held.name}; a second person publishes it.",
            remedy="Ask another owner to read and publish it.",
        )
    _publish(kind, rows, held, by=by, now=now)
    return held


@transaction.atomic
def retire_document(
    kind: Kind[R], *, row: R, by: User | None = None, reason: str, now: datetime
) -> R:
    """Take a published version out of service; runs that pinned it keep it.

    Raises: IllegalTransition if it is not published; NotAllowed.
    """
    held = next((one for one in _locked(kind, row.name) if one.pk == row.pk), None)
    if held is None or held.state != DocumentState.PUBLISHED:
        raise IllegalTransition(
            f"{row} is not published, so it cannot be retired.", remedy="Load the page again."
        )
    _permit(kind, by, kind.check(held.text, references=False)[1])
    held.state = DocumentState.RETIRED
    held.save(update_fields=["state"])
    _told(kind, "retire", held, by=by, now=now, before=held.digest, reason=reason)
    return held


@transaction.atomic
def install_document(
    kind: Kind[R], *, text: str, by: User | None = None, now: datetime
) -> tuple[R, bool]:
    """Publish a document that was reviewed as a file; returns the row and whether it is new.

    The same content under a known number changes nothing. Another content becomes the next
    version, if the file's own number is taken; a draft that a person works on stays one.
    Raises: DocumentRefused.
    """
    document, judged = kind.check(text, references=True)
    rows = _locked(kind, judged.name)
    serving = next((row for row in reversed(rows) if row.state == DocumentState.PUBLISHED), None)
    known = serving is not None and _said_number(document) <= serving.number
    if serving is not None and known and _content(serving.body) == _content(document.value):
        return serving, False
    # A draft holds its number; the installed version takes the next one.
    number = max(_next_number(rows), _said_number(document))
    if _said_number(document) != number:
        document = yaml12.load(with_value(document, "version", number), name=kind.word)
    published = DocumentState.PUBLISHED
    row = _insert(kind, judged, document, number=number, by=by, now=now, state=published)
    _publish(kind, [*rows, row], row, by=by, now=now, action="install")
    return row, True


def may_change(kind: Kind[R], row: R, by: User) -> bool:
    """Say whether this person may edit, publish or retire this document at all."""
    try:
        _permit(kind, by, kind.check(row.text, references=False)[1])
    except MeshlineError:
        return False
    return True


def next_number(kind: Kind[R], name: str) -> int:
    """Return the number that the next version of a document will have."""
    return _next_number(list(kind.model._default_manager.filter(name=name).order_by("number")))


def _publish(
    kind: Kind[R],
    rows: list[R],
    held: R,
    *,
    by: User | None,
    now: datetime,
    action: str = "publish",
) -> None:
    before = ""
    for other in rows:
        if other.pk != held.pk and other.state == DocumentState.PUBLISHED:
            before = other.digest
            other.state = DocumentState.RETIRED
            other.save(update_fields=["state"])
    held.state = DocumentState.PUBLISHED
    held.published_at, held.published_by = now, by
    held.save(update_fields=["state", "published_at", "published_by"])
    _told(kind, action, held, by=by, now=now, before=before, after=held.digest)


def _locked(kind: Kind[R], name: str) -> list[R]:
    """Every version of a name, oldest first, locked against others who draft or publish it."""
    rows = kind.model._default_manager.select_for_update().filter(name=name)
    return list(rows.order_by("number"))


def _held_draft(kind: Kind[R], row: R) -> R:
    held = kind.model._default_manager.select_for_update().filter(pk=row.pk).first()
    if held is None or held.state != DocumentState.DRAFT:
        raise _no_longer_draft(kind, row)
    return held


def _insert(
    kind: Kind[R],
    judged: Judged,
    document: Document,
    *,
    number: int,
    by: User | None,
    now: datetime,
    state: DocumentState = DocumentState.DRAFT,
) -> R:
    row = kind.model(name=judged.name, number=number, state=state, created_by=by, created_at=now)
    _fill(row, judged, document)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(
            f"Somebody else just started version {number} of {judged.name}.",
            remedy="Load the page again and edit that draft.",
        ) from None
    return row


def _fill(row: VersionedDocument, judged: Judged, document: Document) -> None:
    row.title = judged.title
    row.text = document.text
    row.body = document.value
    row.digest = canonical.digest_of_bytes(document.text.encode())
    for name, value in judged.columns.items():
        setattr(row, name, value)


def _next_number(rows: list[R]) -> int:
    return rows[-1].number + 1 if rows else 1


def _said_number(document: Document) -> int:
    said = str(document.value.get("version", "1"))
    return int(said) if said.isdecimal() else 1


def _content(body: Mapping[str, Any]) -> str:
    return canonical.digest(body, without=["/version"])


def _no_draft(kind: Kind[R], rows: list[R]) -> None:
    draft = next((row for row in rows if row.state == DocumentState.DRAFT), None)
    if draft is not None:
        raise Conflict(
            f"There is a draft of {draft.name} already: version {draft.number}.",
            remedy="Edit that draft, or discard it first.",
        )


def _permit(kind: Kind[R], by: User | None, judged: Judged) -> None:
    if by is not None:
        check_owned(
            by,
            what=f"the {kind.word.replace('_', ' ')} {judged.name}",
            contracts=judged.contracts,
            owners=judged.owners,
            everywhere=kind.everywhere,
        )


def _no_longer_draft(kind: Kind[R], row: R) -> IllegalTransition:
    return IllegalTransition(
        f"{row} is no draft any more, so its text stays as it is.",
        remedy="Load the page again; start a new draft from the published version.",
    )


def _check_number(document: Document, judged: Judged, number: int) -> None:
    if _said_number(document) != number:
        raise _refused(
            document,
            "/version",
            f"The next version of {judged.name} is {number}, and the document says another.",
            f"version: {number}",
        )


def _refused(document: Document, path: str, message: str, line: str) -> DocumentRefused:
    finding = document.finding(path, message, f"Write {line}.")
    return DocumentRefused(message, findings=[finding], remedy=finding.remedy)


def _told(
    kind: Kind[R],
    verb: str,
    row: R,
    *,
    by: User | None,
    now: datetime,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> None:
    audit.record(
        action=f"{kind.word}.{verb}",
        actor=by or COMMAND,
        object_type=kind.word,
        object_id=row.name,
        before=before,
        after=after,
        reason=reason,
        detail={"number": row.number, "author": row.created_by.username if row.created_by else ""},
        now=now,
    )
