"""What is on hand of one SKU: the last count and the movements after it, in a form that can still be corrected.

A sale appends a row and moves a sum. Only late counts, corrections and settling read the older
pages: `earlier` gives them, from the stock's first page on. Quantities are whole hundred-thousandths of a unit.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED
from contracts.events.sales import Receipt
from contracts.events.stock import StockCounted
from contracts.fields import Model
from contracts.stock_movements import SOLD, directions, movements
from processors.rules.rule import RETENTION, Kind, Recounted, State, microseconds
from processors.rules.stock_rows import LARGEST, ROW_BYTES, ROWS_BESIDE, ROWS_IN_PAGE, UNITS, Row, packed, times_in, unpacked

COUNTS_KEPT = 100
"""Counts of one SKU, about 4 kB; what was counted more often settles early and can no longer be corrected."""

_RETENTION = RETENTION // RETENTION.resolution
_SLACK = 7 * 86_400_000_000
"""How far beyond the retention rows may age before they are settled, all at once."""
_RIPE_AFTER = _RETENTION + _SLACK
_FIRST_DAY = date(1970, 1, 1).toordinal()
_LAST_DAY = 2**16 - 1
_ID_BYTES = 16
_FULL = ROWS_BESIDE * ROW_BYTES
_at = attrgetter("at")


class Count(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A counted quantity as of `at`; of equal times the later position, then the later line, wins."""

    at: int
    position: int
    line: int
    event: bytes
    quantity: int
    counts: bool


class Settled(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything up to `at`, no longer correctable; `quantity` None where it was never counted."""

    at: int
    quantity: int | None
    counted_at: int
    counted_by: bytes


class Tally(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The count that stands, and the movements since, added up."""

    counted: int
    counted_at: int
    counted_by: bytes
    moved: int
    movements: int

    @property
    def quantity(self) -> int:
        """Return what is on hand."""
        return self.counted + self.moved


class Stock(State, frozen=True, array_like=True):
    """Counts in time order and movements as they came, on top of what is settled; `tally` None where never counted.

    `rows` are the newest; `spilled` rows before them are on pages, of which those before `first_page` are
    settled; `reach` is the latest time on a page, `oldest` the earliest time that is not settled. `voided`
    are the ids of rows that do not count; `seen_until` is the latest time of any event,
    `position` that of the last record.
    """

    tally: Tally | None = None
    rows: bytes = b""
    spilled: int = 0
    reach: int = 0
    oldest: int | None = None
    counts: tuple[Count, ...] = ()
    settled: Settled | None = None
    voided: bytes = b""
    first_page: int = 0
    seen_until: int = 0
    position: int = -1

    @property
    def known(self) -> int:
        """Return how many rows there ever were: the number of the next one."""
        return self.spilled + len(self.rows) // ROW_BYTES


STOCK = Kind("stock", Stock, 1, 2)
Earlier = Callable[[Stock], Iterable[bytes]]


def no_pages(_: Stock) -> Iterable[bytes]:
    """Return nothing: for a stock all of whose rows are beside it."""
    return ()


class Moved(msgspec.Struct, frozen=True, gc=False):
    """What one event moved, by SKU; worked out once for all of them."""

    at: int
    event: bytes
    day: int
    is_demand: bool
    deltas: dict[str, int]


def moved_by(event: Event[Any], at: int | None = None) -> Moved:
    """Return what an event moves, by SKU in the order of its lines; one that it does not move is not there. Sales may be as compiled.

    `at` is when it happened (Unix microseconds), for who has it already.
    """
    deltas: dict[str, int] = {}
    content, envelope = event.data, event.envelope
    signs = SOLD if envelope.type == SALE_COMPLETED else directions(content) if isinstance(content, Receipt) else None
    for sku, delta in _other_deltas(content) if signs is None else _deltas(content.lines, signs):
        deltas[sku] = deltas[sku] + delta if sku in deltas else delta
    return Moved(
        microseconds(envelope.occurred_at) if at is None else at,
        envelope.id.bytes,
        day_of(envelope.business_date or envelope.occurred_at.date()),
        signs is not None,
        deltas,
    )


def _deltas(lines: Iterable[Any], signs: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """Return what each line of a receipt moves; of these there are most, so that they do without a decimal for each."""
    return [(line.sku, sign * units(line.quantity)) for line in lines if (sign := signs.get(line.kind))]


def _other_deltas(content: Model) -> Iterable[tuple[str, int]]:
    return [(sku, units(delta)) for _, sku, delta in movements(content)]


@lru_cache(maxsize=65_536)
def units(quantity: Decimal | str) -> int:
    """Return a quantity, or its canonical text, in the whole numbers of the state."""
    return int(Decimal(quantity) * UNITS)


def quantity_of(whole: int) -> Decimal:
    """Return a whole number of the state as a quantity."""
    return Decimal(whole).scaleb(-5)


@lru_cache(maxsize=4096)
def day_of(day: date) -> int:
    """Return a date as days since 1970, within what a row can hold."""
    return min(max(day.toordinal() - _FIRST_DAY, 0), _LAST_DAY)


def date_of(day: int) -> date:
    """Return days since 1970 as a date."""
    return date.fromordinal(day + _FIRST_DAY)


def with_movement(stock: Stock, moved: Moved, delta: int, counts: bool, position: int = -1) -> Stock:
    """Return the stock after an event moved it by so much, in whatever order events arrive."""
    at = moved.at
    spilled, reach, rows = stock.spilled, stock.reach, stock.rows
    if len(rows) >= _FULL:
        spilled, reach, rows = spilled + ROWS_BESIDE, max(reach, *map(_at, unpacked(rows))), b""
    settled, tally, oldest, seen = stock.settled, stock.tally, stock.oldest, stock.seen_until
    if settled is not None and at <= settled.at:
        if counts and settled.quantity is not None and at > settled.counted_at:
            settled = replace(settled, quantity=settled.quantity + delta)
    elif oldest is None or at < oldest:
        oldest = at
    if counts and tally is not None and at > tally.counted_at:
        tally = Tally(tally.counted, tally.counted_at, tally.counted_by, _sound(tally, tally.moved + delta), tally.movements + 1)
    voided = stock.voided if counts else stock.voided + moved.event
    rows += packed(at, moved.event, delta, moved.day, moved.is_demand)
    seen = max(seen, at)
    return Stock(tally, rows, spilled, reach, oldest, stock.counts, settled, voided, stock.first_page, seen, position)


def with_counts(stock: Stock, event: Event[StockCounted], sku: str, position: int, counts: bool, earlier: Earlier = no_pages) -> Stock:
    """Return the stock after the lines of a count sheet."""
    rows = list(stock.counts)
    for line in event.data.lines_by_sku.get(sku, ()):
        at = microseconds(line.counted_at or event.envelope.occurred_at)
        if stock.settled is None or at > stock.settled.at:
            insort(rows, Count(at, position, line.line, event.id.bytes, units(line.quantity), counts), key=_at)
    seen = max(stock.seen_until, microseconds(event.envelope.occurred_at))
    return retallied(replace(stock, counts=tuple(rows), seen_until=seen, position=position), earlier)


def recounted(stock: Stock, change: Recounted, earlier: Earlier = no_pages) -> Stock:
    """Return the stock after a correction changed which events count."""
    counts = tuple(replace(row, counts=change.verdict(row.event, row.counts)) for row in stock.counts)
    held = [stock.rows, *earlier(stock)]
    found = {event for event in change.voided if any(event in each for each in held)}
    voided = (found | _ids(stock.voided)) - change.restored
    return retallied(replace(stock, counts=counts, voided=b"".join(sorted(voided))), earlier)


def every_row(stock: Stock, earlier: Earlier) -> Iterator[Row]:
    """Return the rows in the order in which they came, those of pages that are settled left out."""
    return unpacked(packed_rows(stock, earlier, stock.first_page))


def counting_rows(stock: Stock, earlier: Earlier) -> Iterator[Row]:
    """Return the rows that count."""
    rows, voided = every_row(stock, earlier), _ids(stock.voided)
    return (row for row in rows if row.event not in voided) if voided else rows


def packed_rows(stock: Stock, pages: Earlier, first_page: int) -> bytes:
    """Return every row from a page on as it is held, those that do not count among them."""
    parts, number = list[bytes](), first_page * ROWS_IN_PAGE
    for page in pages(stock):
        parts.append(page[: (stock.spilled - number) * ROW_BYTES])
        number += ROWS_IN_PAGE
    return b"".join((*parts, stock.rows))


def voided_ids(stock: Stock) -> set[bytes]:
    """Return the ids of rows that do not count."""
    return _ids(stock.voided)


def retallied(stock: Stock, earlier: Earlier = no_pages) -> Stock:
    """Find the count that stands, and add up the counting movements after its time; pages are read only where they matter."""
    start = _standing(stock.counts, stock.settled)
    if start is None:
        return replace(stock, tally=None)
    rows = counting_rows(stock, earlier if start.counted_at < stock.reach else no_pages)
    after = [row.delta for row in rows if row.at > start.counted_at and not _is_settled(stock, row)]
    tally = Tally(start.counted, start.counted_at, start.counted_by, _sound(start, sum(after)), len(after))
    return replace(stock, tally=tally)


def settle(stock: Stock, clock: int | None, earlier: Earlier = no_pages) -> Stock:
    """Fold what is older than the retention, or counted too often, into the settled quantity; what is on hand stays."""
    horizon = _horizon(stock, clock)
    if horizon is None:
        return stock
    place = bisect_right(stock.counts, horizon, key=_at)
    start = _standing(stock.counts[:place], stock.settled)
    rows = [row for row in every_row(stock, earlier) if not _is_settled(stock, row)]
    voided = _ids(stock.voided)
    then = [row.delta for row in rows if row.at <= horizon and row.event not in voided and start and row.at > start.counted_at]
    settled = Settled(horizon, start.counted + sum(then), start.counted_at, start.counted_by) if start else Settled(horizon, None, 0, b"")
    open_rows = [row for row in rows if row.at > horizon]
    return replace(
        stock,
        oldest=min(map(_at, open_rows), default=None),
        counts=stock.counts[place:],
        settled=settled,
        voided=b"".join(sorted(voided & {row.event for row in open_rows})),
        first_page=_first_page(stock, horizon, earlier),
    )


def settles_at(stock: Stock) -> int | None:
    """Return when rows will have aged enough to be settled."""
    oldest = stock.oldest
    if stock.counts and (oldest is None or stock.counts[0].at < oldest):
        oldest = stock.counts[0].at
    return oldest + _RIPE_AFTER if oldest is not None else None


def _ids(packed_ids: bytes) -> set[bytes]:
    return {packed_ids[at : at + _ID_BYTES] for at in range(0, len(packed_ids), _ID_BYTES)}


def _sound(tally: Tally, moved: int) -> int:
    if not -LARGEST < tally.counted + moved < LARGEST or not -LARGEST < moved < LARGEST:
        raise OverflowError("more units on hand than can be counted")
    return moved


def _is_settled(stock: Stock, row: Row) -> bool:
    return stock.settled is not None and row.at <= stock.settled.at


def _standing(counts: Iterable[Count], settled: Settled | None) -> Tally | None:
    """Return the count that stands, nothing moved yet; None where nothing was ever counted."""
    standing = [row for row in counts if row.counts]
    if standing:
        last = max(standing, key=lambda row: (row.at, row.position, row.line))
        return Tally(last.quantity, last.at, last.event, 0, 0)
    if settled is not None and settled.quantity is not None:
        return Tally(settled.quantity, settled.counted_at, settled.counted_by, 0, 0)
    return None


def _horizon(stock: Stock, clock: int | None) -> int | None:
    """Return up to when to settle now, None while it is not worth it."""
    limits = []
    if len(stock.counts) > COUNTS_KEPT:
        limits.append(stock.counts[len(stock.counts) - COUNTS_KEPT * 3 // 4].at)
    ripe = settles_at(stock)
    if ripe is not None and clock is not None and ripe <= clock:
        limits.append(clock - _RETENTION)
    return max(limits, default=None)


def _first_page(stock: Stock, horizon: int, earlier: Earlier) -> int:
    """Return the first page with a row that is not settled, or that is not full."""
    number = stock.first_page
    for page in earlier(stock):
        if len(page) < ROWS_IN_PAGE * ROW_BYTES or max(times_in(page)) > horizon:
            break
        number += 1
    return number
