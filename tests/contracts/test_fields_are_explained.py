"""Every field says what it means, in which unit, and shows an example; what identifies a person is refused in the clear."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.events.clock import ClockedIn
from contracts.events.registry import EVENT_TYPES
from contracts.events.sales import SaleCompleted, Tender

SCHEMAS = Path(__file__).parents[2] / "contracts/schemas"
_SPEAKS_FOR_ITSELF = ("enum", "const", "$ref", "examples")


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for owner, model in {"": schema, **schema.get("$defs", {})}.items():
        for name, field in model.get("properties", {}).items():
            yield f"{owner}/{name}", field


def _has_example(field: dict[str, Any]) -> bool:
    variants = [field, *field.get("anyOf", ()), *field.get("oneOf", ()), field.get("items", {})]
    return any(key in variant for variant in variants for key in _SPEAKS_FOR_ITSELF) or field.get("type") in ("boolean", "object")


@pytest.mark.parametrize("name", [*sorted(EVENT_TYPES), "envelope"])
def test_every_field_has_a_meaning_and_an_example(name: str) -> None:
    """Whoever writes an adapter reads the schema and nothing else."""
    fields = dict(_properties(json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))))
    mute = [at for at, field in fields.items() if not field.get("description") and "const" not in field and at != "/data"]
    bare = [at for at, field in fields.items() if not _has_example(field) and not _is_flag(field) and field.get("format") != "date"]

    assert fields
    assert (mute, bare) == ([], [])


def _is_flag(field: dict[str, Any]) -> bool:
    return any(variant.get("type") == "boolean" or variant.get("format") == "date" for variant in field.get("anyOf", ()))


RECEIPT = {"receipt_id": "R", "currency": "KRW", "lines": [{"line": 1, "sku": "A", "quantity": "1", "unit_price": "10", "gross": 10}]}


@pytest.mark.parametrize("customer", ["kim@example.com", "010-1234-5678", "+82 10 1234 5678", "900101-1234567"])
def test_a_reference_that_identifies_a_person_is_refused(customer: str) -> None:
    """An address, a mobile number, a resident number: none of them is opaque."""
    with pytest.raises(ValidationError, match="an opaque id"):
        SaleCompleted.model_validate({**RECEIPT, "customer_ref": customer})
    with pytest.raises(ValidationError, match="an opaque id"):
        ClockedIn.model_validate({"employee_id": customer})


@pytest.mark.parametrize("customer", ["17850", "C-88a1f0", "8801234567890", "021234567"])
def test_an_opaque_reference_is_taken(customer: str) -> None:
    """Numbers of members and cards of loyalty programmes are codes like any other."""
    assert SaleCompleted.model_validate({**RECEIPT, "customer_ref": customer}).customer_ref == customer


@pytest.mark.parametrize("value", ["010-1234-5678", "enc.v1.C-1.short", "enc.v2.C-1.q83vEjRWeJCrze8SNFZ4", ""])
def test_a_personal_field_in_the_clear_is_refused(value: str) -> None:
    """Only ciphertext under a named key passes."""
    with pytest.raises(ValidationError):
        Tender.model_validate({"kind": "cash", "amount": 10, "cash_receipt": value})


def test_personal_fields_are_marked_in_the_schema() -> None:
    """A producer sees which fields it must encrypt."""
    schema = json.loads((SCHEMAS / "sale.completed.v1.json").read_text("utf-8"))
    field = schema["$defs"]["Tender"]["properties"]["cash_receipt"]

    assert any(variant.get("x-personal") for variant in field["anyOf"])
