"""Movements of one SKU as packed rows, in the order in which they arrived: the newest beside the stock, full pages apart.

A page only grows, and who reads it knows how many rows are his: what a page holds beyond them is
not there for him. So it may be written before the stock that its rows come from (see `on_hand`).
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from processors.rules.rule import Entity, Kind, State

ROWS_BESIDE, ROWS_IN_PAGE = 16, 128
"""Rows beside the stock before they go to a page, all at once; rows of a page, 4.5 kB."""
UNITS = 100_000
"""A unit in the whole numbers of the state: quantities have five decimal places."""
LARGEST = 2**62
"""Beyond this a quantity is no quantity: the event is refused."""

_row = Struct(">q16sqHB")
ROW_BYTES = _row.size


class Row(NamedTuple):
    """What one event moved, all of its lines together; `is_demand`: customers took it, or brought it back."""

    at: int
    event: bytes
    delta: int
    day: int
    is_demand: bool


class Page(State, frozen=True, array_like=True):
    """Up to 128 rows. `look_at` is when it may be erased first; `doomed_at` the position where nobody needed it any more."""

    rows: bytes = b""
    look_at: int = 0
    doomed_at: int | None = None


PAGE = Kind("stock_rows", Page, 1, 1)


def packed(row: Row) -> bytes:
    """Write a row; OverflowError where its quantity is beyond all reason."""
    if not -LARGEST < row.delta < LARGEST:
        raise OverflowError("a movement of more units than can be counted")
    return _row.pack(*row)


def unpacked(rows: bytes) -> Iterator[Row]:
    """Read rows."""
    return (Row(at, event, delta, day, bool(flag)) for at, event, delta, day, flag in _row.iter_unpack(rows))


def page_of(sku: str, number: int) -> Entity:
    """Return the page that holds the row of a number."""
    return Entity(PAGE, f"{sku}/{number // ROWS_IN_PAGE}")


def sku_of(page: str) -> str:
    """Return whose rows a page holds."""
    return page.rpartition("/")[0]
