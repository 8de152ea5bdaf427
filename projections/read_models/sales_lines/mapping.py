"""From an event to the rows of the sales facts; pure. It decides nothing about which events count.

The envelope carries no zone. The edge, the loader and the simulator write the time of an event in the local offset
of its store, so the local hour of a sale is the hour of `occurred_at` under its own offset, and the offset is kept.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from contracts.codec import corrected_content
from contracts.envelope import Event
from contracts.errors import Problem, UnreadableRecord
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.events.sales import Receipt, SaleLine, SaleVoided
from contracts.fields import Model
from contracts.money import without_tax
from contracts.payment_direction import direction_of

MAPPING_VERSION: Final = 2
SALE_TYPES: Final = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED})
COVERED_TYPES: Final = SALE_TYPES | {EVENT_CORRECTED}
"""Types that may concern sales; a correction does when it corrects a sale."""

_TOP: Final = 2**63


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event stands on the log, and the hash of its bytes."""

    partition: int
    position: int
    recorded_at: datetime
    event_hash: int
    version: int


class SaleLineRow(NamedTuple):
    """A line of a receipt, in the order of the table's columns."""

    store_id: str
    business_date: date
    event_id: bytes
    line: int
    event_type: str
    is_correction: int
    event_hash: int
    partition: int
    position: int
    version: int
    recorded_at: datetime
    occurred_at: datetime
    line_count: int
    hour_start: datetime
    utc_offset_minutes: int
    currency: str
    phase: str
    kind: str
    sku: str
    quantity: Decimal
    gross: int
    discount: int
    tax: int
    receipt_id: str
    till_id: str
    employee_id: str
    channel: str
    promotion_id: str
    period_id: str
    tender_count: int


class ReceiptTenderRow(NamedTuple):
    """One way in which a receipt was paid, in the order of the table's columns; amounts in minor units."""

    store_id: str
    business_date: date
    event_id: bytes
    tender: int
    event_type: str
    is_correction: int
    event_hash: int
    partition: int
    position: int
    version: int
    recorded_at: datetime
    occurred_at: datetime
    currency: str
    phase: str
    kind: str
    direction: int
    amount: int
    change: int
    tip: int
    till_id: str
    period_id: str
    employee_id: str


class SaleCorrectionRow(NamedTuple):
    """A correction of a sale, in the order of the table's columns."""

    store_id: str
    business_date: date
    event_id: bytes
    corrects_event_id: bytes
    corrects_type: str
    kind: str
    reason: str
    event_hash: int
    partition: int
    position: int
    version: int
    recorded_at: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class SaleFacts:
    """The rows of one event; all of them are of one business date."""

    lines: tuple[SaleLineRow, ...]
    corrections: tuple[SaleCorrectionRow, ...]
    tenders: tuple[ReceiptTenderRow, ...] = ()


def version_of(position: int, first_position_wins: bool = True) -> int:
    """Return what the engine compares between rows of one identity: the greatest stays."""
    return _TOP - position if first_position_wins else position


def concerns_sales(event: Event[Model]) -> bool:
    """Tell whether an event belongs to this read model."""
    if isinstance(event.data, EventCorrected):
        return event.data.corrects_type in SALE_TYPES
    return event.type in SALE_TYPES


def local_hour(occurred_at: datetime) -> tuple[datetime, int]:
    """Return the UTC start of the hour that the device's clock showed, and the offset in minutes."""
    offset = occurred_at.utcoffset() or timedelta()
    return occurred_at.replace(minute=0, second=0, microsecond=0).astimezone(UTC), int(offset.total_seconds() // 60)


def map_event(event: Event[Model], origin: Origin) -> SaleFacts:
    """Map an event that concerns sales; UnreadableRecord when it has no business date."""
    day = event.envelope.business_date
    if day is None:
        raise UnreadableRecord([Problem("missing", "/headers/businessdate", "the business date of a sale")])
    if isinstance(event.data, EventCorrected):
        content = corrected_content(event)
        correction = (_correction(event, event.data, day, origin),)
        if content is None:
            return SaleFacts((), correction)
        return SaleFacts(_lines(content, day, origin, is_correction=1), correction, _tenders(content, day, origin, is_correction=1))
    return SaleFacts(_lines(event, day, origin, is_correction=0), (), _tenders(event, day, origin, is_correction=0))


def _correction(event: Event[Model], data: EventCorrected, day: date, origin: Origin) -> SaleCorrectionRow:
    return SaleCorrectionRow(
        event.store_id,
        day,
        event.id.bytes,
        data.corrects_event_id.bytes,
        data.corrects_type,
        data.kind,
        data.reason,
        origin.event_hash,
        origin.partition,
        origin.position,
        origin.version,
        origin.recorded_at,
        data.corrects_occurred_at,
    )


def _lines(event: Event[Model], day: date, origin: Origin, is_correction: int) -> tuple[SaleLineRow, ...]:
    receipt = event.data
    if not isinstance(receipt, Receipt):
        raise TypeError(f"{event.type} is not a receipt")
    hour_start, offset_minutes = local_hour(event.envelope.occurred_at)
    phase = receipt.phase if isinstance(receipt, SaleVoided) else ""
    head = (event.store_id, day, event.id.bytes)
    middle = (event.type, is_correction, origin.event_hash, origin.partition, origin.position, origin.version, origin.recorded_at)
    of_receipt = (event.envelope.occurred_at, len(receipt.lines), hour_start, offset_minutes, receipt.currency, phase)
    tail = (receipt.receipt_id, receipt.till_id or "", receipt.employee_id or "", receipt.channel)
    end = (receipt.period_id or "", len(receipt.tenders))
    # By position, for this runs once a line; that the fields are the table's columns in their order is tested.
    rows = ((line, (line.kind, line.sku, line.quantity, *_amounts(line), *tail, line.promotion_id or "", *end)) for line in receipt.lines)
    return tuple(SaleLineRow._make((*head, line.line, *middle, *of_receipt, *of_line)) for line, of_line in rows)


def _tenders(event: Event[Model], day: date, origin: Origin, is_correction: int) -> tuple[ReceiptTenderRow, ...]:
    receipt = event.data
    if not isinstance(receipt, Receipt) or not receipt.tenders:
        return ()
    phase = receipt.phase if isinstance(receipt, SaleVoided) else ""
    head = (event.store_id, day, event.id.bytes)
    middle = (event.type, is_correction, origin.event_hash, origin.partition, origin.position, origin.version, origin.recorded_at)
    of_receipt = (event.envelope.occurred_at, receipt.currency, phase)
    tail = (receipt.till_id or "", receipt.period_id or "", receipt.employee_id or "")
    direction = direction_of(receipt)
    return tuple(
        ReceiptTenderRow._make((*head, number, *middle, *of_receipt, given.kind, direction, given.amount, given.change, given.tip, *tail))
        for number, given in enumerate(receipt.tenders, 1)
    )


def _amounts(line: SaleLine) -> tuple[int, int, int]:
    """Return gross, discount and tax, the first two without the tax that they may contain."""
    if not line.tax_included:
        return line.gross, line.discount, line.tax
    return (*without_tax(line.gross, line.discount, line.tax), line.tax)
