"""Contract versions on their way to service: propose, sign off, publish, install."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import (
    Contract,
    ContractState,
    ContractVersion,
    Occasion,
    Owner,
    Ownership,
    SignOff,
)
from contracts_app.queries import contract_tests as tested
from contracts_app.queries.changes import change_of, roles_to_sign
from contracts_app.queries.golive import gaps_of
from contracts_app.queries.people import person_with_email
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.queries.signoffs import lifetime
from contracts_app.rules.contract_change import ContractChange
from contracts_app.rules.contract_spec import NOT_SIGNED, ContractSpec
from contracts_app.rules.signoff import Missing, Signature, missing, title_of
from contracts_app.rules.versions import bump, parse_version
from contracts_app.services import asking, contract_tests
from contracts_app.services.drafts import fill, held_in, judge, save, told
from contracts_app.services.rewriting import with_value
from contracts_app.services.rights import (
    check_contract,
    signers,
    signing_roles,
    signs_for,
)
from meshline.core import canonical
from meshline.core.errors import Conflict, DocumentRefused, NotAllowed
from meshline.core.yaml12 import Document


@transaction.atomic
def propose(*, version: ContractVersion, by: User | None = None, now: datetime) -> ContractVersion:
    """Freeze a draft, run its tests, and ask its owners to sign.

    Raises: DocumentRefused, also if its number is lower than the change asks for; NotAllowed;
    IllegalTransition.
    """
    held = held_in(version, ContractState.DRAFT)
    document, spec = judge(held.text, of=held.contract)
    if by is not None:
        check_contract(by, spec)
    _check_higher(held.contract, document, spec)
    _check_step(document, spec, change_of(spec))
    proposed = _move(held, ContractState.IN_REVIEW, "contract.propose", by=by, now=now)
    asking.ask(version=proposed, spec=spec, now=now)
    contract_tests.run_tests(version=proposed, occasion=Occasion.REVIEW, by=by, now=now)
    return proposed


@transaction.atomic
def withdraw(*, version: ContractVersion, by: User | None = None, now: datetime) -> ContractVersion:
    """Make a proposed version a draft again, to be edited.

    Raises: NotAllowed; Conflict if there is another draft; IllegalTransition.
    """
    held = held_in(version, ContractState.IN_REVIEW)
    if by is not None:
        check_contract(by, spec_of(held))
    if held.contract.versions.filter(state=ContractState.DRAFT).exists():
        raise Conflict(
            f"There is another draft of {held.contract.name}.", remedy="Discard that one first."
        )
    return _move(held, ContractState.DRAFT, "contract.withdraw", by=by, now=now)


@transaction.atomic
def sign_off(
    *,
    version: ContractVersion,
    role: str,
    verdict: bool = True,
    note: str = "",
    by: User,
    now: datetime,
) -> SignOff:
    """Give an owner's yes or no to exactly this text; the last one of a role counts.

    Raises: NotAllowed if `by` does not hold the role (nobody stands in); IllegalTransition.
    """
    held = held_in(version, ContractState.IN_REVIEW)
    spec = spec_of(held)
    if role not in roles_to_sign(held):
        raise NotAllowed(f"{held} asks for no sign-off by the {title_of(role)}.")
    if role not in signing_roles(by, spec):
        raise NotAllowed(
            f"You are not the {title_of(role)} of {held.contract.name}.",
            remedy="Only that owner signs, or a deputy while the deputation runs.",
        )
    stands_for = signs_for(by, spec, role)
    _check_one_seat(held, role, stands_for=stands_for, by=by)
    given, _ = SignOff.objects.update_or_create(
        version=held,
        role=role,
        digest=held.digest,
        defaults={
            "verdict": "yes" if verdict else "no",
            "signed_by": by,
            "signed_at": now,
            "note": note[:500],
            "stands_for": stands_for,
        },
    )
    told(
        "contract.sign",
        held,
        by=by,
        now=now,
        after=held.digest,
        reason=note,
        detail={"role": role, "verdict": given.verdict}
        | ({"stands_for": stands_for} if stands_for else {}),
    )
    return given


def missing_signoffs(version: ContractVersion, *, now: datetime) -> list[Missing]:
    """Return which sign-offs still keep a version from being published, and why."""
    given = version.signoffs.select_related("signed_by").order_by("signed_at", "id")
    roles, digest = roles_to_sign(version), spec_of(version).digest
    return missing(roles, [_signature(one) for one in given], digest=digest, now=now)


def publish(*, version: ContractVersion, by: User | None = None, now: datetime) -> ContractVersion:
    """Put a signed version into service; the one before it in the same major is deprecated.

    It is compared again with what is in service now, and tested again: another version may have
    been published since it was proposed. What the tests came to is kept, even if it is refused.
    Raises: NotAllowed while a sign-off or a go-live gate is missing or a test fails, naming every
    one; DocumentRefused, also if its number is lower than the change asks for; Conflict;
    IllegalTransition.
    """
    if version.state == ContractState.IN_REVIEW:
        if by is not None:
            check_contract(by, spec_of(version))
        contract_tests.run_tests(version=version, occasion=Occasion.PUBLISH, by=by, now=now)
    return _publish(version, by=by, now=now)


@transaction.atomic
def _publish(version: ContractVersion, *, by: User | None, now: datetime) -> ContractVersion:
    held = held_in(version, ContractState.IN_REVIEW)
    document, spec = judge(held.text, of=held.contract)
    if by is not None:
        check_contract(by, spec)
    _check_higher(held.contract, document, spec)
    _check_step(document, spec, change_of(spec))
    unsigned = missing_signoffs(held, now=now)
    if unsigned:
        raise NotAllowed(
            f"{held} is not signed by all: {' '.join(_told(one, spec) for one in unsigned)}",
            remedy="Each owner signs, or a deputy while the deputation runs.",
        )
    _check_owners(document, spec)
    _check_tests(held)
    _check_gates(held, spec)
    return _serve(held, spec, by=by, now=now, action="contract.publish")


@transaction.atomic
def install(*, text: str, by: User | None = None, now: datetime) -> tuple[ContractVersion, bool]:
    """Publish a contract that was reviewed as a file; returns the version and whether it is new.

    Its owners signed where the file was reviewed. The same content changes nothing; a changed
    text under a known number becomes the next patch version.
    Raises: DocumentRefused.
    """
    document, spec = judge(text)
    contract, _ = Contract.objects.get_or_create(name=spec.name)
    Contract.objects.select_for_update().get(pk=contract.pk)
    known = {row.version: row for row in contract.versions.all()}
    if spec.version in known:
        served = [row for row in known.values() if row.state in SERVING]
        same = [row for row in served if _content(row.body) == _content(document.value)]
        if same:
            return max(same, key=lambda row: parse_version(row.version)), False
        highest = max(parse_version(number) for number in known).text
        document, spec = judge(with_value(document, "version", bump(highest, "patch")))
    # Created in review: a draft on which a person works keeps its place.
    version = ContractVersion(
        contract=contract, created_by=by, created_at=now, state=ContractState.IN_REVIEW
    )
    fill(version, document, spec)
    save(version)
    row = _serve(version, spec, by=by, now=now, action="contract.install")
    # Once everything that came with it is in place; what fails is shown and holds nothing back.
    run = partial(contract_tests.run_tests, occasion=Occasion.INSTALL, by=by, now=now)
    transaction.on_commit(lambda: run(version=row), robust=True)
    return row, True


def owner_of(group: str, *, person: str = "", rota: str = "") -> Owner:
    """Return the owner row of a group that a document names, made if it is not there yet."""
    owner, made = Owner.objects.get_or_create(
        name=group,
        defaults={
            "title": group.replace("-", " ").capitalize(),
            "email": person,
            "person": person_with_email(person),
            "rota": rota,
        },
    )
    if not made and owner.person is None and person:
        owner.person = person_with_email(person)
        owner.save(update_fields=["person"])
    return owner


def _serve(
    held: ContractVersion, spec: ContractSpec, *, by: User | None, now: datetime, action: str
) -> ContractVersion:
    major = parse_version(held.version).numbers[0]
    before = ""
    for other in held.contract.versions.filter(state=ContractState.ACTIVE).exclude(pk=held.pk):
        if parse_version(other.version).numbers[0] == major:
            before = other.digest
            other.deprecated_at = now
            other.save(update_fields=["deprecated_at"])
            _move(other, ContractState.DEPRECATED, "contract.deprecate", by=by, now=now)
    held.published_at, held.published_by = now, by
    held.save(update_fields=["published_at", "published_by"])
    _describe(held.contract, spec)
    served = _move(held, ContractState.ACTIVE, action, by=by, now=now, before=before)
    for other in held.contract.versions.filter(state=ContractState.IN_REVIEW):
        # What it is compared with has changed, and so may whom it touches.
        asking.ask(version=other, spec=spec_of(other), now=now)
    return served


def _describe(contract: Contract, spec: ContractSpec) -> None:
    """Let the contract's own row and the contact matrix say what the version in service says."""
    contract.title = spec.title
    contract.domain = spec.domain
    contract.risk = spec.risk.risk_class
    contract.producer = spec.producer.system
    contract.save()
    for role, ref in spec.owners.items():
        group = ref.group or ref.person.partition("@")[0].replace(".", "-")
        owner = owner_of(group, person=ref.person, rota=ref.oncall)
        deputy = Owner.objects.filter(email__iexact=ref.deputy).first() if ref.deputy else None
        changes = {"owner": owner, **({"deputy": deputy} if deputy else {})}
        Ownership.objects.update_or_create(contract=contract, role=role, defaults=changes)


def _check_owners(document: Document, spec: ContractSpec) -> None:
    known = set(Owner.objects.values_list("name", flat=True))
    findings = [
        document.finding(
            f"/owners/{role}/group",
            f"There is no owner {ref.group}.",
            "Choose one that is listed under Owners, or have it added there.",
        )
        for role, ref in spec.owners.items()
        if ref.group and ref.group not in known
    ]
    if findings:
        raise DocumentRefused(str(findings[0]), findings=findings, remedy=findings[0].remedy)


def _check_tests(version: ContractVersion) -> None:
    """Nothing goes live that fails a test of its own."""
    failing = tested.failing(version)
    if failing:
        count = "1 contract test fails" if len(failing) == 1 else f"{len(failing)} tests fail"
        raise NotAllowed(
            f"{version} cannot go live: {count}: {', '.join(failing)}.",
            remedy="Its page lists every test with what came of it. Take it back, mend the text.",
        )


def _check_gates(version: ContractVersion, spec: ContractSpec) -> None:
    """Nothing goes live with a gap that the version in service does not have."""
    missing = gaps_of(version, spec)
    if missing:
        count = "1 gate" if len(missing) == 1 else f"{len(missing)} gates"
        raise NotAllowed(
            f"{version} cannot go live: {count} open. {' '.join(map(str, missing))}",
            remedy="Its page lists every gate, what is missing and who can mend it.",
        )


def _check_higher(contract: Contract, document: Document, spec: ContractSpec) -> None:
    mine = parse_version(spec.version)
    published = contract.versions.exclude(
        state__in=[ContractState.DRAFT, ContractState.IN_REVIEW]
    ).values_list("version", flat=True)
    same_major = [
        version
        for version in map(parse_version, published)
        if version.numbers[0] == mine.numbers[0]
    ]
    if same_major and mine <= max(same_major):
        message = f"Version {mine} is not higher than {max(same_major)}, which was published."
        remedy = f"Write version: {bump(max(same_major).text, 'minor')} or higher."
        finding = document.finding("/version", message, remedy)
        raise DocumentRefused(message, findings=[finding], remedy=remedy)


def _check_step(document: Document, spec: ContractSpec, change: ContractChange) -> None:
    """Refuse a number that promises less than there is, and a doubt that the contract blocks."""
    if change.doubt is not None and not change.doubt.publishable:
        message = (
            f"Whether this text breaks {_against(change)} is not known. "
            + change.doubt.sentence(change.least_version)
        )
        finding = document.finding("/compatibility", message, change.doubt.remedy)
        raise DocumentRefused(message, findings=[finding], remedy=finding.remedy)
    if change.allows(spec.version):
        return
    words = {"breaking": "breaks", "unknown": "may break", "compatible": "changes"}
    against = f" {_against(change)}" if change.deciding else ""
    hurt = ", ".join(one.system for one in change.hurt)
    message = (
        f"This text {words[change.verdict]}{against}"
        + (f" and would hurt {hurt}" if hurt else "")
        + f": version {spec.version} promises too little."
    )
    remedy = f"Write version: {change.least_version} or higher, or take the change back."
    finding = document.finding("/version", message, remedy)
    raise DocumentRefused(message, findings=[finding], remedy=remedy)


def _against(change: ContractChange) -> str:
    return change.deciding.version if change.deciding else "what is in service"


def _move(
    held: ContractVersion,
    to: ContractState,
    action: str,
    *,
    by: User | None,
    now: datetime,
    before: str = "",
    reason: str = "",
) -> ContractVersion:
    held.state = to
    held.save(update_fields=["state"])
    told(action, held, by=by, now=now, before=before, after=held.digest, reason=reason)
    return held


def _told(one: Missing, spec: ContractSpec) -> str:
    """What is missing, and who can give it."""
    names = " or ".join(signers(spec, one.role)) or "Nobody who is named for it"
    return f"{one} {names} can give it{' again' if one.ran_out_at else ''}."


def _check_one_seat(version: ContractVersion, role: str, *, stands_for: str, by: User) -> None:
    """Keep a deputation from making one person two of those who sign."""
    others = version.signoffs.filter(digest=version.digest, signed_by=by).exclude(role=role)
    if not stands_for:
        others = others.exclude(stands_for="")
    other = others.first()
    if other is not None:
        raise NotAllowed(
            f"You have signed {version} as the {title_of(other.role)} already, and a deputy does "
            "not sign twice.",
            remedy="Let the owner sign, or another deputy.",
        )


def _signature(given: SignOff) -> Signature:
    return Signature(
        given.role,
        given.signed_by.get_username(),
        given.digest,
        given.verdict == "yes",
        given.signed_at + lifetime(),
    )


def _content(body: object) -> str:
    return canonical.digest(body, without=[*NOT_SIGNED, "/version", "/lifecycle/supersedes"])
