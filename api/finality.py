"""May a figure still change without saying so? Rows are provisional, final, or revised by facts that came after their window."""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from api.resources import Resources
from projections.freshness import read_freshness
from projections.read_models.sales_by_hour.reader import SalesQuery, SalesRow
from projections.read_models.stores.reader import StoreSettings
from projections.read_models.till_periods.lateness import sealed_until
from projections.read_models.till_periods.receipts import LateFacts, read_late_facts, read_tick_clock

Status = Literal["provisional", "final", "revised"]

_PROJECTION = "till_periods"
_WEEK = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class RowFinality:
    """The status of some figures, and which facts revised them."""

    status: Status
    late_facts: int
    last_late_at: datetime | None


@dataclass(frozen=True, slots=True)
class Finality:
    """What decides the status of every row of an answer.

    `sealed`: store to its last final business date, empty without a clock. `late`: store to its store-days that late facts came for.
    """

    query: SalesQuery
    sealed: Mapping[str, date]
    currencies: Mapping[str, str]
    late: Mapping[str, Sequence[LateFacts]]

    @property
    def final_until(self) -> date | None:
        """The last business date that is final for every store of the question."""
        return min(self.sealed.values(), default=None)

    def of_answer(self) -> RowFinality:
        """Return the status of everything asked for."""
        return self._judged(self.final_until, self.query.date_until, self._late_of(None))

    def of_row(self, row: SalesRow) -> RowFinality:
        """Return the status of a row: of the business dates that it spans, so far as they were asked for."""
        first, last = _span(row, self.query)
        sealed = self.final_until if row.store_id is None else self.sealed.get(row.store_id)
        late = [
            facts
            for facts in self._late_of(row.store_id)
            if first <= facts.business_date <= last and self.currencies.get(facts.store_id) == row.currency
        ]
        return self._judged(sealed, last, late)

    def _late_of(self, store_id: str | None) -> Sequence[LateFacts]:
        return self.late.get(store_id, ()) if store_id is not None else [facts for of_store in self.late.values() for facts in of_store]

    def _judged(self, sealed: date | None, last: date, late: Sequence[LateFacts]) -> RowFinality:
        count = sum(facts.facts for facts in late)
        status: Status = "provisional" if sealed is None or last > sealed else ("revised" if count else "final")
        return RowFinality(status, count, max((facts.last_at for facts in late), default=None))


async def finality_of(resources: Resources, query: SalesQuery, as_of: datetime | None) -> Finality:
    """Ask what decides the status of an answer that holds as of a time of the broker.

    A stack of simulated time has its clock, and the time at which a fact came, from the ticks on the log.
    """
    stores = {store_id: store for store_id, store in resources.stores.known().items() if store_id in set(query.store_ids)}
    is_live = resources.config.time == "live"
    clock = await (_broker_clock(resources, as_of) if is_live else read_tick_clock(resources.engine))
    late = await read_late_facts(resources.engine, stores, query.date_from, query.date_until, simulated=not is_live)
    return _finality(query, stores, clock, late)


def _finality(query: SalesQuery, stores: Mapping[str, StoreSettings], clock: datetime | None, late: Sequence[LateFacts]) -> Finality:
    sealed = {} if clock is None else {name: sealed_until(clock, store.timezone, store.cut_off_hour) for name, store in stores.items()}
    currencies = {name: store.currency for name, store in stores.items()}
    return Finality(query, sealed, currencies, by_store(late))


def by_store(late: Iterable[LateFacts]) -> dict[str, list[LateFacts]]:
    """Sort late facts by their store, for a row of a store is asked about that one alone."""
    found: dict[str, list[LateFacts]] = {}
    for facts in late:
        found.setdefault(facts.store_id, []).append(facts)
    return found


async def _broker_clock(resources: Resources, as_of: datetime | None) -> datetime | None:
    """What came late is told by another read model than the sums: the answer is of the earlier of both."""
    other = (await read_freshness(resources.engine, _PROJECTION)).as_of
    return min(as_of, other) if as_of and other else None


def _span(row: SalesRow, query: SalesQuery) -> tuple[date, date]:
    """Return the first and last business date of a row, within the question."""
    if "week" in query.group_by and isinstance(row.bucket, date):
        span = row.bucket, row.bucket + _WEEK
    elif "month" in query.group_by and isinstance(row.bucket, date):
        span = row.bucket, row.bucket.replace(day=monthrange(row.bucket.year, row.bucket.month)[1])
    elif row.bucket is not None:
        span = row.first_date, row.last_date
    else:
        return query.date_from, query.date_until
    return max(span[0], query.date_from), min(span[1], query.date_until)
