"""The shelf of one SKU as it was: movements and counts in time order, and what the book said at any time. Pure.

Only what can still be corrected is here; before that stands one settled quantity.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter

from processors.rules.on_hand import Count, Earlier, Stock, counting_rows
from processors.rules.stock_rows import Row

_at, _delta = attrgetter("at"), attrgetter("delta")
DayAt = Callable[[int], int]
"""Gives the business date, days since 1970, of a time in Unix microseconds."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rows and counts that count, in time order; `start` was there when everything up to `since` was settled (None: unknown).

    `counted_at` is when it had been counted last by then.
    """

    since: int
    start: int | None
    counted_at: int
    rows: tuple[Row, ...]
    counts: tuple[Count, ...]
    times: tuple[int, ...]
    moved: tuple[int, ...]

    def between(self, after: int, until: int) -> tuple[Row, ...]:
        """Return the rows with after < at ≤ until."""
        return self.rows[bisect_right(self.times, after) : bisect_right(self.times, until)]

    def book(self, at: int) -> int | None:
        """Return what was on hand at a time by the count that stood then; None before the first."""
        place = bisect_right(self.counts, at, key=_at)
        if place:
            return self.counts[place - 1].quantity + self._net(self.counts[place - 1].at, at)
        return None if self.start is None else self.start + self._net(self.since, at)

    def book_before(self, count: Count) -> int | None:
        """Return what the book said when a count was made, as if it had not been made."""
        place = self.counts.index(count)
        if place:
            return self.counts[place - 1].quantity + self._net(self.counts[place - 1].at, count.at)
        return None if self.start is None else self.start + self._net(self.since, count.at)

    def _net(self, after: int, until: int) -> int:
        return self._sum(until) - self._sum(after)

    def _sum(self, until: int) -> int:
        place = bisect_right(self.times, until)
        return self.moved[place - 1] if place else 0


def shelf_of(stock: Stock, earlier: Earlier) -> Shelf:
    """Put what is not settled of a stock in time order; of counts of one time the last stands."""
    since = stock.settled.at if stock.settled else 0
    rows = list(counting_rows(stock, earlier))
    if since:
        rows = [row for row in rows if row.at > since]
    rows.sort()
    counts = {row.at: row for row in sorted((each for each in stock.counts if each.counts), key=lambda c: (c.at, c.position, c.line))}
    return Shelf(
        since,
        stock.settled.quantity if stock.settled else None,
        stock.settled.counted_at if stock.settled else 0,
        tuple(rows),
        tuple(counts.values()),
        tuple(map(_at, rows)),
        tuple(accumulate(map(_delta, rows))),
    )


def days_with_stock(shelf: Shelf, day_at: DayAt, first: int, last: int, least: int = 1) -> set[int]:
    """Return the days of a range that ended with at least so much on hand; before the first count a shelf is taken for full."""
    ends: dict[int, int | None] = {}
    level = shelf.start
    moments = [(row.at, 0, row.day, row.delta) for row in shelf.rows]
    moments += [(count.at, 1, day_at(count.at), count.quantity) for count in shelf.counts]
    for _, is_count, day, amount in sorted(moments):
        level = amount if is_count else None if level is None else level + amount
        ends[day] = level
    found: set[int] = set()
    level, begin = shelf.start, first
    for day in (*sorted(day for day in ends if day <= last), last + 1):
        if day > begin:
            if level is None or level >= least:
                found.update(range(begin, day))
            begin = day
        level = ends.get(day)
    return found
