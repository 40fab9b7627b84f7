"""Load the pilot: its people, systems, promises, contracts, runbooks, flows, sources, inventory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import InventoryFlow, Owner, Source, System
from contracts_app.queries.inventory import plan
from contracts_app.queries.people import person_with_email
from contracts_app.rules.inventory.sheet import decode, read_sheet
from contracts_app.rules.system_spec import parse_system
from contracts_app.services import owners, people, publishing, sources
from contracts_app.services.bundles import files_in
from contracts_app.services.documents import install_document
from contracts_app.services.inventory import apply_import
from contracts_app.services.promises import CALENDAR, POLICY, ROTA
from meshline.core import yaml12
from meshline.core.errors import DocumentRefused
from meshline.core.safejson import Json
from meshline.pilot.pace import scale_durations
from orchestration.rules.source_checks import UNSIGNED
from orchestration.services.flows import FLOW
from orchestration.services.sources import install_source, judge
from runbooks.services.drafts import RUNBOOK

# Share of the real time: promises of hours become seconds, so that a visitor sees them end.
PACES: Mapping[str, float | None] = {"real": None, "demo": 1 / 100, "check": 1 / 100}


@dataclass(frozen=True)
class Login:
    """An account of the demo: `password` is None where it is not the one given or just made."""

    username: str
    name: str
    role: str
    password: str | None


@dataclass(frozen=True)
class Loaded:
    """One document of the pilot, and whether loading it changed anything."""

    kind: str
    name: str
    version: str
    changed: bool


@dataclass
class Pilot:
    """What to load and with what; `made` collects signing secrets that had to be made."""

    folder: Path
    factor: float | None
    now: datetime
    secrets: Mapping[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    @transaction.atomic
    def load(self) -> list[Loaded]:
        """Load everything in the order in which one needs the other; safe to repeat.

        Unchanged documents are left alone, changed ones become a new version.
        Raises: DocumentRefused, naming the file.
        """
        self._owners()
        steps: tuple[tuple[str, Callable[[str], Loaded]], ...] = (
            ("systems", self._system),
            ("calendars", lambda text: self._document(CALENDAR, text)),
            ("rotas", lambda text: self._document(ROTA, text)),
            ("contracts", self._contract),
            ("runbooks", lambda text: self._document(RUNBOOK, text)),
            ("flows", lambda text: self._document(FLOW, text)),
            ("policies", lambda text: self._document(POLICY, text)),
            ("sources", self._source),
        )
        loaded = [one for name, load in steps for one in self._each(name, load)]
        return [*loaded, *self._inventory()]

    def accounts(self, given: Mapping[str, Json] | None = None) -> list[Login]:
        """Make the accounts of people.yaml, or those given as {username: login}.

        Without a given password a new account gets a random one; a known one keeps its own.
        """
        known = {person["username"]: person for person in self._people()["people"]}
        if given is None:
            return [self._account(p) for p in known.values() if p.get("demo_login")]
        return [self._account({**known.get(name, {}), **login}) for name, login in given.items()]

    def _account(self, person: Mapping[str, Json]) -> Login:
        username, password = person["username"], person.get("password")
        role = person.get("role") or person["roles"][0]
        user = User.objects.filter(username=username).first()
        if user is None:
            made = people.create_user(
                username=username,
                roles=[role],
                name=person["name"],
                email=person.get("email") or f"{username}@harbour.example",
                password=password,
                now=self.now,
            )
            return Login(username, person["name"], role, made.password)
        # Whoever was made before keeps what they have chosen since: then nobody else knows it.
        ours = password is not None and user.check_password(password)
        return Login(username, person["name"], role, password if ours else None)

    def _inventory(self) -> Iterator[Loaded]:
        """Fill an empty inventory; one that people have written in is theirs."""
        file = self.folder / "inventory.csv"
        if not file.exists():
            return
        empty = not InventoryFlow.objects.exists()
        if empty:
            text = decode(file.read_bytes())
            digest = plan(read_sheet(text)).digest
            apply_import(text=text, digest=digest, now=self.now)
        yield Loaded("inventory", file.name, "", empty)

    def _owners(self) -> None:
        for group in self._people()["groups"]:
            owner = Owner.objects.filter(name=group["name"]).first() or Owner(name=group["name"])
            owner.title, owner.email, owner.rota = group["title"], group["person"], group["rota"]
            # Somebody may have named another person in the administration: that stays.
            if owner.person_id is None:
                owner.person = person_with_email(group["person"])
            owners.save_owner(owner=owner, now=self.now)

    def _people(self) -> Json:
        file = self.folder / "people.yaml"
        return yaml12.load(file.read_bytes(), name=str(file)).value

    def _each(self, name: str, one: Callable[[str], Loaded]) -> Iterator[Loaded]:
        for file in files_in([self.folder / name]):
            text = file.read_text("utf-8")
            try:
                yield one(text if self.factor is None else scale_durations(text, self.factor))
            except DocumentRefused as error:
                place = file.relative_to(self.folder)
                raise DocumentRefused(
                    f"{place}: {error.message}", findings=error.findings, remedy=error.remedy
                ) from error

    def _document(self, kind: Any, text: str) -> Loaded:
        row, changed = install_document(kind, text=text, now=self.now)
        return Loaded(kind.word, row.name, str(row.number), changed)

    def _contract(self, text: str) -> Loaded:
        row, changed = publishing.install(text=text, now=self.now)
        return Loaded("contract", row.contract.name, row.version, changed)

    def _system(self, text: str) -> Loaded:
        spec = parse_system(yaml12.load(text))
        system = System.objects.filter(name=spec.name).first() or System(name=spec.name)
        system.title, system.connector = spec.title, spec.connector
        system.note = spec.note
        changed = owners.save_system(system=system, now=self.now)
        return Loaded("system", spec.name, str(spec.version), changed)

    def _source(self, text: str) -> Loaded:
        _, spec = judge(text)
        secret = self.secrets.get(spec.name)
        is_new = not Source.objects.filter(name=spec.name).exists()
        source, changed = install_source(text=text, secret=secret, now=self.now)
        if secret is None and is_new and spec.scheme not in UNSIGNED:
            self.made[spec.name] = sources.secrets_of(source, self.now)[0]
        return Loaded("source", spec.name, "", changed)
