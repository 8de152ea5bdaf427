"""Movements of one SKU as packed rows, in the order in which they arrived: the newest beside the stock, full pages apart.

A page only grows, and who reads it knows how many rows are his: what a page holds beyond them is
not there for him. So it may be written before the stock that its rows come from (see `on_hand`).
"""

import sys
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from struct import Struct
from typing import Literal, NamedTuple

from processors.rules.rule import Entity, Kind, State

ROWS_BESIDE, ROWS_IN_PAGE = 16, 128
"""Rows beside the stock before they go to a page, all at once; rows of a page, 4.5 kB."""
UNITS = 100_000
"""A unit in the whole numbers of the state: quantities have five decimal places."""
LARGEST = 2**62
"""Beyond this a quantity is no quantity: the event is refused."""

ROW_FORMAT = "q16sqH?"
_row = Struct(f">{ROW_FORMAT}")
ROW_BYTES = _row.size
_AT, _EVENT, _DELTA, _DAY = 0, 8, 24, 32
_ID_BYTES = 16
_amount = Struct(f">{_DELTA}xqH?")
_MANY = 64


class Row(NamedTuple):
    """What one event moved, all of its lines together; `is_demand`: customers took it, or brought it back."""

    at: int
    event: bytes
    delta: int
    day: int
    is_demand: bool


_made = partial(tuple.__new__, Row)
"""Much faster than calling the class, by whose name the fields are put together one by one."""


class Page(State, frozen=True, array_like=True):
    """Up to 128 rows. `look_at` is when it may be erased first; `doomed_at` the position where nobody needed it any more."""

    rows: bytes = b""
    look_at: int = 0
    doomed_at: int | None = None


PAGE = Kind("stock_rows", Page, 1, 1)


def refuse_beyond_reason(delta: int) -> None:
    """Raise OverflowError for a movement of a quantity that is none."""
    if not -LARGEST < delta < LARGEST:
        raise OverflowError("a movement of more units than can be counted")


def packed(at: int, event: bytes, delta: int, day: int, is_demand: bool) -> bytes:
    """Write a row; OverflowError where its quantity is beyond all reason."""
    refuse_beyond_reason(delta)
    return _row.pack(at, event, delta, day, is_demand)


def unpacked(rows: bytes) -> Iterator[Row]:
    """Read rows."""
    return map(_made, _row.iter_unpack(rows))


def times_in(rows: bytes) -> list[int]:
    """Return when each row happened; none is unpacked for it."""
    return _times.of(rows)


def deltas_in(rows: bytes) -> list[int]:
    """Return what each row moved."""
    return _deltas.of(rows)


def days_in(rows: bytes) -> list[int]:
    """Return the business date of each row."""
    return _days.of(rows)


def event_in(rows: bytes, place: int) -> bytes:
    """Return the id of the event of one row."""
    at = place * ROW_BYTES + _EVENT
    return rows[at : at + _ID_BYTES]


def amounts_in(rows: bytes, places: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """Return what the rows at these places, ascending, moved, on which day, and whether customers did."""
    if not places:
        return iter(())
    first, end = places[0], places[-1] + 1
    found = _amount.iter_unpack(rows[first * ROW_BYTES : end * ROW_BYTES])
    if len(places) == end - first:
        return found
    among = list(found)
    return (among[place - first] for place in places)


class Column:
    """A number that stands at the same place in each of many packed rows of so many bytes: a signed one (q) or one of two bytes (H)."""

    def __init__(self, kind: Literal["q", "H"], at: int, width: int) -> None:
        self._kind, self._at, self._width = kind, at, width
        self._size = array(kind).itemsize
        self._few = _MANY * width
        self._one = Struct(f">{at}x{kind}{width - at - self._size}x")

    def of(self, rows: bytes) -> list[int]:
        """Return the number of each row: of many rows byte by byte of the number, since the rows are many and its bytes are few."""
        if len(rows) < self._few:
            return [number for (number,) in self._one.iter_unpack(rows)]
        gathered, found = bytearray(len(rows) // self._width * self._size), array(self._kind)
        for byte in range(self._size):
            gathered[byte :: self._size] = rows[self._at + byte :: self._width]
        found.frombytes(gathered)
        if sys.byteorder == "little":
            found.byteswap()
        return found.tolist()


_times, _deltas, _days = Column("q", _AT, ROW_BYTES), Column("q", _DELTA, ROW_BYTES), Column("H", _DAY, ROW_BYTES)


def page_of(sku: str, number: int) -> Entity:
    """Return the page that holds the row of a number."""
    return Entity(PAGE, f"{sku}/{number // ROWS_IN_PAGE}")


def sku_of(page: str) -> str:
    """Return whose rows a page holds."""
    return page.rpartition("/")[0]
