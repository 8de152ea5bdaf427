"""A record that several read models of a process have in hand: it is decoded by the first of them, for all. Pure."""

from typing import Any

from msgspec import field

from contracts.envelope import Event
from contracts.fields import Model
from contracts.quick_codec import quickly_decoded
from contracts.records import LogRecord, RawRecord


class SharedRecord(RawRecord, frozen=True):
    """A record with room for the event that is read from it."""

    events: list[Event[Any]] = field(default_factory=list)


def event_of(record: LogRecord) -> Event[Model]:
    """Read and validate a record, once where it is shared; UnreadableRecord says which header or field, and what was expected."""
    if not isinstance(record, SharedRecord):
        return quickly_decoded(record)
    if not record.events:
        record.events.append(quickly_decoded(record))
    return record.events[0]
