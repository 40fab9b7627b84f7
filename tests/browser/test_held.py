"""A held event is judged again and released, or discarded; each decision is made once."""

from __future__ import annotations

import subprocess
import sys

from playwright.sync_api import Page, expect

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors
from tests.browser.world import World
from tests.flows.stack import ROOT, Stack

CONTRACT = ROOT / "meshline/pilot/contracts/support/support.refund.requested"


def test_event_that_still_breaks_its_contract_stays_held_and_is_discarded(
    visitors: Visitors, world: World, guard: Guard
) -> None:
    event = world.held()[0]
    page = visitors.person("tomas")
    page.goto("/held/")
    row = page.locator("tr", has_text=event["ticket"])
    expect(row).to_contain_text("/data/charge_id")
    row.get_by_role("link", name="Release").click()
    expect(page.locator("#decide")).to_contain_text("Still refused")

    guard.expect_status(422)
    _decide(page, "Release", "I think it is fine.")
    expect(page.locator("#decide")).to_contain_text("it still does not fit")

    _decide(page, "Discard", "The charge was never made.")
    expect(page.locator("#held-list")).not_to_contain_text("it still does not fit")
    page.goto("/held/?state=discarded")
    expect(page.locator("#held-list")).to_contain_text(event["ticket"])
    page.goto(f"/tickets/{event['ticket']}/")
    expect(page.locator("#main")).to_contain_text("iscarded")


def test_event_that_fits_a_newer_contract_is_released_and_runs(
    visitors: Visitors, world: World, stack: Stack
) -> None:
    made = stack.sandbox.act("refund_request", charge_id="Charge of the till", name="Rosa Blom")
    ticket = f"desk:{made['ticket_id']}"
    stack.until(lambda: [one for one in world.held() if one["ticket"] == ticket], "it is held")
    _publish_a_version_that_takes_it(stack)

    page = visitors.person("tomas")
    page.goto("/held/")
    page.locator("tr", has_text=ticket).get_by_role("link", name="Release").click()
    expect(page.locator("#decide")).to_contain_text("would accept it")
    _decide(page, "Release", "The till's charges are told by their names now.")

    page.goto("/held/?state=released")
    expect(page.locator("#held-list")).to_contain_text(ticket)
    stack.until(lambda: stack.run(made["ticket_id"]), "the released event has started a run")


def _decide(page: Page, verb: str, why: str) -> None:
    page.locator('#decide [name="reason"]').fill(why)
    page.locator("#decide").get_by_role("button", name=verb).click()


def _publish_a_version_that_takes_it(stack: Stack) -> None:
    newest = max(CONTRACT.glob("*.yaml"))
    text = newest.read_text()
    mended = text.replace(f"version: {newest.stem}", "version: 1.99.0", 1)
    mended = mended.replace("^ch_[A-Za-z0-9_]{1,64}$", "^[A-Za-z0-9_ ]{1,64}$")
    assert mended.count("1.99.0") == 1
    assert "ch_[" not in mended
    file = stack.folder / "support.refund.requested.yaml"
    file.write_text(mended)
    command = [sys.executable, "manage.py", "contract_bundle", "import", str(file), "--publish"]
    done = subprocess.run(
        command, env=stack.environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
