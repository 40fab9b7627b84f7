"""Contracts as ODCS and back: nothing is lost, and a foreign file makes a draft that says more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts_app.rules.contract_spec import parse_contract
from contracts_app.rules.standards.odcs_export import from_odcs, to_odcs
from contracts_app.rules.standards.odcs_import import Imported, import_odcs
from contracts_app.rules.validate import violations
from meshline.core import yaml_text
from meshline.core.errors import DocumentUnreadable
from meshline.core.findings import Severity
from meshline.core.yaml12 import load
from tests.rules.standard_contracts import contract, each_contract, read, require_official

FOREIGN = """\
apiVersion: v3.1.0
kind: DataContract
id: 53581432-aaaa
version: v2.0.1-beta
status: active
domain: Seller Data
dataProduct: Payments
tenant: acme
tags: [payments, "two words"]
description: {purpose: Payments by seller., usage: Reports., limitations: None.}
servers: [{server: lake, type: s3, location: "s3://lake/*.json", format: json}]
support: [{channel: "#payments", tool: slack}]
price: {priceAmount: 9.95, priceCurrency: USD, priceUnit: megabyte}
team:
  name: payments
  members:
    - {username: ada@example.com, role: Product Owner, dateIn: "2026-01-01"}
    - {username: bob, role: data steward}
roles: [{role: reader, access: read}]
slaProperties:
  - {property: latency, value: 4, unit: d, element: tab.when}
  - {property: endOfLife, value: "2042-05-12T09:30:10-08:00"}
schema:
  - name: tab
    businessName: Payment
    physicalType: table
    quality: [{metric: rowCount, mustBeGreaterThan: 10}]
    properties:
      - {name: id, primaryKey: true, required: true, logicalType: string,
         logicalTypeOptions: {pattern: "^p_", maxLength: 20}}
      - {name: when, logicalType: timestamp, classification: public}
      - {name: lines, logicalType: array, items: {logicalType: object,
         properties: [{name: sku, logicalType: string, required: true}]}}
      - {name: anything, physicalType: json}
customProperties: [{property: refRulesetName, value: gcsc}]
"""
FIELDS = ["name", "version", "id", "status", "domain", "tags", "description", "schema", "team",
          "slaProperties", "customProperties", "x"]  # fmt: skip
INNER = ["name", "properties", "property", "value", "members", "role", "username", "id", "items",
         "required", "logicalType", "logicalTypeOptions", "purpose", "minLength",
         "primaryKey"]  # fmt: skip
FILLED = {
    "risk": {"class": "medium"},
    "producer": {"system": "seller"},
    "examples": {
        "valid": [{"name": "one", "payload": {"id": "p_1"}}],
        "invalid": [{"name": "none", "violates": ["/id"], "payload": {}}],
    },
    "owners": {role: {"person": "ada@example.com"} for role in ("contract", "runtime", "product")},
}


def imported(text: str = FOREIGN, **changed: Any) -> Imported:
    value: Any = load(text).value
    return import_odcs(load(yaml_text.dump(value | changed)))


def filled(found: Imported) -> dict[str, Any]:
    """The draft with what it lacked, as its author would complete it."""
    return parse_contract(load(yaml_text.dump({**found.document, **FILLED}))).document  # type: ignore[return-value]


def refused(found: Imported) -> set[str]:
    return {one.path for one in found.findings if one.severity is Severity.REFUSED}


class TestOwnContracts:
    @each_contract
    def test_comes_back_the_same_with_the_same_digest(self, path: Path) -> None:
        spec = read(path)

        back = import_odcs(load(yaml_text.dump(to_odcs(spec.document))))

        assert back.document == spec.document
        assert parse_contract(load(back.text)).digest == spec.digest
        assert {one.severity for one in back.findings} <= {Severity.WARNING}

    @each_contract
    def test_is_valid_by_the_official_schema(self, path: Path) -> None:
        require_official("odcs-3.1.0.json", to_odcs(read(path).document))

    @pytest.mark.parametrize(
        "changed",
        [
            {},
            {"slo": [{"name": "a", "sli": "latency", "target": 0.9, "window": "P1D"}]},
            {"slo": [{"name": "a", "sli": "s"}, {"name": "a", "sli": "s", "threshold": "PT1S"}]},
            {"lifecycle": {"sunset_on": "2027-01-01"}},
            {"lifecycle": {"sunset_on": None, "deprecated_on": "2027-01-01"}},
            {"identity": {"event_id": "/number", "subject": "/number"}},
            {"tags": [], "description": "", "domain": "stock"},
            {"x-other": {"version": "1.10", "list": [None, [], {}, [[1]]]}},
            {"x-odcs": {}},
            {"x-odcs": 5},
            {"x-odcs": {"tenant": "acme", "customProperties": [{"property": "a", "value": 1}]}},
            {"x-odcs": {"name": "Another", "customProperties": "none", "team": [1, 2]}},
        ],
    )
    def test_corners_come_back_too(self, changed: dict[str, Any]) -> None:
        spec = contract(**changed)

        back = import_odcs(load(yaml_text.dump(to_odcs(spec.document))))

        assert back.document == spec.document

    def test_each_fact_stands_where_odcs_looks_for_it(self) -> None:
        odcs = to_odcs(contract(sla={"ack_within": "PT15M"},
                                lifecycle={"sunset_on": "2027-01-01"}).document)  # fmt: skip

        assert odcs["status"] == "proposed"
        assert [member["role"] for member in odcs["team"]["members"]] == [
            "contract owner", "runtime owner", "product owner",
        ]  # fmt: skip
        assert {one["property"]: one["value"] for one in odcs["slaProperties"]} == {
            "ack_within": "PT15M", "endOfSupport": "2027-01-01", "endOfLife": "2027-01-01",
        }  # fmt: skip
        assert odcs["schema"][0]["properties"] == [
            {"name": "number", "required": True, "primaryKey": True, "logicalType": "integer"}
        ]
        custom = {one["property"]: one["value"] for one in odcs["customProperties"]}
        assert custom["meshline.schema"]["payload"]["type"] == "object"
        require_official("odcs-3.1.0.json", odcs)

    def test_promise_changed_in_the_file_is_taken(self) -> None:
        odcs = to_odcs(contract(sla={"ack_within": "PT15M"}).document)
        odcs["slaProperties"][0]["value"] = "PT20M"

        assert from_odcs(odcs)["sla"] == {"ack_within": "PT20M"}

    def test_field_changed_beside_the_exact_schema_is_told(self) -> None:
        odcs = to_odcs(contract().document)
        odcs["schema"][0]["properties"][0]["logicalType"] = "string"

        found = import_odcs(load(yaml_text.dump(odcs)))

        assert "schema was changed in the file" in " ".join(map(str, found.findings))


class TestForeignFile:
    def test_becomes_a_draft_that_says_what_it_lacks(self) -> None:
        found = imported()

        assert found.document["name"] == "seller-data.payments"
        assert found.document["version"] == "2.0.1"
        assert found.document["status"] == "draft"
        assert found.document["owners"] == {"product": {"person": "ada@example.com"}}
        assert found.document["lifecycle"] == {"sunset_on": "2042-05-12"}
        assert refused(found) == {
            "/risk", "/producer", "/examples", "/owners/contract", "/owners/runtime",
        }  # fmt: skip
        assert all(one.remedy for one in found.findings)

    def test_fields_become_a_schema_that_judges(self) -> None:
        schema = imported().document["schema"]["payload"]

        good = {"id": "p_1", "when": "2026-01-01T00:00:00Z", "lines": [{"sku": "a"}], "more": 1}
        assert violations(schema, good) == []
        bad = {"id": "q", "when": "yesterday", "lines": [{}]}
        assert {one.path for one in violations(schema, bad)} == {"/id", "/when", "/lines/0"}

    def test_goes_out_with_every_field_it_came_with(self) -> None:
        source: Any = load(FOREIGN).value
        odcs = to_odcs(filled(imported()))

        same = source.keys() - {"status", "team", "customProperties"}
        assert {key: odcs[key] for key in same} == {key: source[key] for key in same}
        assert odcs["status"] == "draft"
        assert source["customProperties"][0] in odcs["customProperties"]
        # The team has the owners that were added, and keeps who was there.
        assert source["team"]["members"][1] in odcs["team"]["members"]
        assert odcs["team"]["name"] == "payments"
        require_official("odcs-3.1.0.json", odcs)

    def test_comes_back_the_same_after_it_was_completed(self) -> None:
        document = filled(imported())

        assert from_odcs(to_odcs(document)) == document

    def test_several_objects_are_told_and_kept(self) -> None:
        source: Any = load(FOREIGN).value
        found = imported(schema=[*source["schema"], {"name": "other"}])

        assert "describes 2 objects" in " ".join(map(str, found.findings))
        assert to_odcs(filled(found))["schema"][1] == {"name": "other"}

    def test_object_that_the_author_changed_is_replaced_and_the_others_stay(self) -> None:
        source: Any = load(FOREIGN).value
        document = filled(imported(schema=[*source["schema"], {"name": "other"}]))
        document["schema"] = {"payload": {"type": "object", "properties": {"id": {}}}}

        odcs = to_odcs(document)

        assert [one["name"] for one in odcs["schema"]] == ["seller-data.payments", "other"]
        assert from_odcs(odcs) == document

    def test_title_and_id_that_the_author_added_leave_the_fields_as_they_were(self) -> None:
        fields = [{"name": "tab", "properties": [{"name": "id", "logicalType": "string"}]}]
        document = imported(schema=fields).document | FILLED
        document |= {"title": "Payments", "identity": {"event_id": "/id"}}

        odcs = to_odcs(document)

        assert odcs["schema"] == fields
        assert from_odcs(odcs) == document

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"kind": "Table"}, "kind: DataContract"),
            ({"apiVersion": "v2.2.2"}, "v2.2.2 is not read"),
            ({"apiVersion": None}, "without an apiVersion"),
        ],
    )
    def test_other_files_are_no_odcs(self, changed: dict[str, Any], words: str) -> None:
        with pytest.raises(DocumentUnreadable, match=words):
            imported(**changed)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.dictionaries(
            st.sampled_from(FIELDS),
            st.recursive(
                st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab.-é1", max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(INNER),
                        inner,
                        max_size=4,
                    )
                ),
                max_leaves=12,
            ),
        )
    )
    def test_whatever_stands_in_the_fields_is_answered_by_findings(
        self, changed: dict[str, Any]
    ) -> None:
        found = imported(**changed)

        assert found.findings
        kept = found.document.get("x-odcs", {})
        assert "x" not in changed or kept["x"] == changed["x"]
