"""Run the smoke tests whose turn has come, against what is live; nothing is changed anywhere.

A shadow test goes all the way in and is rolled back. A read-only test asks an outside system by
its connector, within its deadline and outside every transaction. What would change something is
refused, whatever the contract says.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from contracts_app.queries import clock
from contracts_app.queries.standing import Standing
from contracts_app.rules.smoke import LONGEST, SHADOW, Smoked, judged
from contracts_app.services import smoke
from contracts_app.services.smoke import Turn
from meshline.core.errors import MeshlineError
from meshline.core.safejson import Json
from orchestration import wake
from orchestration.connectors.base import Call, Connector
from orchestration.models import Run
from orchestration.rules.catalog import CATALOG
from orchestration.rules.outcomes import Done, Outcome, Refused, name_of
from orchestration.services import driver, send_twice

log = logging.getLogger(__name__)

LONGEST_S = 20.0  # of one wake-up; the next one goes on


def look(now: datetime, _batch: int = 0) -> int:
    """Follow what is in service, and wake a worker if a test is due."""
    smoke.follow(now=now)
    if smoke.is_due(now):
        wake.nudge_smoke()
    return 0


def run_due(connectors: Mapping[str, Connector] | None = None) -> int:
    """Run what is due, one after the other, for a while; returns how many tests were run."""
    until, ran = time.monotonic() + LONGEST_S, 0
    while time.monotonic() < until and not driver.stopping.is_set():
        now = clock.now()
        turn = smoke.take_turn(now=now)
        if turn is None:
            break
        began = time.monotonic()
        smoked = _smoked(turn, connectors, now)
        took_ms = int((time.monotonic() - began) * 1000)
        smoke.settle(turn, smoked, took_ms=took_ms, now=clock.now())
        ran += 1
    return ran


def _smoked(turn: Turn, connectors: Mapping[str, Connector] | None, now: datetime) -> Smoked:
    try:
        if turn.test.mode == SHADOW:
            return _shadow(turn, now)
        return _read(turn, driver.connectors() if connectors is None else connectors)
    except MeshlineError as error:
        return Smoked("failed", error.message[:LONGEST])
    except Exception as error:
        log.exception("smoke test %s of %s broke", turn.test.name, turn.spec.name)
        return Smoked("failed", f"The test itself broke: {type(error).__name__}. The log says why.")


def _shadow(turn: Turn, now: datetime) -> Smoked:
    """Send the example all the way in, as the registry stands now, and keep nothing of it."""
    examples = {one.name: one.payload for one in turn.spec.examples_valid}
    payload = examples[turn.test.example]
    source = send_twice.source_for(turn.spec, payload)
    with transaction.atomic():
        try:
            receipt = send_twice.take_in(source, Standing.at(now), payload)
            flows = Run.objects.filter(event_id=receipt.event_id).values_list("flow", flat=True)
            started = sorted(set(flows))
        finally:
            transaction.set_rollback(True)
    if receipt.held:
        return Smoked("failed", f"The example {turn.test.example} is held instead of taken in.")
    if receipt.version is None or receipt.version.pk != turn.version.pk:
        other = receipt.version.version if receipt.version else "no version"
        return Smoked("failed", f"The example is judged by {other}, not by {turn.version.version}.")
    would = f"would start {', '.join(started)}" if started else "would start no flow"
    return Smoked("passed", f"The example {turn.test.example} is taken in and {would}."[:LONGEST])


def _read(turn: Turn, connectors: Mapping[str, Connector]) -> Smoked:
    """Ask one question of an outside system; only what reads is asked."""
    test = turn.test
    operation = CATALOG.get(test.operation)
    if operation is None:
        return Smoked("failed", f"There is no operation {test.operation}. Name one that reads.")
    if operation.is_effect:
        said = f"{test.operation} changes something there; a smoke test only reads. Name one that"
        return Smoked("failed", f"{said} reads.")
    arguments = dict(test.arguments or {})
    wrong = operation.problems(arguments)
    if wrong:
        return Smoked("failed", f"{test.operation} cannot be asked so: {wrong[0].sentence}.")
    connector = connectors.get(operation.system)
    if connector is None:
        return Smoked("skipped", f"No address is set for {operation.system}, so it was not asked.")
    outcome = connector.call(Call(test.operation, arguments))
    return judged(test, name_of(outcome), _said(outcome))


def _said(outcome: Outcome) -> Json:
    if isinstance(outcome, Done):
        return dict(outcome.result)
    return outcome.detail or outcome.reason if isinstance(outcome, Refused) else outcome.reason
