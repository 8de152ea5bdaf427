"""What is on hand of one SKU: the last count and the movements after it, in a form that can still be corrected."""

from bisect import bisect_right, insort
from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter

import msgspec

from contracts.envelope import Event
from contracts.events.stock import StockCounted
from contracts.fields import Model
from contracts.stock_movements import movements
from processors.rules.rule import RETENTION, Recounted, microseconds

MOVEMENTS_KEPT = 1_000
COUNTS_KEPT = 100
"""Bounds on one value, about 40 kB; what a busier SKU has beyond them settles early and can no longer be corrected."""

_RETENTION = RETENTION // RETENTION.resolution
_SLACK = 7 * 86_400_000_000
"""How far beyond the retention rows may age before they are settled, all at once."""
_ZERO = Decimal(0)
_at = attrgetter("at")


class Count(msgspec.Struct, frozen=True, array_like=True):
    """A counted quantity as of `at`; of equal times the later position, then the later line, wins."""

    at: int
    position: int
    line: int
    event: bytes
    quantity: Decimal
    counts: bool


class Movement(msgspec.Struct, frozen=True, array_like=True):
    """What one event moved, all of its lines together."""

    at: int
    event: bytes
    delta: Decimal
    counts: bool


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """Everything up to `at`, no longer correctable; `quantity` None where it was never counted."""

    at: int
    quantity: Decimal | None
    counted_at: int
    counted_by: bytes


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """The count that stands, and the movements since, added up."""

    counted: Decimal
    counted_at: int
    counted_by: bytes
    moved: Decimal
    movements: int

    @property
    def quantity(self) -> Decimal:
        """Return what is on hand."""
        return self.counted + self.moved


class Stock(msgspec.Struct, frozen=True, array_like=True):
    """Counts and movements of one SKU in time order on top of what is settled; `tally` None where never counted."""

    counts: tuple[Count, ...] = ()
    movements: tuple[Movement, ...] = ()
    settled: Settled | None = None
    tally: Tally | None = None


def skus(event: Event[Model]) -> list[str]:
    """Return the SKUs that an event counts or moves, sorted."""
    if isinstance(event.data, StockCounted):
        return sorted({line.sku for line in event.data.lines})
    return sorted({movement.sku for movement in movements(event.data)})


def changes(event: Event[Model]) -> dict[str, Decimal]:
    """Return the signed change by SKU of what moves stock; a SKU that it does not move is not there."""
    moved: dict[str, Decimal] = {}
    for movement in movements(event.data):
        moved[movement.sku] = moved.get(movement.sku, _ZERO) + movement.delta
    return moved


def with_event(
    stock: Stock, event: Event[Model], sku: str, position: int, counts: bool, moved: Mapping[str, Decimal] | None = None
) -> Stock:
    """Return the stock after one more event, in whatever order events arrive; `moved` are its changes where they are at hand."""
    if isinstance(event.data, StockCounted):
        return _with_counts(stock, event, sku, position, counts)
    delta = (changes(event) if moved is None else moved).get(sku)
    if delta is None:
        return stock
    return _with_movement(stock, Movement(microseconds(event.envelope.occurred_at), event.id.bytes, delta, counts))


def _with_counts(stock: Stock, event: Event[Model], sku: str, position: int, counts: bool) -> Stock:
    assert isinstance(event.data, StockCounted)
    rows = list(stock.counts)
    for line in event.data.lines:
        at = microseconds(line.counted_at or event.envelope.occurred_at)
        if line.sku == sku and (stock.settled is None or at > stock.settled.at):
            insort(rows, Count(at, position, line.line, event.id.bytes, line.quantity, counts), key=_at)
    return _tallied(Stock(tuple(rows), stock.movements, stock.settled))


def _with_movement(stock: Stock, row: Movement) -> Stock:
    settled, movements, tally = stock.settled, stock.movements, stock.tally
    if settled is None or row.at > settled.at:
        place = bisect_right(movements, row.at, key=_at)
        movements = (*movements[:place], row, *movements[place:])
    elif row.counts and settled.quantity is not None and row.at > settled.counted_at:
        settled = msgspec.structs.replace(settled, quantity=settled.quantity + row.delta)
    if row.counts and tally is not None and row.at > tally.counted_at:
        tally = Tally(tally.counted, tally.counted_at, tally.counted_by, tally.moved + row.delta, tally.movements + 1)
    return Stock(stock.counts, movements, settled, tally)


def recounted(stock: Stock, change: Recounted) -> Stock:
    """Return the stock after a correction changed which events count."""
    counts = tuple(msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts)) for row in stock.counts)
    movements = tuple(msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts)) for row in stock.movements)
    return _tallied(Stock(counts, movements, stock.settled))


def _tallied(stock: Stock) -> Stock:
    """Find the count that stands, and add up the counting movements after its time."""
    standing = [row for row in stock.counts if row.counts]
    if standing:
        last = max(standing, key=lambda row: (row.at, row.position, row.line))
        start = Tally(last.quantity, last.at, last.event, _ZERO, 0)
    elif stock.settled is not None and stock.settled.quantity is not None:
        start = Tally(stock.settled.quantity, stock.settled.counted_at, stock.settled.counted_by, _ZERO, 0)
    else:
        return Stock(stock.counts, stock.movements, stock.settled)
    since = stock.movements[bisect_right(stock.movements, start.counted_at, key=_at) :]
    after = [row.delta for row in since if row.counts]
    tally = Tally(start.counted, start.counted_at, start.counted_by, sum(after, _ZERO), len(after))
    return Stock(stock.counts, stock.movements, stock.settled, tally)


def settle(stock: Stock, clock: int | None) -> Stock:
    """Fold what is older than the retention, or too much for one value, into the settled quantity; what is on hand stays."""
    horizon = _horizon(stock, clock)
    if horizon is None:
        return stock
    counted, moved = (bisect_right(rows, horizon, key=_at) for rows in (stock.counts, stock.movements))
    then = _tallied(Stock(stock.counts[:counted], stock.movements[:moved], stock.settled)).tally
    settled = Settled(horizon, then.quantity, then.counted_at, then.counted_by) if then else Settled(horizon, None, 0, b"")
    return Stock(stock.counts[counted:], stock.movements[moved:], settled, stock.tally)


def _horizon(stock: Stock, clock: int | None) -> int | None:
    """Return up to when to settle now, None while it is not worth it."""
    limits = []
    for rows, kept in ((stock.counts, COUNTS_KEPT), (stock.movements, MOVEMENTS_KEPT)):
        if len(rows) > kept:
            limits.append(rows[len(rows) - kept * 3 // 4].at)
        if rows and clock is not None and rows[0].at <= clock - _RETENTION - _SLACK:
            limits.append(clock - _RETENTION)
    return max(limits, default=None)
