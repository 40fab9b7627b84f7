"""can-i-deploy: failed, unverified and nobody there are three answers."""

from __future__ import annotations

import pytest

from contracts_app.rules.deployability import Part, Results, may_deploy

PART = Part("billing.refund", "billing", {"desk": "^1"}, ("2.0.0", "1.2.0", "1.1.0"))
P, D = "billing", "desk"


def results(*told: tuple[str, str, str, bool]) -> Results:
    """Results as (contract version, system, system's version, passed)."""
    return {(PART.contract, one[0], one[1], one[2]): one[3] for one in told}


KEEPS = ("1.2.0", P, "5", True)
TAKES = ("1.2.0", D, "7", True)


@pytest.mark.parametrize(
    ("system", "version", "told", "deployed", "verdict", "state"),
    [
        # A first deployment is not blocked by who is not there; its own proof is still asked for.
        (P, "5", [KEEPS], {}, "yes", "not-deployed"),
        (D, "7", [TAKES], {}, "yes", "not-deployed"),
        (P, "5", [], {}, "unverified", "unverified"),
        (D, "7", [], {}, "unverified", "unverified"),
        (P, "5", [("1.2.0", P, "5", False)], {}, "failed", "failed"),
        # Both are there.
        (P, "5", [KEEPS, TAKES], {D: "7"}, "yes", "passed"),
        (D, "7", [KEEPS, TAKES], {P: "5"}, "yes", "passed"),
        (P, "5", [KEEPS], {D: "7"}, "unverified", "unverified"),
        (P, "5", [KEEPS, TAKES], {D: "8"}, "unverified", "unverified"),
        (P, "5", [KEEPS, ("1.2.0", D, "7", False)], {D: "7"}, "failed", "failed"),
        (D, "7", [TAKES], {P: "5"}, "unverified", "unverified"),
        # Another version's result proves nothing of the one that is sent.
        (P, "5", [KEEPS, ("1.1.0", D, "7", True)], {D: "7"}, "unverified", "unverified"),
        # A consumer of ^1 gets nothing of a producer that sends 2.0.0 alone.
        (P, "6", [("2.0.0", P, "6", True), TAKES], {D: "7"}, "failed", "failed"),
        (P, "6", [("2.0.0", P, "6", True), ("1.2.0", P, "6", True), TAKES], {D: "7"}, "yes",
         "passed"),
    ],
)  # fmt: skip
def test_answer(
    system: str,
    version: str,
    told: list[tuple[str, str, str, bool]],
    deployed: dict[str, str],
    verdict: str,
    state: str,
) -> None:
    answer = may_deploy(system, version, [PART], results(*told), deployed)

    assert answer.verdict == verdict, answer.reasons
    assert state in {one.state for one in answer.reasons}


def test_nobody_who_could_be_hurt_is_told_as_such() -> None:
    alone = Part(PART.contract, P, {}, PART.serving)

    answer = may_deploy(P, "5", [alone], results(KEEPS), {})

    assert [one.state for one in answer.reasons] == ["passed", "no-consumers"]
    assert answer.verdict == "yes"


def test_system_without_any_part_never_passes() -> None:
    assert may_deploy("typo", "1", [], {}, {}).verdict == "unverified"


def test_failure_outweighs_what_is_missing() -> None:
    other = Part("billing.other", P, {}, ("1.0.0",))
    answer = may_deploy(P, "5", [PART, other], results(("1.2.0", P, "5", False)), {})
    assert answer.verdict == "failed"
