"""The summary of a store's business date as state: made from the pages when the clock asks, with the sales that refunds name.

A sale that was found once is looked for in its page only; one that was not is looked for again at each look.
"""

from collections.abc import Iterable

from processors.rules.fraud import deeds, ledger, refund_links
from processors.rules.fraud.deeds import Deed, Found, Row, Tally, Terms
from processors.rules.fraud.ledger import BLOCKS, Place, Sale
from processors.rules.rule import RETENTION, Kind, State, View

_REACH_DAYS = RETENTION.days
_MISSED_WITHIN_DAYS = 27
"""A sale of a day that is kept, with days to spare for late data, should be there."""


class Day(State, frozen=True, array_like=True):
    """One business date: who did what, the sales that were named, and whether rows have changed since it was made."""

    is_stale: bool = True
    tallies: tuple[Tally, ...] = ()
    deeds: tuple[Deed, ...] = ()
    sales: tuple[Sale, ...] = ()


DAY = Kind("fraud_day", Day, 1, 1)


def renewed(day: int, known: Day, terms: Terms, view: View) -> Day:
    """Make the summary anew from the pages as they are."""
    search = _Search(day, known, view)
    tallies, done = deeds.summary(list(ledger.pages(view, day)), terms, search.look_up)
    return Day(False, tallies, done, tuple(search.found[event] for event in sorted(search.found)))


class _Search:
    """Looks up the sales that the refunds of one day name."""

    def __init__(self, day: int, known: Day, view: View) -> None:
        self.found: dict[bytes, Sale] = {}
        self._day, self._view = day, view
        self._links = view.state(refund_links.ENTITY)
        sale_of = {deed.event: deed.sale for deed in known.deeds if deed.sale}
        by_event = {sale.event: sale for sale in known.sales}
        self._before = {refund: by_event[sale] for refund, sale in sale_of.items() if sale in by_event}

    def look_up(self, row: Row) -> Found:
        """Say what is known of the sale that a row names."""
        if row.link is None:
            return Found(None, False, 0)
        sale = self._known(row) or self._sought(row)
        if sale is not None:
            self.found[sale.event] = sale
        return Found(sale, sale is None and self._is_missing(row.link.claimed), self._refunded(row))

    def _known(self, row: Row) -> Sale | None:
        """Return the sale that was found before, as its page has it now; as it was where the page is forgotten."""
        before = self._before.get(row.event)
        if before is None or row.link is None:
            return None
        place = Place(*divmod(before.place, len(BLOCKS)))
        page = ledger.page_at(self._view, place)
        return before if page is None else ledger.find_sale(page, row.link, place)

    def _sought(self, row: Row) -> Sale | None:
        assert row.link is not None
        for day in self._days(row.link.claimed):
            for place, page in ledger.pages(self._view, day):
                sale = ledger.find_sale(page, row.link, place)
                if sale is not None:
                    return sale
        return None

    def _days(self, claimed: int) -> Iterable[int]:
        """Return the days to look at, newest first; around the day of the approval where it is said."""
        if claimed:
            return range(claimed + 1, claimed - 2, -1)
        return range(self._day + 1, self._day - _REACH_DAYS - 1, -1)

    def _is_missing(self, claimed: int) -> bool:
        """Tell whether the sale should be there: its day is within reach, and other sales of that day are there."""
        if not self._day - _MISSED_WITHIN_DAYS <= claimed <= self._day:
            return False
        return any(True for _ in ledger.pages(self._view, claimed))

    def _refunded(self, row: Row) -> int:
        """Return what was paid back of the same sale before."""
        assert row.link is not None
        others = refund_links.refunds_of(self._links, refund_links.token_of(row.link))
        return sum(each.amount for each in others if each.counts and (each.at, each.event) < (row.at, row.event))
