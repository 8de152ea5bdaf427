"""A record that several read models of a process have in hand: it is decoded by the first of them, for all. Pure.

Replays hand out records with room for their event. Live, each read model fetches for itself, some moments apart from the others:
there the last events are kept for a while.
"""

from typing import Any, Final, TypeAlias

from msgspec import field

from contracts.envelope import Event
from contracts.fields import Model
from contracts.quick_codec import quickly_decoded
from contracts.records import Headers, LogRecord, RawRecord

_KEPT: Final = 2_048
"""Events; models that work side by side are rarely further apart."""
_Place: TypeAlias = tuple[str, int, int]
_kept: dict[_Place, tuple[bytes | None, Headers, Event[Model]]] = {}


class SharedRecord(RawRecord, frozen=True):
    """A record with room for the event that is read from it."""

    events: list[Event[Any]] = field(default_factory=list)


def event_of(record: LogRecord) -> Event[Model]:
    """Read and validate a record, once where it is shared; UnreadableRecord says which header or field, and what was expected."""
    if not isinstance(record, SharedRecord):
        return _kept_event(record)
    if not record.events:
        record.events.append(quickly_decoded(record))
    return record.events[0]


def _kept_event(record: LogRecord) -> Event[Model]:
    """Return the event that was read from the same bytes at the same place, or read it."""
    place = (record.topic, record.partition, record.offset)
    known = _kept.get(place)
    if known is not None and known[0] == record.value and known[1] == record.headers:
        return known[2]
    event = quickly_decoded(record)
    _kept.pop(place, None)
    if len(_kept) >= _KEPT:
        del _kept[next(iter(_kept))]
    _kept[place] = (record.value, record.headers, event)
    return event
