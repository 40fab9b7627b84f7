"""The contact matrix of a contract: roles, systems and exception routes, by day and by night."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from contracts_app.models import BusinessCalendar, Contract, Owner, OwnerRole, Ownership, Rota
from contracts_app.queries.documents import all_published, calendar_of, rota_spec_of
from contracts_app.rules.business_time import Calendar
from contracts_app.rules.contact_matrix import Hours, Line, Seat, gaps, hours_at, matrix
from contracts_app.rules.contract_spec import ContractSpec

_ROUTES = {
    "on_invalid": "An event breaks it",
    "on_missing": "An event does not come",
    "on_exhausted_retries": "Retries are used up",
}


@dataclass(frozen=True)
class ContactMatrix:
    """`calendar` names the office hours that count, "" without any; `gaps` are sentences."""

    lines: tuple[Line, ...]
    calendar: str
    hours: Hours
    gaps: tuple[str, ...]


def matrix_of(
    contract: Contract, spec: ContractSpec | None, now: datetime, *, calendars: Iterable[str] = ()
) -> ContactMatrix:
    """Return who is reached when; four queries. `calendars` are those of its own policies."""
    name, calendar = _office_hours(tuple(calendars))
    hours = hours_at(calendar, now)
    roles = _roles(contract, spec)
    seats = [*roles.values(), *(_named(spec, roles) if spec else ())]
    rotas = {row.name: rota_spec_of(row).rota for row in all_published(Rota)}
    lines = tuple(matrix(seats, rotas, hours, now))
    return ContactMatrix(lines, name, hours, tuple(gaps(lines)))


def _office_hours(preferred: tuple[str, ...]) -> tuple[str, Calendar | None]:
    """The calendar of the contract's own promise, else the first that is closed at some hour."""
    published = {row.name: row for row in all_published(BusinessCalendar)}
    order = [*(one for one in preferred if one in published), *published]
    for name in order:
        if not published[name].body.get("always"):
            return name, calendar_of(published[name])
    return "", None


def _roles(contract: Contract, spec: ContractSpec | None) -> dict[str, Seat]:
    held = {
        row.role: row
        for row in Ownership.objects.filter(contract=contract).select_related(
            "owner__person", "deputy__person"
        )
    }
    found = {}
    for role in OwnerRole:
        row, ref = held.get(role), spec.owners.get(role) if spec else None
        seat = _seat(str(role.label), row.owner) if row else Seat(str(role.label))
        if row and row.deputy:
            deputy = _seat("", row.deputy)
            seat = replace(seat, deputy=deputy.person or deputy.team, deputy_email=deputy.email)
        found[role.value] = replace(seat, rota=seat.rota or (ref.oncall if ref else ""))
    return found


def _named(spec: ContractSpec, roles: Mapping[str, Seat]) -> Iterator[Seat]:
    """The teams of its systems, and where its exceptions go."""
    producer = spec.producer
    systems = [(f"Producer, {producer.system}", producer.team)]
    systems += [(f"Consumer, {one.system}", one.team) for one in spec.consumers]
    routes = list(_targets(spec))
    names = {team for _, team in systems} | {target for _, target in routes}
    rows = Owner.objects.filter(name__in=names).select_related("person")
    owners = {row.name: row for row in rows}
    for what, team in systems:
        yield _seat(what, owners[team]) if team in owners else Seat(what, team)
    for what, target in routes:
        role = roles.get(target.removeprefix("owners."))
        if role is not None:
            yield replace(role, what=what)
        else:
            yield _seat(what, owners[target]) if target in owners else Seat(what, target)


def _targets(spec: ContractSpec) -> Iterator[tuple[str, str]]:
    for name, title in _ROUTES.items():
        route = spec.exception_route.get(name)
        target = (route.get("to") or route.get("notify")) if isinstance(route, Mapping) else None
        if target:
            yield title, str(target)


def _seat(what: str, owner: Owner) -> Seat:
    person = owner.person if owner.person and owner.person.is_active else None
    return Seat(
        what=what,
        team=owner.title,
        person=(person.get_full_name() or person.get_username()) if person else "",
        email=(person.email if person else "") or owner.email,
        rota=owner.rota,
    )
