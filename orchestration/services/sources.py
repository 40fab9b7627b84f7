"""Sources by their documents: check the text, then store it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from ruamel.yaml import YAML

from contracts_app.models import Source
from contracts_app.queries.registry import PublishedContracts
from contracts_app.services import sources
from contracts_app.services.sources import SourceText
from meshline.core import yaml12
from meshline.core.errors import BadValue, DocumentRefused, NotFound
from orchestration.rules.source_checks import UNSIGNED
from orchestration.rules.source_spec import SourceSpec, default_source, parse_source


def judge(text: str, *, references: bool = True) -> tuple[SourceText, SourceSpec]:
    """Read and check a source document, with `references` against the contracts published now.

    Raises: DocumentRefused with every finding.
    """
    document = yaml12.load(text, name="source")
    spec = parse_source(document, contracts=PublishedContracts() if references else None)
    return SourceText(text, document.value), spec


@transaction.atomic
def save_source(
    *, text: str, source: Source | None = None, by: User | None = None, now: datetime
) -> Source:
    """Store a checked document: a new source, or the text of a known one.

    A new source gets a signing secret if its scheme has one; set it with `sources.add_secret`.
    Raises: DocumentRefused, also if the text names another source; Conflict if the name is taken.
    """
    document, spec = judge(text)
    if source is None:
        row, _ = sources.create_source(
            slug=spec.name,
            title=spec.title,
            scheme=spec.scheme,
            on_violation=spec.on_violation,
            document=document,
            by=by,
            now=now,
        )
        return row
    if spec.name != source.name:
        found = yaml12.load(text).finding(
            "/name", f"This is the source {source.name}.", f"Write name: {source.name}."
        )
        raise DocumentRefused(found.message, findings=[found], remedy=found.remedy)
    return sources.change_source(
        source=source,
        title=spec.title,
        scheme=spec.scheme,
        on_violation=spec.on_violation,
        document=document,
        by=by,
        now=now,
    )


@transaction.atomic
def install_source(
    *, text: str, secret: str | None = None, by: User | None = None, now: datetime
) -> tuple[Source, bool]:
    """Store a source from a reviewed file; returns the row and whether anything changed.

    `secret` becomes its live signing secret, if it is not one already; without one a new source
    gets a random secret. Raises: DocumentRefused.
    """
    document, spec = judge(text)
    known = Source.objects.filter(name=spec.name).first()
    if known is None:
        row, _ = sources.create_source(
            slug=spec.name,
            title=spec.title,
            scheme=spec.scheme,
            on_violation=spec.on_violation,
            document=document,
            secret=secret,
            by=by,
            now=now,
        )
        return row, True
    changed = known.digest != document.digest
    if changed:
        known = save_source(text=text, source=known, by=by, now=now)
    signed = secret is not None and spec.scheme not in UNSIGNED
    if secret is not None and signed and secret not in sources.secrets_of(known, now):
        sources.replace_secrets(source=known, secret=secret, by=by, now=now)
        changed = True
    return known, changed


def default_text(slug: str, *, scheme: str, contracts: Sequence[str], on_violation: str) -> str:
    """Return the text of a source whose senders speak the contracts' own words.

    Raises: NotFound for a contract without a published version; BadValue without any contract.
    """
    if not contracts:
        raise BadValue("A source needs a contract.", remedy="Name one with --contract.")
    lookup = PublishedContracts()
    for name in contracts:
        if not tuple(lookup.versions(name)):
            raise NotFound(
                f"There is no published contract {name}.",
                remedy=f"There is {', '.join(lookup.names()) or 'none yet'}.",
            )
    document = default_source(slug, scheme=scheme, contracts=contracts, on_violation=on_violation)
    writer = YAML(pure=True)
    writer.width = 200
    stream = io.StringIO()
    writer.dump(document, stream)
    return stream.getvalue()
