"""When does a store trade? From its opening to its closing, as reference data say, and not on a weekday on which it never was heard."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.read_models.reference_data.reader import ReferenceAsked, ReferenceCursor, read_reference_data
from projections.read_models.stores.reader import StoreSettings

WEEKS: Final = 4
"""So many weeks before a date say on which weekdays a store rests."""
_ENOUGH: Final = 3
_AROUND_DAYS: Final = 3
_PAGE: Final = 200


class Years(NamedTuple):
    """First and last day of trade of a store, both inclusive; None where it has none."""

    opened_on: date | None = None
    closed_on: date | None = None

    def cover(self, day: date) -> bool:
        """Tell whether the store is there on a date."""
        return (self.opened_on is None or day >= self.opened_on) and (self.closed_on is None or day <= self.closed_on)


ALWAYS: Final = Years()


@dataclass(frozen=True, slots=True)
class Trading:
    """What is known of the trade of a store: its years, and when it was heard, from `WEEKS` before the dates that are asked about."""

    years: Years = ALWAYS
    heard: Collection[date] = ()

    def is_open(self, day: date, chain: Collection[date]) -> bool:
        """Tell whether a store is expected to trade on a date; `chain`: dates on which any store of its chain was heard."""
        return self.years.cover(day) and not self._rests(day, chain)

    def _rests(self, day: date, chain: Collection[date]) -> bool:
        """A weekday is one of rest where the store was silent on the last ones, and heard in the days around each of them."""
        before = [each for week in range(1, WEEKS + 1) if (each := day - timedelta(weeks=week)) in chain]
        return len(before) >= _ENOUGH and all(each not in self.heard and self._is_heard_around(each) for each in before)

    def _is_heard_around(self, day: date) -> bool:
        return any(day + timedelta(days=days) in self.heard for days in range(-_AROUND_DAYS, _AROUND_DAYS + 1))


async def read_years(engine: AsyncEngine, stores: Mapping[str, StoreSettings]) -> dict[str, Years]:
    """Return the years of stores by the newest version of each."""
    newest: dict[str, tuple[tuple[datetime, int], dict[str, Any]]] = {}
    for tenant_id in sorted({store.tenant_id for store in stores.values()}):
        of_chain = tuple(store_id for store_id, store in stores.items() if store.tenant_id == tenant_id)
        cursor: ReferenceCursor | None = ReferenceCursor("", 0, UUID(int=0))
        while cursor is not None:
            page = await read_reference_data(engine, ReferenceAsked(tenant_id, of_chain, "store"), cursor, _PAGE)
            for row in page:
                age = (row.effective_from, row.version)
                if row.name not in newest or age > newest[row.name][0]:
                    newest[row.name] = age, row.data
            cursor = page[-1].cursor if len(page) == _PAGE else None
    return {store_id: Years(_date(data, "opened_on"), _date(data, "closed_on")) for store_id, (_, data) in newest.items()}


def _date(data: Mapping[str, Any], name: str) -> date | None:
    return None if data.get(name) is None else date.fromisoformat(data[name])
