"""Chapter 7, Pull the plug: processes die in the middle of it; nothing is lost or doubled."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.flows.deliveries import agents_comment, deliver, stored
from tests.flows.stack import LEASE_S, Stack

pytestmark = pytest.mark.xdist_group("flows")

MANY = 12


def test_a_worker_killed_in_the_middle_of_a_refund_loses_and_doubles_nothing(
    stack: Stack,
) -> None:
    stack.sandbox.fault("billing", "create_refund", "slow", delay_s=1.5, seconds=6)
    made = stack.sandbox.act("refund_request")
    stack.until(lambda: stack.refund(made)["applied"], "billing has made it and not yet said so")

    stack.kill("worker")
    stack.start("worker")

    run = stack.ended(str(made["ticket_id"]))
    assert (run["state"], run["outcome"]) == ("succeeded", "recovered")
    assert run["fence"] >= 2
    assert stack.refund(made)["applied"] == 1
    assert stack.ticket(str(made["ticket_id"]))["mails"] == 1


def test_a_worker_that_wakes_after_its_lease_can_do_no_harm(stack: Stack) -> None:
    stack.sandbox.fault("billing", "create_refund", "slow", delay_s=1.5, seconds=6)
    made = stack.sandbox.act("refund_request")
    stack.until(lambda: stack.refund(made)["applied"], "billing is at work on it")

    stack.freeze("worker")
    threading.Event().wait(LEASE_S + 1)
    stack.thaw("worker")

    run = stack.ended(str(made["ticket_id"]))
    assert run["state"] == "succeeded"
    assert stack.refund(made)["applied"] == 1
    assert stack.ticket(str(made["ticket_id"]))["mails"] == 1


def test_a_broker_that_forgets_its_backlog_costs_no_work(stack: Stack) -> None:
    stack.kill("worker")
    made = [stack.sandbox.act("refund_request") for _ in range(MANY)]
    for one in made:
        stack.until(lambda o=one: stack.run(str(o["ticket_id"])), "it is accepted")  # type: ignore[misc]

    with redis.Redis.from_url(stack.broker) as broker:
        broker.flushdb()
    stack.start("worker")

    for one in made:
        assert stack.ended(str(one["ticket_id"]))["state"] == "succeeded"
    books = stack.sandbox.books()["by_refund"]
    assert [books[one["refund_id"]]["applied"] for one in made] == [1] * MANY


def test_the_same_nudge_fifty_times_drives_each_run_once(stack: Stack) -> None:
    from meshline.celery import app

    made = stack.sandbox.act("refund_request")
    with app.connection_for_write(stack.broker) as broker:
        for _ in range(50):
            app.send_task("orchestration.drain", connection=broker, queue="runs")

    run = stack.ended(str(made["ticket_id"]))
    assert run["state"] == "succeeded"
    assert stack.kinds(run).count("refund call done") == 1


def test_a_web_server_killed_between_commit_and_answer_keeps_one_event_each(
    stack: Stack,
) -> None:
    bodies = [agents_comment("9912399") for _ in range(MANY * 2)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        sending = [pool.submit(deliver, stack, raw) for raw in bodies]
        stack.until(lambda: stored(stack, "9912399"), "the first are committed")
        stack.kill("web")
        first = [future.result() for future in sending]
    stack.start("web")
    stack.await_web()

    second = [deliver(stack, raw) for raw in bodies]

    assert {answer["status"] for answer in second} == {202}
    for before, after in zip(first, second, strict=True):
        if before["status"] == 202:  # what was acknowledged was kept
            assert (after["duplicate"], after["event_id"]) == (True, before["event_id"])
    assert len(stored(stack, "9912399")) == len(bodies)
