"""The inventory as its pages list it, and how far each flow's contract is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from contracts_app.models import ContractState, ContractVersion, InventoryFlow, Owner, System
from contracts_app.queries.registry import SERVING
from contracts_app.rules.contract_shape import RISK_CLASSES
from contracts_app.rules.inventory.entry import FlowEntry
from contracts_app.rules.inventory.import_plan import ImportPlan, plan_import
from contracts_app.rules.inventory.next_step import Agreed
from contracts_app.rules.inventory.sheet import Sheet
from contracts_app.rules.versions import bump, parse_version
from meshline.core.errors import BadValue, NotFound

OPEN = "open"  # the risk of a flow whose questionnaire is not answered, and no owner, as filters
SORTS = ("name", "risk", "owner", "changed")
_SEARCHED = ("name", "title", "producer", "consumers", "owner", "manual_fallback", "notes")


@dataclass(frozen=True)
class Wanted:
    """Which flows: what is searched, and the filters that are set; an empty one is any."""

    q: str = ""
    risk: str = ""
    kind: str = ""
    owner: str = ""
    contract: str = ""  # none, coming or serving
    sort: str = "name"


def flows(wanted: Wanted) -> QuerySet[InventoryFlow]:
    """Return the flows that fit, in their order."""
    found = InventoryFlow.objects.all()
    for word in wanted.q.split()[:5]:
        said = Q()
        for column in _SEARCHED:
            said |= Q(**{f"{column}__icontains": word})
        found = found.filter(said)
    if wanted.risk:
        found = found.filter(risk="" if wanted.risk == OPEN else wanted.risk)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.owner:
        found = found.filter(owner="" if wanted.owner == OPEN else wanted.owner)
    return _ordered(_by_contract(found, wanted.contract), wanted.sort)


def flow_named(name: str) -> InventoryFlow:
    """Return one flow. Raises: NotFound."""
    found = InventoryFlow.objects.filter(name=name).first()
    if found is None:
        raise NotFound(f"The inventory has no flow {name}.")
    return found


def flow_of_contract(name: str) -> InventoryFlow | None:
    """Return the flow that a contract came from: the one of its name, if it was written down."""
    return InventoryFlow.objects.filter(name=name).first()


def entries() -> list[FlowEntry]:
    """Return every flow, for the file and the pilot's proposal."""
    return [flow.entry for flow in InventoryFlow.objects.all()]


def plan(sheet: Sheet, *, lock: bool = False) -> ImportPlan:
    """Return what a file would do to the inventory now; `lock` keeps its rows as they are."""
    named = InventoryFlow.objects.filter(name__in=[row.cells["name"] for row in sheet.rows])
    rows = named.order_by("name").select_for_update() if lock else named
    return plan_import(sheet, {flow.name: flow.entry for flow in rows})


def missing_from(sheet: Sheet, *, limit: int) -> tuple[list[InventoryFlow], int]:
    """Return the first flows of the inventory that a file does not name, and how many there are.

    An import never removes: whether one of them is gone in truth, a person decides.
    """
    rows = InventoryFlow.objects.exclude(name__in=sheet.named).order_by("name")
    shown = list(rows.only("name", "title", "owner", "updated_at")[: limit + 1])
    return shown[:limit], len(shown) if len(shown) <= limit else rows.count()


def agreed(names: Iterable[str]) -> Mapping[str, Agreed]:
    """Return how far the contracts of these names are; a name without a contract is left out."""
    rows = ContractVersion.objects.filter(contract__name__in=list(names)).order_by()
    found: dict[str, dict[str, str]] = {}
    for name, version, state in rows.values_list("contract__name", "version", "state"):
        states = found.setdefault(name, {})
        states[state] = max(states.get(state, version), version, key=_rank)
    return {name: _agreed(states) for name, states in found.items()}


def next_number(name: str) -> str:
    """Return the number that a contract's next draft takes: the first one, or above all others."""
    rows = ContractVersion.objects.filter(contract__name=name)
    taken = [parse_version(number) for number in rows.values_list("version", flat=True)]
    return bump(max(taken).text, "minor") if taken else "1.0.0"


def owners() -> list[str]:
    """Return the owners that flows name, for the filter."""
    named = InventoryFlow.objects.exclude(owner="").order_by("owner")
    return list(named.values_list("owner", flat=True).distinct())


def known_names() -> tuple[list[str], list[str]]:
    """Return the owners and the systems that the registry knows, to choose from."""
    return (
        list(Owner.objects.order_by("name").values_list("name", flat=True)),
        list(System.objects.order_by("name").values_list("name", flat=True)),
    )


def _by_contract(found: QuerySet[InventoryFlow], state: str) -> QuerySet[InventoryFlow]:
    versions = ContractVersion.objects.filter(contract__name=OuterRef("name"))
    serves = Exists(versions.filter(state__in=SERVING))
    coming = Exists(versions.filter(state__in=[ContractState.DRAFT, ContractState.IN_REVIEW]))
    match state:
        case "serving":
            return found.filter(serves)
        case "coming":
            return found.filter(coming & ~serves)
        case "none":
            return found.filter(~Exists(versions))
    return found


def _ordered(found: QuerySet[InventoryFlow], sort: str) -> QuerySet[InventoryFlow]:
    match sort:
        case "risk":
            ranks = [When(risk=risk, then=Value(at)) for at, risk in enumerate(RISK_CLASSES)]
            last = Value(len(ranks))
            return found.order_by(Case(*ranks, default=last, output_field=IntegerField()), "name")
        case "owner":
            return found.order_by("owner", "name")
        case "changed":
            return found.order_by("-updated_at", "name")
    return found.order_by("name")


def _agreed(states: Mapping[str, str]) -> Agreed:
    serving = next((state for state in SERVING if state in states), "")
    coming = next(
        (one for one in (ContractState.IN_REVIEW, ContractState.DRAFT) if one in states), ""
    )
    if not serving and not coming and ContractState.RETIRED in states:
        coming = ContractState.RETIRED
    return Agreed(states.get(serving, ""), str(serving), states.get(coming, ""), str(coming))


def _rank(version: str) -> tuple[int, int, int]:
    try:
        return parse_version(version).numbers
    except BadValue:
        return (0, 0, 0)
