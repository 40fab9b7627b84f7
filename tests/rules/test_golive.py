"""Each go-live gate, passed and not, from the text of a contract and the facts around it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from contracts_app.rules.golive import Answering, Evidence, GateFacts, gaps, gates
from tests.rules.standard_contracts import contract

WHOLE: dict[str, Any] = {
    "producer": {"system": "shop", "channel": {"type": "webhook", "source": "shop"}},
    "consumers": [{"system": "bi", "team": "analytics", "status": "live"}],
    "owners": {role: {"group": role} for role in ("contract", "runtime", "product")},
    "sla": {"ack_within": "PT15M"},
    "slo": [{"name": "in_time", "sli": "latency", "threshold": "PT5S", "target": 0.99}],
    "exception_route": {"on_invalid": {"action": "quarantine", "runbook": "held"}},
    "manual_fallback": {"runbook": "by-hand", "executable": True},
    "runbooks": ["held", "by-hand"],
}
DONE = Evidence("Tried on the stage.", "Lena", date(2026, 11, 2))
FACTS: dict[str, Any] = {
    "owners": {
        "contract": Answering("Shop", "Lena"),
        "runtime": Answering("Platform", "Jonas", "platform-primary"),
        "product": Answering("Product", "Edda"),
    },
    "systems": frozenset(["shop", "bi"]),
    "runbooks": frozenset(["held", "by-hand"]),
    "audited": True,
    "evidence": {"rollback": DONE, "outcome": DONE},
}


def left(changed: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    found = gates(contract(**(WHOLE | changed)), GateFacts(**(FACTS | facts)))
    return [gate.id for gate in found if not gate.passed]


def test_whole_contract_passes_every_gate() -> None:
    assert left({}, {}) == []


OWNERS = FACTS["owners"]
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "no person": ({}, {"owners": OWNERS | {"product": Answering("Product")}}, ["owners"]),
    "nobody at all": ({}, {"owners": {}}, ["owners", "fallback_owner"]),
    "a deputy instead of a rota":
        ({}, {"owners": OWNERS | {"runtime": Answering("P", "Jonas", "", "Li")}}, ["owners"]),
    "an unknown consumer": ({}, {"systems": frozenset(["shop"])}, ["systems"]),
    "no consumer": ({"consumers": []}, {}, ["systems"]),
    "one that is to come":
        ({"consumers": [WHOLE["consumers"][0] | {"status": "planned"}]}, {}, []),
    "one that leaves":
        ({"consumers": [WHOLE["consumers"][0] | {"status": "leaving"}]}, {}, ["systems"]),
    "no route": ({"exception_route": {}}, {}, ["exception_route"]),
    "a route to no runbook": ({}, {"runbooks": frozenset(["by-hand"])}, ["exception_route"]),
    "no fallback runbook": ({}, {"runbooks": frozenset(["held"])}, ["fallback"]),
    "a fallback on paper": ({"manual_fallback": {"runbook": "by-hand"}}, {}, ["fallback"]),
    "a consumer in doubt": ({}, {"doubted": ("bi",)}, ["consumers"]),
    "no objective": ({"slo": []}, {}, ["reporting"]),
    "no service level": ({"sla": {}}, {}, ["reporting"]),
    "a policy instead": ({"sla": {}}, {"promised": True}, []),
    "no trigger": ({"producer": {"system": "shop"}}, {}, ["trigger"]),
    "a flow instead": ({"producer": {"system": "shop"}}, {"flows": ("refund",)}, []),
    "a source instead": ({"producer": {"system": "shop"}}, {"sources": ("shop",)}, []),
    "a source that is switched off": ({}, {"sources_off": ("shop",)}, ["trigger"]),
    "one of two is on": ({}, {"sources": ("shop",), "sources_off": ("old",)}, []),
    "in service without a source": ({}, {"served": True, "flows": ("refund",)}, ["trigger"]),
    "in service with one": ({}, {"served": True, "sources": ("shop",)}, []),
    "no review": ({"signoff": {"required": ["contract"]}}, {}, ["review"]),
    "no trail": ({}, {"audited": False}, ["audit"]),
    "no evidence": ({}, {"evidence": {}}, ["rollback", "outcome"]),
    "its own list": (
        {"golive": [{"id": "signoffs", "auto": True}, {"id": "shadow_run_days", "min": 7}]},
        {}, ["own:shadow_run_days"],
    ),
    "its own list, with evidence": (
        {"golive": [{"id": "shadow_run_days", "min": 7}]},
        {"evidence": FACTS["evidence"] | {"own:shadow_run_days": DONE}}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_gates_that_stay_open(case: tuple[dict[str, Any], dict[str, Any], list[str]]) -> None:
    changed, facts, expected = case

    assert left(changed, facts) == expected


def test_every_gap_says_what_to_do_and_who_does_it() -> None:
    found = gates(contract(), GateFacts(owners=OWNERS))

    for gate in found:
        assert gate.passed or "can do it." in gate.remedy, gate
    told = {gate.id: str(gate) for gate in found}
    assert "The runtime owner, Jonas, can do it." in told["fallback"]


def test_gap_that_is_known_keeps_nothing_back() -> None:
    before = gates(contract(**WHOLE | {"slo": []}), GateFacts(**FACTS))
    after = gates(contract(**WHOLE | {"slo": [], "sla": {}, "exception_route": {}}),
                  GateFacts(**FACTS))  # fmt: skip

    assert [gate.id for gate in gaps(after, known=before)] == ["exception_route"]
