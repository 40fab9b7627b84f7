"""The connectors together: what is built from the settings, and that the catalog is covered."""

from __future__ import annotations

import pytest

from meshline.core.errors import Misconfigured
from orchestration.connectors import build
from orchestration.connectors.base import Call
from orchestration.connectors.notify import Mail
from orchestration.connectors.rest import HttpConnector
from orchestration.rules.catalog import CATALOG

SYSTEMS = {
    "helpdesk": {"base_url": "http://127.0.0.1:1/helpdesk", "token": "a"},
    "billing": {"base_url": "http://127.0.0.1:1/billing", "token": "a"},
    "shop": {"base_url": "http://127.0.0.1:1/shop", "token": "a"},
    "pager": {"base_url": "http://127.0.0.1:1/pager", "token": "a"},
    "mail": {"base_url": "smtp://127.0.0.1:1", "token": ""},
    "mail_log": {"base_url": "http://127.0.0.1:1/mail", "token": "a"},
}


def test_every_operation_of_the_catalog_is_offered_and_none_besides() -> None:
    offered: set[str] = set()
    for connector in build(SYSTEMS).values():
        assert isinstance(connector, HttpConnector | Mail)
        offered |= connector.operations
    assert offered == set(CATALOG)


def test_every_effect_that_is_not_left_to_people_can_be_looked_up() -> None:
    made = build(SYSTEMS)
    for operation in CATALOG.values():
        connector = made[operation.system]
        if operation.is_effect and isinstance(connector, HttpConnector):
            assert operation.name in connector.look_ups, operation.name


def test_system_without_an_address_stays_out() -> None:
    made = build({**SYSTEMS, "pager": {"base_url": "", "token": ""}})
    assert sorted(made) == ["billing", "helpdesk", "mail", "shop"]


def test_operation_that_a_connector_does_not_have_is_a_misconfiguration() -> None:
    with pytest.raises(Misconfigured) as refused:
        build(SYSTEMS)["billing"].call(Call("billing.print_money", {}))
    assert "billing.create_refund" in refused.value.remedy
