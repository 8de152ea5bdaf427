"""What an event moves on the shelves: the one place that says so, for rules and read models alike. Pure.

Counts move nothing: they say what is there. Orders move nothing: they say what is to come.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
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


SOLD: Final = MappingProxyType({"item": -1, "return": 1})
_RETURNED: Final = MappingProxyType({"item": 1, "return": 1})
_VOIDED: Final = MappingProxyType({"item": 1})
_NONE: Final[Mapping[str, int]] = MappingProxyType({})


def movements(content: Model) -> list[Movement]:
    """Return what an event's content moves, line by line; nothing for what moves no stock."""
    if isinstance(content, Receipt):
        signs = directions(content)
        return [Movement(row.line, row.sku, sign * row.quantity) for row in content.lines if (sign := signs.get(row.kind, 0))]
    if isinstance(content, StockAdjusted):
        return [Movement(row.line, row.sku, row.quantity_delta) for row in content.lines]
    if isinstance(content, StockReceived | StockTransferredIn):
        return [Movement(row.line, row.sku, row.quantity) for row in content.lines]
    if isinstance(content, StockTransferredOut | StockWasted):
        return [Movement(row.line, row.sku, -row.quantity) for row in content.lines]
    return []


def directions(receipt: Receipt) -> Mapping[str, int]:
    """Return by kind of line −1 for goods that left and +1 for goods that came back; a kind that moves no stock is not there.

    A return line of an exchange brings goods in; a void after completion undoes the item lines that it repeats.
    """
    if isinstance(receipt, SaleCompleted):
        return SOLD
    if isinstance(receipt, SaleReturned):
        return _RETURNED
    if isinstance(receipt, SaleVoided) and receipt.phase == "after_completion":
        return _VOIDED
    return _NONE
