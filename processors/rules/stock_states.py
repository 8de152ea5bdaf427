"""Which states of a SKU's stock an event touches, and what each of them becomes: shared by whatever judges stock.

The page of rows is written before the stock that hands it its rows, and erased a hundred thousand
positions after nobody needs it: so no batch that is folded again finds a page that it read before gone.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import STOCK_COUNTED
from contracts.events.stock import StockCounted
from processors.rules import on_hand
from processors.rules.on_hand import STOCK, Moved, Stock, moved_by
from processors.rules.rule import Decision, Entity, Happening, Occurred, Recounted, State, View
from processors.rules.stock_rows import PAGE, ROWS_IN_PAGE, Page, page_of, sku_of

ERASED_AFTER = 100_000
"""Positions between the moment at which a page is of no more use and its end; no batch is as long."""
_LOOK_AGAIN = 7 * 86_400_000_000
SOON = 3_600_000_000
_EMPTY = Stock()


class Changes:
    """What an event moves, worked out once: the same event comes for one SKU after the other."""

    def __init__(self) -> None:
        self._last: tuple[Event[Any] | None, Moved | None] = (None, None)

    def of(self, event: Event[Any]) -> Moved:
        """Return what an event moves."""
        last, moved = self._last
        if last is not event or moved is None:
            moved = moved_by(event)
            self._last = (event, moved)
        return moved


def stock_of(view: View, sku: str) -> Stock:
    """Return the stock of a SKU, empty where nothing is known."""
    return stock_at(view, Entity(STOCK, sku))


def stock_at(view: View, entity: Entity) -> Stock:
    """Return the same for the entity of the stock."""
    state = view.state(entity)
    return state if isinstance(state, Stock) else _EMPTY


def counted_skus(event: Event[StockCounted]) -> list[str]:
    """Return the SKUs of a count sheet, sorted."""
    return sorted(event.data.lines_by_sku)


def touched_by_movement(entity: Entity, stock: Stock, position: int) -> tuple[Entity, ...]:
    """Return the states that a movement of a stock changes: the page first, where the rows beside the stock go there.

    A stock that has the record already gives nothing away: its rows may be newer than the record that is folded again.
    """
    if stock.is_full and stock.position < position:
        return page_of(entity.name, stock.spilled), entity
    return (entity,)


def corrected_skus(mentioned: Iterable[Entity]) -> list[str]:
    """Return the SKUs whose rows or counts hold a corrected event, sorted."""
    names = ((entity.name if entity.kind is STOCK else sku_of(entity.name)) for entity in mentioned if entity.kind in (STOCK, PAGE))
    return sorted(set(names))


def earlier_rows(view: View, sku: str, since: int | None = None) -> on_hand.Earlier:
    """Return how to read the pages of a SKU, from the first that is not settled or from a number on."""

    def read(stock: Stock) -> Iterator[bytes]:
        first = stock.first_page if since is None else since
        for number in range(first, -(-stock.spilled // ROWS_IN_PAGE)):
            page = view.state(page_of(sku, number * ROWS_IN_PAGE))
            yield page.rows if isinstance(page, Page) else b""

    return read


def decide_stock(sku: str, state: State | None, happening: Happening, view: View, changes: Changes) -> Decision:
    """Fold an event into the stock; settle it when it is looked at."""
    stock = state if isinstance(state, Stock) else _EMPTY
    if isinstance(happening, Occurred) and happening.event.type != STOCK_COUNTED:
        moved = changes.of(happening.event)
        stock = on_hand.with_movement(stock, moved, moved.deltas[sku], happening.counts, view.offset)
    else:
        stock = _told_anew(stock, sku, happening, view)
    return Decision(stock, (), looks_at(stock, view))


def looks_at(stock: Stock, view: View) -> int | None:
    """Return when a stock wants to be looked at, to be settled."""
    due, clock = on_hand.settles_at(stock), view.clock_at
    return due if due is None or clock is None else max(due, clock + SOON)


def _told_anew(stock: Stock, sku: str, happening: Happening, view: View) -> Stock:
    """Fold a count or a correction, or settle."""
    earlier = earlier_rows(view, sku)
    if isinstance(happening, Recounted):
        return on_hand.recounted(stock, happening, earlier)
    if isinstance(happening, Occurred):
        stock = on_hand.with_counts(stock, happening.event, sku, view.offset, happening.counts, earlier)
        return on_hand.settle(stock, None, earlier)
    return on_hand.settle(stock, view.clock_at, earlier)


def decide_page(name: str, state: State | None, happening: Happening, view: View, closed: int) -> Decision:
    """Take the rows that the stock gives away, or, when looked at, end once the stock and the `closed` rows are beyond it."""
    page = state if isinstance(state, Page) else Page()
    clock = view.clock_at or 0
    stock = stock_of(view, sku_of(name))
    if isinstance(happening, Occurred):
        look_at = page.look_at or max(clock, stock.oldest or 0) + 6 * _LOOK_AGAIN
        return Decision(Page(page.rows + stock.rows, look_at), (), look_at)
    if page.doomed_at is not None and view.offset >= page.doomed_at + ERASED_AFTER:
        return Decision(None)
    number = int(name.rpartition("/")[2])
    needed = number >= stock.first_page or (number + 1) * ROWS_IN_PAGE > closed
    doomed_at = None if needed else page.doomed_at or view.offset
    look_at = clock + _LOOK_AGAIN
    return Decision(Page(page.rows, look_at, doomed_at), (), look_at)
