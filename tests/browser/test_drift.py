"""The shop begins to send a field: an owner reads the evidence, the draft, and sets it aside."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from contracts_app.rules.drift.bodies import LEARNED_AFTER
from tests.browser.accessible import in_both_themes, too_wide, violations
from tests.browser.guard import Guard
from tests.browser.visitors import PHONE, Visitors
from tests.browser.world import World
from tests.flows.stack import Stack

NAME = "shop.cart.updated"
PAGE = f"/contracts/{NAME}/"
NOTICED_WITHIN_S = 90.0
LEARNED = (
    "SELECT 1 FROM contracts_app_driftwatch WHERE events >= %s AND contract_id = "
    "(SELECT id FROM contracts_app_contract WHERE name = 'shop.cart.updated')"
)
DRAFTED = "SELECT draft_id FROM contracts_app_driftfinding WHERE path = '/delivery_speed'"


def test_owner_reads_what_the_shop_began_to_send_and_sets_it_aside(
    visitors: Visitors, world: World, stack: Stack, guard: Guard
) -> None:
    _given_drift(stack)
    owner = visitors.person("lena")
    owner.goto("/")
    owner.locator("#drifting").get_by_role("link", name=NAME).click()
    card = owner.locator("#drift")
    for told in ("New field in the body", "/delivery_speed", 'delivery_speed: "= body.?delivery'):
        expect(card).to_contain_text(told)
    expect(card).to_contain_text(re.compile(r"string, [78] characters"))
    _is_in_order(owner, visitors.person("lena", size=PHONE))

    card.get_by_role("link", name="Read the draft").click()
    expect(owner.locator("h1")).to_have_text(NAME)
    owner.get_by_role("link", name="Edit draft").click()
    expect(owner.locator("#drift")).to_contain_text("It stands in this draft.")
    expect(owner.locator("textarea[name=text]")).to_have_value(re.compile("delivery_speed: {type"))

    plain = visitors.person("lena", javascript=False)
    plain.goto(PAGE)
    plain.locator("#drift summary", has_text="/delivery_speed").click()
    plain.get_by_label("Why it is no drift").fill("The shop tries it out.")
    plain.get_by_role("button", name="Set aside").click()
    expect(plain.locator("#drift")).to_contain_text("1 set aside")
    expect(plain.locator("#drift")).to_contain_text("Nothing unknown has come")


def _given_drift(stack: Stack) -> None:
    for number in range(LEARNED_AFTER):
        stack.sandbox.act("cart", email=f"visitor{number}@post.example")
    stack.until(
        lambda: stack.rows(LEARNED, LEARNED_AFTER), "the watch has learned the shop's carts",
        within_s=NOTICED_WITHIN_S,
    )  # fmt: skip
    for number in range(3):
        speed = {"delivery_speed": "standard" if number else "express"}
        stack.sandbox.act("cart", email=f"late{number}@post.example", new_fields=speed)
    stack.until(
        lambda: [row for row in stack.rows(DRAFTED) if row["draft_id"]], "a draft is opened",
        within_s=NOTICED_WITHIN_S,
    )  # fmt: skip


def _is_in_order(desk: Page, phone: Page) -> None:
    phone.goto(PAGE)
    wide = [f"{one} px too wide" for one in (too_wide(desk), too_wide(phone)) if one]
    assert [*in_both_themes(desk), *violations(phone), *wide] == []
