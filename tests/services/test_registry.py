"""What is published now: versions by range, specs, sources; and who holds which role."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User

from contracts_app.models import AuditEntry, ContractState, ContractVersion, Rota
from contracts_app.queries import audit as trails
from contracts_app.queries import clock, registry
from contracts_app.queries.oncall import on_call
from contracts_app.queries.people import roles_of
from contracts_app.queries.remembered import Remembered
from contracts_app.services import audit, people, publishing
from contracts_app.services.documents import install_document
from contracts_app.services.promises import ROTA
from contracts_app.services.roles import ensure_roles, roles
from meshline.core.errors import BadValue, Conflict, NotAllowed, NotFound
from tests.builders import PILOT
from tests.services.people import given_person

pytestmark = pytest.mark.django_db

NAME = "support.refund.requested"


def contract_text(version: str = "1.0.0", name: str = NAME) -> str:
    domain = name.partition(".")[0]
    text = (PILOT / "contracts" / domain / name / "1.0.0.yaml").read_text()
    return text.replace("version: 1.0.0", f"version: {version}", 1)


def given_version(version: str, state: str = "active") -> ContractVersion:
    row, _ = publishing.install(text=contract_text(version), now=clock.now())
    ContractVersion.objects.filter(pk=row.pk).update(state=state)
    return row


def test_published_version_is_the_newest_active_one_in_the_range() -> None:
    for number in ("1.9.0", "1.10.0", "2.0.0"):
        given_version(number)
    given_version("3.0.0", state="in_review")
    ContractVersion.objects.filter(state="deprecated").update(state="active")

    assert registry.published_version(NAME).version == "2.0.0"
    assert registry.published_version(NAME, "^1").version == "1.10.0"
    assert registry.published_version(NAME, "1.9.0").version == "1.9.0"


def test_deprecated_version_serves_only_who_is_pinned_to_it() -> None:
    given_version("1.0.0", state="deprecated")
    given_version("1.1.0")

    assert registry.published_version(NAME, "^1").version == "1.1.0"
    assert registry.published_version(NAME, "1.0.0").version == "1.0.0"


def test_unknown_contract_and_range_are_told_apart_from_retired_ones() -> None:
    given_version("1.0.0", state="retired")

    with pytest.raises(NotFound, match=NAME):
        registry.published_version(NAME)
    with pytest.raises(NotFound, match=r"in \^2"):
        registry.published_version(NAME, "^2")


def test_version_published_elsewhere_is_seen_at_once() -> None:
    given_version("1.0.0")
    assert registry.published_version(NAME).version == "1.0.0"

    given_version("1.1.0")

    assert registry.published_version(NAME).version == "1.1.0"
    assert registry.spec_of(registry.published_version(NAME)).version == "1.1.0"


def test_lookup_for_checks_finds_names_versions_and_specs() -> None:
    given_version("1.0.0")
    contracts = registry.PublishedContracts()

    assert tuple(contracts.names()) == (NAME,)
    assert tuple(contracts.versions(NAME)) == ("1.0.0",)
    found = contracts.find(NAME, "^1")
    assert found is not None
    assert found.version == "1.0.0"
    assert contracts.find(NAME, "^2") is None


def test_unknown_source_is_not_found() -> None:
    with pytest.raises(NotFound, match="nowhere"):
        registry.source_named("nowhere")


def test_memory_keeps_no_more_than_its_limit() -> None:
    memory: Remembered[int, str] = Remembered(limit=3)
    for number in range(10):
        memory.get(number, lambda: "made")

    assert len(memory) == 3
    assert memory.get(9, lambda: "made again") == "made"
    assert memory.get(0, lambda: "made again") == "made again"


def test_person_on_call_is_found_by_the_rotas_turn() -> None:
    text = (PILOT / "rotas" / "support-primary.yaml").read_text()
    now = clock.now()
    install_document(ROTA, text=text, now=now)

    first, second = on_call("support-primary", now), on_call("support-primary", now + timedelta(7))

    assert first is not None
    assert second is not None
    assert {first.name, second.name} == {"Lena Moritz", "Tomás Oliveira"}
    assert on_call("no-such-rota", now) is None
    assert Rota.objects.get().published_at == now


def test_audit_trail_is_read_page_by_page_and_never_counted(
    django_assert_num_queries: object,
) -> None:
    now = clock.now()
    for number in range(7):
        audit.record(
            action="handoff.claim",
            actor="nadia",
            object_type="handoff",
            object_id=number,
            ticket="desk:1",
            contract=NAME,
            now=now + timedelta(seconds=number),
        )
    audit.record(action="x", actor="else", object_type="handoff", object_id=9, ticket="desk:2")

    first = trails.trail(ticket="desk:1", limit=5)
    second = trails.trail(ticket="desk:1", limit=5, before=first.older)

    assert [e.object_id for e in first.entries] == ["6", "5", "4", "3", "2"]
    assert [e.object_id for e in second.entries] == ["1", "0"]
    assert second.older is None


def test_audit_trail_is_filtered_by_every_reference_and_by_time() -> None:
    now = clock.now()
    for action, actor, contract in [("flow.replay", "nadia", "a.b"), ("run.fail", "engine", "c.d")]:
        audit.record(
            action=action, actor=actor, object_type="run", object_id=1, contract=contract, now=now
        )

    def actions(**filters: object) -> list[str]:
        return [entry.action for entry in trails.trail(**filters).entries]  # type: ignore[arg-type]

    assert actions(actor="nadia") == ["flow.replay"]
    assert actions(contract="c.d") == ["run.fail"]
    assert actions(action="flow.*") == ["flow.replay"]
    assert actions(contracts=["a.b", "x.y"]) == ["flow.replay"]
    assert actions(since=now + timedelta(seconds=1)) == []
    assert len(actions(since=now, until=now + timedelta(seconds=1), object_type="run")) == 2


def test_every_role_is_a_group_with_exactly_its_permissions() -> None:
    ensure_roles()

    assert set(Group.objects.values_list("name", flat=True)) == set(roles())
    for slug, role in roles().items():
        rows = Group.objects.get(name=slug).permissions.select_related("content_type")
        held = {f"{row.content_type.app_label}.{row.codename}" for row in rows}
        assert held == role.permissions, slug


def test_only_administrators_may_write_accounts_and_keys() -> None:
    for slug, role in roles().items():
        writes = {p for p in role.permissions if ".view_" not in p}
        assert ("auth.change_user" in writes) == (slug == "admin")
        assert ("contracts_app.add_apikey" in writes) == (slug == "admin")
        assert not {p for p in writes if "auditentry" in p}


def test_new_account_gets_role_staff_flag_and_a_password_that_works() -> None:
    made = people.create_user(username="nora", roles=["contract_owner"], now=clock.now())

    assert made.user.check_password(made.password)
    assert made.user.is_staff
    assert roles_of(made.user) == {"contract_owner"}
    entry = AuditEntry.objects.get(action="user.create")
    assert entry.object_id == "nora"
    assert made.password not in str(entry.__dict__)


@pytest.mark.parametrize(
    ("username", "role", "password", "error"),
    [
        ("ok", "emperor", None, BadValue),
        ("ok", "manager", "short", BadValue),
        ("not ok!", "manager", None, BadValue),
        ("taken", "manager", None, Conflict),
    ],
)
def test_account_with_a_bad_role_password_or_name_is_refused(
    username: str, role: str, password: str | None, error: type[Exception]
) -> None:
    people.create_user(username="taken", roles=["manager"], now=clock.now())

    with pytest.raises(error):
        people.create_user(username=username, roles=[role], password=password, now=clock.now())
    assert User.objects.count() == 1


def test_nobody_changes_their_own_roles_but_another_administrator_does() -> None:
    boss, other = given_person("admin", username="boss"), given_person("admin", username="other")

    with pytest.raises(NotAllowed):
        people.set_roles(user=boss, roles=["admin", "runtime_owner"], by=boss, now=clock.now())
    people.set_roles(user=boss, roles=["runtime_owner"], by=other, now=clock.now())

    assert roles_of(boss) == {"runtime_owner"}
    entry = AuditEntry.objects.get(action="user.roles")
    assert entry.detail == {"before": ["admin"], "after": ["runtime_owner"]}


def test_closed_account_holds_no_role_at_once() -> None:
    boss, agent = given_person("admin", username="boss"), given_person("support_agent")

    people.set_active(user=agent, active=False, by=boss, now=clock.now())

    agent.refresh_from_db()
    assert roles_of(agent) == frozenset()
    with pytest.raises(NotAllowed):
        people.set_active(user=boss, active=False, by=boss, now=clock.now())


def test_newer_version_deprecates_the_older_of_the_same_major_only() -> None:
    for number in ("1.0.0", "2.0.0", "1.1.0"):
        given_version(number)

    states = dict(ContractVersion.objects.values_list("version", "state"))
    assert states == {
        "1.0.0": ContractState.DEPRECATED,
        "2.0.0": ContractState.ACTIVE,
        "1.1.0": ContractState.ACTIVE,
    }
