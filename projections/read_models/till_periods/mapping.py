"""From an event to a till's entries, openings and closings; pure. To which period an entry belongs is decided when it is asked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.control import Tick
from contracts.events.registry import (
    CASH_PAID_IN,
    CASH_PAID_OUT,
    DRAWER_OPENED,
    EVENT_CORRECTED,
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
    TICK,
    TILL_CLOSED,
    TILL_OPENED,
)
from contracts.events.sales import Receipt, SaleVoided
from contracts.events.till import CashPaidIn, CashPaidOut, DrawerMovement, DrawerOpened, TillClosed, TillOpened
from contracts.fields import Model
from contracts.records import LogRecord
from projections.errors import Unmappable
from projections.facts import FactEvent, concerned_type, content_of, fact_event
from projections.read_models.till_periods.amounts import Amounts, amounts_of, is_tendered, paid_of
from projections.shared_records import event_of

MAPPING_VERSION = 3
KIND_OF: Final = {SALE_COMPLETED: "sale", SALE_RETURNED: "return", SALE_VOIDED: "void", DRAWER_OPENED: "no_sale"}
MOVEMENTS: Final = frozenset({CASH_PAID_IN, CASH_PAID_OUT})
SALE_TYPES: Final = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED})
FOLDED_TYPES: Final = frozenset({*KIND_OF, *MOVEMENTS, TILL_OPENED, TILL_CLOSED})
NO_TILL: Final = ""
"""The till of a receipt that names none and came from no device: it belongs to no period, but its number is known."""
COVERED_TYPES: Final = FOLDED_TYPES | {EVENT_CORRECTED, TICK}


class EntryRow(NamedTuple):
    """What a till did once: a receipt with its amounts, a drawer opened without a sale, or cash moved in (`moved`, never negative)."""

    store_id: str
    event_id: UUID
    till_id: str
    period_id: str | None
    kind: str
    occurred_at: datetime
    business_date: date | None
    receipt_id: str | None
    is_tendered: bool
    moved: int
    gross: int
    discounts: int
    returns: int
    voids: int
    tax: int
    tips: int


class TenderRow(NamedTuple):
    """What was paid by one kind of tender on a receipt."""

    store_id: str
    event_id: UUID
    kind: str
    tenders: int
    amount: int


class OpeningRow(NamedTuple):
    """The beginning of a period."""

    store_id: str
    event_id: UUID
    till_id: str
    period_id: str
    opened_at: datetime
    float_amount: int


class ClosingRow(NamedTuple):
    """The end of a period, with the whole report as the till sent it."""

    store_id: str
    event_id: UUID
    till_id: str
    period_id: str
    opened_at: datetime
    closed_at: datetime
    position: int
    report: dict[str, Any]


class PeriodRow(NamedTuple):
    """A period that an event named on a business date."""

    store_id: str
    till_id: str
    period_id: str
    business_date: date


class TickRow(NamedTuple):
    """Where the clock of a partition stands from this record on, and whether it is a simulated one."""

    part: int
    at: datetime
    simulated: bool


@dataclass(frozen=True, slots=True)
class PeriodFact:
    """An event and its rows; one that `revises` changes the sales of its business date, however late it comes."""

    event: FactEvent
    entry: EntryRow | None = None
    tenders: tuple[TenderRow, ...] = ()
    opening: OpeningRow | None = None
    closing: ClosingRow | None = None
    period: PeriodRow | None = None
    revises: bool = False


def period_fact(record: LogRecord) -> PeriodFact | TickRow | None:
    """Map a record; None for a correction of something else or an idle tick, UnreadableRecord or Unmappable for what cannot be used."""
    event = event_of(record)
    if isinstance(event.data, Tick):
        return _tick(record, event.data)
    if concerned_type(event) not in FOLDED_TYPES:
        return None
    row = fact_event(record, event)
    revises = _revises(row, event)
    content = content_of(event)
    if content is None:
        return PeriodFact(row, revises=revises)
    data = content.data
    if isinstance(data, Receipt):
        return _receipt(row, content, data, _till(event, data), revises)
    if isinstance(data, TillClosed):
        return PeriodFact(row, closing=_closing(record, content, data), period=_period(content, data.till_id, data.period_id))
    return _drawer(row, content)


def _drawer(row: FactEvent, content: Event[Model]) -> PeriodFact:
    """Map what a till does without a receipt."""
    data, head, moment = content.data, (content.store_id, content.id), content.envelope.occurred_at
    if isinstance(data, TillOpened):
        opening = OpeningRow(*head, data.till_id, data.period_id, moment, data.float_amount)
        return PeriodFact(row, opening=opening, period=_period(content, data.till_id, data.period_id))
    if not isinstance(data, DrawerOpened | CashPaidIn | CashPaidOut):
        raise TypeError(f"{content.type} is no event of this model")
    moved = data.amount if isinstance(data, DrawerMovement) else 0
    day = content.envelope.business_date
    entry = EntryRow(*head, data.till_id, data.period_id, _kind(data), moment, day, None, True, moved, *Amounts())
    return PeriodFact(row, entry, period=_period(content, data.till_id, data.period_id))


def _kind(data: DrawerOpened | CashPaidIn | CashPaidOut) -> str:
    if isinstance(data, DrawerOpened):
        return "no_sale"
    if isinstance(data, CashPaidIn):
        return "paid_in"
    return "bank_drop" if data.purpose == "bank_drop" else "paid_out"


def _closing(record: LogRecord, content: Event[Model], data: TillClosed) -> ClosingRow:
    report = data.model_dump(mode="json", exclude={"till_id", "period_id", "opened_at"})
    named = (content.store_id, content.id, data.till_id, data.period_id)
    return ClosingRow(*named, data.opened_at, content.envelope.occurred_at, record.offset, report)


def _till(event: Event[Model], data: Receipt) -> str:
    """Return the till of a receipt: its own word, else its device; the device of a correction is that of whoever corrected."""
    return data.till_id or (None if event.type == EVENT_CORRECTED else event.envelope.device_id) or NO_TILL


def _receipt(row: FactEvent, content: Event[Model], data: Receipt, till_id: str, revises: bool) -> PeriodFact:
    """A void before completion is nothing that a closing or a KPI counts."""
    if isinstance(data, SaleVoided) and data.phase == "before_completion":
        return PeriodFact(row)
    head, envelope = (content.store_id, content.id), content.envelope
    day, moment, kind = envelope.business_date, envelope.occurred_at, KIND_OF[content.type]
    entry = EntryRow(*head, till_id, data.period_id, kind, moment, day, data.receipt_id, is_tendered(data), 0, *amounts_of(data))
    tenders = tuple(TenderRow(*head, paid.kind, paid.tenders, paid.amount) for paid in paid_of(data))
    return PeriodFact(row, entry, tenders, period=_period(content, till_id, data.period_id), revises=revises)


def _revises(row: FactEvent, event: Event[Model]) -> bool:
    """History of a load is no revision: it says itself that it is old, and nobody was told a figure before."""
    return row.business_date is not None and not event.envelope.history and concerned_type(event) in SALE_TYPES


def _tick(record: LogRecord, tick: Tick) -> TickRow | None:
    recorded_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return None if tick.runs_ahead(recorded_at) else TickRow(record.partition, tick.at, tick.time == "simulated")


def _period(content: Event[Model], till_id: str, period_id: str | None) -> PeriodRow | None:
    if period_id is None or till_id == NO_TILL:
        return None
    if content.envelope.business_date is None:
        raise Unmappable("no_business_date", "/headers/businessdate", "the business date of the till period")
    return PeriodRow(content.store_id, till_id, period_id, content.envelope.business_date)
