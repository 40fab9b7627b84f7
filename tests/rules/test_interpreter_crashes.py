"""Whatever dies and whatever gets lost, no effect is applied twice, and no run is lost."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from orchestration.rules.run_state import Decision, Finish, HandOver
from tests.rules.crash_world import POINTS, Vendor, Worker, World, chosen_faults
from tests.rules.flow_texts import ACK, NOTE, REFUND, flow_of

MAIL = """\
- id: mail
  call: mail.send
  with: {to: "= customer.email", template: refund-confirmed}
"""
SPEC = flow_of(REFUND, ACK, NOTE, MAIL)
EFFECTS = ("refund#0", "note#0", "mail#0")


def run(
    *,
    deaths: Mapping[str, set[int]],
    faults: list[str] | int = 0,
    silence: int = 0,
    blind: bool = True,
) -> tuple[World, Decision]:
    """Drive the flow through deaths, faults (a list, or a seed) and silent waits to its end.

    `blind`: the probe after a silent wait finds nothing, so the refund is asked for again.
    """
    line = chosen_faults(faults) if isinstance(faults, int) and faults else iter(faults or [])
    world = World(SPEC, Vendor(line, blind), silence)
    return world, Worker(world, deaths).drive()


def test_an_undisturbed_run_applies_each_effect_once() -> None:
    world, end = run(deaths={})

    assert end == Finish("succeeded")
    assert world.vendor.applied == dict.fromkeys(EFFECTS, 1)


@pytest.mark.parametrize("silence", [0, 1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_that_dies_at_any_step_boundary_doubles_nothing_and_loses_nothing(
    point: str, silence: int
) -> None:
    undisturbed, _ = run(deaths={}, silence=silence)

    for nth in range(1, undisturbed.passed[point] + 1):
        world, end = run(deaths={point: {nth}}, silence=silence)

        assert end == Finish("succeeded"), nth
        assert world.vendor.applied == dict.fromkeys(EFFECTS, 1), nth
        assert world.deaths == 1


@pytest.mark.parametrize("fault", ["busy", "lost_before", "lost_after"])
@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("point", POINTS)
def test_a_fault_and_a_death_together_double_nothing(point: str, at: int, fault: str) -> None:
    faults = ["fine"] * at + [fault]

    for nth in range(1, 7):
        world, end = run(deaths={point: {nth}}, faults=faults)

        assert end == Finish("succeeded"), nth
        assert world.vendor.applied == dict.fromkeys(EFFECTS, 1), nth


@pytest.mark.parametrize("seed", range(1, 151))
def test_random_histories_apply_each_effect_at_most_once_and_end_in_sight(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 a test's dice
    deaths = {point: {draw.randint(1, 12) for _ in range(draw.randint(0, 3))} for point in POINTS}

    world, end = run(
        deaths=deaths, faults=seed, silence=draw.randint(0, 6), blind=draw.random() < 0.7
    )

    assert max(world.vendor.applied.values(), default=0) <= 1
    assert set(world.vendor.applied) <= set(EFFECTS)
    if end == Finish("succeeded"):
        assert world.vendor.applied == dict.fromkeys(EFFECTS, 1)
    else:
        assert isinstance(end, HandOver)
        assert end.runbook == "refund-callback-failed"
