"""From an event to the lines that it adds to the stock ledger; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from contracts.envelope import Event
from contracts.events.registry import (
    EVENT_CORRECTED,
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
    STOCK_ADJUSTED,
    STOCK_COUNTED,
    STOCK_RECEIVED,
    STOCK_TRANSFERRED_IN,
    STOCK_TRANSFERRED_OUT,
    STOCK_WASTED,
)
from contracts.events.stock import StockCounted
from contracts.fields import Model
from contracts.stock_movements import MOVING_TYPES, movements

MAPPING_VERSION: Final = 1
FACT_TYPES: Final = MOVING_TYPES | {STOCK_COUNTED}
COVERED_TYPES: Final = FACT_TYPES | {EVENT_CORRECTED}
_KINDS: Final = {
    SALE_COMPLETED: "sale",
    SALE_RETURNED: "return",
    SALE_VOIDED: "void",
    STOCK_ADJUSTED: "adjustment",
    STOCK_RECEIVED: "receipt",
    STOCK_TRANSFERRED_IN: "transfer_in",
    STOCK_TRANSFERRED_OUT: "transfer_out",
    STOCK_WASTED: "waste",
}
_REFERENCES: Final = ("reference", "delivery_id", "transfer_id", "sheet_id", "receipt_id")


class LedgerLine(NamedTuple):
    """A line of the ledger, in the order of the table's own columns."""

    kind: str
    sku: str
    quantity: Decimal
    moved_at: datetime
    reason: str
    reference: str
    employee_id: str


NOTHING: Final = LedgerLine("", "", Decimal(0), datetime(1970, 1, 1, tzinfo=UTC), "", "", "")


def ledger_lines(content: Event[Model]) -> Sequence[LedgerLine]:
    """Return what an event moved, or what it counted."""
    data, at = content.data, content.envelope.occurred_at
    tail = (_text(data, "reason"), next((found for name in _REFERENCES if (found := _text(data, name))), ""), _text(data, "employee_id"))
    if isinstance(data, StockCounted):
        return [LedgerLine("count", line.sku, line.quantity, line.counted_at or at, *tail) for line in data.lines]
    kind = _KINDS[content.type]
    return [LedgerLine(kind, movement.sku, movement.delta, at, *tail) for movement in movements(data)]


def _text(data: Model, name: str) -> str:
    return str(getattr(data, name, None) or "")
