"""Goods that came back are one thing, whatever their line is called: each reader of a return adds up all of its lines."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.compiled import compiled_type
from contracts.events.registry import SALE_RETURNED
from contracts.events.sales import SaleCompleted, SaleReturned
from contracts.payment_direction import due_of
from contracts.stock_movements import movements
from processors.rules.fraud import ledger
from processors.rules.sales import hours
from producers.load_summary import Totals
from projections.read_models.till_periods.amounts import Amounts, Paid, amounts_of, is_tendered, paid_of
from tests.projections.story import START, event

ITEM = {"line": 1, "sku": "MILK", "quantity": "1", "unit_price": "5", "gross": 500}
BACK = {"line": 2, "sku": "RICE", "quantity": "2", "unit_price": "2.5", "gross": 500, "tax": 50, "kind": "return"}


def content(**more: Any) -> dict[str, Any]:
    """Take back milk and rice for 10.50."""
    return {"receipt_id": "R", "currency": "GBP", "lines": [ITEM, BACK], **more}


def test_the_total_of_a_return_is_what_is_paid_back_for_all_of_it() -> None:
    """In both readings; an exchange that is rung up as a sale takes what came back off."""
    tenders = [{"kind": "cash", "amount": 1050}]

    assert SaleReturned.model_validate(content(total=1050, tenders=tenders)).total == 1050
    with pytest.raises(ValidationError, match="a total of 1050"):
        SaleReturned.model_validate(content(total=50))
    assert SaleCompleted.model_validate(content(total=50)).total == 50
    with pytest.raises(ValidationError, match="a total of 50 "):
        SaleCompleted.model_validate(content(total=1050))

    kind = compiled_type(SALE_RETURNED)
    assert kind is not None
    written = SaleReturned.model_validate(content(total=1050)).model_dump_json(exclude_defaults=True).encode()
    assert kind.judged(written) is not None
    assert kind.judged(written.replace(b'"total":1050', b'"total":50')) is None


def test_every_reader_adds_up_what_came_back() -> None:
    """Tills, what was due, net sales by the hour, what a cashier paid out, stock, and the summary of a load."""
    happened = event(SALE_RETURNED, "R", START, content(tenders=[{"kind": "cash", "amount": 1050}]))
    back, summary = happened.data, Totals()
    summary.add(back)

    assert amounts_of(back) == Amounts(returns=1000, tax=-50)
    assert paid_of(back) == [Paid("cash", 1, -1050)]
    assert due_of(back) == -1050
    assert not is_tendered(SaleReturned.model_validate(content() | {"lines": [ITEM, BACK | {"tax": 0}]}))
    assert hours.sold(happened) == (-1000, 0)
    assert ledger.due(back) == 1000
    assert [(row.sku, row.delta) for row in movements(back)] == [("MILK", Decimal(1)), ("RICE", Decimal(2))]
    assert summary.net == -1000
