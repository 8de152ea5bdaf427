"""What an event moves on the shelves: the one place that says so, for rules and read models alike. Pure.

Counts move nothing: they say what is there.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from contracts.events.registry import (
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
    STOCK_ADJUSTED,
    STOCK_RECEIVED,
    STOCK_TRANSFERRED_IN,
    STOCK_TRANSFERRED_OUT,
    STOCK_WASTED,
)
from contracts.events.sales import Receipt, SaleCompleted, SaleReturned, SaleVoided
from contracts.events.stock import StockAdjusted, StockReceived, StockTransferredIn, StockTransferredOut, StockWasted
from contracts.fields import Model

MOVING_TYPES: Final = frozenset(
    {
        SALE_COMPLETED,
        SALE_RETURNED,
        SALE_VOIDED,
        STOCK_ADJUSTED,
        STOCK_RECEIVED,
        STOCK_TRANSFERRED_IN,
        STOCK_TRANSFERRED_OUT,
        STOCK_WASTED,
    }
)


class Movement(NamedTuple):
    """A signed change of one SKU, units: positive for goods that came in."""

    line: int
    sku: str
    delta: Decimal


def movements(content: Model) -> list[Movement]:
    """Return what an event's content moves, line by line; nothing for what moves no stock."""
    if isinstance(content, Receipt):
        return [Movement(row.line, row.sku, sign * row.quantity) for row in content.lines if (sign := _direction(content, row.kind))]
    if isinstance(content, StockAdjusted):
        return [Movement(row.line, row.sku, row.quantity_delta) for row in content.lines]
    if isinstance(content, StockReceived | StockTransferredIn):
        return [Movement(row.line, row.sku, row.quantity) for row in content.lines]
    if isinstance(content, StockTransferredOut | StockWasted):
        return [Movement(row.line, row.sku, -row.quantity) for row in content.lines]
    return []


def _direction(receipt: Receipt, kind: str) -> int:
    """Return −1 for goods that left, +1 for goods that came back, 0 for what moves no stock.

    A return line of an exchange brings goods in; a void after completion undoes the item lines that it repeats.
    """
    if isinstance(receipt, SaleCompleted):
        return {"item": -1, "return": 1}.get(kind, 0)
    if isinstance(receipt, SaleReturned):
        return 0 if kind == "service" else 1
    if isinstance(receipt, SaleVoided) and receipt.phase == "after_completion":
        return 1 if kind == "item" else 0
    return 0
