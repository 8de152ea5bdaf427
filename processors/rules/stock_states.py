"""Which states of a SKU's stock an event touches, and what each of them becomes: shared by whatever judges stock.

The page of rows is written before the stock that hands it its rows, and erased a hundred thousand
positions after nobody needs it: so no batch that is folded again finds a page that it read before gone.
"""

from collections.abc import Iterator
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import STOCK_COUNTED
from contracts.events.stock import StockCounted
from processors.rules import on_hand
from processors.rules.on_hand import STOCK, Moved, Stock, moved_by
from processors.rules.rule import Decision, Entity, Happening, Occurred, Recounted, State, View
from processors.rules.stock_journal import (
    JOURNAL,
    JOURNAL_PAGE,
    OPEN_PAGE,
    journal_of,
    kept,
    leaving,
    mentioned_skus,
    page_name,
    shelves_of,
    with_event,
)
from processors.rules.stock_rows import PAGE, ROWS_IN_PAGE, Page, page_of, sku_of

ERASED_AFTER = 100_000
"""Positions between the moment at which a page is of no more use and its end; no batch is as long."""
_LOOK_AGAIN = 7 * 86_400_000_000
SOON = 3_600_000_000


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
    """Return the stock of a SKU as it is, empty where nothing is known."""
    return shelves_of(view).of(sku, view).stock


def counted_skus(event: Event[StockCounted]) -> list[str]:
    """Return the SKUs of a count sheet, sorted."""
    return sorted(event.data.lines_by_sku)


def moved_states(moved: Moved, counts: bool, view: View) -> list[Entity]:
    """Return the states of stock that a movement changes, in order: pages and stocks that have to be written now, then the journal.

    A stock that has the record already gives nothing away: its rows may be newer than the record that is folded again.
    """
    shelves, journal, offset = shelves_of(view), journal_of(view), view.offset
    touched, given_up = list[Entity](), list[str]()
    if journal.is_full and view.reader(JOURNAL)(OPEN_PAGE.name)[1].applied < offset:
        given_up = leaving(journal, view)
        touched.append(Entity(JOURNAL_PAGE, page_name(journal.number)))
        touched += [Entity(STOCK, sku) for sku in given_up if sku not in moved.deltas]
    for sku in moved.deltas:
        shelf = shelves.of(sku, view)
        if shelf.position < offset:
            if not shelf.room:
                touched.append(page_of(sku, shelf.spilled))
            if not counts or moved.at < shelf.takes_from or sku in given_up:
                touched.append(Entity(STOCK, sku))
    return [*touched, OPEN_PAGE]


def corrected_skus(change: Recounted, view: View) -> list[str]:
    """Return the SKUs whose rows or counts hold a corrected event, sorted."""
    mentioned = change.mentioned
    names = {(entity.name if entity.kind is STOCK else sku_of(entity.name)) for entity in mentioned if entity.kind in (STOCK, PAGE)}
    return sorted(names | mentioned_skus((each for each in mentioned if each.kind in (JOURNAL, JOURNAL_PAGE)), change, view))


def earlier_rows(view: View, sku: str, since: int | None = None) -> on_hand.Earlier:
    """Return how to read the pages of a SKU, from the first that is not settled or from a number on."""

    def read(stock: Stock) -> Iterator[bytes]:
        first = stock.first_page if since is None else since
        for number in range(first, -(-stock.spilled // ROWS_IN_PAGE)):
            page = view.state(page_of(sku, number * ROWS_IN_PAGE))
            yield page.rows if isinstance(page, Page) else b""

    return read


def decide_stock(sku: str, happening: Happening, view: View, changes: Changes) -> Decision:
    """Write a stock with what moved since: with the event, or without where its rows are given up; settle it when it is looked at."""
    shelves = shelves_of(view)
    stock = shelves.of(sku, view).stock
    if isinstance(happening, Occurred) and happening.event.type != STOCK_COUNTED:
        moved = changes.of(happening.event)
        delta = moved.deltas.get(sku)
        if delta is not None:
            stock = on_hand.with_movement(stock, moved, delta, happening.counts, view.offset)
    else:
        stock = _told_anew(stock, sku, happening, view)
    shelves.wrote(sku)
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


def decide_journal(entity: Entity, happening: Happening, view: View, changes: Changes) -> Decision:
    """Write an event down, or keep the page that is full."""
    journal = journal_of(view)
    if entity.kind is JOURNAL_PAGE:
        return Decision(kept(journal))
    assert isinstance(happening, Occurred)
    return Decision(with_event(journal, changes.of(happening.event), view))


def with_rows(page: Page, stock: Stock, clock: int) -> Page:
    """Return a page with the rows of a stock that is full."""
    return Page(page.rows + stock.rows, page.look_at or max(clock, stock.oldest or 0) + 6 * _LOOK_AGAIN)


def decide_page(name: str, state: State | None, happening: Happening, view: View, closed: int) -> Decision:
    """Take the rows that the stock gives away, or, when looked at, end once the stock and the `closed` rows are beyond it."""
    page = state if isinstance(state, Page) else Page()
    clock = view.clock_at or 0
    stock = stock_of(view, sku_of(name))
    if isinstance(happening, Occurred):
        page = with_rows(page, stock, clock)
        return Decision(page, (), page.look_at)
    if page.doomed_at is not None and view.offset >= page.doomed_at + ERASED_AFTER:
        return Decision(None)
    number = int(name.rpartition("/")[2])
    needed = number >= stock.first_page or (number + 1) * ROWS_IN_PAGE > closed
    doomed_at = None if needed else page.doomed_at or view.offset
    look_at = clock + _LOOK_AGAIN
    return Decision(Page(page.rows, look_at, doomed_at), (), look_at)
