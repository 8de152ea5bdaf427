"""Which event ids were folded before, by the hour of the event: a repeat is an id known from a lower position."""

from collections.abc import Callable, Sequence
from datetime import datetime
from struct import Struct
from typing import TypeAlias
from uuid import UUID

from processors.rules.rule import RETENTION, Became, Entry, Kind, State, microseconds

Read: TypeAlias = Callable[[str], tuple[str, Entry]]

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


class HourIds:
    """The ids of one hour of a store, to ask for many at once. A set of a page is good for that very page only."""

    def __init__(self, hour: int) -> None:
        self.hour = hour
        self._pages: dict[int, tuple[Seen, set[bytes]]] = {}

    def with_new(
        self, events: Sequence[bytes], positions: Sequence[int], clock_at: int | None, read: Read
    ) -> list[tuple[str, Entry, Entry]] | None:
        """Return the pages, as they were and as they become, with ids that are all new; None where any needs a closer look.

        `read` gives the key of a page by its name, and the page.
        """
        if len(set(events)) < len(events):
            return None
        changes, number, begin = list[Became](), 0, 0
        due_at = forget_at(self.hour, clock_at)
        while begin < len(events):
            key, held = read(f"{self.hour}/{number}")
            page = held.state if isinstance(held.state, Seen) else _NONE
            known = self._ids(number, page)
            if held.applied >= positions[0] or not known.isdisjoint(events):
                return None
            end = begin + IDS_PER_PAGE - len(page.rows) // _ROW_BYTES
            taken, own = events[begin:end], positions[begin:end]
            if taken:
                page = Seen(page.rows + b"".join([event + _packed(position) for event, position in zip(taken, own, strict=True)]))
                known.update(taken)
                self._pages[number] = page, known
                changes.append((key, held, Entry(SEEN, page, own[-1], due_at)))
            number, begin = number + 1, max(begin, end)
        return changes

    def _ids(self, number: int, page: Seen) -> set[bytes]:
        known = self._pages.get(number)
        if known is None or known[0] is not page:
            rows = page.rows
            known = self._pages[number] = page, {rows[at : at + _ID_BYTES] for at in range(0, len(rows), _ROW_BYTES)}
        return known[1]


def hour_of(moment: int) -> int:
    """Return the hour of a moment (Unix microseconds)."""
    return moment // _HOUR


def forget_at(hour: int, clock_at: int | None) -> int:
    """Return when the ids of an hour may be forgotten; those of history are kept as long from now (Unix microseconds)."""
    moment = hour * _HOUR
    return (moment if clock_at is None else max(moment, clock_at)) + _RETENTION
