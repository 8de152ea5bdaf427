"""From an event to a till's entries, openings and closings; pure. To which period an entry belongs is decided when it is asked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.codec import decode
from contracts.envelope import Event
from contracts.events.registry import (
    DRAWER_OPENED,
    EVENT_CORRECTED,
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
    TILL_CLOSED,
    TILL_OPENED,
)
from contracts.events.sales import Receipt, SaleVoided
from contracts.events.till import DrawerOpened, TillClosed, TillOpened
from contracts.fields import Model
from contracts.records import LogRecord
from projections.errors import Unmappable
from projections.facts import FactEvent, concerned_type, content_of, fact_event
from projections.read_models.till_periods.amounts import Amounts, amounts_of, paid_of

MAPPING_VERSION = 1
KIND_OF: Final = {SALE_COMPLETED: "sale", SALE_RETURNED: "return", SALE_VOIDED: "void", DRAWER_OPENED: "no_sale"}
FOLDED_TYPES: Final = frozenset({*KIND_OF, TILL_OPENED, TILL_CLOSED})
COVERED_TYPES: Final = FOLDED_TYPES | {EVENT_CORRECTED}


class EntryRow(NamedTuple):
    """What a till did once: a receipt with its amounts, or a drawer opened without a sale."""

    store_id: str
    event_id: UUID
    till_id: str
    period_id: str | None
    kind: str
    occurred_at: datetime
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


@dataclass(frozen=True, slots=True)
class PeriodFact:
    """An event and its rows."""

    event: FactEvent
    entry: EntryRow | None = None
    tenders: tuple[TenderRow, ...] = ()
    opening: OpeningRow | None = None
    closing: ClosingRow | None = None
    period: PeriodRow | None = None


def period_fact(record: LogRecord) -> PeriodFact | None:
    """Map a record; None for a correction of something else, UnreadableRecord or Unmappable for what cannot be used."""
    event = decode(record)
    if concerned_type(event) not in FOLDED_TYPES:
        return None
    row = fact_event(record, event)
    content = content_of(event)
    if content is None:
        return PeriodFact(row)
    data, head = content.data, (content.store_id, content.id)
    if isinstance(data, Receipt):
        return _receipt(row, content, data, data.till_id or (None if event.type == EVENT_CORRECTED else event.envelope.device_id))
    if isinstance(data, DrawerOpened):
        entry = EntryRow(*head, data.till_id, data.period_id, KIND_OF[content.type], content.envelope.occurred_at, *Amounts())
        return PeriodFact(row, entry, period=_period(content, data.till_id, data.period_id))
    if isinstance(data, TillOpened):
        opening = OpeningRow(*head, data.till_id, data.period_id, content.envelope.occurred_at)
        return PeriodFact(row, opening=opening, period=_period(content, data.till_id, data.period_id))
    if isinstance(data, TillClosed):
        report = data.model_dump(mode="json", exclude={"till_id", "period_id", "opened_at"})
        named, closed_at = (data.till_id, data.period_id), content.envelope.occurred_at
        closing = ClosingRow(*head, *named, data.opened_at, closed_at, record.offset, report)
        return PeriodFact(row, closing=closing, period=_period(content, data.till_id, data.period_id))
    raise TypeError(f"{content.type} is no event of this model")


def _receipt(row: FactEvent, content: Event[Model], data: Receipt, till_id: str | None) -> PeriodFact:
    """A receipt of no known till belongs to no period; a void before completion is nothing that a closing counts."""
    if till_id is None or (isinstance(data, SaleVoided) and data.phase == "before_completion"):
        return PeriodFact(row)
    head = (content.store_id, content.id)
    entry = EntryRow(*head, till_id, data.period_id, KIND_OF[content.type], content.envelope.occurred_at, *amounts_of(data))
    tenders = tuple(TenderRow(*head, paid.kind, paid.tenders, paid.amount) for paid in paid_of(data))
    return PeriodFact(row, entry, tenders, period=_period(content, till_id, data.period_id))


def _period(content: Event[Model], till_id: str, period_id: str | None) -> PeriodRow | None:
    if period_id is None:
        return None
    if content.envelope.business_date is None:
        raise Unmappable("no_business_date", "/headers/businessdate", "the business date of the till period")
    return PeriodRow(content.store_id, till_id, period_id, content.envelope.business_date)
