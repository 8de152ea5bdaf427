"""Daily demand of one SKU as state: closed once a week from the rows of its stock, open again for late facts. Pure.

A day within the retention is worked out anew at each closing, so late sales and corrections are in it;
a sale that comes even later is added. Demand is what customers took less what they brought back on that day.
"""

from collections.abc import Iterable, Iterator
from struct import Struct

import numpy as np

from processors.rules.demand.forecast import Daily
from processors.rules.on_hand import Stock
from processors.rules.rule import RETENTION, Kind, State
from processors.rules.stock_rows import UNITS, Row

DAYS_KEPT = 364
"""52 weeks: the year over which demand is looked at, 4 kB for what sells every day."""
_DAY = 86_400_000_000
_day = Struct(">Hq?")


class Demand(State, frozen=True, array_like=True):
    """Days with demand or an empty shelf; `closed` rows are in them, those from `since` on may be needed again."""

    days: bytes = b""
    first_day: int | None = None
    until: int = 0
    closed: int = 0
    since: int = 0
    due_at: int = 0


DEMAND = Kind("demand", Demand, 1, 1)


def close(known: Demand, rows: Iterable[tuple[int, Row]], stock: Stock, today: int, shift: int, due_at: int) -> Demand:
    """Return the demand of all days before today.

    `rows` are those that count, with their numbers, settled pages left out; `shift` is what to add to a time
    (microseconds) so that business dates begin at midnight.
    """
    numbered = list(rows)
    first = min(today - RETENTION.days + 1, known.until or today)
    table = {day: row for day, *row in _day.iter_unpack(known.days) if day < first}
    for number, row in numbered:
        if row.is_demand and row.day < today and (row.day >= first or number >= known.closed):
            entry = table.setdefault(row.day, [0, False])
            entry[0] -= row.delta
    for day in _empty_days(stock, [row for _, row in numbered], max(first, today - RETENTION.days + 1), today, shift):
        if table.get(day, [0])[0] <= 0:
            table[day] = [0, True]
    seen = [row.day for _, row in numbered]
    first_day = min([*seen, *([] if known.first_day is None else [known.first_day])], default=None)
    kept = sorted(day for day, (quantity, empty) in table.items() if day >= today - DAYS_KEPT and (quantity or empty))
    return Demand(
        b"".join(_day.pack(day, *table[day]) for day in kept),
        first_day,
        today,
        stock.known,
        min((number for number, row in numbered if row.day >= today), default=stock.known),
        due_at,
    )


def daily(known: Demand) -> Daily:
    """Return units by day, from the first that is known to the last that is closed; nan for days with an empty shelf."""
    if known.first_day is None or known.first_day >= known.until:
        return np.zeros(0)
    first = max(known.first_day, known.until - DAYS_KEPT)
    series = np.zeros(known.until - first)
    for day, quantity, empty in _day.iter_unpack(known.days):
        if first <= day < known.until:
            series[day - first] = np.nan if empty else max(quantity, 0) / UNITS
    return series


def _empty_days(stock: Stock, rows: list[Row], first: int, today: int, shift: int) -> Iterator[int]:
    """Return the days on which the shelf was empty from the beginning, by its counts and movements in order of time."""
    settled = stock.settled
    known = settled is not None and settled.quantity is not None
    quantity = settled.quantity if settled is not None and settled.quantity is not None else 0
    steps = [(row.at, 1, row.delta) for row in rows if settled is None or row.at > settled.at]
    steps += [(count.at, 0, count.quantity) for count in stock.counts if count.counts]
    steps.sort()
    at = 0
    for day in range(first, today):
        while at < len(steps) and (steps[at][0] + shift) // _DAY < day:
            known, quantity = (True, steps[at][2]) if steps[at][1] == 0 else (known, quantity + steps[at][2])
            at += 1
        if known and quantity <= 0:
            yield day
