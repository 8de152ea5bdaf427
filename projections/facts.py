"""What every fact-folding read model keeps of an event besides its own rows: identity, hash, first position, and what it corrects. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.codec import content_hash, corrected_content
from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.fields import Model
from contracts.records import LogRecord


class FactKey(NamedTuple):
    """Identity of an event within its store."""

    store_id: str
    event_id: UUID


class EventRows(NamedTuple):
    """The rows of one event in a table: what all of them say, once, and what each says of its own; in the order of the table's columns."""

    head: tuple[Any, ...]
    own: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class FactEvent:
    """An event as a row; `position` is the offset where it was read."""

    store_id: str
    event_id: UUID
    event_type: str
    business_date: date | None
    event_hash: int
    position: int
    recorded_at: datetime
    corrects_event_id: UUID | None = None
    corrects_type: str | None = None

    @property
    def key(self) -> FactKey:
        """Its identity."""
        return FactKey(self.store_id, self.event_id)


def recorded_at(record: LogRecord) -> datetime:
    """Return the broker's time of a record."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def fact_event(record: LogRecord, event: Event[Model]) -> FactEvent:
    """Describe a decoded event."""
    correction = event.data if isinstance(event.data, EventCorrected) else None
    return FactEvent(
        store_id=event.store_id,
        event_id=event.id,
        event_type=event.type,
        business_date=event.envelope.business_date,
        event_hash=content_hash(record.headers, record.value),
        position=record.offset,
        recorded_at=recorded_at(record),
        corrects_event_id=correction.corrects_event_id if correction else None,
        corrects_type=correction.corrects_type if correction else None,
    )


def content_of(event: Event[Model]) -> Event[Model] | None:
    """Return what an event says: itself, or the right content that a correction carries; None when it says that nothing happened."""
    return corrected_content(event) if isinstance(event.data, EventCorrected) else event


def concerned_type(event: Event[Model]) -> str:
    """Return the type of the fact that an event is, or that it corrects."""
    return event.data.corrects_type if isinstance(event.data, EventCorrected) else event.type
