"""Which business dates of a store are there to look at, and on which of them nothing is on its way any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from projections.read_models.stores.reader import StoreSettings, till_lists
from projections.read_models.till_days.expectation import TillLists
from projections.read_models.till_days.reader import DaysAsked, TillDay, read_till_days
from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.reading import postgres_rows
from projections.reconcile.business.stores import stores_of
from projections.reconcile.checks import Connections, Scope

_SPAN_DAYS: Final = 31
_HEARD: Final = """
    SELECT min(business_date) AS first, max(business_date) AS last FROM read_g{generation}.store_days
    WHERE store_id = ANY (CAST(:stores AS text[])) AND business_date BETWEEN :first AND :last
"""
_NUMBERED: Final = """
    SELECT EXISTS (SELECT FROM read_g{generation}.device_numbers WHERE store_id = :store AND device_id = :till) AS is_numbered
"""


class Span(NamedTuple):
    """Business dates of one store, both inclusive; at most a month, so that a year is never read at once."""

    store: StoreSettings
    first: date
    last: date

    @property
    def bound(self) -> dict[str, object]:
        """The span as parameters of a statement."""
        return {"store": self.store.store_id, "first": self.first, "last": self.last}


@dataclass(frozen=True, slots=True)
class StoreSpans:
    """The spans of every store in a scope. `lists` are their tills, `scope` the stores whose being heard shows that a date has come."""

    spans: tuple[Span, ...]
    lists: TillLists
    scope: tuple[str, ...]

    async def till_days(self, connections: Connections, span: Span) -> dict[date, TillDay]:
        """Return the expected days of a span, heard or not."""
        asked = DaysAsked((span.store.store_id,), self.scope, span.first, span.last)
        page = await read_till_days(connections.engine, asked, self.lists, limit=_SPAN_DAYS)
        return {day.business_date: day for day in page}


async def spans_of(connections: Connections, scope: Scope) -> StoreSpans:
    """Return for every store of a scope the dates from the first to the last sign of life of any store within it.

    A store that was not heard is there on the dates of the others, else it would hide its own silence.
    """
    stores, known = await stores_of(connections, scope), await stores_of(connections, Scope(scope.date_from, scope.date_until))
    tenants = {store.tenant_id for store in stores.values()}
    neighbours = [store_id for store_id, store in known.items() if store.tenant_id in tenants]
    bound = {"stores": neighbours, "first": scope.date_from, "last": scope.date_until}
    (heard,) = await postgres_rows(connections.engine, "till_days", _HEARD, bound)
    found = [] if heard["first"] is None else [span for store in stores.values() for span in cut(store, heard["first"], heard["last"])]
    return StoreSpans(tuple(found), await till_lists(connections.engine, list(stores)), tuple(neighbours))


def cut(store: StoreSettings, first: date, last: date) -> Iterator[Span]:
    """Cut a stretch of dates into spans."""
    while first <= last:
        end = min(last, first + timedelta(days=_SPAN_DAYS - 1))
        yield Span(store, first, end)
        first = end + timedelta(days=1)


async def is_settled(connections: Connections, span: Span, day: TillDay | None, till_id: str) -> bool:
    """Tell whether nothing that a till made on a date is on its way.

    Either its lateness window is over, or the till was closed, numbers what it sends (under its own name), and no number is
    missing in the store. Others prove nothing before the window is over.
    """
    if day is None:
        return False
    if is_sealed(connections.clock, span.store, day.business_date):
        return True
    is_closed = any(till.till_id == till_id and till.is_closed for till in day.tills)
    return day.numbers_missing == 0 and is_closed and await _numbers_itself(connections, span, till_id)


async def _numbers_itself(connections: Connections, span: Span, till_id: str) -> bool:
    (row,) = await postgres_rows(connections.engine, "till_days", _NUMBERED, {"store": span.store.store_id, "till": till_id})
    return bool(row["is_numbered"])
