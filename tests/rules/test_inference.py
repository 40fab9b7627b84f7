"""Schemas guessed from payloads: only what all of them kept, each guess with its evidence."""

from __future__ import annotations

from typing import Any

from contracts_app.rules.inference import Inferred, infer
from contracts_app.rules.validate import violations


def refunds(count: int = 40) -> list[dict[str, Any]]:
    """Refund events as a vendor sends them."""
    return [
        {
            "id": f"7f1c1f0e-5d0b-4b53-9d5d-0e8f6f7f9b{number:02d}",
            "at": f"2026-01-05T10:00:{number:02d}Z",
            "status": ("pending", "succeeded", "failed")[number % 3],
            "cents": 100 * number,
            "email": f"person{number}@customer.example",
            "lines": [{"sku": f"S{number}"}],
            **({"note": "late"} if number % 4 == 0 else {}),
            "rate": 1 if number % 2 else 0.5,
        }
        for number in range(count)
    ]


def evidence(found: Inferred) -> dict[tuple[str, str], str]:
    return {(one.path, one.keyword): one.sentence for one in found.guesses}


def test_what_all_payloads_kept_is_guessed_and_fits_them() -> None:
    found = infer(refunds())

    told = found.schema["properties"]
    assert told["status"] == {"type": "string", "enum": ["failed", "pending", "succeeded"]}
    assert told["at"] == {"type": "string", "format": "date-time"}
    assert told["id"] == {"type": "string", "format": "uuid"}
    assert told["cents"] == {"type": "integer", "minimum": 0}
    assert told["rate"]["type"] == "number"
    assert told["lines"]["items"]["properties"] == {"sku": {"type": "string"}}
    assert "note" not in found.schema["required"]
    assert all(violations(found.schema, one) == [] for one in refunds())


def test_every_guess_says_on_what_evidence() -> None:
    told = evidence(infer(refunds()))

    assert told["/status", "enum"] == "3 value(s) in 40"
    assert told["/at", "format"] == "all 40 are one"
    assert told["", "required"].endswith("stood in all 40")
    assert told["/rate", "type"] == "number 20, integer 20 of 40"
    assert told["/cents", "minimum"] == "none of 40 was negative"


def test_few_payloads_allow_few_guesses() -> None:
    found = infer(refunds(3))

    assert "required" not in found.schema
    assert "enum" not in found.schema["properties"]["status"]
    assert found.payloads == 3


def test_personal_values_are_never_told_as_choices() -> None:
    found = infer([{"to": "maja@customer.example", "city": "Hamburg"}] * 50)

    assert "enum" not in found.schema["properties"]["to"]
    assert found.schema["properties"]["to"]["format"] == "email"
    assert found.schema["properties"]["city"]["enum"] == ["Hamburg"]


def test_places_that_held_different_things_keep_all_their_types() -> None:
    found = infer([{"v": "a"}, {"v": None}, {"v": 3}, {"v": [1, "x"]}])

    assert found.schema["properties"]["v"]["type"] == ["array", "integer", "null", "string"]
    assert found.schema["properties"]["v"]["items"]["type"] == ["integer", "string"]


def test_names_that_are_data_are_not_taken_for_properties() -> None:
    found = infer([{"prices": {f"sku{n}": 1 for n in range(300)}}] * 5)

    assert found.schema["properties"]["prices"] == {"type": "object"}


def test_nothing_came() -> None:
    assert infer([]) == Inferred({}, (), 0)
