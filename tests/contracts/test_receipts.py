"""Receipts whose parts agree: totals, tenders, taxes, and the rounding that tills do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.events.sales import SaleCompleted
from contracts.money import without_tax


def receipt(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a receipt of lines that cost what they say."""
    numbered = [{"line": n, "sku": "A", "quantity": "1", "unit_price": str(row["gross"]), **row} for n, row in enumerate(lines, 1)]
    return {"receipt_id": "R", "currency": "KRW", "lines": numbered, **more}


GOOD = (
    receipt({"gross": 1000}, total=1000),
    receipt({"gross": 1000, "tax": 100}, total=1100),
    receipt({"gross": 1100, "tax": 100, "tax_included": True}, total=1100),
    receipt({"gross": 1000, "discount": 200}, total=800),
    receipt({"gross": 1000}, {"gross": 400, "kind": "return"}, total=600),
    receipt({"gross": 1007}, total=1000, rounding_adjustment=-7),
    receipt({"gross": 1000}, total=1001),
    receipt({"gross": 1000}, total=1000, tenders=[{"kind": "cash", "amount": 5000, "change": 4000}]),
    receipt({"gross": 1000}, total=1000, tenders=[{"kind": "card", "amount": 1200, "tip": 200}]),
    receipt({"gross": 1000}, total=1000, tenders=[{"kind": "gift_card", "amount": 300}, {"kind": "card", "amount": 700}]),
)


@pytest.mark.parametrize("data", GOOD)
def test_a_receipt_whose_parts_agree_is_taken(data: dict[str, Any]) -> None:
    """A minor unit a line may be lost in rounding; tips and change are no part of the total."""
    assert SaleCompleted.model_validate(data).total == data["total"]


BAD = (
    (receipt({"gross": 1000}, total=1002), "a total of 1000"),
    (receipt({"gross": 1000, "tax": 100}, total=1000), "a total of 1100"),
    (receipt({"gross": 1000}, total=1000, tenders=[{"kind": "cash", "amount": 900}]), "tenders that sum up to 1000"),
    (receipt({"gross": 1000, "tax": 1001, "tax_included": True}), "an included tax of at most 1000"),
    (receipt({"gross": 1000, "discount": 1001}), "a discount of at most 1000"),
)


@pytest.mark.parametrize(("data", "message"), BAD)
def test_a_receipt_whose_parts_disagree_says_what_was_expected(data: dict[str, Any], message: str) -> None:
    """Nothing is repaired in silence."""
    with pytest.raises(ValidationError, match=message):
        SaleCompleted.model_validate(data)


def test_an_included_tax_is_divided_out() -> None:
    """11,000 with VAT less 1,100: 9,000 without it, of a list price of 10,000 less 1,000."""
    assert without_tax(11_000, 1_100, 900) == (10_000, 1_000)
    assert without_tax(1_100, 0, 100) == (1_000, 0)
    assert without_tax(1_000, 1_000, 0) == (1_000, 1_000)


@given(st.integers(0, 10**14), st.data())
def test_what_is_left_without_tax_is_exact(gross: int, data: st.DataObject) -> None:
    """Whatever the discount's share is rounded to, net sales lose the tax and nothing else."""
    discount = data.draw(st.integers(0, gross))
    tax = data.draw(st.integers(0, gross - discount))
    plain_gross, plain_discount = without_tax(gross, discount, tax)

    assert plain_gross - plain_discount == gross - discount - tax
    assert 0 <= plain_discount <= discount
