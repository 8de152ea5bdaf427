"""From an event to punches and shifts; pure. What they make of a day is decided in `pairing` over all of a person's rows."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from contracts.envelope import Event
from contracts.events.clock import Punch
from contracts.events.registry import CLOCKED_IN, CLOCKED_OUT, EVENT_CORRECTED, SHIFT_PUBLISHED
from contracts.events.shifts import ShiftPublished
from contracts.fields import Model
from contracts.records import LogRecord
from projections.errors import Unmappable
from projections.facts import FactEvent, concerned_type, content_of, fact_event
from projections.shared_records import event_of

MAPPING_VERSION = 1
FOLDED_TYPES = frozenset({CLOCKED_IN, CLOCKED_OUT, SHIFT_PUBLISHED})
COVERED_TYPES = FOLDED_TYPES | {EVENT_CORRECTED}


class PunchRow(NamedTuple):
    """One press of the time clock; `business_date` is the one that the event carries."""

    store_id: str
    event_id: UUID
    employee_id: str
    direction: str
    occurred_at: datetime
    business_date: date
    position: int
    verdict: str | None


class ShiftRow(NamedTuple):
    """One revision of a shift; `business_date` is the local date of its start, in the offset that the event carries."""

    store_id: str
    event_id: UUID
    shift_id: str
    revision: int
    employee_id: str
    starts_at: datetime
    ends_at: datetime
    business_date: date
    status: str
    position: int


@dataclass(frozen=True, slots=True)
class AttendanceFact:
    """An event and its row."""

    event: FactEvent
    punch: PunchRow | None = None
    shift: ShiftRow | None = None


def attendance_fact(record: LogRecord) -> AttendanceFact | None:
    """Map a record; None for a correction of something else, UnreadableRecord or Unmappable for what cannot be used."""
    event = event_of(record)
    if concerned_type(event) not in FOLDED_TYPES:
        return None
    row = fact_event(record, event)
    content = content_of(event)
    if content is None:
        return AttendanceFact(row)
    if isinstance(content.data, ShiftPublished):
        return AttendanceFact(row, shift=_shift(content, content.data, record.offset))
    if isinstance(content.data, Punch):
        return AttendanceFact(row, punch=_punch(content, content.data, record.offset))
    raise TypeError(f"{content.type} is no event of this model")


def _punch(event: Event[Model], data: Punch, position: int) -> PunchRow:
    if event.envelope.business_date is None:
        raise Unmappable("no_business_date", "/headers/businessdate", "the business date of the punch")
    return PunchRow(
        event.store_id,
        event.id,
        data.employee_id,
        "in" if event.type == CLOCKED_IN else "out",
        event.envelope.occurred_at,
        event.envelope.business_date,
        position,
        data.location.verdict if data.location else None,
    )


def _shift(event: Event[Model], data: ShiftPublished, position: int) -> ShiftRow:
    return ShiftRow(
        event.store_id,
        event.id,
        data.shift_id,
        data.revision,
        data.employee_id,
        data.starts_at,
        data.ends_at,
        data.starts_at.date(),
        data.status,
        position,
    )
