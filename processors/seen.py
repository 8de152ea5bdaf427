"""Which event ids were folded before, by the hour of the event: a repeat is an id known from a lower position."""

from collections.abc import Callable, Sequence
from datetime import datetime
from struct import Struct
from uuid import UUID

from processors.rules.rule import RETENTION, Kind, State, microseconds

IDS_PER_PAGE = 1_000
_HOUR = 3_600_000_000
_RETENTION = RETENTION // RETENTION.resolution
_ID_BYTES = 16
_ROW_BYTES = 24


class Seen(State, frozen=True, array_like=True):
    """Ids with the position at which each was recorded first, packed in 24 bytes a row."""

    rows: bytes = b""


_packed = Struct(">Q").pack
_NONE = Seen()
SEEN = Kind("ids", Seen, 1, 2)


def first_position(seen: Seen, event: UUID) -> int | None:
    """Return where the id was recorded first, None where this page does not know it."""
    return _position(seen.rows, event.bytes)


def _position(rows: bytes, wanted: bytes) -> int | None:
    at = -1
    while (at := rows.find(wanted, at + 1)) >= 0:
        if at % _ROW_BYTES == 0:
            return int.from_bytes(rows[at + _ID_BYTES : at + _ROW_BYTES], "big")
    return None


def is_full(seen: Seen) -> bool:
    """Return whether the next id goes to the next page."""
    return len(seen.rows) >= IDS_PER_PAGE * _ROW_BYTES


def with_id(seen: Seen, event: UUID, position: int) -> Seen:
    """Add an id with its first position."""
    return Seen(seen.rows + event.bytes + position.to_bytes(_ROW_BYTES - _ID_BYTES, "big"))


def look_up(event: UUID, occurred_at: datetime, read: Callable[[str], State | None]) -> tuple[int | None, str, Seen]:
    """Return the first position of an id (None: new), and the page of its hour that it is on or belongs on; pages fill one by one."""
    hour, number, wanted = microseconds(occurred_at) // _HOUR, 0, event.bytes
    while True:
        page = f"{hour}/{number}"
        held = read(page)
        seen = held if isinstance(held, Seen) else _NONE
        position = _position(seen.rows, wanted)
        if position is not None or not is_full(seen):
            return position, page, seen
        number += 1


def with_new(seen: Seen, events: Sequence[bytes], positions: Sequence[int]) -> Seen | None:
    """Add ids that are all new, with their positions; None where any needs a closer look, or there is not room for all of them."""
    rows = seen.rows
    if len(set(events)) < len(events) or len(rows) + len(events) * _ROW_BYTES > IDS_PER_PAGE * _ROW_BYTES:
        return None
    for event in events:
        if event in rows:
            return None
    return Seen(rows + b"".join([event + _packed(position) for event, position in zip(events, positions, strict=True)]))


def hour_of(moment: int) -> int:
    """Return the hour of a moment (Unix microseconds)."""
    return moment // _HOUR


def first_page(hour: int) -> str:
    """Return the first page of an hour."""
    return f"{hour}/0"


def forget_at(occurred_at: datetime, clock: datetime | None) -> int:
    """Return when the ids of an hour may be forgotten; those of history are kept as long from now."""
    moment = microseconds(occurred_at) // _HOUR * _HOUR
    return max(moment, microseconds(clock) if clock else moment) + _RETENTION
