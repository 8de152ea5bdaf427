"""Daily demand of one SKU as state: closed once a week from the rows of its stock, open again for late facts. Pure.

A day within the retention is worked out anew at each closing, so late sales and corrections are in it;
a sale that comes even later is added. Demand is what customers took less what they brought back on that day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, repeat, takewhile
from operator import itemgetter
from struct import Struct

import numpy as np

from processors.rules.demand.forecast import Daily
from processors.rules.on_hand import Stock, voided_ids
from processors.rules.rule import RETENTION, Kind, State
from processors.rules.stock_rows import LARGEST, ROW_BYTES, UNITS, Column, amount_in, days_in, deltas_in, event_in, times_in

DAYS_KEPT = 364
"""52 weeks: the year over which demand is looked at, 4 kB for what sells every day."""
_DAY = 86_400_000_000
_day = Struct(">Hq?")
_dates = Column("H", 0, _day.size)
_DAY_FIELDS = np.dtype([("day", ">u2"), ("quantity", ">i8"), ("empty", "?")])
_COUNTED, _MOVED = 0, 1
_Step = tuple[int, int, int]
"""When, whether it was counted or moved, and how much; of what happened at one time a count comes first."""
_amount = itemgetter(2)


class Demand(State, frozen=True, array_like=True):
    """Days with demand or an empty shelf; `closed` rows are in them, those from `since` on may be needed again."""

    days: bytes = b""
    first_day: int | None = None
    until: int = 0
    closed: int = 0
    since: int = 0
    due_at: int = 0


DEMAND = Kind("demand", Demand, 1, 1)


def close(known: Demand, rows: bytes, first_number: int, stock: Stock, today: int, shift: int, due_at: int) -> Demand:
    """Return the demand of all days before today.

    `rows` are all from a number on, settled pages left out; `shift` is what to add to a time (microseconds) so that
    business dates begin at midnight. Rows are unpacked only where their day is open, or when they came since the last closing.
    """
    dates, places = days_in(rows), _counting(rows, stock)
    first = min(today - RETENTION.days + 1, known.until or today)
    fresh = known.closed - first_number
    wanted = [place for place in places if dates[place] >= first or place >= fresh]
    sold, late = _sold(rows, wanted, first, today)
    empty = {day for day in _empty_days(stock, rows, places, today, shift) if sold.get(day, 0) <= 0}
    seen = [] if known.first_day is None else [known.first_day]
    seen += dates if len(places) == len(dates) else [dates[place] for place in places]
    return Demand(
        _before(known.days, first, today, late) + _packed(sold, empty, today),
        min(seen, default=None),
        today,
        stock.known,
        next((first_number + place for place in wanted if dates[place] >= today), stock.known),
        due_at,
    )


def _counting(rows: bytes, stock: Stock) -> Sequence[int]:
    """Return which of the rows count, by their places."""
    every, voided = range(len(rows) // ROW_BYTES), voided_ids(stock)
    return [place for place in every if event_in(rows, place) not in voided] if voided else every


def _sold(rows: bytes, wanted: Iterable[int], first: int, today: int) -> tuple[dict[int, int], dict[int, int]]:
    """Add up demand by day: of the days that are open, and what came late for those that are not."""
    sold, late = dict[int, int](), dict[int, int]()
    for place in wanted:
        delta, day, is_demand = amount_in(rows, place)
        if is_demand and day < today:
            table = sold if day >= first else late
            table[day] = table.get(day, 0) - delta
    return sold, late


def _before(days: bytes, first: int, today: int, late: Mapping[int, int]) -> bytes:
    """Return the days that are not open any more, as they were but for what came late."""
    known = _dates.of(days)
    kept = days[bisect_left(known, today - DAYS_KEPT) * _day.size : bisect_left(known, first) * _day.size]
    if not late:
        return kept
    table = {day: (quantity, empty) for day, quantity, empty in _day.iter_unpack(kept)}
    for day, quantity in late.items():
        before, empty = table.get(day, (0, False))
        table[day] = before + quantity, empty
    rows = ((day, *table[day]) for day in sorted(table) if day >= today - DAYS_KEPT and any(table[day]))
    return b"".join(_day.pack(*row) for row in rows)


def _packed(sold: Mapping[int, int], empty: set[int], today: int) -> bytes:
    rows = [(day, quantity, False) for day, quantity in sold.items() if quantity and day not in empty]
    rows += [(day, 0, True) for day in empty]
    return b"".join(_day.pack(*row) for row in sorted(rows) if row[0] >= today - DAYS_KEPT)


def daily(known: Demand) -> Daily:
    """Return units by day, from the first that is known to the last that is closed; nan for days with an empty shelf."""
    if known.first_day is None or known.first_day >= known.until:
        return np.zeros(0)
    first = max(known.first_day, known.until - DAYS_KEPT)
    series = np.zeros(known.until - first)
    held = np.frombuffer(known.days, _DAY_FIELDS)
    held = held[np.searchsorted(held["day"], first) :]
    series[held["day"].astype(np.intp) - first] = np.where(held["empty"], np.nan, np.maximum(held["quantity"], 0) / UNITS)
    return series


def _empty_days(stock: Stock, rows: bytes, places: Sequence[int], today: int, shift: int) -> Iterator[int]:
    """Return the days of the retention on which the shelf was empty from the beginning, by its counts and movements in order of time."""
    start = _start(stock, today - RETENTION.days + 1, shift)
    if start is None:
        return
    first, quantity, since = start
    steps, is_counted = _steps(stock, rows, places, since)
    if not is_counted and min(accumulate(map(_amount, steps), initial=quantity)) > 0:
        return
    for at, what, amount in steps:
        day = (at + shift) // _DAY + 1
        if day > first:
            if quantity <= 0:
                yield from range(first, min(day, today))
            first = day
        quantity = amount if what == _COUNTED else quantity + amount
    if quantity <= 0:
        yield from range(first, today)


def _start(stock: Stock, first: int, shift: int) -> tuple[int, int, _Step] | None:
    """Return the first day of which something is known, what was there before it, and since which step; None where nobody ever counted.

    That is the last count before the first day of all, or else what was settled, or else the first count after it.
    """
    counts = [(row.at, _COUNTED, row.quantity) for row in stock.counts if row.counts]
    before = max((step for step in counts if (step[0] + shift) // _DAY < first), default=None)
    settled = stock.settled
    if before is None and settled is not None and settled.quantity is not None:
        return first, settled.quantity, (settled.at, _MOVED, LARGEST)
    start = before or min(counts, default=None)
    return None if start is None else (max(first, (start[0] + shift) // _DAY + 1), start[2], start)


def _steps(stock: Stock, rows: bytes, places: Sequence[int], since: _Step) -> tuple[list[_Step], bool]:
    """Return what happened after a step, in order of time, and whether any of it was a count."""
    times = times_in(rows)
    skipped = len(list(takewhile(since[0].__gt__, times)))  # most rows came in the order of their times
    moved = list(zip(times[skipped:], repeat(_MOVED), deltas_in(rows[skipped * ROW_BYTES :]), strict=False))
    if len(places) < len(times):
        moved = [moved[place - skipped] for place in places if place >= skipped]
    moved.sort()
    steps = moved[bisect_right(moved, since) :]
    counts = [step for row in stock.counts if row.counts and (step := (row.at, _COUNTED, row.quantity)) > since]
    return (sorted(steps + counts) if counts else steps), bool(counts)
