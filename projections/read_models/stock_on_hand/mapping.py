"""From an event to stock movements and counts; pure. Which events count, and what they add up to, is decided over the stored rows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.registry import EVENT_CORRECTED, STOCK_COUNTED
from contracts.events.stock import StockCounted
from contracts.fields import Model
from contracts.records import LogRecord
from contracts.stock_movements import MOVING_TYPES, movements
from projections.facts import FactEvent, concerned_type, content_of, fact_event
from projections.shared_records import event_of

MAPPING_VERSION = 1
FOLDED_TYPES = MOVING_TYPES | {STOCK_COUNTED}
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
    event = event_of(record)
    if concerned_type(event) not in FOLDED_TYPES:
        return None
    row = fact_event(record, event)
    content = content_of(event)
    if content is None:
        return StockFact(row)
    head, at = (content.store_id, content.id), content.envelope.occurred_at
    moved = tuple(MovementRow(*head, movement.line, movement.sku, movement.delta, at) for movement in movements(content.data))
    return StockFact(row, moved, tuple(_counts(content, record.offset)))


def _counts(event: Event[Model], position: int) -> list[CountRow]:
    data = event.data
    if not isinstance(data, StockCounted):
        return []
    at = event.envelope.occurred_at
    return [CountRow(event.store_id, event.id, line.line, line.sku, line.quantity, line.counted_at or at, position) for line in data.lines]
