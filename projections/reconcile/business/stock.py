"""The check of the stock ledger: counts and movements of the ledger against stock on hand, and every count against the book."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from contracts.business_time import business_date
from contracts.policies.reconciliation import ReconciliationPolicy
from projections.read_models.stores.reader import StoreSettings
from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.reading import lasting
from projections.reconcile.business.stock_reader import CountKey, CountSeen, Ledger, read_books, read_on_hand
from projections.reconcile.business.stores import stores_of
from projections.reconcile.business.tolerances import Tolerances, read_tolerances
from projections.reconcile.checks import CheckOutcome, Connections, Finding, Scope, Tally

NAME: Final = "stock_ledger"
_UNITS: Final = "units"

Pair: TypeAlias = tuple[Decimal, Decimal]
"""What the model says, and what the ledger adds up to."""


def differing_stock(on_hand: Mapping[str, Decimal], ledger: Mapping[str, Decimal]) -> dict[str, Pair]:
    """Return the SKUs whose stock is not last count + movements after it, by the ledger."""
    nothing = Decimal(0)
    pairs = {sku: (on_hand.get(sku, nothing), ledger.get(sku, nothing)) for sku in sorted(on_hand.keys() | ledger.keys())}
    return {sku: pair for sku, pair in pairs.items() if pair[0] != pair[1]}


def differing_books(books: Mapping[CountKey, Decimal | None], counts: Sequence[CountSeen]) -> dict[CountKey, Pair]:
    """Return the counts that both stores know, and whose book is not the count before + the movements between."""
    pairs = {count.key: (book, count.book) for count in counts if (book := books.get(count.key)) is not None}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def judge_on_hand(store_id: str, day: date, sku: str, pair: Pair) -> Finding:
    """Name an SKU of which both stores hold another stock."""
    said, added = pair
    text = f"SKU {sku}: {said.normalize():f} on hand; last count + movements since, by the ledger, are {added.normalize():f}"
    return Finding(NAME, store_id, day, f"SKU {sku}", text, said, added, _UNITS)


def judge_book(store_id: str, day: date, count: CountKey, pair: Pair) -> Finding:
    """Name a count before which both stores hold another book."""
    said, added = pair
    text = (
        f"SKU {count.sku}: the book at the count was {said.normalize():f};"
        f" the count before + movements between, by the ledger, are {added.normalize():f}"
    )
    return Finding(NAME, store_id, day, f"SKU {count.sku}", text, said, added, _UNITS, (count.event_id,))


def judge_count(store_id: str, day: date, count: CountSeen, policy: ReconciliationPolicy, *, is_settled: bool) -> Iterator[Finding]:
    """Compare what was counted with the book: opening count + movements between."""
    variance, allowed = count.counted - count.book, policy.count(count.moved)
    if abs(variance) <= allowed:
        return
    word = "more" if variance > 0 else "less"
    text = (
        f"SKU {count.key.sku}: {count.counted.normalize():f} counted, {count.book.normalize():f} expected by the book:"
        f" {abs(variance).normalize():f} {word}, {allowed.normalize():f} allowed after {count.moved.normalize():f} units moved"
    )
    events = (count.key.event_id,)
    yield Finding(NAME, store_id, day, f"SKU {count.key.sku}", text, count.counted, count.book, _UNITS, events, not is_settled)


class StockLedger:
    """The check `stock_ledger`."""

    name = NAME
    title = "Counts and movements add up to stock on hand, and counts agree with the book"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Compare what is on hand now, and the counts that were made on the dates of the scope, store by store."""
        tally, stores = Tally(), await stores_of(connections, scope)
        tolerances = await read_tolerances(connections.engine, stores)
        for store in stores.values():
            await _judge_store(connections, store, scope, tolerances, tally)
        return tally.outcome(self)


async def _judge_store(connections: Connections, store: StoreSettings, scope: Scope, tolerances: Tolerances, tally: Tally) -> None:
    ledger = await Ledger.of(connections, store.store_id)
    tally.compared += len(await read_on_hand(connections.engine, store.store_id))
    on_hand = await lasting(partial(_look_at_stock, connections, ledger))
    today = scope.date_until
    if connections.clock is not None:
        today = min(today, business_date(connections.clock, store.timezone, store.cut_off_hour))
    tally.add(judge_on_hand(store.store_id, today, sku, pair) for sku, pair in on_hand.items())
    since, until = _moments(store, scope)
    async for page in ledger.counts(since, until):
        tally.compared += len(page)
        books = await lasting(partial(_look_at_books, connections, store.store_id, page))
        tally.add(judge_book(store.store_id, _day(store, count), count, pair) for count, pair in books.items())
        for count in page:
            day = _day(store, count.key)
            settled = is_sealed(connections.clock, store, day)
            tally.add(judge_count(store.store_id, day, count, tolerances.at(store, day), is_settled=settled))


async def _look_at_stock(connections: Connections, ledger: Ledger) -> dict[str, Pair]:
    return differing_stock(await read_on_hand(connections.engine, ledger.store_id), await ledger.stock())


async def _look_at_books(connections: Connections, store_id: str, page: Sequence[CountSeen]) -> dict[CountKey, Pair]:
    books = await read_books(connections.engine, store_id, page)
    return differing_books(books, page)


def _day(store: StoreSettings, count: CountKey) -> date:
    return business_date(count.counted_at, store.timezone, store.cut_off_hour)


def _moments(store: StoreSettings, scope: Scope) -> tuple[datetime, datetime]:
    """Return when the first business date of a scope begins in a store, and when the last ends."""
    zone, cut_off = ZoneInfo(store.timezone), time(store.cut_off_hour)
    return datetime.combine(scope.date_from, cut_off, zone), datetime.combine(scope.date_until + timedelta(days=1), cut_off, zone)
