"""What a contract's page shows of one version: document, owners, promises, who uses it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse

from contracts_app.models import ContractState, ContractVersion, SignOff, SlaPolicy
from contracts_app.queries import catalogue, documents, registry
from contracts_app.queries.catalogue import Listed
from contracts_app.queries.changes import roles_to_sign
from contracts_app.queries.contract_tests import newest_run
from contracts_app.queries.drift import drift_of
from contracts_app.queries.golive import gates_of
from contracts_app.queries.signoffs import lifetime
from contracts_app.queries.smoke import smoke_of
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.golive import gaps
from contracts_app.rules.signoff import title_of
from meshline.console import access, contract_cards, contract_downloads, tolerances
from meshline.console.addresses import tabs, with_query
from meshline.console.ui import lineage, nav
from meshline.core.errors import DocumentRefused, NotFound
from orchestration.queries import traffic
from orchestration.queries.tolerated import marks_of
from runbooks.queries import runbooks
from runbooks.services.contract_tests import permit_to_run
from runbooks.services.drift import permit_to_decide

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

TABS = ("schema", "changes", "examples", "states", "versions", "document")
ROUTES = {
    "on_invalid": "An event that breaks it",
    "on_missing": "An event that does not come",
    "on_exhausted_retries": "Retries are used up",
}


def context(
    request: ConsoleRequest, listed: Listed, number: str | None, now: datetime
) -> dict[str, Any]:
    """Return everything for the page. Raises: NotFound for a version that is not there."""
    version = _version(listed, number)
    spec, refusal = _spec(version)
    flows = traffic.flows_using(listed.name)
    handoffs = traffic.newest_handoffs(listed.name)
    signoffs = _signoffs(version, spec, now)
    policies = _policies(listed.name)
    access.veil(request.user, handoffs)
    return {
        "now": now,
        "listed": listed,
        "contract": listed.contract,
        "version": version,
        "spec": spec,
        "refusal": refusal,
        "serving": listed.serving is not None and listed.serving.version == version.version,
        "signoffs": signoffs,
        **_gates(version, spec),
        "unsigned": version.state in registry.SERVING and any(not one["row"] for one in signoffs),
        "policies": policies,
        "routes": _routes(spec),
        "runbooks": _runbooks(listed.name, spec),
        "flows": flows,
        "drift": drift_of(listed.contract),
        "may_decide": permit_to_decide(listed.name, request.user),
        "tests": newest_run(version),
        "smoke": smoke_of(listed.contract),
        **tolerances.context(listed.contract, request.user, now),
        "may_test": permit_to_run(version, request.user),
        "lineage": lineage.picture(spec, listed.producer, flows) if spec else None,
        "handoffs": handoffs,
        **_events(listed.name),
        "standards": contract_downloads.offered(version.state) if spec else [],
        "admin_url": _admin_url(request, version),
        "public_url": _public_url(version),
        **contract_cards.context(listed.contract, spec, now, policies),
        **_owners(listed, spec, now),
        **_tabbed(request, listed, version, spec),
    }


def _gates(version: ContractVersion, spec: ContractSpec | None) -> dict[str, Any]:
    """The go-live gates, those that are open, and those that are passed."""
    gates = gates_of(version, spec) if spec else ()
    passed = [gate for gate in gates if gate.passed]
    return {"gates": gates, "gates_open": gaps(gates), "gates_passed": passed}


def _events(contract: str) -> dict[str, Any]:
    """The newest events, and which of them a temporary tolerance let through."""
    events = traffic.newest_events(contract)
    return {"events": events, "tolerated": marks_of(one.pk for one in events)}


def _version(listed: Listed, number: str | None) -> ContractVersion:
    if number is None:
        shown = listed.serving or (listed.versions[0] if listed.versions else None)
        if shown is None:
            raise NotFound(f"{listed.name} has no version yet.")
        number = shown.version
    return catalogue.version_of(listed.contract, number)


def _owners(listed: Listed, spec: ContractSpec | None, now: datetime) -> dict[str, Any]:
    """The contact matrix; until a version has served, the owners that the text names."""
    named = spec is not None and not any(one.name for one in listed.owners)
    owners = catalogue.named_by(spec) if spec and named else listed.owners
    return {"owners": catalogue.with_on_call(owners, now), "owners_named": named}


def _spec(version: ContractVersion) -> tuple[ContractSpec | None, DocumentRefused | None]:
    """A draft may be half written: then its text is shown with what is wrong with it."""
    try:
        return registry.spec_of(version), None
    except DocumentRefused as refusal:
        return None, refusal


def _tabbed(
    request: ConsoleRequest,
    listed: Listed,
    version: ContractVersion,
    spec: ContractSpec | None,
) -> dict[str, Any]:
    """The card with the document: which of its sides is asked for, and that side's content."""
    counts: Mapping[str, object] = {
        "examples": len(spec.examples_valid) + len(spec.examples_invalid) if spec else "",
        "states": len(spec.states.moves) if spec and spec.states else "",
        "versions": len(listed.versions),
    }
    offered = [
        name
        for name in TABS
        if (spec or name in ("versions", "document"))
        and (name != "changes" or len(listed.versions) > 1)
        and (name != "states" or (spec is not None and spec.states is not None))
    ]
    asked = request.GET.get("tab", "")
    tab = asked if asked in offered else "schema" if spec else "document"
    address = reverse("console:contract-version", args=[listed.name, version.version])
    options = [(name, name.capitalize(), counts.get(name, "")) for name in offered]
    shown: dict[str, Any] = {"tab": tab, "tabs": tabs(address, {"tab": tab}, "tab", options)}
    if tab == "changes":
        shown |= _changes(request, listed, version, address)
    return shown


def _changes(
    request: ConsoleRequest, listed: Listed, version: ContractVersion, address: str
) -> dict[str, Any]:
    """This version's schema against another one's; by default the one before it."""
    others = [one.version for one in listed.versions if one.version != version.version]
    numbers = [one.version for one in listed.versions]
    before = numbers[numbers.index(version.version) + 1 :]
    asked = request.GET.get("from", "")
    chosen = asked if asked in others else (before or others)[0]
    old = catalogue.version_of(listed.contract, chosen)
    links = [
        {"title": one, "current": one == chosen,
         "url": with_query(address, {"tab": "changes", "from": one})}
        for one in others
    ]  # fmt: skip
    return {
        "from_version": chosen,
        "from_links": links,
        "old_schema": old.body.get("schema", {}).get("payload"),
        "new_schema": version.body.get("schema", {}).get("payload"),
    }


def _signoffs(
    version: ContractVersion, spec: ContractSpec | None, now: datetime
) -> list[dict[str, Any]]:
    """Each role that must sign, with who has; bound to the text that stands here."""
    given = {
        row.role: row
        for row in version.signoffs.select_related("signed_by").order_by("signed_at", "pk")
        if row.digest == version.digest
    }
    roles = list(roles_to_sign(version)) if spec else list(given)
    found = []
    for role in roles:
        row = given.get(role)
        word, kind = _signed(version, row, now)
        found.append({"role": role, "title": title_of(role).capitalize(), "row": row,
                      "word": word, "kind": kind})  # fmt: skip
    return found


def _signed(version: ContractVersion, row: SignOff | None, now: datetime) -> tuple[str, str]:
    if row is not None and row.verdict != "yes":
        return "Said no", "bad"
    if row is not None:
        ran_out = row.signed_at + lifetime() <= now and version.state == ContractState.IN_REVIEW
        return ("Ran out", "warn") if ran_out else ("Signed", "good")
    match version.state:
        case ContractState.DRAFT:
            return "Not asked yet", ""
        case ContractState.IN_REVIEW:
            return "Waiting", "warn"
    # It went into service without this role's signature here: it was installed from a file.
    return "No signature kept", ""


def _policies(contract: str) -> list[dict[str, Any]]:
    """The published SLA policies that promise customers something under this contract."""
    found = []
    for row in documents.all_published(SlaPolicy):
        spec = documents.policy_spec_of(row)
        if spec.contract == contract:
            found.append({"row": row, "spec": spec})
    return found


def _routes(spec: ContractSpec | None) -> list[dict[str, Any]]:
    listed = []
    for name, title in ROUTES.items():
        route = spec.exception_route.get(name) if spec else None
        if isinstance(route, dict):
            listed.append({"title": title, **route})
    return listed


def _runbooks(contract: str, spec: ContractSpec | None) -> list[dict[str, Any]]:
    """The runbooks that the contract names, then those that name the contract."""
    named = list(spec.runbooks) if spec else []
    if spec and spec.manual_fallback:
        named.append(spec.manual_fallback.runbook)
    published = {row.name: row for row in runbooks.for_contract(contract, also=named)}
    order = list(dict.fromkeys([*named, *published]))
    return [{"name": name, "version": published.get(name)} for name in order]


def _public_url(version: ContractVersion) -> str:
    """Where strangers read this version, if the setting lets them."""
    if not settings.PUBLIC_CATALOGUE or version.state not in registry.SERVING:
        return ""
    return reverse("console:public-version", args=[version.contract.name, version.version])


def _admin_url(request: ConsoleRequest, version: ContractVersion) -> str:
    user = request.user
    if not (user.is_staff and user.has_perm("contracts_app.view_contractversion")):
        return ""
    return nav.address("admin:contracts_app_contractversion_change", version.pk)
