"""Daily demand of one SKU as state: closed once a week from the rows of its stock, open again for late facts. Pure.

A day within the retention is worked out anew at each closing, so late sales and corrections are in it;
a sale that comes even later is added. Demand is what customers took less what they brought back on that day.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, repeat
from struct import Struct
from typing import NamedTuple

import numpy as np

from processors.rules.demand.forecast import Daily
from processors.rules.on_hand import Stock, voided_ids
from processors.rules.rule import RETENTION, Kind, State
from processors.rules.stock_rows import ROW_BYTES, UNITS, Column, amounts_in, days_in, deltas_in, event_in, times_in

DAYS_KEPT = 364
"""52 weeks: the year over which demand is looked at, 4 kB for what sells every day."""
_DAY = 86_400_000_000
_day = Struct(">Hq?")
_dates = Column("H", 0, _day.size)
_DAY_FIELDS = np.dtype([("day", ">u2"), ("quantity", ">i8"), ("empty", "?")])
_COUNTED, _MOVED = 0, 1
"""What happened, of one time in this order."""


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


def _sold(rows: bytes, wanted: Sequence[int], first: int, today: int) -> tuple[dict[int, int], dict[int, int]]:
    """Add up demand by day: of the days that are open, and what came late for those that are not."""
    sold, late = dict[int, int](), dict[int, int]()
    for delta, day, is_demand in amounts_in(rows, wanted):
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


def _empty_days(stock: Stock, rows: bytes, places: Sequence[int], today: int, shift: int) -> Iterable[int]:
    """Return the days of the retention on which the shelf was empty from the beginning, by its counts and movements in order of time."""
    start = _start(stock, today - RETENTION.days + 1, shift)
    if start is None:
        return ()
    times, levels = _levels(start, rows, places)
    if min(levels) > 0:
        return ()
    return [day for day in range(start.first, today) if levels[bisect_left(times, day * _DAY - shift)] <= 0]


class _Start(NamedTuple):
    """The first day of which something is known, what was there before it, since when to go on, and the counts from then on."""

    first: int
    quantity: int
    since: int
    counts: list[tuple[int, int]]


def _start(stock: Stock, first: int, shift: int) -> _Start | None:
    """Begin at the last count before a day, or else with what was settled, or else at the first count after it; None without any."""
    counts = sorted((row.at, row.quantity) for row in stock.counts if row.counts)
    before = sum((at + shift) // _DAY < first for at, _ in counts)
    settled = stock.settled
    if not before and settled is not None and settled.quantity is not None:
        return _Start(first, settled.quantity, settled.at + 1, counts)
    if not counts:
        return None
    at, quantity = counts[max(before - 1, 0)]
    return _Start(max(first, (at + shift) // _DAY + 1), quantity, at, counts[max(before, 1) :])


def _levels(start: _Start, rows: bytes, places: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return when something happened, in order, and what was there before, between and after: one more than times."""
    times, deltas = times_in(rows), deltas_in(rows)
    if len(places) < len(times):
        times, deltas = [times[place] for place in places], [deltas[place] for place in places]
    if not start.counts and times == sorted(times):  # as most often
        begin = bisect_left(times, start.since)
        return times[begin:], list(accumulate(deltas[begin:], initial=start.quantity))
    moved = [step for step in zip(times, repeat(_MOVED), deltas, strict=False) if step[0] >= start.since]
    steps = sorted([*moved, *((at, _COUNTED, quantity) for at, quantity in start.counts)])
    levels = [start.quantity]
    for _, what, amount in steps:
        levels.append(amount if what == _COUNTED else levels[-1] + amount)
    return [at for at, _, _ in steps], levels
