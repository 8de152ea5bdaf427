"""From an event to the rows of the sales facts; pure. It decides nothing about which events count.

The envelope carries no zone. The edge, the loader and the simulator write the time of an event in the local offset
of its store, so the local hour of a sale is the hour of `occurred_at` under its own offset, and the offset is kept.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from contracts.codec import corrected_content
from contracts.envelope import Event
from contracts.errors import Problem, UnreadableRecord
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.fields import Model
from contracts.money import without_tax
from contracts.payment_direction import direction
from projections.facts import EventRows

MAPPING_VERSION: Final = 2
SALE_TYPES: Final = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED})
COVERED_TYPES: Final = SALE_TYPES | {EVENT_CORRECTED}
"""Types that may concern sales; a correction does when it corrects a sale."""

_TOP: Final = 2**63
_decimal = lru_cache(maxsize=65_536)(Decimal)
"""Of a quantity, which is text where content was compiled; the same ones come again and again."""


class Origin(NamedTuple):
    """Where an event stands on the log, and the hash of its bytes."""

    partition: int
    position: int
    recorded_at: datetime
    event_hash: int
    version: int


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


NO_ROWS: Final = EventRows((), ())


class SaleFacts(NamedTuple):
    """The rows of one event, all of them of one business date."""

    business_date: date
    corrections: tuple[SaleCorrectionRow, ...] = ()
    lines: EventRows = NO_ROWS
    tenders: EventRows = NO_ROWS


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


def map_event(event: Event[Any], origin: Origin) -> SaleFacts:
    """Map an event that concerns sales, its content as a model or as compiled; UnreadableRecord when it has no business date."""
    day = event.envelope.business_date
    if day is None:
        raise UnreadableRecord([Problem("missing", "/headers/businessdate", "the business date of a sale")])
    if not isinstance(event.data, EventCorrected):
        return _receipt(event, day, origin, is_correction=0, corrections=())
    corrections = (_correction(event, event.data, day, origin),)
    content = corrected_content(event)
    return SaleFacts(day, corrections) if content is None else _receipt(content, day, origin, 1, corrections)


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


def _receipt(event: Event[Any], day: date, origin: Origin, is_correction: int, corrections: tuple[SaleCorrectionRow, ...]) -> SaleFacts:
    """By position, for this runs once a receipt and once a line; that the parts are the table's columns in their order is tested."""
    if event.type not in SALE_TYPES:
        raise TypeError(f"{event.type} is not a receipt")
    receipt, occurred_at = event.data, event.envelope.occurred_at
    hour_start, offset_minutes = local_hour(occurred_at)
    phase = receipt.phase if event.type == SALE_VOIDED else ""
    head = (
        event.store_id, day, event.id.bytes, event.type, is_correction,
        origin.event_hash, origin.partition, origin.position, origin.version, origin.recorded_at, occurred_at,
    )  # fmt: skip
    till, employee, period, currency = receipt.till_id or "", receipt.employee_id or "", receipt.period_id or "", receipt.currency
    lines, tenders = receipt.lines, receipt.tenders
    of_lines = (len(lines), hour_start, offset_minutes, currency, phase, receipt.receipt_id, till, employee, receipt.channel, period)
    paid = (currency, phase, _direction(event.type, lines), till, period, employee)
    return SaleFacts(
        day,
        corrections,
        EventRows(
            (*head, *of_lines, len(tenders)),
            [(line.line, line.kind, line.sku, _decimal(line.quantity), *_amounts(line), line.promotion_id or "") for line in lines],
        ),
        EventRows((*head, *paid), [(number, each.kind, each.amount, each.change, each.tip) for number, each in enumerate(tenders, 1)]),
    )


def _direction(event_type: str, lines: Iterable[Any]) -> int:
    return direction(event_type == SALE_RETURNED, event_type == SALE_VOIDED, lines)


def _amounts(line: Any) -> tuple[int, int, int]:
    """Return gross, discount and tax, the first two without the tax that they may contain."""
    if not line.tax_included:
        return line.gross, line.discount, line.tax
    return (*without_tax(line.gross, line.discount, line.tax), line.tax)
