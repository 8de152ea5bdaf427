"""What moved in a store lately, in one list: a receipt is written there once, and not to the stock of each of its goods. Pure.

A stock that is held is one of the past. What moved since is in the journal, and a shelf puts both together. A stock is written again
when there is more to it than a movement (a count, a correction, a row that is too late, a look), when its rows have filled a page of
their own, or when the journal gives up the oldest of its pages: so most receipts change one state of their store instead of one a line.

Every movement of the store is in the journal, in the order of the log; a row counts for a stock that does not have its position yet.
Stocks are written before full pages of the journal, and these before the open one. What is missing after a crash in between is folded
again, and what is there already is known by its position.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple, TypeAlias

from processors.rules.on_hand import STOCK, Moved, Stock, Tally
from processors.rules.rule import Entity, Kind, Recounted, State, View
from processors.rules.stock_rows import LARGEST, ROW_BYTES, ROW_FORMAT, ROWS_BESIDE, refuse_beyond_reason

PAGE_ROWS = 64
"""Rows from which a page is full; those of one event are never parted."""
PAGES_KEPT = 128
"""Full pages of a store, some 8,000 rows: of a thousand goods, as many rows each as wait beside a stock on average."""
NAMES = PAGES_KEPT + 2
"""So many names are used in turn; where a page took the name of one that is read again, the stocks of that one were written before."""

_entry = Struct(f">{ROW_FORMAT}qH")
"""A row as a stock holds it, the position of its event, and the place of its SKU on the page."""
_ENTRY_BYTES = _entry.size
_MEMO = "shelves"
_NEVER = 2**63 - 1
_EMPTY = Stock()

Note: TypeAlias = tuple[int, int, int]
"""A stock that has more than so much from one time until another (Unix microseconds) is of no concern."""


class Journal(State, frozen=True, array_like=True):
    """The open page: rows, whose goods are given by their place among `skus`, its number, and that of the oldest page kept."""

    skus: tuple[str, ...] = ()
    rows: bytes = b""
    number: int = 0
    first: int = 0

    @property
    def room(self) -> int:
        """Return how many rows there is room for; the last event may take more."""
        return PAGE_ROWS - len(self.rows) // _ENTRY_BYTES

    @property
    def is_full(self) -> bool:
        """Return whether the next event goes to a page of its own."""
        return self.room <= 0


class JournalPage(State, frozen=True, array_like=True):
    """A page that is full."""

    number: int = -1
    skus: tuple[str, ...] = ()
    rows: bytes = b""


JOURNAL = Kind("stock_journal", Journal, 1, 4)
JOURNAL_PAGE = Kind("stock_journal_page", JournalPage, 1, 3)
OPEN_PAGE = Entity(JOURNAL, "open")


class JournalRow(NamedTuple):
    """An entry that was read."""

    at: int
    event: bytes
    delta: int
    day: int
    is_demand: bool
    position: int
    place: int


class Shelf:
    """A stock as it is: what is held of it, and what moved since. Not a state: it changes, and is remembered only to be quick."""

    __slots__ = (
        *("_counted", "_counted_at", "_held", "_least", "_most", "_movements", "_oldest", "_rows", "_whole"),
        *("on_hand", "position", "room", "seen", "since", "takes_from"),
    )

    def __init__(self, held: Stock) -> None:
        tally = held.tally
        self._held = held
        self._whole: Stock | None = held
        self._rows, self._movements = b"", 0
        self._counted, self._counted_at = (0, _NEVER) if tally is None else (tally.counted, tally.counted_at)
        self._least, self._most = max(-LARGEST, self._counted - LARGEST), min(LARGEST, self._counted + LARGEST)
        self._oldest = _NEVER if held.oldest is None else held.oldest
        self.on_hand = None if tally is None else tally.quantity
        self.position = held.position
        self.room = ROWS_BESIDE - len(held.rows) // ROW_BYTES
        self.seen = held.seen_until
        self.since = _NEVER
        """The position of the first row that is in the journal only."""
        self.takes_from = _NEVER if self.room <= 0 else min(self._oldest, held.counts[0].at) if held.counts else self._oldest
        """From when on a movement that counts can wait in the journal: without it, too, the stock is looked at in time."""

    @property
    def stock(self) -> Stock:
        """Return the stock with what moved since."""
        if self._whole is None:
            held, tally, new = self._held, self._held.tally, self._rows
            rows = b"".join((held.rows, *[new[at : at + ROW_BYTES] for at in range(0, len(new), _ENTRY_BYTES)]))
            if tally is not None and self.on_hand is not None:
                moved, movements = self.on_hand - tally.counted, tally.movements + self._movements
                tally = Tally(tally.counted, tally.counted_at, tally.counted_by, moved, movements)
            self._whole = Stock(
                tally, rows, held.spilled, held.reach, self._oldest, held.counts, held.settled, held.voided, held.first_page,
                self.seen, self.position,
            )  # fmt: skip
        return self._whole

    @property
    def spilled(self) -> int:
        """Return how many rows are on pages of their own."""
        return self._held.spilled

    def take(self, at: int, row: bytes, delta: int, position: int) -> None:
        """Move the stock by a row of the journal, not before `takes_from`; OverflowError beyond all reason."""
        if self.on_hand is not None and at > self._counted_at:
            on_hand = self.on_hand + delta
            if not self._least < on_hand < self._most:
                raise OverflowError("more units on hand than can be counted")
            self.on_hand = on_hand
            self._movements += 1
        if not self._rows:
            self.since = position
        self._rows += row
        self._whole = None
        self.room -= 1
        if not self.room:
            self.takes_from = _NEVER
        self.position = position
        if at > self.seen:  # noqa: PLR1730 - for each line of each receipt, and several times as fast as a call
            self.seen = at
        if at < self._oldest:  # noqa: PLR1730 - as above
            self._oldest = at

    def is_quiet(self, delta: int, at: int, note: Note | None) -> bool:
        """Return whether a note says that the stock is of no concern after a movement; one that was never counted is of none."""
        if self.on_hand is None:
            return True
        if note is None:
            return False
        seen, (above, since, until) = self.seen, note
        return self.on_hand + delta > above and at < until and seen < until and (at >= since or seen >= since)


class Shelves:
    """The stocks of a store as they are, each put together when it is asked for first."""

    def __init__(self, view: View) -> None:
        self._waiting: dict[str, list[bytes]] = {}
        self._known: dict[str, Shelf] = {}
        for page in _pages(view):
            rows, skus = page.rows, page.skus
            for begin in range(0, len(rows), _ENTRY_BYTES):
                row = rows[begin : begin + _ENTRY_BYTES]
                self._waiting.setdefault(skus[int.from_bytes(row[-2:])], []).append(row)

    def of(self, sku: str, view: View) -> Shelf:
        """Return the shelf of a SKU."""
        shelf = self._known.get(sku)
        if shelf is None:
            held = view.state(Entity(STOCK, sku))
            shelf = self._known[sku] = Shelf(held if isinstance(held, Stock) else _EMPTY)
            for row in self._waiting.pop(sku, ()):
                entry = JournalRow._make(_entry.unpack(row))
                if entry.position > shelf.position:
                    shelf.take(entry.at, row, entry.delta, entry.position)
        return shelf

    def wrote(self, sku: str) -> None:
        """Forget a shelf whose stock is being written: with all of its rows."""
        self._known.pop(sku, None)

    def became(self, sku: str, stock: Stock) -> None:
        """Know a stock that was written."""
        self._known[sku] = Shelf(stock)


def shelves_of(view: View) -> Shelves:
    """Return the stocks of the store as they are."""
    memo = view.memo()
    found = memo.get(_MEMO)
    if found is None:
        found = memo[_MEMO] = Shelves(view)
    return found


def journal_of(view: View) -> Journal:
    """Return the open page."""
    state = view.state(OPEN_PAGE)
    return state if isinstance(state, Journal) else Journal()


def page_name(number: int) -> str:
    """Return the name of a page; names come again when nobody needs what they held."""
    return str(number % NAMES)


def _pages(view: View) -> Iterator[Journal | JournalPage]:
    """Return the pages that are kept, the open one last."""
    journal = journal_of(view)
    for number in range(journal.first, journal.number):
        page = _page(number, view)
        if page is not None:
            yield page
    yield journal


def _page(number: int, view: View) -> JournalPage | None:
    """Return a page; None where its name holds another one by now."""
    page = view.state(Entity(JOURNAL_PAGE, page_name(number)))
    return page if isinstance(page, JournalPage) and page.number == number else None


def kept(journal: Journal) -> JournalPage:
    """Return the page that is full, to be kept."""
    return JournalPage(journal.number, journal.skus, journal.rows)


def turned(journal: Journal) -> Journal:
    """Return an empty page behind a full one, which takes the place of the oldest page where there are too many."""
    number = journal.number + 1
    return Journal((), b"", number, max(journal.first, number - PAGES_KEPT))


def leaving(journal: Journal, view: View) -> list[str]:
    """Return the SKUs of which rows are given up when a full page is turned, sorted: their stocks have to be written."""
    given_up, shelves = turned(journal).first, shelves_of(view)
    if given_up == journal.first:
        return []
    page = _page(journal.first, view)
    if page is None:
        return []
    last = JournalRow._make(_entry.unpack(page.rows[-_ENTRY_BYTES:])).position
    return sorted(sku for sku in page.skus if shelves.of(sku, view).since <= last)


def written(places: dict[str, int], moved: Moved, position: int) -> list[bytes]:
    """Return a row of the journal for each SKU that an event moved; new ones get their place."""
    at, event, day, is_demand, rows = moved.at, moved.event, moved.day, moved.is_demand, []
    for sku, delta in moved.deltas.items():
        refuse_beyond_reason(delta)
        place = places.get(sku)
        if place is None:
            place = places[sku] = len(places)
        rows.append(_entry.pack(at, event, delta, day, is_demand, position, place))
    return rows


def with_event(journal: Journal, moved: Moved, view: View) -> Journal:
    """Write an event down, and move the stocks that do not have it yet."""
    page = turned(journal) if journal.is_full else journal
    places, shelves = {sku: place for place, sku in enumerate(page.skus)}, shelves_of(view)
    rows = written(places, moved, view.offset)
    for (sku, delta), row in zip(moved.deltas.items(), rows, strict=True):
        shelf = shelves.of(sku, view)
        if shelf.position < view.offset:
            shelf.take(moved.at, row, delta, view.offset)
    return Journal(tuple(places), b"".join((page.rows, *rows)), page.number, page.first)


def rows_of(page: Journal | JournalPage) -> Iterator[JournalRow]:
    """Read the rows of a page."""
    return map(JournalRow._make, _entry.iter_unpack(page.rows))


def mentioned_skus(pages: Iterable[Entity], change: Recounted, view: View) -> set[str]:
    """Return the SKUs that events moved which count no longer, by the pages that hold them; stocks know what did not count before."""
    found = set[str]()
    for entity in pages:
        page = view.state(entity)
        if isinstance(page, Journal | JournalPage):
            found |= {page.skus[row.place] for row in rows_of(page) if row.event in change.voided}
    return found
