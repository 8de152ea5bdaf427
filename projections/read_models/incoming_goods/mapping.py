"""From an order, a delivery or one side of a transfer to lines of goods on their way; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.registry import (
    EVENT_CORRECTED,
    STOCK_ORDERED,
    STOCK_RECEIVED,
    STOCK_TRANSFERRED_IN,
    STOCK_TRANSFERRED_OUT,
)
from contracts.events.stock import StockOrdered, StockReceived, StockTransfer, StockTransferredOut
from contracts.fields import Model
from contracts.records import LogRecord
from projections.facts import FactEvent, concerned_type, content_of, fact_event
from projections.shared_records import event_of

MAPPING_VERSION: Final = 1
FACT_TYPES: Final = frozenset({STOCK_ORDERED, STOCK_RECEIVED, STOCK_TRANSFERRED_OUT, STOCK_TRANSFERRED_IN})
COVERED_TYPES: Final = FACT_TYPES | {EVENT_CORRECTED}


class IncomingLine(NamedTuple):
    """A quantity that was promised to a store, or that came there; units. `kind`: order or transfer; `side`: promised or came."""

    store_id: str
    event_id: UUID
    line: int
    kind: str
    side: str
    to_store_id: str
    reference: str
    sku: str
    quantity: Decimal
    occurred_at: datetime
    supplier_id: str | None
    expected_on: date | None
    currency: str | None
    unit_cost: Decimal | None


@dataclass(frozen=True, slots=True)
class IncomingFact:
    """An event and its lines."""

    event: FactEvent
    lines: tuple[IncomingLine, ...] = ()


def incoming_fact(record: LogRecord) -> IncomingFact | None:
    """Map a record; None for a correction of something else, UnreadableRecord for what cannot be decoded."""
    event = event_of(record)
    if concerned_type(event) not in FACT_TYPES:
        return None
    content = content_of(event)
    return IncomingFact(fact_event(record, event), tuple(_lines(content)) if content is not None else ())


def _lines(event: Event[Model]) -> Sequence[IncomingLine]:
    data = event.data
    if isinstance(data, StockOrdered):
        return _of_order(event, data, "promised", data.purchase_order_id, data.expected_on)
    if isinstance(data, StockReceived):
        return _of_order(event, data, "came", data.purchase_order_id, None)
    return _of_transfer(event, data) if isinstance(data, StockTransfer) else ()


def _of_order(
    event: Event[Model], data: StockOrdered | StockReceived, side: str, reference: str | None, expected_on: date | None
) -> Sequence[IncomingLine]:
    """A delivery that nobody ordered was never on its way."""
    if reference is None:
        return ()
    head, at = (event.store_id, event.id), event.envelope.occurred_at
    middle = ("order", side, event.store_id, reference)
    return [
        IncomingLine(*head, line.line, *middle, line.sku, line.quantity, at, data.supplier_id, expected_on, data.currency, line.unit_cost)
        for line in data.lines
    ]


def _of_transfer(event: Event[Model], data: StockTransfer) -> Sequence[IncomingLine]:
    """Both sides name the transfer alike; the side that sends says where to."""
    head, at = (event.store_id, event.id), event.envelope.occurred_at
    is_sent = isinstance(data, StockTransferredOut)
    middle = ("transfer", "promised" if is_sent else "came", data.other_store_id if is_sent else event.store_id, data.transfer_id)
    return [IncomingLine(*head, line.line, *middle, line.sku, line.quantity, at, None, None, None, None) for line in data.lines]
