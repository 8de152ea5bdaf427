"""A glance at a shelf: what is learned of it once a week, and the few rows since; all rows are read only to learn anew. Pure.

What is learned as of a day follows from the days before it alone. It is learned again where a row of such a day comes late or
is taken back, so a glance shows what reading everything would.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from zlib import crc32

import msgspec

from processors.rules.on_hand import Stock
from processors.rules.rule import View
from processors.rules.shelf_demand import DAYS_LEARNED, Demand, demand_of, sold_by_day
from processors.rules.shelf_history import Shelf, days_with_stock, shelf_of
from processors.rules.stock_rows import ROW_BYTES, ROWS_IN_PAGE, Page, Row, page_of, unpacked
from processors.rules.stock_states import earlier_rows
from processors.rules.supply import usual_hour
from processors.rules.trading_days import Calendar, TradingDays, traded

INFLOWS_KEPT = 100
_ID_BYTES = 16


class Learned(msgspec.Struct, frozen=True, array_like=True):
    """What the days before `day` show: demand (None: too little), when goods came in, and after how long on their day.

    Rows before number `place` are all of those days; `late` later ones are too. `voided`: bytes of what does not count;
    `traded`: on how many of those days the store traded. By these three one sees that it still holds.
    """

    day: int
    place: int
    late: int
    voided: int
    traded: int
    demand: Demand | None
    inflows: tuple[int, ...]
    hour: int


@dataclass(frozen=True, slots=True)
class Glance:
    """A shelf as far as judging the present needs it; `recent` are the rows that count since what is learned."""

    stock: Stock
    learned: Learned
    recent: tuple[Row, ...]

    def book(self, at: int) -> int | None:
        """Return what was on hand at a recent time; None where the count that stands is later than that, or none does."""
        tally = self.stock.tally
        if tally is None or tally.counted_at > at:
            return None
        return tally.quantity - sum(row.delta for row in self.recent if row.at > at)

    def anchors(self, until: int) -> tuple[int, ...]:
        """Return when the shelf was counted or something came in, in time order, what is settled but for the last count left out."""
        settled = self.stock.settled
        since = settled.at if settled else 0
        times = {count.at for count in self.stock.counts if count.counts} | set(self.learned.inflows)
        times |= {row.at for row in self.recent if _is_inflow(row)}
        before = [settled.counted_at] if settled and settled.quantity is not None else []
        return (*before, *sorted(at for at in times if since < at <= until))


def glance(
    view: View, sku: str, stock: Stock, known: Learned | None, days: Calendar, trading: TradingDays, today: int, least: int
) -> Glance:
    """Look at a shelf on a day, with what was learned of it before: once a week, or on this very day while a week ago was too early."""
    weekly = today - (today + crc32(sku.encode())) % 7
    if known is not None and (known.day == today or (known.day == weekly and known.demand is not None)):
        rows = tuple(rows_from(view, sku, stock, known.place))
        is_as_it_was = (len(stock.voided), _days_traded(trading, known.day)) == (known.voided, known.traded)
        if is_as_it_was and sum(row.day < known.day for row in rows) == known.late:
            return Glance(stock, known, _counting(rows, stock))
    shelf = shelf_of(stock, earlier_rows(view, sku))
    first = stock.first_page * ROWS_IN_PAGE
    arrived = list(rows_from(view, sku, stock, first))
    made = _learned(shelf, stock, arrived, weekly, days, trading, least)
    if made.demand is None:
        made = _learned(shelf, stock, arrived, today, days, trading, least)
    return Glance(stock, made, _counting(tuple(arrived[made.place - first :]), stock))


def _learned(shelf: Shelf, stock: Stock, arrived: list[Row], day: int, days: Calendar, trading: TradingDays, least: int) -> Learned:
    place = next((number for number, row in enumerate(arrived) if row.day >= day), len(arrived))
    late = sum(row.day < day for row in arrived[place:])
    inflows = tuple(row.at for row in shelf.rows if _is_inflow(row) and row.day < day)[-INFLOWS_KEPT:]
    demand = _demand(shelf, traded(trading, day - 2 * DAYS_LEARNED, day - 1), days, least)
    number = stock.first_page * ROWS_IN_PAGE + place
    return Learned(day, number, late, len(stock.voided), _days_traded(trading, day), demand, inflows, usual_hour(inflows, days))


def _days_traded(trading: TradingDays, day: int) -> int:
    return len(traded(trading, day - 2 * DAYS_LEARNED, day - 1))


def rows_from(view: View, sku: str, stock: Stock, place: int) -> Iterator[Row]:
    """Return the rows from a number on, in the order in which they came."""
    parts: list[bytes] = []
    for number in range(place // ROWS_IN_PAGE, -(-stock.spilled // ROWS_IN_PAGE)):
        page = view.state(page_of(sku, number * ROWS_IN_PAGE))
        first = number * ROWS_IN_PAGE
        if isinstance(page, Page):
            parts.append(page.rows[max(0, place - first) * ROW_BYTES : (stock.spilled - first) * ROW_BYTES])
    parts.append(stock.rows[max(0, place - stock.spilled) * ROW_BYTES :])
    return chain.from_iterable(unpacked(part) for part in parts)


def _counting(rows: tuple[Row, ...], stock: Stock) -> tuple[Row, ...]:
    if not stock.voided:
        return rows
    voided = {stock.voided[at : at + _ID_BYTES] for at in range(0, len(stock.voided), _ID_BYTES)}
    return tuple(row for row in rows if row.event not in voided)


def _is_inflow(row: Row) -> bool:
    return row.delta > 0 and not row.is_demand


def _demand(shelf: Shelf, trading: set[int], days: Calendar, least: int) -> Demand | None:
    sold = sold_by_day(shelf)
    begun = min((*sold, *(days.day_at(count.at) for count in shelf.counts)), default=None)
    if begun is None or not trading:
        return None
    stocked = days_with_stock(shelf, days.day_at, begun, max(trading))
    possible = {day for day in trading if day >= begun and (day in stocked or day in sold)}
    return demand_of(sold, possible) if len(possible) >= least else None
