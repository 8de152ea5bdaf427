"""Who was heard on a business date, who was silent, and which numbers are missing: no data is never no sales."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.read_models.till_days.expectation import TillLists, days_after, store_spans, till_spans, tills_on

MOST_RANGES: Final = 20
"""So many ranges of missing numbers are listed for a store-day; their sum is over all."""

_HEARD: Final = """
    SELECT s.store_id, (SELECT min(d.business_date) FROM read_g{generation}.store_days d WHERE d.store_id = s.store_id) AS first_day,
           (SELECT max(d.business_date) FROM read_g{generation}.store_days d
               WHERE d.store_id = s.store_id AND d.is_certain) AS last_day,
           EXISTS (SELECT FROM read_g{generation}.device_numbers n WHERE n.store_id = s.store_id) AS is_numbered
    FROM unnest(CAST(:stores AS text[])) AS s (store_id)
"""
_COUNTS: Final = """
    SELECT
        (SELECT coalesce(sum((SELECT count(*) FROM read_g{generation}.store_days d
            WHERE d.store_id = s.store_id AND d.business_date BETWEEN s.first AND s.last)), 0)
            FROM unnest(CAST(:stores AS text[]), CAST(:firsts AS date[]), CAST(:lasts AS date[])) AS s (store_id, first, last)
        ) AS days_heard,
        (SELECT coalesce(sum((SELECT count(*) FROM read_g{generation}.till_days t
            WHERE t.store_id = s.store_id AND t.till_id = s.till_id AND t.business_date BETWEEN s.first AND s.last)), 0)
            FROM unnest(CAST(:till_stores AS text[]), CAST(:tills AS text[]), CAST(:till_firsts AS date[]), CAST(:till_lasts AS date[]))
                AS s (store_id, till_id, first, last)
        ) AS tills_heard,
        (SELECT coalesce(sum(last_missing::numeric - first_missing + 1), 0) FROM read_g{generation}.number_gaps
            WHERE store_id = ANY (CAST(:asked AS text[])) AND business_date BETWEEN :date_from AND :date_until) AS numbers_missing
"""
"""A range of an index for each span: a join would read every store's history to find one day."""
_DAYS: Final = """
    SELECT {columns} FROM unnest(CAST(:stores AS text[]), CAST(:days AS date[])) AS asked (store_id, business_date)
    JOIN read_g{generation}.{table} USING (store_id, business_date) ORDER BY store_id, business_date, {order}
"""


@dataclass(frozen=True, slots=True)
class DaysAsked:
    """Stores and business dates (both inclusive). `scope`: all stores whose being heard shows that a date has come."""

    store_ids: tuple[str, ...]
    scope: tuple[str, ...]
    date_from: date
    date_until: date


class TillDayCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date


@dataclass(frozen=True, slots=True)
class TillHeard:
    """A till that was heard on a business date; `last_heard_at` is its own clock's."""

    till_id: str
    last_heard_at: datetime
    has_heartbeat: bool
    is_closed: bool


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Numbers of a device that it made and that did not come, both ends inclusive."""

    device_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TillDay:
    """A store on a business date. `tills_expected` is None where the store names no tills; then all that were heard are counted."""

    store_id: str
    business_date: date
    tills_expected: int | None
    tills_heard: int
    tills_silent: tuple[str, ...]
    tills: tuple[TillHeard, ...]
    numbers_missing: int | None
    missing: tuple[MissingRange, ...]
    last_heard_at: datetime | None

    @property
    def cursor(self) -> TillDayCursor:
        """Where the next page begins."""
        return TillDayCursor(self.store_id, self.business_date)


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what should have come has come, summed over store-days; None where nothing says what should have."""

    tills_expected: int | None
    tills_heard: int | None
    numbers_missing: int | None
    store_days_expected: int
    store_days_heard: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides which days are expected."""

    first_heard: Mapping[str, date]
    latest: date | None
    numbered: frozenset[str]


async def read_completeness(engine: AsyncEngine, asked: DaysAsked, lists: TillLists) -> Completeness:
    """Sum up the days that were asked for; `lists` are the tills of the asked stores."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "till_days")
        known = await _known(conn, generation, asked)
        spans = store_spans(known.first_heard, known.latest, asked.date_from, asked.date_until)
        tills = till_spans(spans, lists)
        bound = {
            "stores": [span.store_id for span in spans],
            "firsts": [span.first for span in spans],
            "lasts": [span.last for span in spans],
            "till_stores": [span.store_id for span in tills],
            "tills": [span.till_id for span in tills],
            "till_firsts": [span.first for span in tills],
            "till_lasts": [span.last for span in tills],
            "asked": list(asked.store_ids),
            "date_from": asked.date_from,
            "date_until": asked.date_until,
        }
        found = (await conn.execute(text(_COUNTS.format(generation=generation)), bound)).one()
    are_defined = any(tills for of_store in lists.values() for _, tills in of_store)
    return Completeness(
        tills_expected=sum(span.days for span in tills) if are_defined else None,
        tills_heard=int(found.tills_heard) if are_defined else None,
        numbers_missing=int(found.numbers_missing) if known.numbered else None,
        store_days_expected=sum(span.days for span in spans),
        store_days_heard=int(found.days_heard),
    )


async def read_till_days(
    engine: AsyncEngine, asked: DaysAsked, lists: TillLists, cursor: TillDayCursor | None = None, limit: int = 100
) -> list[TillDay]:
    """Return a page of expected store-days, heard or not, by store and business date."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "till_days")
        known = await _known(conn, generation, asked)
        days = days_after(store_spans(known.first_heard, known.latest, asked.date_from, asked.date_until), cursor, limit)
        heard = await _rows(conn, generation, days, "store_days", "last_heard_at", "last_heard_at")
        tills = await _rows(conn, generation, days, "till_days", "till_id, last_heard_at, has_heartbeat, is_closed", "till_id")
        gaps = await _rows(conn, generation, days, "number_gaps", "device_id, first_missing, last_missing", "device_id, next_seq")
    return [
        _till_day(day, lists, heard[day], [TillHeard(*row) for row in tills[day]], gaps[day] if day[0] in known.numbered else None)
        for day in days
    ]


def _till_day(
    day: tuple[str, date],
    lists: TillLists,
    heard: Sequence[tuple[datetime]],
    tills: Sequence[TillHeard],
    gaps: Sequence[tuple[str, int, int]] | None,
) -> TillDay:
    expected, names = tills_on(lists, *day), {till.till_id for till in tills}
    return TillDay(
        *day,
        tills_expected=len(expected) or None,
        tills_heard=len(names.intersection(expected) if expected else names),
        tills_silent=tuple(till_id for till_id in expected if till_id not in names),
        tills=tuple(tills),
        numbers_missing=None if gaps is None else sum(last - first + 1 for _, first, last in gaps),
        missing=tuple(MissingRange(*row) for row in (gaps or ())[:MOST_RANGES]),
        last_heard_at=heard[0][0] if heard else None,
    )


async def _known(conn: AsyncConnection, generation: int, asked: DaysAsked) -> _Known:
    stores = sorted({*asked.store_ids, *asked.scope})
    rows = (await conn.execute(text(_HEARD.format(generation=generation)), {"stores": stores})).all()
    of_asked = [row for row in rows if row.store_id in set(asked.store_ids)]
    return _Known(
        {row.store_id: row.first_day for row in of_asked if row.first_day is not None},
        max((row.last_day for row in rows if row.last_day is not None), default=None),
        frozenset(row.store_id for row in of_asked if row.is_numbered),
    )


async def _rows(
    conn: AsyncConnection, generation: int, days: Sequence[tuple[str, date]], table: str, columns: str, order: str
) -> dict[tuple[str, date], list[Any]]:
    found: dict[tuple[str, date], list[Any]] = defaultdict(list)
    statement = text(_DAYS.format(generation=generation, table=table, columns=f"store_id, business_date, {columns}", order=order))
    bound = {"stores": [store_id for store_id, _ in days], "days": [day for _, day in days]}
    for store_id, day, *row in (await conn.execute(statement, bound)).all():
        found[store_id, day].append(tuple(row))
    return found
