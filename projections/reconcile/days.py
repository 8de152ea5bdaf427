"""Which store-days level 2 compares: those that changed since they were compared last, then those that were not looked at for longest.

Of those that changed, each store's newest date, which changes all the time, takes turns with the dates before it, which hardly do.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.envelope import CHAIN_WIDE
from projections.reconcile.compare import MODULUS, Digest
from projections.reconcile.report import StoreDay

STORE_DAYS: Final = 20
STORES: Final = 3
"""A store is folded from the beginning of its partition, so that what a run costs depends on how many stores it looks at."""

_CHECKED: Final = text("SELECT store_id, business_date, events, hash_sum, checked_at FROM delivery.store_days_checked")
_MARK: Final = text(
    """
    INSERT INTO delivery.store_days_checked (store_id, business_date, events, hash_sum)
    SELECT * FROM unnest(CAST(:stores AS text[]), CAST(:days AS text[]), CAST(:events AS bigint[]), CAST(:hashes AS numeric[]))
    ON CONFLICT (store_id, business_date)
    DO UPDATE SET events = excluded.events, hash_sum = excluded.hash_sum, checked_at = now()
    """
)
_FORGET: Final = text("DELETE FROM delivery.store_days_checked WHERE store_id = :store_id AND business_date = :business_date")


@dataclass(frozen=True, slots=True)
class RowScope:
    """What level 2 is asked for: every store-day of a store or of dates (inclusive), or at most so many of all."""

    store_id: str | None = None
    first: date | None = None
    last: date | None = None
    store_days: int = STORE_DAYS
    stores: int = STORES

    @property
    def is_named(self) -> bool:
        """Tell whether a person said which store-days."""
        return (self.store_id, self.first, self.last) != (None, None, None)

    def covers(self, day: StoreDay) -> bool:
        """Tell whether a store-day is among those named; what has no date belongs to every date of its store."""
        if self.store_id is not None and day.store_id != self.store_id:
            return False
        if not day.business_date:
            return True
        is_late_enough = self.first is None or day.business_date >= self.first.isoformat()
        return is_late_enough and (self.last is None or day.business_date <= self.last.isoformat())

    def lacks(self, days: Iterable[StoreDay]) -> str | None:
        """Say of what a person named, and of which the log holds nothing, that it could not be compared; None where there is something."""
        is_dated = self.first is not None or self.last is not None
        if not self.is_named or any(self.covers(day) and (day.business_date or not is_dated) for day in days):
            return None
        of_store = "" if self.store_id is None else f" of store {self.store_id}"
        of_dates = f" from {self.first or 'the first date'} to {self.last or 'the last'}" if is_dated else ""
        return f"the log holds nothing{of_store}{of_dates}"


class Checked(NamedTuple):
    """What a store-day held when it was compared, and when that was."""

    digest: Digest
    at: datetime


class Choice(NamedTuple):
    """The store-days to compare now, and those that changed and have to wait."""

    now: list[StoreDay]
    later: list[StoreDay]


def choose(days: Mapping[StoreDay, Digest], checked: Mapping[StoreDay, Checked], scope: RowScope) -> Choice:
    """Choose store-days; pure."""
    changed = _by_turns([day for day in _newest_first(days) if day not in checked or checked[day].digest != days[day]], days)
    if scope.is_named:
        named = [day for day in _newest_first(days) if scope.covers(day)]
        return Choice(named, [day for day in changed if not scope.covers(day)])
    rest = sorted(days.keys() - set(changed), key=lambda day: (checked[day].at, day))
    chosen: list[StoreDay] = []
    stores = {CHAIN_WIDE}
    for day in [*changed, *rest]:
        if len(chosen) < scope.store_days and (day.store_id in stores or len(stores) <= scope.stores):
            chosen.append(day)
            stores.add(day.store_id)
    return Choice(chosen, [day for day in changed if day not in set(chosen)])


def _by_turns(changed: Sequence[StoreDay], days: Iterable[StoreDay]) -> list[StoreDay]:
    """Let dates that are over have every second place: else a large chain would never get beyond what was sold today."""
    newest: dict[str, str] = {}
    for day in days:
        newest[day.store_id] = max(day.business_date, newest.get(day.store_id, ""))
    turns = {day: 2 * place for place, day in enumerate(day for day in changed if day.business_date == newest[day.store_id])}
    turns |= {day: 2 * place + 1 for place, day in enumerate(day for day in changed if day not in turns)}
    return sorted(changed, key=turns.__getitem__)


def _newest_first(days: Iterable[StoreDay]) -> list[StoreDay]:
    return sorted(sorted(days), key=lambda day: day.business_date, reverse=True)


async def read_checked(engine: AsyncEngine) -> dict[StoreDay, Checked]:
    """Return what was compared so far."""
    async with engine.connect() as conn:
        rows = (await conn.execute(_CHECKED)).all()
    return {StoreDay(store_id, day): Checked(Digest(events, int(hashed) % MODULUS), at) for store_id, day, events, hashed, at in rows}


async def mark_checked(
    engine: AsyncEngine, right: Collection[StoreDay], wrong: Collection[StoreDay], digests: Mapping[StoreDay, Digest]
) -> None:
    """Note which store-days were compared and found right, as the log had them; those found wrong are as if never compared."""
    marked = sorted(right)
    bound = {
        "stores": [day.store_id for day in marked],
        "days": [day.business_date for day in marked],
        "events": [digests[day].ids for day in marked],
        "hashes": [digests[day].hash_sum for day in marked],
    }
    async with engine.begin() as conn:
        await conn.execute(_MARK, bound)
        for day in sorted(wrong):
            await conn.execute(_FORGET, day._asdict())
