"""A glance at a shelf: what is learned of it once a week, and the few rows since; all rows are read only to learn anew. Pure.

What is learned as of a day follows from the days before it alone. It is learned again where a row of such a day comes late or
is taken back, so a glance shows what reading everything would.
"""

from dataclasses import dataclass
from zlib import crc32

import msgspec

from processors.rules.on_hand import Stock, voided_ids
from processors.rules.rule import View
from processors.rules.shelf_demand import DAYS_LEARNED, Demand, demand_of, sold_by_day
from processors.rules.shelf_history import Shelf, days_with_stock, shelf_of
from processors.rules.stock_rows import ROW_BYTES, ROWS_IN_PAGE, Page, Row, days_in, page_of, unpacked
from processors.rules.stock_states import earlier_rows
from processors.rules.supply import usual_hour
from processors.rules.trading_days import Calendar, StoreDay

INFLOWS_KEPT = 100


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


def glance(view: View, sku: str, stock: Stock, known: Learned | None, look: StoreDay, least: int) -> Glance:
    """Look at a shelf on a day, with what was learned of it before: once a week, or on this very day while a week ago was too early."""
    today = look.today
    weekly = today - (today + crc32(sku.encode())) % 7
    if known is not None and (known.day == today or (known.day == weekly and known.demand is not None)):
        rows = rows_from(view, sku, stock, known.place)
        is_as_it_was = (len(stock.voided), len(_traded(look, known.day))) == (known.voided, known.traded)
        if is_as_it_was and sum(map(known.day.__gt__, days_in(rows))) == known.late:
            return Glance(stock, known, _counting(rows, stock))
    shelf = shelf_of(stock, earlier_rows(view, sku))
    first = stock.first_page * ROWS_IN_PAGE
    arrived = rows_from(view, sku, stock, first)
    dates = days_in(arrived)
    made = _learned(shelf, stock, dates, weekly, look, least)
    if made.demand is None:
        made = _learned(shelf, stock, dates, today, look, least)
    return Glance(stock, made, _counting(arrived[(made.place - first) * ROW_BYTES :], stock))


def _learned(shelf: Shelf, stock: Stock, dates: list[int], day: int, look: StoreDay, least: int) -> Learned:
    """Learn what the days before one show; `dates` are those of all rows in the order in which they came."""
    place = next((number for number, each in enumerate(dates) if each >= day), len(dates))
    late = sum(map(day.__gt__, dates[place:]))
    inflows = tuple(row.at for row in shelf.rows if row.delta > 0 and not row.is_demand and row.day < day)[-INFLOWS_KEPT:]
    traded = _traded(look, day)
    demand = _demand(shelf, traded, look.calendar, least)
    number = stock.first_page * ROWS_IN_PAGE + place
    return Learned(day, number, late, len(stock.voided), len(traded), demand, inflows, usual_hour(inflows, look.calendar))


def _traded(look: StoreDay, day: int) -> set[int]:
    return look.traded(day - 2 * DAYS_LEARNED, day - 1)


def rows_from(view: View, sku: str, stock: Stock, place: int) -> bytes:
    """Return the rows from a number on, packed, in the order in which they came."""
    parts: list[bytes] = []
    for number in range(place // ROWS_IN_PAGE, -(-stock.spilled // ROWS_IN_PAGE)):
        page = view.state(page_of(sku, number * ROWS_IN_PAGE))
        first = number * ROWS_IN_PAGE
        if isinstance(page, Page):
            parts.append(page.rows[max(0, place - first) * ROW_BYTES : (stock.spilled - first) * ROW_BYTES])
    parts.append(stock.rows[max(0, place - stock.spilled) * ROW_BYTES :])
    return b"".join(parts)


def _counting(rows: bytes, stock: Stock) -> tuple[Row, ...]:
    voided = voided_ids(stock)
    return tuple(row for row in unpacked(rows) if row.event not in voided) if voided else tuple(unpacked(rows))


def _is_inflow(row: Row) -> bool:
    return row.delta > 0 and not row.is_demand


def _demand(shelf: Shelf, trading: set[int], days: Calendar, least: int) -> Demand | None:
    sold = sold_by_day(shelf)
    begun = min((*sold, *(days.day_at(count.at) for count in shelf.counts)), default=None)
    if begun is None or sum(map(begun.__le__, trading)) < least:
        return None
    stocked = days_with_stock(shelf, days.day_at, begun, max(trading))
    possible = {day for day in trading if day >= begun and (day in stocked or day in sold)}
    return demand_of(sold, possible) if len(possible) >= least else None
