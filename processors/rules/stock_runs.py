"""Moves the stocks of a run of events in one go: most sales are of goods that are known, and of which enough is left."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

from processors.rules.on_hand import STOCK, Moved, moved_by, with_movement
from processors.rules.rule import Became, Entity, Entry, EventRun, Kind, Left, View
from processors.rules.stock_journal import (
    JOURNAL,
    JOURNAL_PAGE,
    OPEN_PAGE,
    Journal,
    Note,
    Shelf,
    Shelves,
    journal_of,
    kept,
    leaving,
    page_name,
    shelves_of,
    turned,
    written,
)
from processors.rules.stock_rows import PAGE, Page, page_of
from processors.rules.stock_states import looks_at, with_rows

_PLACES = "places"

Matters: TypeAlias = Callable[[str, Shelf, int, int, View], bool]
"""Whether what is judged of a SKU may change, once its stock (as it was) has moved by so much at a time."""


@lru_cache(maxsize=4096)
def quiet(above: int, since: int, until: int) -> Note:
    """Return the note that a stock above so much is of no concern from one time until another; equal ones are one."""
    return above, since, until


class _Pen:
    """Writes the journal of a store for the length of a run, and remembers the places of goods for the next on the very same page."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._memo = view.memo()
        self._key, self._before = view.reader(JOURNAL)(OPEN_PAGE.name)
        self._position = self._before.applied
        page = journal_of(view)
        left, places = self._memo.pop(_PLACES, (None, {}))
        self._begin(page, places if left is page else None)

    def _begin(self, page: Journal, places: dict[str, int] | None = None) -> None:
        self.page = page
        self._places = {sku: place for place, sku in enumerate(page.skus)} if places is None else places
        self._rows = [page.rows]
        self.room = page.room

    def write(self, moved: Moved, position: int) -> list[bytes]:
        """Return the rows of an event, one for each of its SKUs."""
        rows = written(self._places, moved, position)
        self._rows += rows
        self.room -= len(rows)
        self._position = position
        return rows

    def _written(self) -> Journal:
        return Journal(tuple(self._places), b"".join(self._rows), self.page.number, self.page.first)

    def turn(self, position: int) -> Iterator[Became]:
        """Keep the page, which is full, and begin a new one."""
        page = self._written()
        key, before = self._view.reader(JOURNAL_PAGE)(page_name(page.number))
        if before.applied < position:
            yield key, before, Entry(JOURNAL_PAGE, kept(page), position, None, self._view.tenant_id)
        self._begin(turned(page))

    def put_down(self) -> Iterator[Became]:
        """Write the open page, if there is anything new."""
        if self._position > self._before.applied:
            page = self._written()
            self._memo[_PLACES] = page, self._places
            yield self._key, self._before, Entry(JOURNAL, page, self._position, None, self._view.tenant_id)


def moved_in_run(run: EventRun, rule: str, judged: Kind, matters: Matters) -> Iterator[Became | Left]:
    """Yield what has to be written of each event at once, and what is judged of its SKUs if that may have to change; then the journal."""
    view = run.view
    shelves, notes, pen = shelves_of(view), view.notes(rule), _Pen(view)
    for number, offset, at, happening in run.rows:
        moved = moved_by(happening.event, at)
        found = [shelves.of(sku, view) for sku in moved.deltas]
        if not happening.counts or not _are_known(found, offset):
            yield from pen.put_down()
            yield Left(number)
            shelves, pen = shelves_of(view), _Pen(view)
            continue
        given_up = list[str]()
        if pen.room <= 0:
            given_up = leaving(pen.page, view)
            yield from pen.turn(offset)
            yield from (_wrote(sku, shelves, view, offset) for sku in given_up if sku not in moved.deltas)
        for (sku, delta), shelf, row in zip(moved.deltas.items(), found, pen.write(moved, offset), strict=True):
            may_matter = not shelf.is_quiet(delta, at, notes.get(sku)) and matters(sku, shelf, delta, at, view)
            if at >= shelf.takes_from and sku not in given_up:
                shelf.take(at, row, delta, offset)
            else:
                if not shelf.room:
                    yield from _spilled(sku, shelf, view, offset)
                yield _wrote(sku, shelves, view, offset, moved)
            if may_matter:
                yield Left(number, Entity(judged, sku))
    yield from pen.put_down()


def _are_known(shelves: list[Shelf], offset: int) -> bool:
    """Return whether all of these are of goods that were seen before, and do not have the record yet."""
    for shelf in shelves:  # noqa: SIM110 - a generator takes longer than what it asks
        if not shelf.seen or shelf.position >= offset:
            return False
    return True


def _wrote(sku: str, shelves: Shelves, view: View, offset: int, moved: Moved | None = None) -> Became:
    """Write a stock with all that moved since."""
    key, before = view.reader(STOCK)(sku)
    stock = shelves.of(sku, view).stock
    if moved is not None:
        stock = with_movement(stock, moved, moved.deltas[sku], True, offset)
    shelves.became(sku, stock)
    return key, before, Entry(STOCK, stock, offset, looks_at(stock, view), view.tenant_id)


def _spilled(sku: str, shelf: Shelf, view: View, offset: int) -> Iterator[Became]:
    """Write the page that takes the rows of a stock."""
    key, before = view.reader(PAGE)(page_of(sku, shelf.spilled).name)
    if before.applied < offset:
        page = with_rows(before.state if isinstance(before.state, Page) else Page(), shelf.stock, view.clock_at or 0)
        yield key, before, Entry(PAGE, page, offset, page.look_at, view.tenant_id)
