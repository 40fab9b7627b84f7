"""What the page of a contract version shows beside its text: sign-offs, examples, difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.http import HttpRequest

from contracts_app.admin.base import change_url, person
from contracts_app.admin.documents import Line, difference
from contracts_app.models import ContractState, ContractVersion, SignOff
from contracts_app.queries import clock
from contracts_app.queries.changes import roles_to_sign
from contracts_app.queries.contract_tests import ShownRun, newest_run
from contracts_app.queries.golive import gaps_of, gates_of
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.queries.signoffs import lifetime
from contracts_app.queries.smoke import ShownSmoke, smoke_of
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.golive import Gate
from contracts_app.rules.identity import Reading, readings
from contracts_app.rules.signoff import title_of
from contracts_app.services import publishing, rights
from meshline.core.errors import MeshlineError
from meshline.core.safejson import Json


@dataclass(frozen=True)
class Seat:
    """One sign-off that a version asks for: who may give it, and what they said."""

    role: str
    title: str
    people: str
    missing: str
    mine: bool
    until: datetime | None = None
    given_by: str = ""


@dataclass(frozen=True)
class Tried:
    """One example of the contract, judged by this very text."""

    name: str
    expected: str
    sentences: tuple[str, ...]
    identifiers: tuple[Reading, ...] = ()


class ContractPage:
    """The facts of one version's page; each is worked out when the template asks for it."""

    def __init__(self, request: HttpRequest, version: ContractVersion) -> None:
        self.version = version
        self._person = person(request)

    @cached_property
    def spec(self) -> ContractSpec | None:
        """What the text says; None if an older text does not pass today's check."""
        try:
            return spec_of(self.version)
        except MeshlineError:
            return None

    @cached_property
    def may(self) -> bool:
        """Whether this person may change the contract at all."""
        if self.spec is None:
            return self._person.is_superuser
        try:
            rights.check_contract(self._person, self.spec)
        except MeshlineError:
            return False
        return True

    @property
    def is_draft(self) -> bool:
        """Whether its text may still change."""
        return self.version.state == ContractState.DRAFT

    @property
    def in_review(self) -> bool:
        """Whether its owners are asked to sign."""
        return self.version.state == ContractState.IN_REVIEW

    @property
    def serves(self) -> bool:
        """Whether it is in service."""
        return self.version.state in SERVING

    @cached_property
    def other_draft(self) -> str:
        """The address of another draft of the contract, or "" if there is none."""
        drafts = self.version.contract.versions.filter(state=ContractState.DRAFT)
        draft = drafts.exclude(pk=self.version.pk).first()
        return change_url(draft) if draft else ""

    @cached_property
    def seats(self) -> list[Seat]:
        """The sign-offs that the version asks for."""
        if self.spec is None:
            return []
        missing = {
            one.role: one.reason
            for one in publishing.missing_signoffs(self.version, now=clock.now())
        }
        rows = self.version.signoffs.filter(digest=self.version.digest)
        given = {row.role: row for row in rows.select_related("signed_by")}
        return [
            Seat(
                role=role,
                title=title_of(role),
                people=", ".join(rights.signers(self.spec, role)),
                missing=missing.get(role, ""),
                mine=role in self.mine,
                until=given[role].signed_at + lifetime() if role in given else None,
                given_by=_given_by(given[role]) if role in given else "",
            )
            for role in roles_to_sign(self.version)
        ]

    @property
    def today(self) -> date:
        """The last day on which something can have been done."""
        return clock.now().date()

    @property
    def is_last(self) -> bool:
        """Whether no other version of the contract is in service."""
        return self.serves and self.before is None

    @property
    def days(self) -> int:
        """For how many days a sign-off counts."""
        return lifetime().days

    @cached_property
    def mine(self) -> frozenset[str]:
        """The roles of the contract that this person holds."""
        return rights.signing_roles(self._person, self.spec) if self.spec else frozenset()

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """Everything that it needs to go live, and whether it is there."""
        return gates_of(self.version, self.spec) if self.spec else ()

    @cached_property
    def gaps(self) -> tuple[Gate, ...]:
        """What keeps it from going live."""
        return gaps_of(self.version, self.spec) if self.spec else ()

    @cached_property
    def not_there(self) -> list[Gate]:
        """The gaps that no evidence passes: most are mended in the text, so before it is signed."""
        return [gate for gate in self.gaps if not gate.by_evidence]

    @property
    def unsigned(self) -> list[Seat]:
        """The sign-offs that are still missing."""
        return [seat for seat in self.seats if seat.missing]

    @cached_property
    def examples(self) -> list[Tried]:
        """Every example, judged by this text."""
        if self.spec is None:
            return []
        valid = [(one, "valid") for one in self.spec.examples_valid]
        invalid = [(one, "refused") for one in self.spec.examples_invalid]
        return [
            Tried(
                example.name,
                expected,
                tuple(v.sentence for v in self.spec.violations(example.payload)),
                tuple(found_in(self.spec, example.payload)),
            )
            for example, expected in [*valid, *invalid]
        ]

    @cached_property
    def smoke(self) -> tuple[ShownSmoke, ...]:
        """The smoke tests of what is in service, with what they came to."""
        return smoke_of(self.version.contract) if self.version.state in SERVING else ()

    @cached_property
    def tests(self) -> ShownRun | None:
        """What its contract tests came to when they ran last."""
        return newest_run(self.version)

    @cached_property
    def before(self) -> ContractVersion | None:
        """The version in service that this one would follow."""
        rows = self.version.contract.versions.filter(state__in=SERVING)
        return rows.exclude(pk=self.version.pk).order_by("-published_at", "-id").first()

    @cached_property
    def difference(self) -> list[Line]:
        """The difference to the version in service."""
        return list(difference(self.before.text, self.version.text)) if self.before else []


def _given_by(row: SignOff) -> str:
    name = row.signed_by.get_full_name() or row.signed_by.get_username()
    return f"{name}, deputy of {row.stands_for}" if row.stands_for else name


def found_in(spec: ContractSpec, payload: Json) -> list[Reading]:
    """What an example is about: each identifier that it has, or has and cannot be read."""
    return [one for one in readings(spec.identity, payload) if one.canonical or one.refused]
