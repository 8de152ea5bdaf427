"""From an event to stock movements and counts; pure. Which events count, and what they add up to, is decided over the stored rows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from contracts.codec import decode
from contracts.envelope import Event
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED, STOCK_ADJUSTED, STOCK_COUNTED
from contracts.events.sales import Receipt, SaleCompleted, SaleLine, SaleVoided
from contracts.events.stock import StockAdjusted, StockCounted
from contracts.fields import Model
from contracts.records import LogRecord
from projections.facts import FactEvent, concerned_type, content_of, fact_event

MAPPING_VERSION = 1
FOLDED_TYPES = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED, STOCK_ADJUSTED, STOCK_COUNTED})
COVERED_TYPES = FOLDED_TYPES | {EVENT_CORRECTED}


class MovementRow(NamedTuple):
    """A signed change of one SKU."""

    store_id: str
    event_id: UUID
    line: int
    sku: str
    quantity: Decimal
    occurred_at: datetime


class CountRow(NamedTuple):
    """What was on the shelf at a moment."""

    store_id: str
    event_id: UUID
    line: int
    sku: str
    quantity: Decimal
    counted_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class StockFact:
    """An event and its rows."""

    event: FactEvent
    movements: tuple[MovementRow, ...] = ()
    counts: tuple[CountRow, ...] = ()


def stock_fact(record: LogRecord) -> StockFact | None:
    """Map a record; None for a correction of something that moves no stock, UnreadableRecord for what cannot be decoded."""
    event = decode(record)
    if concerned_type(event) not in FOLDED_TYPES:
        return None
    row = fact_event(record, event)
    content = content_of(event)
    if content is None:
        return StockFact(row)
    return StockFact(row, tuple(_movements(content)), tuple(_counts(content, record.offset)))


def _movements(event: Event[Model]) -> list[MovementRow]:
    data = event.data
    at = event.envelope.occurred_at
    if isinstance(data, Receipt):
        return [
            MovementRow(event.store_id, event.id, line.line, line.sku, sign * line.quantity, at)
            for line in data.lines
            if (sign := _direction(data, line))
        ]
    if isinstance(data, StockAdjusted):
        return [MovementRow(event.store_id, event.id, line.line, line.sku, line.quantity_delta, at) for line in data.lines]
    return []


def _direction(receipt: Receipt, line: SaleLine) -> int:
    """Return +1 for goods that come in, −1 for goods that leave, 0 for what moves nothing.

    A return line of an exchange brings goods in; a void after completion undoes the item lines it repeats.
    """
    if line.kind == "service" or (isinstance(receipt, SaleVoided) and receipt.phase == "before_completion"):
        return 0
    if line.kind == "return":
        return 0 if isinstance(receipt, SaleVoided) else 1
    return -1 if isinstance(receipt, SaleCompleted) else 1


def _counts(event: Event[Model], position: int) -> list[CountRow]:
    data = event.data
    if not isinstance(data, StockCounted):
        return []
    at = event.envelope.occurred_at
    return [CountRow(event.store_id, event.id, line.line, line.sku, line.quantity, line.counted_at or at, position) for line in data.lines]
