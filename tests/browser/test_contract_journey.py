"""From a row of the inventory to a contract in service, and what breaking it would do to whom."""

from __future__ import annotations

import os
import re

from playwright.sync_api import Page, expect

from tests.browser.accessible import in_both_themes, too_wide, violations
from tests.browser.editor import write, written
from tests.browser.guard import Guard
from tests.browser.test_pictures import FOLDER
from tests.browser.visitors import PHONE, Visitors

NAME = "shop.coupon.expired"
SIGNERS = {
    "lena": ["contract"], "jonas": ["runtime"], "edda": ["product"], "tomas": ["consumer:helpdesk"],
}  # fmt: skip
# What an owner writes in place of the skeleton's open points.
CONTRACT = f"""\
meshline: contract/v1
name: {NAME}
version: 1.0.0
title: Coupon expired
status: draft
kind: event
risk: {{class: medium, reasons: [friction]}}
producer: {{system: shop, team: support-platform, channel: {{type: webhook, source: shop}}}}
consumers:
  - system: helpdesk
    team: support-ops
    status: live
    expects:
      schema:
        type: object
        required: [coupon]
        properties: {{reason: {{enum: [used, late]}}}}
identity: {{event_id: /id}}
schema:
  payload:
    type: object
    additionalProperties: false
    required: [id, coupon]
    properties:
      id: {{type: string, minLength: 1}}
      coupon: {{type: string, maxLength: 12}}
      reason: {{enum: [used, late]}}
examples:
  valid: [{{name: late, payload: {{id: c1, coupon: SPRING, reason: late}}}}]
  invalid: [{{name: nameless, violates: [""], payload: {{id: c2}}}}]
owners:
  contract: {{group: payments-contracts, person: lena@harbour.example}}
  runtime: {{group: support-platform, person: jonas@harbour.example}}
  product: {{group: support-product, person: edda@harbour.example}}
signoff: {{required: [contract, runtime, product, "consumer:*"]}}
sla: {{ack_within: PT15M}}
slo: [{{name: in_time, sli: latency, threshold: PT5S, target: 0.99, window: P30D}}]
exception_route: {{on_invalid: {{action: quarantine, runbook: held-event}}}}
manual_fallback: {{runbook: held-event, executable: true}}
runbooks: [held-event]
"""


def test_contract_goes_from_the_inventory_into_service_and_its_break_is_understood(
    visitors: Visitors, guard: Guard
) -> None:
    lena = visitors.person("lena")
    _written_down(lena)
    lena.get_by_role("link", name="Draft a contract from this row").click()
    expect(lena.locator("#verdict")).to_contain_text("Nothing is in service yet")
    write(lena, CONTRACT)
    lena.get_by_role("button", name="Save draft").click()
    lena.get_by_role("button", name="Ask for sign-off").click()
    expect(lena.locator("#document-state")).to_contain_text("Not signed by all yet")
    address = lena.url

    for name, roles in SIGNERS.items():
        _signed(visitors.person(name), address, roles)
    lena.goto(address)
    expect(lena.locator("#gates")).to_contain_text("Nothing goes live with a gap: 2 open.")
    expect(lena.get_by_role("button", name="Publish")).to_be_disabled()
    _evidence(visitors.person("jonas"), address, "Rolled back on the stage, to a draft and again.")
    edda = visitors.person("edda")
    edda.goto(address)
    _picture(edda)
    _evidence(edda, address, "Shown to the support leads.")
    lena.goto(address)
    assert [*in_both_themes(lena), *violations(lena)] == []
    lena.get_by_role("button", name="Publish").click()
    expect(lena.locator(".messagelist")).to_contain_text("is published and serves from now on")

    lena.goto(f"/inventory/{NAME}/")
    expect(lena.locator("#next")).to_contain_text("Nothing to do here")
    lena.goto(f"/contracts/{NAME}/")
    expect(lena.get_by_text("12 passed")).to_be_visible()
    expect(lena.get_by_text("No source maps deliveries to it, so nothing comes in")).to_be_visible()
    _breaks(lena, address)
    phone = visitors.person("oskar", size=PHONE)
    phone.goto(f"/contracts/{NAME}/")
    assert [*violations(phone), *([too_wide(phone)] if too_wide(phone) else [])] == []
    guard.verify()


def _written_down(page: Page) -> None:
    page.goto("/inventory/add/")
    for label, value in {
        "Name": NAME, "Title": "Coupon expired", "Producer": "shop", "Consumers": "helpdesk",
        "Owner": "support-contracts", "Service level": "15 min", "Manual fallback": "held-event",
    }.items():  # fmt: skip
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Kind").select_option("event")
    for question in page.get_by_role("group").all():
        no = question.get_by_label("No", exact=True)
        if no.count():
            no.check()
    page.get_by_role("button", name="Add the flow").click()
    expect(page).to_have_url(re.compile(f"/inventory/{NAME}/"))


def _picture(page: Page) -> None:
    """For the docs: what is there, what was said to be done, what still asks for evidence."""
    if os.environ.get("MESHLINE_SCREENSHOTS"):
        page.locator("#gates").screenshot(path=FOLDER / "golive.png", animations="disabled")


def _signed(page: Page, address: str, roles: list[str]) -> None:
    page.goto(address)
    for role in roles:
        page.locator(f'button[value="sign {role}"]').click()
        expect(page.locator(".messagelist")).to_contain_text("Your sign-off is recorded")


def _evidence(page: Page, address: str, said: str) -> None:
    page.goto(address)
    form = page.locator("#gates form")
    expect(form).to_have_count(1)
    form.get_by_label("What was done").fill(said)
    form.get_by_label("Day").fill("2026-01-05")
    form.get_by_role("button", name="Give evidence").click()
    expect(page.locator("#gates")).to_contain_text(said)
    expect(page.locator("#gates").get_by_role("button", name="Take back")).to_be_visible()


def _breaks(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Start a new draft from this version").click()
    head, _, tail = written(page).rpartition("enum: [used, late]")
    write(page, f"{head}enum: [used, late, stolen]{tail}")
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("Breaking")
    expect(verdict).to_contain_text("helpdesk would get payloads that it does not expect")
    expect(verdict).to_contain_text("2.0.0")
    page.get_by_role("link", name="Discard draft").click()
    page.get_by_role("button", name="Yes, I\u2019m sure").click()
