"""Which stores and tills should have been heard on which business dates; pure.

A store is expected from the first business date on which it was ever heard, and for as long as any store in scope is heard by
a clock that is not ahead; not on dates on which it is closed by its own word.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple, Protocol, TypeAlias

TillLists: TypeAlias = Mapping[str, Sequence[tuple[date, tuple[str, ...]]]]
"""Store to the lists of its tills, each with the business date from which it holds, oldest first."""


class OpenDays(Protocol):
    """When a store trades, by its own word."""

    def is_open(self, day: date) -> bool:
        """Tell whether it may trade on a business date."""
        ...


Calendars: TypeAlias = Mapping[str, OpenDays]
"""Store to its calendar; one that has none may trade on every day."""
ALWAYS: Final[Calendars] = {}

_DAY: Final = timedelta(days=1)


class StoreSpan(NamedTuple):
    """Business dates, both inclusive, on which a store should have been heard."""

    store_id: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


class TillSpan(NamedTuple):
    """Business dates, both inclusive, on which a till should have been heard."""

    store_id: str
    till_id: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


def store_spans(
    first_heard: Mapping[str, date], latest: date | None, date_from: date, date_until: date, calendars: Calendars = ALWAYS
) -> list[StoreSpan]:
    """Return the spans of each store that has any, by store and date."""
    if latest is None:
        return []
    last = min(date_until, latest)
    whole = (StoreSpan(store_id, max(date_from, first), last) for store_id, first in sorted(first_heard.items()))
    return [span for each in whole for span in _open_within(each, calendars.get(each.store_id)) if span.first <= span.last]


def _open_within(span: StoreSpan, calendar: OpenDays | None) -> Iterator[StoreSpan]:
    """Yield the dates of a span on which a store may trade, as spans."""
    if calendar is None:
        yield span
        return
    begun: date | None = None
    for number in range(span.days):
        day = span.first + number * _DAY
        if calendar.is_open(day):
            begun = begun or day
        elif begun is not None:
            yield StoreSpan(span.store_id, begun, day - _DAY)
            begun = None
    if begun is not None:
        yield StoreSpan(span.store_id, begun, span.last)


def tills_on(lists: TillLists, store_id: str, day: date) -> tuple[str, ...]:
    """Return the tills of a store on a business date; before its first list holds, those of the first."""
    of_store = lists.get(store_id, ())
    begun = [tills for since, tills in of_store if since <= day]
    if begun:
        return begun[-1]
    return of_store[0][1] if of_store else ()


def till_spans(spans: Sequence[StoreSpan], lists: TillLists) -> list[TillSpan]:
    """Return the spans of all tills that are expected, cut where the list of a store's tills changes."""
    found = []
    for span in spans:
        changes = [since for since, _ in lists.get(span.store_id, ()) if span.first < since <= span.last]
        begins = [span.first, *sorted(set(changes))]
        ends = [*(begin - _DAY for begin in begins[1:]), span.last]
        for first, last in zip(begins, ends, strict=True):
            found += [TillSpan(span.store_id, till_id, first, last) for till_id in tills_on(lists, span.store_id, first)]
    return found


def days_after(spans: Sequence[StoreSpan], cursor: tuple[str, date] | None, limit: int) -> list[tuple[str, date]]:
    """Return the next store-days of a list, by store and business date."""
    found: list[tuple[str, date]] = []
    for span in spans:
        first = span.first
        if cursor is not None and span.store_id <= cursor[0]:
            first = max(first, cursor[1] + _DAY) if span.store_id == cursor[0] else span.last + _DAY
        while first <= span.last and len(found) < limit:
            found.append((span.store_id, first))
            first += _DAY
    return found
